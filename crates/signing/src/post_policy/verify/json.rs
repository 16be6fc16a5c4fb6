//! The tokens of a policy: JSON, and two escapes more (AWS: "Creating a POST policy", "Character escaping").

use std::borrow::Cow;

/// One token. Numbers stay text: the only ones that mean anything are whole numbers of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    BeginObject,
    EndObject,
    BeginList,
    EndList,
    Colon,
    Comma,
    Text(Cow<'a, str>),
    Number(&'a str),
    /// `true`, `false` or `null`.
    Word,
    End,
}

/// What is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Reads token by token. It does not recurse, so no nesting exhausts the stack.
pub(super) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    pub(super) fn next(&mut self) -> Result<Token<'a>, Malformed> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let Some(first) = self.rest.bytes().next() else { return Ok(Token::End) };
        let single = match first {
            b'{' => Token::BeginObject,
            b'}' => Token::EndObject,
            b'[' => Token::BeginList,
            b']' => Token::EndList,
            b':' => Token::Colon,
            b',' => Token::Comma,
            b'"' => return self.text().map(Token::Text),
            b'-' | b'0'..=b'9' => return self.number().map(Token::Number),
            _ => return self.word(),
        };
        self.rest = &self.rest[1..];
        Ok(single)
    }

    /// Takes the next token, which must be this one.
    pub(super) fn expect(&mut self, token: &Token<'_>) -> Result<(), Malformed> {
        if self.next()? == *token { Ok(()) } else { Err(Malformed) }
    }

    /// After a value of a list or an object: whether another one follows.
    pub(super) fn continues(&mut self, end: &Token<'_>) -> Result<bool, Malformed> {
        match self.next()? {
            Token::Comma => Ok(true),
            token if token == *end => Ok(false),
            _ => Err(Malformed),
        }
    }

    fn word(&mut self) -> Result<Token<'a>, Malformed> {
        let word = ["true", "false", "null"].into_iter().find(|word| self.rest.starts_with(word)).ok_or(Malformed)?;
        self.rest = &self.rest[word.len()..];
        Ok(Token::Word)
    }

    /// RFC 8259 section 6.
    fn number(&mut self) -> Result<&'a str, Malformed> {
        let bytes = self.rest.as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut at = usize::from(bytes[0] == b'-');
        let whole = digits(at);
        if whole == 0 || (whole > 1 && bytes[at] == b'0') {
            return Err(Malformed);
        }
        at += whole;
        if bytes.get(at) == Some(&b'.') {
            let fraction = digits(at + 1);
            at += 1 + fraction;
            if fraction == 0 {
                return Err(Malformed);
            }
        }
        if matches!(bytes.get(at), Some(b'e' | b'E')) {
            at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
            let exponent = digits(at);
            at += exponent;
            if exponent == 0 {
                return Err(Malformed);
            }
        }
        let (number, rest) = self.rest.split_at(at);
        self.rest = rest;
        Ok(number)
    }

    fn text(&mut self) -> Result<Cow<'a, str>, Malformed> {
        let mut inside = &self.rest[1..];
        let special =
            |text: &str| text.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)).ok_or(Malformed);
        let plain = special(inside)?;
        if inside.as_bytes()[plain] == b'"' {
            self.rest = &inside[plain + 1..];
            return Ok(Cow::Borrowed(&inside[..plain]));
        }
        let mut decoded = String::new();
        loop {
            let plain = special(inside)?;
            decoded.push_str(&inside[..plain]);
            let found = inside.as_bytes()[plain];
            inside = &inside[plain + 1..];
            match found {
                b'"' => break,
                b'\\' => inside = escape(inside, &mut decoded)?,
                _ => return Err(Malformed),
            }
        }
        self.rest = inside;
        Ok(Cow::Owned(decoded))
    }
}

/// Decodes what follows a backslash, and gives what follows that.
fn escape<'a>(text: &'a str, decoded: &mut String) -> Result<&'a str, Malformed> {
    let escaped = match text.bytes().next().ok_or(Malformed)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        // These two are AWS's own.
        b'v' => '\u{b}',
        b'$' => '$',
        b'u' => {
            let (first, rest) = unit(&text[1..])?;
            let (units, rest) = match first {
                0xd800..=0xdbff => {
                    let (second, rest) = unit(rest.strip_prefix("\\u").ok_or(Malformed)?)?;
                    ([first, second], rest)
                }
                _ => ([first, 0], rest),
            };
            let used = if units[1] == 0 { &units[..1] } else { &units[..] };
            let mut characters = char::decode_utf16(used.iter().copied());
            decoded.push(characters.next().ok_or(Malformed)?.map_err(|_| Malformed)?);
            // A second character means that the pair was none.
            return if characters.next().is_none() { Ok(rest) } else { Err(Malformed) };
        }
        _ => return Err(Malformed),
    };
    decoded.push(escaped);
    Ok(&text[1..])
}

/// Four hexadecimal digits.
fn unit(text: &str) -> Result<(u16, &str), Malformed> {
    let digits = text.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())).ok_or(Malformed)?;
    Ok((u16::from_str_radix(digits, 16).map_err(|_| Malformed)?, &text[4..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens(text: &str) -> Result<Vec<Token<'_>>, Malformed> {
        let mut tokens = Tokens::new(text);
        let mut found = Vec::new();
        loop {
            match tokens.next()? {
                Token::End => return Ok(found),
                token => found.push(token),
            }
        }
    }

    fn text(json: &str) -> Result<String, Malformed> {
        match tokens(json)?.as_slice() {
            [Token::Text(text)] => Ok(text.clone().into_owned()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn escapes_are_those_of_json_and_a_dollar_and_a_vertical_tab() {
        assert_eq!(text(r#""a\"\\\/\b\f\n\r\t\v\$z""#).unwrap(), "a\"\\/\u{8}\u{c}\n\r\t\u{b}$z");
        assert_eq!(text(r#""\u00e9\u20AC\ud83d\ude00é😀""#).unwrap(), "é€😀é😀");
        assert_eq!(text(r#""\u0000""#).unwrap(), "\0");
    }

    #[test]
    fn what_no_json_has_is_malformed() {
        for json in [
            r#"""#,
            r#""\"#,
            r#""\x""#,
            r#""\'""#,
            r#""\u12""#,
            r#""\u+123""#,
            r#""\ud83d""#,
            r#""\ude00""#,
            r#""\ud83d\u0041""#,
            r#""\ud83dé""#,
            "\"a\nb\"",
            "'a'",
            "-",
            "01",
            "1.",
            ".5",
            "1e",
            "1e+",
            "+1",
            "tru",
            "nul",
            "NaN",
            "\u{feff}{}",
            "\u{a0}",
        ] {
            assert_eq!(tokens(json), Err(Malformed), "{json}");
        }
        assert_eq!(tokens("-0 1.5e-3 10").unwrap(), ["-0", "1.5e-3", "10"].map(Token::Number));
        assert_eq!(tokens("true\tnull\r\nfalse").unwrap(), [Token::Word, Token::Word, Token::Word]);
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in any::<String>()) {
            let _ = tokens(&text);
        }

        #[test]
        fn broken_json_never_panics(text in r#"[\[\]{}:,"\\u0-9a-f\-.eE$v \u{d7ff}é]{0,40}"#) {
            let _ = tokens(&text);
        }

        #[test]
        fn what_a_json_writer_writes_is_read_back(value in any::<String>()) {
            let json = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(text(&json).unwrap(), value);
        }
    }
}
