//! The only coder of the crate: percent-encoding as SigV4 wants it, its strict inverse, and hex.
//!
//! SigV4 encodes everything but `A-Z a-z 0-9 - _ . ~` with upper-case hex, and leaves `/` alone in a path
//! (AWS: "Create a signed AWS API request", `UriEncode`).

use std::borrow::Cow;

use wide::u8x16;

const UPPER: &[u8; 16] = b"0123456789ABCDEF";
const LOWER: &[u8; 16] = b"0123456789abcdef";

/// What each byte is written as: itself, or its escape.
struct Alphabet {
    /// Three bytes, and how many of them are meant.
    written: [[u8; 4]; 256],
    /// One for each byte that stands for itself: a table of its own, for it is looked at most often.
    plain: [u8; 256],
}

const COMPONENT: Alphabet = Alphabet::unreserved_and(b"");
const PATH: Alphabet = Alphabet::unreserved_and(b"/");
/// `attr-char` of RFC 8187 section 3.2.1.
const ATTRIBUTE: Alphabet = Alphabet::unreserved_and(b"!#$&+^`|");

impl Alphabet {
    const fn unreserved_and(more: &[u8]) -> Self {
        let mut table = [[0; 4]; 256];
        let mut is_plain = [0; 256];
        let mut byte = 0_u8;
        loop {
            table[byte as usize] = [b'%', UPPER[byte as usize >> 4], UPPER[byte as usize & 15], 3];
            if byte == u8::MAX {
                break;
            }
            byte += 1;
        }
        let unreserved = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
        let mut index = 0;
        while index < unreserved.len() + more.len() {
            let plain = if index < unreserved.len() { unreserved[index] } else { more[index - unreserved.len()] };
            table[plain as usize] = [plain, 0, 0, 1];
            is_plain[plain as usize] = 1;
            index += 1;
        }
        Self { written: table, plain: is_plain }
    }

    fn is_plain(&self, byte: u8) -> bool {
        self.plain[usize::from(byte)] == 1
    }

    /// Writes four bytes for every byte and counts those that are meant: there is no branch to guess wrong, which makes
    /// it several times as fast as telling plain runs from escapes where both are short.
    fn encode(&self, text: &str, out: &mut String) {
        for block in text.as_bytes().chunks(BLOCK) {
            let mut written = [0; 3 * BLOCK + 1];
            let mut length = 0;
            for &byte in block {
                let bytes = self.written[usize::from(byte)];
                written[length..length + 4].copy_from_slice(&bytes);
                length += usize::from(bytes[3]);
            }
            out.push_str(std::str::from_utf8(&written[..length]).expect("plain bytes and escapes are ASCII"));
        }
    }

    fn encoded<'t>(&self, text: &'t str, mut specials: Specials<'_>) -> Cow<'t, str> {
        if specials.next(0) == text.len() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len() + text.len() / 2);
        self.encode(text, &mut out);
        Cow::Owned(out)
    }
}

/// Appends a query name or value, or one segment: `/` becomes `%2F`.
pub fn component(text: &str, out: &mut String) {
    COMPONENT.encode(text, out);
}

/// Appends a path, keeping `/`. Nothing is normalised: `//`, `.` and `..` survive.
pub fn path(text: &str, out: &mut String) {
    PATH.encode(text, out);
}

/// How many bytes are looked at together: one for each bit of a word.
const BLOCK: usize = 64;

/// The bytes of a text that are not unreserved (RFC 3986 section 2.3), one after the other. They are found 64 at a time:
/// of a signed URL few are, and looking at each byte by itself takes longer than all that follows.
pub(crate) struct Specials<'t> {
    text: &'t [u8],
    /// Where the bytes are that were looked at last, and which of them are special.
    block: usize,
    bits: u64,
    /// Whether a `/` is none.
    slash_is_plain: bool,
}

impl<'t> Specials<'t> {
    /// Those of names and values.
    pub(crate) fn of_component(text: &'t str) -> Self {
        Self::new(text, false)
    }

    /// Those of paths.
    fn of_path(text: &'t str) -> Self {
        Self::new(text, true)
    }

    fn new(text: &'t str, slash_is_plain: bool) -> Self {
        let text = text.as_bytes();
        Self { text, block: 0, bits: Self::bits(text, slash_is_plain), slash_is_plain }
    }

