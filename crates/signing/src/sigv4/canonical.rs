//! The canonical request: the one place where its bytes are laid out, for signers and verifier alike.

use sha2::{Digest, Sha256};
use smallvec::SmallVec;

use crate::request::EncodedPairs;

/// `name:value\n` for every signed header. Most requests sign few, which take no allocation.
pub(crate) type HeaderBlock = SmallVec<[u8; 256]>;

/// The six parts of a canonical request, each already in its canonical form.
#[derive(Clone, Copy)]
pub(crate) struct CanonicalRequest<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    /// `name:value\n` for every signed header.
    pub(crate) headers: &'a [u8],
    pub(crate) signed_headers: &'a str,
    pub(crate) payload: &'a str,
}

impl CanonicalRequest<'_> {
    fn feed(&self, mut sink: impl FnMut(&[u8])) {
        for line in [self.method, self.path, self.query] {
            sink(line.as_bytes());
            sink(b"\n");
        }
        sink(self.headers);
        for part in ["\n", self.signed_headers, "\n", self.payload] {
            sink(part.as_bytes());
        }
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        self.feed(|part| hasher.update(part));
        hasher.finalize().into()
    }

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256 + self.path.len() + self.query.len() + self.headers.len());
        self.feed(|part| out.extend_from_slice(part));
        out
    }
}

/// Joins encoded `name=value` pairs in canonical order: by encoded name, then by encoded value. Sorting the pairs and not
/// the joined text matters where one name is the beginning of another (`a` and `a-b`: `-` sorts before `=`).
pub(crate) fn canonical_query(mut pairs: EncodedPairs<'_>) -> String {
    // What signed a URL has most often written it in this order.
    if !pairs.is_sorted() {
        pairs.sort_unstable();
    }
    let mut query = String::with_capacity(pairs.iter().map(|(name, value)| name.len() + value.len() + 2).sum());
    for (name, value) in &pairs {
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(name);
        query.push('=');
        query.push_str(value);
    }
    query
}

/// Appends `name:value,value\n`: every value trimmed, runs of blanks inside collapsed to one space.
pub(crate) fn push_header<'v>(out: &mut HeaderBlock, name: &str, values: impl Iterator<Item = &'v [u8]>) {
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    for (index, value) in values.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let words = value.split(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).filter(|word| !word.is_empty());
        for (index, word) in words.enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(word);
        }
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Query;

    fn header(values: &[&str]) -> String {
        let mut out = HeaderBlock::new();
        push_header(&mut out, "name", values.iter().map(|value| value.as_bytes()));
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn header_values_are_trimmed_collapsed_and_joined() {
        assert_eq!(header(&["  a   b\t\tc "]), "name:a b c\n");
        assert_eq!(header(&["\"a   b\""]), "name:\"a b\"\n");
        assert_eq!(header(&[" b ", "a"]), "name:b,a\n");
        assert_eq!(header(&[]), "name:\n");
        assert_eq!(header(&[""]), "name:\n");
    }

    #[test]
    fn the_query_sorts_on_encoded_names_before_joining() {
        let sorted = |raw| canonical_query(Query::parse(raw).unwrap().canonical_pairs(None));
        assert_eq!(sorted("a-b&a="), "a=&a-b=");
        assert_eq!(sorted("b=2&b=10&a=%7e"), "a=~&b=10&b=2");
        assert_eq!(sorted("%c3%a9=1&z=1&Z=a+b/%2b"), "%C3%A9=1&Z=a%20b%2F%2B&z=1");
        assert_eq!(sorted("=&="), "=&=");
        assert_eq!(sorted(""), "");
    }
}
