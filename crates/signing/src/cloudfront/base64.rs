//! Base64 as CloudFront writes it into URLs and cookies: the standard alphabet with `-` for `+`, `~` for `/` and `_` for
//! the padding `=`. It is not base64url, which gives `_` another meaning.
//!
//! Source: CloudFront developer guide, "Create a signed URL using a custom policy", step "Replace characters".

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~";
const PADDING: u8 = b'_';

/// What each byte stands for; [`NONE`] for those that stand for nothing.
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut index = 0;
    while index < ALPHABET.len() {
        values[ALPHABET[index] as usize] = index.to_le_bytes()[0];
        index += 1;
    }
    values
};
const NONE: u8 = 0xff;

/// Appends the text for `bytes`, always padded.
pub(super) fn encode(bytes: &[u8], out: &mut String) {
    out.reserve(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let [first, second, third] = [chunk[0], chunk.get(1).copied().unwrap_or(0), chunk.get(2).copied().unwrap_or(0)];
        let digits = [first >> 2, (first & 3) << 4 | second >> 4, (second & 15) << 2 | third >> 6, third & 63];
        for (index, digit) in digits.into_iter().enumerate() {
            let byte = if index <= chunk.len() { ALPHABET[usize::from(digit)] } else { PADDING };
            out.push(char::from(byte));
        }
    }
}

/// The bytes of a text, if it is the one text that [`encode`] gives for them: padded, and with no stray bits before the
/// padding. So nobody on the way can write a signature or a policy differently and have it pass.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.as_bytes();
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let padding = text.iter().rev().take(2).take_while(|byte| **byte == PADDING).count();
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (digits, _) = text.split_at(text.len() - padding);
    for chunk in digits.chunks(4) {
        let mut group = 0_u32;
        for index in 0..4 {
            let value = chunk.get(index).map_or(0, |byte| VALUES[usize::from(*byte)]);
            if value == NONE {
                return None;
            }
            group = group << 6 | u32::from(value);
        }
        let [_, group @ ..] = group.to_be_bytes();
        let (kept, stray) = group.split_at(chunk.len() - 1);
        if stray.iter().any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend_from_slice(kept);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(bytes: &[u8]) -> String {
        let mut out = String::new();
        encode(bytes, &mut out);
        out
    }

    #[test]
    fn the_vectors_of_rfc_4648_in_cloudfront_s_letters() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg__"),
            ("fo", "Zm8_"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg__"),
            ("fooba", "Zm9vYmE_"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encoded(bytes.as_bytes()), text);
            assert_eq!(decode(text).unwrap(), bytes.as_bytes());
        }
        assert_eq!(encoded(&[0xfb, 0xef, 0xff]), "--~~");
    }

    #[test]
    fn another_spelling_of_the_same_bytes_is_not_taken() {
        for text in
            ["Zg", "Zg_", "Zg==", "Zh__", "Zm9_", "Z___", "____", "Zg__Zg__", "Zm9v_", "Zm 9", "++//", "Zg%5F", "Zgé"]
        {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(decode(&encoded(&bytes)), Some(bytes));
        }

        #[test]
        fn a_text_that_decodes_is_the_text_of_its_bytes(text in "[A-Da-d0-3~_=+/-]{0,12}") {
            if let Some(bytes) = decode(&text) {
                prop_assert_eq!(encoded(&bytes), text);
            }
        }
    }
}