    /// Where the next one is, from `at` on, or the end of the text. `at` is never before what was found last.
    #[inline]
    pub(crate) fn next(&mut self, mut at: usize) -> usize {
        loop {
            let passed = at - self.block;
            if passed < BLOCK {
                let left = self.bits >> passed;
                if left != 0 {
                    return at + left.trailing_zeros() as usize;
                }
                at = self.block + BLOCK;
            }
            if at >= self.text.len() {
                return self.text.len();
            }
            self.block = at;
            self.bits = Self::bits(&self.text[at..], self.slash_is_plain);
        }
    }

    /// One bit for each of the first 64 bytes.
    fn bits(text: &[u8], slash_is_plain: bool) -> u64 {
        let mut last = [b'a'; BLOCK];
        let block: &[u8; BLOCK] = if let Some(block) = text.first_chunk() {
            block
        } else {
            last[..text.len()].copy_from_slice(text);
            &last
        };
        // Where the slash is plain, a byte that is special in any case.
        let slash = u8x16::splat(if slash_is_plain { b' ' } else { b'/' });
        let special = |bytes: &[u8; 16]| {
            let bytes = u8x16::new(*bytes);
            let is = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
            // What is below the first wraps around, and is then above the length.
            let within = |bytes: u8x16, first: u8, length: u8| {
                (bytes - u8x16::splat(first)).saturating_sub(u8x16::splat(length - 1)).simd_eq(u8x16::splat(0))
            };
            let is_letter = within(bytes | u8x16::splat(0x20), b'a', 26);
            // From `-` over `.` and `/` to `9`.
            let is_plain = is_letter | within(bytes, b'-', 13) | is(b'_') | is(b'~');
            u64::from((is_plain & !bytes.simd_eq(slash)).to_bitmask() ^ 0xffff)
        };
        let quarters = block.as_chunks().0;
        special(&quarters[0]) | special(&quarters[1]) << 16 | special(&quarters[2]) << 32 | special(&quarters[3]) << 48
    }
}

/// How many bytes are copied together where that is no more than there are: most runs between two escapes are shorter.
const WIDE: usize = 16;

/// Where texts are decoded to. They never grow.
pub(crate) struct Decoded<'b> {
    bytes: &'b mut [u8],
    length: usize,
}

impl<'b> Decoded<'b> {
    /// How much there must be for a text that is so long.
    pub(crate) const fn room(text: usize) -> usize {
        text + WIDE
    }

    pub(crate) fn new(bytes: &'b mut [u8]) -> Self {
        Self { bytes, length: 0 }
    }

    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// What was decoded: UTF-8, if the texts were.
    pub(crate) fn text(&self) -> Result<&str, DecodeError> {
        std::str::from_utf8(&self.bytes[..self.length]).map_err(|_| DecodeError::Utf8)
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    fn copy(&mut self, text: &[u8], from: usize, to: usize) {
        let run = &text[from..to];
        match (text[from..].first_chunk::<WIDE>(), self.bytes[self.length..].first_chunk_mut::<WIDE>()) {
            (Some(wide), Some(place)) if run.len() <= WIDE => *place = *wide,
            _ => self.bytes[self.length..self.length + run.len()].copy_from_slice(run),
        }
        self.length += run.len();
    }
}

/// Decodes a text while somebody looks through it, and finds out on the way whether it is written as SigV4 writes it: such
/// a text can be hashed as it came. Nothing is copied before the first escape. What it writes is UTF-8 whenever the text is.
pub(crate) struct Decoding<'t> {
    alphabet: &'static Alphabet,
    text: &'t [u8],
    /// Up to where the text has been copied.
    copied: usize,
    /// Whether there was anything to decode.
    pub(crate) is_encoded: bool,
    /// Whether everything is written as the alphabet writes it.
    pub(crate) is_canonical: bool,
}

impl<'t> Decoding<'t> {
    /// A name and a value of a query, from `start` of it.
    pub(crate) fn of_component(text: &'t str, start: usize) -> Self {
        Self { alphabet: &COMPONENT, text: text.as_bytes(), copied: start, is_encoded: false, is_canonical: true }
    }

    /// Copies up to the escape that is at `at`, decodes its character, and says where that ends.
    #[expect(clippy::inline_always, reason = "what calling it costs is a third of what it does, some ten times a URL")]
    #[inline(always)]
    pub(crate) fn escape(&mut self, at: usize, out: &mut Decoded<'_>) -> Result<usize, DecodeError> {
        self.copy(at, out);
        let escape = &self.text[at..];
        let Some((byte, is_upper_case)) = escaped_byte(escape) else { return Err(DecodeError::Escape) };
        if byte.is_ascii() {
            out.push(byte);
            self.is_canonical &= is_upper_case && !self.alphabet.is_plain(byte);
            self.copied = at + 3;
        } else {
            let (character, length) = decode_character(escape)?;
            character[..length].iter().for_each(|byte| out.push(*byte));
            self.copied = at + 3 * length;
            // What is not ASCII is always escaped.
            self.is_canonical &= !self.text[at..self.copied].iter().any(u8::is_ascii_lowercase);
        }
        Ok(self.copied)
    }

