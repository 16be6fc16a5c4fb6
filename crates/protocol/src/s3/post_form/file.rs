//! The content of the file, and its end.

use memchr::memrchr;

use super::boundary::Delimiter;
use crate::s3::error::S3Error;

/// The most bytes after the file: S3 ignores what they say.
pub const AFTER_FILE_MAX: usize = 20 * 1024;

/// Lets the content of the file through.
#[derive(Debug)]
pub struct FileReader {
    delimiter: Delimiter,
    /// The delimiter and a hyphen, of which a beginning was withheld from the content and may have to be let through.
    withheld: Vec<u8>,
    /// How many bytes of the delimiter, and of the two bytes that must follow it, have arrived.
    matched: usize,
    /// The first of these two.
    first_after: u8,
    at: At,
    after: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Content,
    /// Further parts, which are ignored.
    After,
    /// Behind the last boundary.
    Closed,
}

impl FileReader {
    pub(super) fn new(delimiter: Delimiter) -> Self {
        let withheld = [delimiter.bytes(), b"-"].concat();
        Self { delimiter, withheld, matched: 0, first_after: 0, at: At::Content, after: 0 }
    }

    /// The next content among `input`, which is moved on. `None` when there is no more in it.
    pub fn next<'s, 'i: 's>(&'s mut self, input: &mut &'i [u8]) -> Result<Option<&'s [u8]>, S3Error> {
        while !input.is_empty() {
            let content = match self.at {
                At::Closed => Found::Bytes(std::mem::take(input)),
                At::Content | At::After => self.scan(input),
            };
            match (content, self.at) {
                (Found::Nothing, _) => {}
                (Found::Bytes(bytes), At::Content) => return Ok(Some(bytes)),
                (Found::Withheld(length), At::Content) => return Ok(Some(&self.withheld[..length])),
                (Found::Bytes(bytes), At::After | At::Closed) => self.ignore(bytes.len())?,
                (Found::Withheld(length), At::After | At::Closed) => self.ignore(length)?,
            }
        }
        Ok(None)
    }

    /// The body has ended: it must have done so after its last boundary.
    pub fn finish(self) -> Result<(), S3Error> {
        if self.at == At::Closed { Ok(()) } else { Err(S3Error::malformed_post_request()) }
    }

    fn scan<'i>(&mut self, input: &mut &'i [u8]) -> Found<'i> {
        let length = self.delimiter.bytes().len();
        match self.matched {
            0 => self.search(input),
            matched if matched < length => {
                let expected = &self.delimiter.bytes()[matched..];
                let equal = expected.iter().zip(*input).take_while(|(one, other)| one == other).count();
                *input = &input[equal..];
                self.matched += equal;
                if self.matched < length && !input.is_empty() { self.let_through(self.matched) } else { Found::Nothing }
            }
            matched if matched == length => {
                if matches!(input[0], b'-' | b'\r') {
                    self.first_after = input[0];
                    self.matched += 1;
                    *input = &input[1..];
                    return Found::Nothing;
                }
                self.let_through(length)
            }
            _ => match (self.first_after, input[0]) {
                (b'-', b'-') => self.boundary(input, At::Closed),
                (b'\r', b'\n') => self.boundary(input, At::After),
                (b'-', _) => self.let_through(length + 1),
                _ => {
                    let found = self.let_through(length);
                    // This line break may begin the boundary.
                    self.matched = 1;
                    found
                }
            },
        }
    }

    /// Everything up to a boundary, or to what may be the beginning of one.
    fn search<'i>(&mut self, input: &mut &'i [u8]) -> Found<'i> {
        let delimiter = self.delimiter.bytes();
        let found = self.delimiter.find(input);
        let end = found.unwrap_or_else(|| {
            let tail = input.len().saturating_sub(delimiter.len() - 1);
            let line_break = memrchr(b'\r', &input[tail..]).map(|at| tail + at);
            line_break.filter(|at| delimiter.starts_with(&input[*at..])).unwrap_or(input.len())
        });
        let (content, rest) = input.split_at(end);
        self.matched = rest.len().min(delimiter.len());
        *input = &rest[self.matched..];
        if content.is_empty() { Found::Nothing } else { Found::Bytes(content) }
    }

    fn boundary<'i>(&mut self, input: &mut &'i [u8], at: At) -> Found<'i> {
        *input = &input[1..];
        self.matched = 0;
        self.at = at;
        Found::Nothing
    }

    /// What looked like a boundary is content.
    fn let_through<'i>(&mut self, length: usize) -> Found<'i> {
        self.matched = 0;
        Found::Withheld(length)
    }

    fn ignore(&mut self, length: usize) -> Result<(), S3Error> {
        self.after += length;
        if self.after > AFTER_FILE_MAX { Err(S3Error::malformed_post_request()) } else { Ok(()) }
    }
}

enum Found<'i> {
    Nothing,
    Bytes(&'i [u8]),
    /// So many bytes of what was withheld.
    Withheld(usize),
}
