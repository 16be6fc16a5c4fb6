//! The words of a pasted command, as a POSIX shell splits them (POSIX.1-2024, XCU 2.2 "Quoting"), with `$'…'` of the same
//! section, which browsers use in "Copy as cURL".

use super::InputError;

/// The words of one simple command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) words: Vec<String>,
    /// The unquoted operator that ended the command before the text did.
    pub(super) ended_by: Option<char>,
}

/// Splits until the text or the command ends. Variables, globs and substitutions stay as they are written.
pub(super) fn split(text: &str) -> Result<Words, InputError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars().peekable();
    let mut ended_by = None;
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' | '\r' => words.extend(word.take()),
            '\n' | '&' | ';' | '|' | '<' | '>' | '(' | ')' => {
                // A redirection belongs to the command; it ends the words that matter all the same.
                if character != '\n' {
                    ended_by = Some(character);
                }
                break;
            }
            '#' if word.is_none() => break,
            '\\' => match characters.next() {
                Some('\n') => {}
                Some('\r') if characters.peek() == Some(&'\n') => drop(characters.next()),
                Some(escaped) => word.get_or_insert_default().push(escaped),
                None => word.get_or_insert_default().push('\\'),
            },
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next().ok_or(InputError::OpenQuote)? {
                        '\'' => break,
                        inside => word.push(inside),
                    }
                }
            }
            '"' => double_quoted(&mut characters, word.get_or_insert_default())?,
            '$' if characters.peek() == Some(&'\'') => {
                characters.next();
                dollar_quoted(&mut characters, word.get_or_insert_default())?;
            }
            plain => word.get_or_insert_default().push(plain),
        }
    }
    words.extend(word);
    // `curl … &` at the very end runs in the background, and cuts nothing.
    let ended_by = ended_by.filter(|_| characters.any(|rest| !rest.is_whitespace()));
    Ok(Words { words, ended_by })
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn double_quoted(characters: &mut Characters<'_>, word: &mut String) -> Result<(), InputError> {
    loop {
        match characters.next().ok_or(InputError::OpenQuote)? {
            '"' => return Ok(()),
            '\\' => match characters.next().ok_or(InputError::OpenQuote)? {
                '\n' => {}
                escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                other => word.extend(['\\', other]),
            },
            plain => word.push(plain),
        }
    }
}

fn dollar_quoted(characters: &mut Characters<'_>, word: &mut String) -> Result<(), InputError> {
    loop {
        match characters.next().ok_or(InputError::OpenQuote)? {
            '\'' => return Ok(()),
            '\\' => {
                let escaped = characters.next().ok_or(InputError::OpenQuote)?;
                let decoded = match escaped {
                    'a' => '\u{7}',
                    'b' => '\u{8}',
                    'e' | 'E' => '\u{1b}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'v' => '\u{b}',
                    'x' => number(characters, 16, 2, 0),
                    'u' => number(characters, 16, 4, 0),
                    'U' => number(characters, 16, 8, 0),
                    digit @ '0'..='7' => number(characters, 8, 2, u32::from(digit) - u32::from('0')),
                    other => other,
                };
                word.push(decoded);
            }
            plain => word.push(plain),
        }
    }
}

/// Reads up to `most` digits after those already read into `value`.
fn number(characters: &mut Characters<'_>, radix: u32, most: usize, mut value: u32) -> char {
    for _ in 0..most {
        let Some(digit) = characters.peek().and_then(|next| next.to_digit(radix)) else { break };
        value = value.wrapping_mul(radix).wrapping_add(digit);
        characters.next();
    }
    char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        split(text).expect(text).words
    }

    #[test]
    fn words_are_split_as_a_shell_does() {
        for (text, expected) in [
            ("a  b\tc", &["a", "b", "c"][..]),
            (r"a\ b 'c d'e", &["a b", "c de"]),
            (r#""a \" \\ \$ \n b""#, &[r#"a " \ $ \n b"#]),
            ("'a\\b'", &["a\\b"]),
            ("a \\\n  b \\\r\n c", &["a", "b", "c"]),
            (r"$'it\'s\u0021\x21\041\n'", &["it's!!!\n"]),
            ("'it'\\''s'", &["it's"]),
            ("'' \"\"", &["", ""]),
            ("a#b # c", &["a#b"]),
            ("a\nb", &["a"]),
            ("$x", &["$x"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn an_unquoted_ampersand_ends_the_command() {
        let cut = split("curl http://h/?a=1&b=2").unwrap();
        assert_eq!((cut.words, cut.ended_by), (vec!["curl".to_owned(), "http://h/?a=1".to_owned()], Some('&')));
        assert_eq!(split("curl http://h/ &\n").unwrap().ended_by, None);
        assert_eq!(split("curl 'http://h/?a=1&b=2'").unwrap().ended_by, None);
    }

    #[test]
    fn a_quote_must_end() {
        for text in ["'a", "\"a", "$'a", "\"a\\", "$'\\"] {
            assert_eq!(split(text), Err(InputError::OpenQuote), "{text}");
        }
    }
}
