//! The canonical request: the one place where its bytes are laid out, for signers and verifier alike.

use sha2::{Digest, Sha256};
use smallvec::SmallVec;

use crate::request::Query;

/// `name:value\n` for every signed header. Most requests sign few, which take no allocation.
pub(crate) type HeaderBlock = SmallVec<[u8; 256]>;

/// The six parts of a canonical request, each already in its canonical form.
#[derive(Clone, Copy)]
pub(crate) struct CanonicalRequest<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: CanonicalQuery<'a>,
    /// `name:value\n` for every signed header.
    pub(crate) headers: &'a [u8],
    pub(crate) signed_headers: &'a str,
    pub(crate) payload: &'a str,
}

/// The query of a canonical request.
#[derive(Clone, Copy)]
pub(crate) enum CanonicalQuery<'a> {
    /// Written in canonical order by whoever signs.
    Written(&'a str),
    /// What arrived; whatever of it is not canonical is made so.
    Received {
        query: &'a Query,
        /// The parameter that is left out.
        without: Option<&'a str>,
    },
}

impl CanonicalRequest<'_> {
    fn feed(&self, mut sink: impl FnMut(&[u8])) {
        for line in [self.method, self.path] {
            sink(line.as_bytes());
            sink(b"\n");
        }
        match self.query {
            CanonicalQuery::Written(text) => sink(text.as_bytes()),
            CanonicalQuery::Received { query, without } => {
                query.feed_canonical(without, &mut |part| sink(part.as_bytes()));
            }
        }
        sink(b"\n");
        sink(self.headers);
        for part in ["\n", self.signed_headers, "\n", self.payload] {
            sink(part.as_bytes());
        }
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut gathered = Gathered { hasher: Sha256::new(), bytes: [0; GATHERED_BYTES], length: 0 };
        self.feed(|part| gathered.update(part));
        gathered.finish()
    }

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024);
        self.feed(|part| out.extend_from_slice(part));
        out
    }
}

/// Hashes parts together that are short: to hash each by itself costs more than to write it down first.
struct Gathered {
    hasher: Sha256,
    bytes: [u8; GATHERED_BYTES],
    length: usize,
}

/// Most canonical requests are shorter.
const GATHERED_BYTES: usize = 512;

impl Gathered {
    fn update(&mut self, part: &[u8]) {
        let end = self.length + part.len();
        if let Some(place) = self.bytes.get_mut(self.length..end) {
            place.copy_from_slice(part);
            self.length = end;
        } else {
            self.hasher.update(&self.bytes[..self.length]);
            self.hasher.update(part);
            self.length = 0;
        }
    }

    fn finish(mut self) -> [u8; 32] {
        self.hasher.update(&self.bytes[..self.length]);
        self.hasher.finalize().into()
    }
}

/// Appends `name:value,value\n`: every value trimmed, runs of blanks inside collapsed to one space.
pub(crate) fn push_header<'v>(out: &mut HeaderBlock, name: &str, values: impl Iterator<Item = &'v [u8]>) {
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    for (index, value) in values.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        // Whatever is a blank is not above a space; of what else is not, there is nothing to collapse.
        let may_be_blank = |byte: u8| byte <= b' ';
        if value.iter().fold(false, |found, byte| found | may_be_blank(*byte)) {
            let words = value.split(|byte| is_blank(*byte)).filter(|word| !word.is_empty());
            for (index, word) in words.enumerate() {
                if index > 0 {
                    out.push(b' ');
                }
                out.extend_from_slice(word);
            }
        } else {
            out.extend_from_slice(value);
        }
    }
    out.push(b'\n');
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(values: &[&str]) -> String {
        let mut out = HeaderBlock::new();
        push_header(&mut out, "name", values.iter().map(|value| value.as_bytes()));
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn parts_are_hashed_in_their_order_however_long_they_are() {
        for lengths in
            [vec![], vec![0, 1, 511, 1], vec![512], vec![513], vec![100, 412, 1], vec![300, 300, 5000, 7, 512]]
        {
            let parts = (1_u8..).zip(lengths).map(|(byte, length)| vec![byte; length]);
            let mut gathered = Gathered { hasher: Sha256::new(), bytes: [0; GATHERED_BYTES], length: 0 };
            let mut whole = Vec::new();
            for part in parts {
                gathered.update(&part);
                whole.extend(part);
            }
            assert_eq!(gathered.finish(), <[u8; 32]>::from(Sha256::digest(&whole)), "{}", whole.len());
        }
    }

    #[test]
    fn header_values_are_trimmed_collapsed_and_joined() {
        assert_eq!(header(&["  a   b\t\tc "]), "name:a b c\n");
        assert_eq!(header(&["\"a   b\""]), "name:\"a b\"\n");
        assert_eq!(header(&[" b ", "a"]), "name:b,a\n");
        assert_eq!(header(&[]), "name:\n");
        assert_eq!(header(&[""]), "name:\n");
    }
}