    /// Copies up to the `+` that is at `at` and stands for a space.
    pub(crate) fn space(&mut self, at: usize, out: &mut Decoded<'_>) {
        self.copy(at, out);
        out.push(b' ');
        self.is_canonical = false;
        self.copied = at + 1;
    }

    /// How many bytes wait to be copied at `at`.
    pub(crate) fn waiting(&self, at: usize) -> usize {
        at - self.copied
    }

    /// Copies what is left up to `end`, if anything was copied.
    pub(crate) fn finish(&mut self, end: usize, out: &mut Decoded<'_>) {
        if self.is_encoded {
            self.copy(end, out);
        }
    }

    /// Whatever is copied ends before an ASCII character or with the text, so that no character is cut.
    #[inline]
    fn copy(&mut self, end: usize, out: &mut Decoded<'_>) {
        out.copy(self.text, self.copied, end);
        self.copied = end;
        self.is_encoded = true;
    }
}

/// As [`decode`] a path, up to the query or the end, appending; with the length of the path.
pub(crate) fn decode_path<'t>(text: &'t str, out: &mut Decoded<'_>) -> Result<(Decoding<'t>, usize), DecodeError> {
    let bytes = text.as_bytes();
    let mut decoding = Decoding { alphabet: &PATH, text: bytes, copied: 0, is_encoded: false, is_canonical: true };
    let mut specials = Specials::of_path(text);
    let mut at = 0;
    loop {
        at = specials.next(at);
        match bytes.get(at) {
            None | Some(b'?') => break,
            Some(b'%') => at = decoding.escape(at, out)?,
            Some(_) => {
                decoding.is_canonical = false;
                at += 1;
            }
        }
    }
    decoding.copy(at, out);
    Ok((decoding, at))
}

/// As [`component`], and the text itself where that would change nothing.
pub(crate) fn component_of(text: &str) -> Cow<'_, str> {
    COMPONENT.encoded(text, Specials::of_component(text))
}

/// As [`path`], and the text itself where that would change nothing.
pub(crate) fn path_of(text: &str) -> Cow<'_, str> {
    PATH.encoded(text, Specials::of_path(text))
}

/// Appends the value characters of an RFC 8187 extended parameter.
pub(crate) fn attribute(text: &str, out: &mut String) {
    ATTRIBUTE.encode(text, out);
}

/// What a raw `+` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plus {
    /// Itself, as in a path.
    Literal,
    /// A space, as S3 reads a query.
    Space,
}

/// Why a percent-encoded text cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A `%` that two hexadecimal digits do not follow.
    #[error("a percent sign without two hexadecimal digits")]
    Escape,
    /// The decoded bytes are not UTF-8.
    #[error("the decoded bytes are not UTF-8")]
    Utf8,
}

/// Decodes strictly: a broken escape and broken UTF-8 (overlong forms included) are errors, never guessed at.
pub fn decode(text: &str, plus: Plus) -> Result<Cow<'_, str>, DecodeError> {
    if plain_run(text, plus) == text.len() {
        return Ok(Cow::Borrowed(text));
    }
    let mut decoded = String::with_capacity(text.len());
    decode_onto(text, plus, &mut decoded)?;
    Ok(Cow::Owned(decoded))
}

/// As [`decode`], appending.
fn decode_onto(text: &str, plus: Plus, out: &mut String) -> Result<(), DecodeError> {
    let mut rest = text;
    loop {
        let (plain, special) = rest.split_at(plain_run(rest, plus));
        out.push_str(plain);
        match special.as_bytes() {
            [] => return Ok(()),
            [b'%', ..] => {
                let (character, length) = decode_character(special.as_bytes())?;
                out.push_str(std::str::from_utf8(&character[..length]).map_err(|_| DecodeError::Utf8)?);
                rest = &special[3 * length..];
            }
            _ => {
                out.push(' ');
                rest = &special[1..];
            }
        }
    }
}

/// How many bytes at the beginning stand for themselves.
fn plain_run(text: &str, plus: Plus) -> usize {
    // The unreserved go fast; whatever else stands for itself (`/`, `:`, beyond ASCII) is rare in what was encoded.
    let fast = Specials::of_component(text).next(0);
    let special = |byte: &u8| *byte == b'%' || (*byte == b'+' && plus == Plus::Space);
    text.as_bytes()[fast..].iter().position(special).map_or(text.len(), |more| fast + more)
}

