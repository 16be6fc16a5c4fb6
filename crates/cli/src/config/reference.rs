//! Every setting on one page: what `gatepass config reference` prints and `docs/config.md` holds.

/// The settings, as a file that is valid as it stands.
pub(crate) const REFERENCE: &str = include_str!("reference.toml");

/// The page around them.
pub(crate) fn reference_page() -> String {
    format!(
        "# Configuration: `gatepass.toml`

One file for every part; each part reads its own tables. What is typed on the command line wins over the environment,
the environment over the file, the file over the defaults.

- **Environment**: `GATEPASS__BACKEND__LISTEN` is `listen` in `[backend]`: two underscores for each level. Names are taken
  in lower case; a value is read as TOML where it is a boolean, a number, a list or a table, and as text otherwise.
- **Secrets** are never written in the file: `{{ env = \"NAME\" }}` names a variable, `{{ file = \"PATH\" }}` a file.
- **Durations** are seconds or have a unit (`90`, `\"15m\"`, `\"2h\"`, `\"7d\"`), **sizes** bytes or likewise (`\"5GiB\"`).
- `gatepass config check` names file, line and column of every mistake and says what would be valid. An unknown key is a
  mistake.

```toml
{}
```
",
        REFERENCE.trim_end()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every table of the file, with one key that cannot exist: the answer lists the ones that do.
    #[test]
    fn every_key_that_is_read_stands_in_the_reference() {
        let tables = [
            "[store]\nzz = 1",
            "[store.tls]\nzz = 1",
            "[store.regions.eu]\nzz = 1",
            "[backend]\nzz = 1",
            "[[backend.issuers]]\nzz = 1",
            "[backend.issuers.claims]\nzz = 1",
            "[backend.console]\nzz = 1",
            "[backend.authz]\nzz = 1",
            "[stores.main]\nzz = 1",
            "[profiles.main]\nzz = 1",
            "[collections.files]\nzz = 1",
            "[collections.files.upload]\nzz = 1",
            "[collections.files.download]\nzz = 1",
            "zz = 1",
        ];
        for table in tables {
            let Err(findings) = super::super::check(table, &[]) else { panic!("{table} was taken") };
            let message = findings[0].located(std::path::Path::new("f"));
            let Some((_, expected)) = message.split_once("expected ") else { continue };
            for name in expected.split('`').skip(1).step_by(2) {
                let stands = REFERENCE.contains(&format!("{name} ="))
                    || REFERENCE.contains(&format!("[{name}"))
                    || REFERENCE.contains(&format!(".{name}]"))
                    || REFERENCE.contains(&format!(".{name}."));
                assert!(stands, "`{name}` of {table} is not in the reference");
            }
        }
    }

    #[test]
    fn the_reference_is_a_valid_file() {
        if let Err(findings) = super::super::check(REFERENCE, &[]) {
            let messages: Vec<String> =
                findings.iter().map(|finding| finding.located(std::path::Path::new("reference.toml"))).collect();
            panic!("{messages:#?}");
        }
    }
}
