//! The scan of a server's log: no secret, token or signature may stand in it.

use anyhow::{Result, bail};

/// What stands before the 64 hexadecimal digits of a signature, in a query and in a header.
const SIGNATURE_MARKS: [&str; 3] = ["X-Amz-Signature=", "Signature=", "chunk-signature="];
const SIGNATURE_DIGITS: usize = 64;

/// Fails where the log holds one of these secrets, or anything that looks like a signature.
pub fn check(log: &str, secrets: &[String]) -> Result<()> {
    for line in log.lines() {
        if let Some(secret) = secrets.iter().find(|secret| line.contains(secret.as_str())) {
            bail!("a secret stands in the log: {}", line.replace(secret.as_str(), "<SECRET>"));
        }
        if SIGNATURE_MARKS.iter().any(|mark| holds_signature(line, mark)) {
            bail!("a signature stands in the log: {line}");
        }
    }
    Ok(())
}

fn holds_signature(line: &str, mark: &str) -> bool {
    line.match_indices(mark).any(|(at, _)| {
        let rest = &line[at + mark.len()..];
        rest.bytes().take_while(u8::is_ascii_hexdigit).count() >= SIGNATURE_DIGITS
    })
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_secret_and_a_signature_are_found_and_a_redacted_one_is_not() {
        let secrets = ["hunter2".to_owned()];
        assert!(check("all is well", &secrets).is_ok());
        assert!(check("key=hunter2", &secrets).is_err());
        assert!(check(&format!("GET /?X-Amz-Signature={}", "a".repeat(64)), &secrets).is_err());
        assert!(check("GET /?X-Amz-Signature=[redacted]", &secrets).is_ok());
    }
}