/// Decodes the escapes of one character, and says how many bytes it has. All bytes of a character come as escapes if its
/// first does: the text around them is UTF-8, which has no lone bytes.
fn decode_character(text: &[u8]) -> Result<([u8; 4], usize), DecodeError> {
    let mut escapes = text.chunks(3);
    let mut next = || match escapes.next() {
        Some(escape @ [b'%', ..]) => escaped_byte(escape).map(|(byte, _)| byte).ok_or(DecodeError::Escape),
        _ => Err(DecodeError::Utf8),
    };
    let first = next()?;
    let length = match first {
        0..=0x7f => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Err(DecodeError::Utf8),
    };
    let mut character = [first, 0, 0, 0];
    for byte in &mut character[1..length] {
        *byte = next()?;
    }
    std::str::from_utf8(&character[..length]).map_err(|_| DecodeError::Utf8)?;
    Ok((character, length))
}

/// Lower-case hex of any bytes.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for &byte in bytes {
        push_hex(&mut out, byte);
    }
    out
}

/// Lower-case hex of 32 bytes, without allocating.
pub(crate) fn hex_of_32(bytes: &[u8; 32]) -> [u8; 64] {
    let mut out = [0; 64];
    for (pair, byte) in out.as_chunks_mut().0.iter_mut().zip(bytes) {
        *pair = [byte >> 4, byte & 0x0f];
    }
    // Computed and not looked up, so that many digits are written together.
    for digit in &mut out {
        *digit += if *digit < 10 { b'0' } else { b'a' - 10 };
    }
    out
}

/// The 32 bytes that 64 lower-case hex digits stand for. AWS writes digests and signatures so, and compares them as text.
#[must_use]
pub fn unhex_32(text: &str) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    // Computed and not looked up, so that many digits are read together; wrong ones are gathered, and looked at once.
    let mut values = [0; 64];
    let mut wrong = 0;
    for (value, digit) in values.iter_mut().zip(digits) {
        let (number, letter) = (digit.wrapping_sub(b'0'), digit.wrapping_sub(b'a'));
        wrong |= u8::from(number > 9) & u8::from(letter > 5);
        *value = if number > 9 { letter.wrapping_add(10) } else { number };
    }
    let mut out = [0; 32];
    for (byte, [high, low]) in out.iter_mut().zip(values.as_chunks().0) {
        *byte = high << 4 | low;
    }
    (wrong == 0).then_some(out)
}

/// The value of each digit, with a mark where it is lower-case.
const DIGITS: [u8; 256] = {
    let mut table = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        table[UPPER[value as usize] as usize] = value;
        if value >= 10 {
            table[LOWER[value as usize] as usize] = value | LOWER_ONLY;
        }
        value += 1;
    }
    table
};
const LOWER_ONLY: u8 = 0x20;
const NO_DIGIT: u8 = 0x80;

/// The byte that `%` and two digits stand for, and whether the digits are written as SigV4 writes them.
fn escaped_byte(escape: &[u8]) -> Option<(u8, bool)> {
    let [_, high, low, ..] = escape else { return None };
    let (high, low) = (DIGITS[usize::from(*high)], DIGITS[usize::from(*low)]);
    let marks = high | low;
    (marks & NO_DIGIT == 0).then_some((high << 4 | low & 0x0f, marks & LOWER_ONLY == 0))
}

