//! Base64 with any alphabet's last two characters, since CloudFront has its own.

/// `+` and `/` (RFC 4648 section 4).
pub(crate) const STANDARD: [u8; 2] = *b"+/";
/// CloudFront writes `-` for `+` and `~` for `/`, and `_` for the padding `=`
/// (CloudFront Developer Guide, "Creating a signed URL using a custom policy").
pub(crate) const CLOUDFRONT: [u8; 2] = *b"-~";

/// Decodes; padding is optional, white space is skipped, anything else is an error.
pub(crate) fn decode(text: &str, last_two: [u8; 2]) -> Option<Vec<u8>> {
    let padding = if last_two == CLOUDFRONT { b'_' } else { b'=' };
    let text = text.trim_end().trim_end_matches(char::from(padding));
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            _ if byte == last_two[0] => 62,
            _ if byte == last_two[1] => 63,
            _ => return None,
        };
        buffer = (buffer << 6 | u32::from(value)) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(buffer >> bits & 0xff).expect("masked to a byte"));
        }
    }
    // Six bits alone are no byte.
    (bits < 6).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_alphabets_are_read() {
        assert_eq!(decode("+/+/", STANDARD), decode("-~-~", CLOUDFRONT));
        assert_eq!(decode("YQ==", STANDARD).as_deref(), Some(&b"a"[..]));
        assert_eq!(decode("YQ", STANDARD).as_deref(), Some(&b"a"[..]));
        assert_eq!(decode("YQ__", CLOUDFRONT).as_deref(), Some(&b"a"[..]));
        assert_eq!(decode("YWJj", STANDARD).as_deref(), Some(&b"abc"[..]));
        for broken in ["Y", "Y!==", "YQ~~"] {
            assert_eq!(decode(broken, STANDARD), None, "{broken}");
        }
    }
}
