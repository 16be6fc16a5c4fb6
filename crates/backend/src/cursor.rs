//! Cursors of lists: opaque, and good only for the caller and the question that they were given to.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

const TAG_BYTES: usize = 16;

/// The position after `last`, for whoever asks the same again.
pub(crate) fn seal(key: &Hmac<Sha256>, question: &[&str], last: &str) -> String {
    let mut bytes = tag(key, question, last).to_vec();
    bytes.extend_from_slice(last.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The position in a cursor; `None` if it was changed, or belongs to another caller or question.
pub(crate) fn open(key: &Hmac<Sha256>, question: &[&str], cursor: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (given, last) = bytes.split_at_checked(TAG_BYTES)?;
    let last = std::str::from_utf8(last).ok()?;
    mac(key, question, last).verify_truncated_left(given).ok()?;
    Some(last.to_owned())
}

fn tag(key: &Hmac<Sha256>, question: &[&str], last: &str) -> [u8; TAG_BYTES] {
    let tag = mac(key, question, last).finalize().into_bytes();
    std::array::from_fn(|index| tag[index])
}

/// Every part is preceded by its length, so that no two lists of parts are the same bytes.
fn mac(key: &Hmac<Sha256>, question: &[&str], last: &str) -> Hmac<Sha256> {
    let mut mac = key.clone();
    for part in question.iter().chain([&last]) {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac
}

#[cfg(test)]
mod tests {
    use hmac::KeyInit as _;

    use super::*;

    #[test]
    fn a_cursor_opens_for_the_same_question_only() {
        let key = Hmac::new_from_slice(&[1; 32]).expect("a key");
        let cursor = seal(&key, &["alice", "files"], "file_1");
        assert_eq!(open(&key, &["alice", "files"], &cursor).as_deref(), Some("file_1"));
        assert_eq!(open(&key, &["bob", "files"], &cursor), None);
        assert_eq!(open(&key, &["alicef", "iles"], &cursor), None);
    }

    #[test]
    fn a_changed_cursor_is_none() {
        let key = Hmac::new_from_slice(&[1; 32]).expect("a key");
        let cursor = seal(&key, &["alice"], "file_1");
        for at in 0..cursor.len() {
            let mut changed = cursor.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert_eq!(open(&key, &["alice"], &changed), None, "changed at {at}");
        }
        assert_eq!(open(&key, &["alice"], ""), None);
    }
}
