//! The least that signing can be: a straight line without a choice, a check or a clock.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::shape::{DATE, DAY, HOST, ID, KEY, LIFETIME_SECONDS, REGION, SECRET, Shape};

const UPPER: &[u8; 16] = b"0123456789ABCDEF";
const LOWER: &[u8; 16] = b"0123456789abcdef";

/// For each byte, whether it stands for itself in a path; of a query only `/` differs.
const PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_usize;
    while byte < 128 {
        let ascii = byte.to_le_bytes()[0];
        table[byte] = ascii.is_ascii_alphanumeric() || matches!(ascii, b'-' | b'_' | b'.' | b'~' | b'/');
        byte += 1;
    }
    table
};

/// What is prepared before the first signature: the state of the HMAC with the derived key, the texts that hang on the
/// date, and the encoded token.
struct Prepared {
    hmac: Hmac<Sha256>,
    /// From `X-Amz-Algorithm` to the name of the parameter that the token, or else the signed headers, follow.
    query: String,
    string_to_sign: String,
    token: Option<String>,
}

/// From key and override to the URL. The result is the same URL that we and our peers make.
pub(crate) fn floor(shape: Shape) -> impl FnMut() -> String {
    let prepared = Prepared::new(shape);
    move || prepared.sign(shape.disposition())
}

impl Prepared {
    fn new(shape: Shape) -> Self {
        let keyed = |key: &[u8]| Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
        let hmac =
            [DAY, REGION, "s3", "aws4_request"].iter().fold(keyed(format!("AWS4{SECRET}").as_bytes()), |key, part| {
                keyed(&key.chain_update(part).finalize().into_bytes())
            });
        let token = shape.token().map(|token| {
            let mut encoded = Vec::new();
            encode(&mut encoded, &token, b'/');
            String::from_utf8(encoded).expect("ASCII")
        });
        Self {
            hmac,
            query: format!(
                "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={ID}%2F{DAY}%2F{REGION}%2Fs3%2Faws4_request\
                 &X-Amz-Date={DATE}&X-Amz-Expires={LIFETIME_SECONDS}"
            ),
            string_to_sign: format!("AWS4-HMAC-SHA256\n{DATE}\n{DAY}/{REGION}/s3/aws4_request\n"),
            token,
        }
    }

    fn sign(&self, disposition: Option<&str>) -> String {
        let token = self.token.as_deref().unwrap_or_default();
        let mut url = Vec::with_capacity(700 + token.len());
        url.extend_from_slice(b"https://");
        url.extend_from_slice(HOST.as_bytes());
        let path_at = url.len();
        url.push(b'/');
        encode(&mut url, KEY, 0);
        let query_at = url.len() + 1;
        url.push(b'?');
        url.extend_from_slice(self.query.as_bytes());
        if !token.is_empty() {
            url.extend_from_slice(b"&X-Amz-Security-Token=");
            url.extend_from_slice(token.as_bytes());
        }
        url.extend_from_slice(b"&X-Amz-SignedHeaders=host");
        if let Some(disposition) = disposition {
            url.extend_from_slice(b"&response-content-disposition=");
            encode(&mut url, disposition, b'/');
        }

        let mut canonical = Vec::with_capacity(url.len() + 64);
        canonical.extend_from_slice(b"GET\n");
        canonical.extend_from_slice(&url[path_at..query_at - 1]);
        canonical.push(b'\n');
        canonical.extend_from_slice(&url[query_at..]);
        canonical.extend_from_slice(b"\nhost:");
        canonical.extend_from_slice(HOST.as_bytes());
        canonical.extend_from_slice(b"\n\nhost\nUNSIGNED-PAYLOAD");

        let mut hmac = self.hmac.clone();
        hmac.update(self.string_to_sign.as_bytes());
        hmac.update(&hex(&Sha256::digest(canonical).into()));
        url.extend_from_slice(b"&X-Amz-Signature=");
        url.extend_from_slice(&hex(&hmac.finalize().into_bytes().into()));
        String::from_utf8(url).expect("ASCII")
    }
}

/// Appends `text`, whatever is not plain, and `also`, as escapes.
fn encode(out: &mut Vec<u8>, text: &str, also: u8) {
    for &byte in text.as_bytes() {
        if PLAIN[usize::from(byte)] && byte != also {
            out.push(byte);
        } else {
            out.extend_from_slice(&[b'%', UPPER[usize::from(byte >> 4)], UPPER[usize::from(byte & 15)]]);
        }
    }
}

fn hex(bytes: &[u8; 32]) -> [u8; 64] {
    let mut digits = [0; 64];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = LOWER[usize::from(byte >> 4)];
        pair[1] = LOWER[usize::from(byte & 15)];
    }
    digits
}
