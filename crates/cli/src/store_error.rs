//! What a store says when it refuses, in one line for the person at the terminal.

use http::StatusCode;

/// An error document of S3. Where an answer is none, only its status speaks.
pub(crate) struct StoreError {
    status: StatusCode,
    code: Option<String>,
    message: Option<String>,
}

impl StoreError {
    pub(crate) fn read(status: StatusCode, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        Self { status, code: element(&text, "Code"), message: element(&text, "Message") }
    }

    pub(crate) fn has_code(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.code, &self.message) {
            (Some(code), Some(message)) => write!(formatter, "the store refused: {message} ({code})"),
            (Some(code), None) => write!(formatter, "the store refused: {code}"),
            (None, _) => write!(formatter, "the store answered {}", self.status),
        }
    }
}

/// The text of the first element of a name, unescaped. The document is flat, so nothing more is needed to show it.
fn element(document: &str, name: &str) -> Option<String> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let unescaped = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain));
    // What came over the network does not get to move the cursor.
    Some(unescaped.chars().filter(|character| !character.is_control()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_message_are_shown() {
        let body = b"<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>It&apos;s &amp;lt; gone\x1b</Message></Error>";
        let error = StoreError::read(StatusCode::NOT_FOUND, body);
        assert_eq!(error.to_string(), "the store refused: It's &lt; gone (NoSuchKey)");
        assert!(error.has_code("NoSuchKey"));
    }

    #[test]
    fn an_answer_that_is_no_document_shows_its_status() {
        assert_eq!(
            StoreError::read(StatusCode::BAD_GATEWAY, b"oops").to_string(),
            "the store answered 502 Bad Gateway"
        );
    }
}