fn push_hex(out: &mut String, byte: u8) {
    out.push(char::from(LOWER[usize::from(byte >> 4)]));
    out.push(char::from(LOWER[usize::from(byte & 15)]));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(encoder: fn(&str, &mut String), text: &str) -> String {
        let mut out = String::new();
        encoder(text, &mut out);
        out
    }

    #[test]
    fn a_path_keeps_slashes_and_dots_and_encodes_the_rest() {
        assert_eq!(encoded(path, "/a b/../é+~.txt"), "/a%20b/../%C3%A9%2B~.txt");
        assert_eq!(encoded(component, "a/b=c&d"), "a%2Fb%3Dc%26d");
    }

    #[test]
    fn broken_escapes_and_broken_utf8_are_errors() {
        for text in ["%", "%4", "%4g", "%g4", "a%", "%%41", "%+1"] {
            assert_eq!(decode(text, Plus::Literal), Err(DecodeError::Escape), "{text}");
        }
        for text in ["%ff", "%c0%af", "%e0%80%af", "%ed%a0%80", "%C3"] {
            assert_eq!(decode(text, Plus::Literal), Err(DecodeError::Utf8), "{text}");
        }
    }

    #[test]
    fn a_plus_is_a_space_only_where_asked() {
        assert_eq!(decode("a+b%2B", Plus::Space).unwrap(), "a b+");
        assert_eq!(decode("a+b%2B", Plus::Literal).unwrap(), "a+b+");
    }

    #[test]
    fn a_digest_is_64_lower_case_digits() {
        let digest = [0xab; 32];
        assert_eq!(unhex_32(&hex(&digest)), Some(digest));
        assert_eq!(hex_of_32(&digest).as_slice(), hex(&digest).as_bytes());
        assert_eq!(unhex_32(&hex(&digest).to_uppercase()), None);
        assert_eq!(unhex_32(&hex(&digest)[1..]), None);
        assert_eq!(unhex_32(&format!("{}é", &hex(&digest)[2..])), None);
    }

    proptest! {
        #[test]
        fn what_was_encoded_decodes_to_itself(text in any::<String>()) {
            let (component, path) = (encoded(component, &text), encoded(path, &text));
            for plus in [Plus::Literal, Plus::Space] {
                prop_assert_eq!(&*decode(&component, plus).unwrap(), text.as_str());
                prop_assert_eq!(&*decode(&path, plus).unwrap(), text.as_str());
            }
        }

        #[test]
        fn a_path_is_canonical_if_encoding_it_anew_changes_nothing(text in any::<String>(), raw in "([/a+é]|%2F|%2c|%2C|%41|%C3%A9|%C3%a9){0,9}") {
            for raw in [encoded(path, &text), raw] {
                let mut room = vec![0; Decoded::room(raw.len())];
                let mut out = Decoded::new(&mut room);
                let (decoding, length) = decode_path(&raw, &mut out).unwrap();
                let decoded = out.text().unwrap();
                prop_assert_eq!(length, raw.len());
                prop_assert_eq!(&*decode(&raw, Plus::Literal).unwrap(), decoded);
                prop_assert_eq!(decoding.is_canonical, encoded(path, decoded) == raw, "{}", raw);
                prop_assert_eq!(path_of(decoded).into_owned(), encoded(path, decoded));
                prop_assert_eq!(component_of(decoded).into_owned(), encoded(component, decoded));
            }
        }

        #[test]
        fn runs_of_every_length_are_copied(runs in proptest::collection::vec("[a-z]{0,40}", 1..6)) {
            let raw = runs.join("%20");
            let mut room = vec![0; Decoded::room(raw.len())];
            let mut out = Decoded::new(&mut room);
            decode_path(&raw, &mut out).unwrap();
            prop_assert_eq!(out.text().unwrap(), runs.join(" "));
        }

        #[test]
        fn decoding_is_what_decoding_all_bytes_at_once_is(raw in "([a+/é]|%[0-9a-fA-F]{2}|%c3%a9|%f0%9f%98%80){0,12}") {
            let mut bytes = Vec::new();
            let mut rest = raw.as_bytes();
            while let Some((&byte, after)) = rest.split_first() {
                rest = after;
                if byte == b'%' {
                    bytes.push(u8::from_str_radix(std::str::from_utf8(&rest[..2]).unwrap(), 16).unwrap());
                    rest = &rest[2..];
                } else {
                    bytes.push(byte);
                }
            }
            let expected = String::from_utf8(bytes).map_err(|_| DecodeError::Utf8);
            prop_assert_eq!(decode(&raw, Plus::Literal).map(Cow::into_owned), expected);
        }

        #[test]
        fn special_bytes_are_found_wherever_they_stand(text in "([a-zA-Z0-9._~-]{0,70}[^a-zA-Z0-9._~-]?){0,4}", step in 1_usize..80) {
            for (slash_is_plain, alphabet) in [(false, &COMPONENT), (true, &PATH)] {
                let special = |at: &usize| !alphabet.is_plain(text.as_bytes()[*at]);
                let mut specials = Specials::new(&text, slash_is_plain);
                let mut at = 0;
                while at < text.len() {
                    let next = (at..text.len()).find(special).unwrap_or(text.len());
                    prop_assert_eq!(specials.next(at), next);
                    at = next + step;
                }
            }
        }

        #[test]
        fn decoding_never_panics(text in "[%+0-9a-fA-Fg-é]{0,24}") {
            let _ = decode(&text, Plus::Space);
        }
    }
}
