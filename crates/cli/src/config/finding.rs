//! One thing that is wrong with a configuration: where, what, and what would be right.

use std::path::Path;

use gatepass_backend::config::ConfigError;
use serde::Serialize;
use toml::de::{DeTable, DeValue};

use super::environment::{Setting, setting_at};

/// A mistake and its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// Where in the file, counted from 1; nothing for what is missing or not in the file.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    position: Option<Position>,
    /// The environment variable that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<String>,
    /// What is wrong and what would be valid.
    message: String,
    /// What was probably meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Position {
    line: usize,
    column: usize,
}

impl Finding {
    /// Something that should be there.
    pub(super) fn missing(message: &str) -> Self {
        Self { position: None, variable: None, message: message.to_owned(), hint: None }
    }

    /// What the TOML reader or a type says.
    pub(super) fn of_parser(text: &str, error: &toml::de::Error, environment: &[Setting]) -> Self {
        let place = error.span().map(|span| span.start);
        let mut finding = Self::at(text, place, environment);
        let line = finding.position.and_then(|position| text.lines().nth(position.line - 1));
        finding.message = if line.is_some_and(|line| line.contains("secret")) {
            without_literals(error.message())
        } else {
            error.message().replace('\n', " ")
        };
        finding.hint = nearest_expected(error.message()).map(|name| format!("did you mean `{name}`?"));
        finding
    }

    /// What the backend says of a setting, found again in the file.
    pub(super) fn of_setting(text: &str, table: &DeTable<'_>, error: &ConfigError, environment: &[Setting]) -> Self {
        let mut finding = Self::at(text, place_of(table, &error.setting), environment);
        finding.message = format!("{}: {}", error.setting, error.message);
        finding
    }

    fn at(text: &str, place: Option<usize>, environment: &[Setting]) -> Self {
        let variable = place.and_then(|place| setting_at(environment, text.len(), place));
        let position =
            place.filter(|place| variable.is_none() && *place <= text.len()).map(|place| position(text, place));
        Self {
            position,
            variable: variable.map(|setting| setting.variable.clone()),
            message: String::new(),
            hint: None,
        }
    }

    /// `gatepass.toml:3:1: …`, as editors and terminals link it.
    pub(crate) fn located(&self, file: &Path) -> String {
        match (&self.variable, self.position) {
            (Some(variable), _) => format!("{variable}: {}", self.message),
            (None, Some(Position { line, column })) => format!("{}:{line}:{column}: {}", file.display(), self.message),
            (None, None) => format!("{}: {}", file.display(), self.message),
        }
    }
}

/// Line and column of a byte, both from 1, the column in characters.
fn position(text: &str, place: usize) -> Position {
    let before = text.get(..place).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Position { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
}

/// Where `collections.files.upload.expires` or `backend.issuers[0].issuer` stands, or the nearest table around it.
fn place_of(table: &DeTable<'_>, setting: &str) -> Option<usize> {
    let mut place = None;
    let mut steps = setting.split('.');
    let first = steps.next()?;
    let mut value = enter(table, first, &mut place)?;
    for step in steps {
        let Some(next) = value.as_table().and_then(|table| enter(table, step, &mut place)) else { break };
        value = next;
    }
    place
}

/// One step of a path: `issuers`, or `issuers[0]`.
fn enter<'t>(table: &'t DeTable<'_>, step: &str, place: &mut Option<usize>) -> Option<&'t DeValue<'t>> {
    let (name, index) = match step.strip_suffix(']').and_then(|step| step.split_once('[')) {
        Some((name, index)) => (name, index.parse::<usize>().ok()),
        None => (step, None),
    };
    let mut value = table.get(name)?;
    if let Some(element) = index.and_then(|index| value.get_ref().as_array()?.get(index)) {
        value = element;
    }
    *place = Some(value.span().start);
    Some(value.get_ref())
}

/// Of "unknown field `lisen`, expected one of `listen`, `data`" the expected name that is nearest to the one that was
/// written, where one is near.
fn nearest_expected(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("unknown field `").or_else(|| message.strip_prefix("unknown variant `"))?;
    let (written, expected) = rest.split_once('`')?;
    let (distance, name) = expected
        .split('`')
        .skip(1)
        .step_by(2)
        .map(|name| (distance(written, name), name))
        .min_by_key(|(near, _)| *near)?;
    (distance <= 2.min(written.len() / 2)).then_some(name)
}

/// How many characters to insert, delete or replace (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (index, left) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, right) in other.chars().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[other.chars().count()]
}

/// A message without what stands in double quotes: on a line about a secret that could be the secret.
fn without_literals(message: &str) -> String {
    let parts = message.split('"').enumerate().map(|(index, part)| if index % 2 == 0 { part } else { "…" });
    parts.collect::<Vec<_>>().join("\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_levenshtein() {
        for (one, other, expected) in [("", "abc", 3), ("kitten", "sitting", 3), ("lisen", "listen", 1), ("a", "a", 0)]
        {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn a_hint_is_given_only_where_a_name_is_near() {
        assert_eq!(nearest_expected("unknown field `regoin`, expected one of `listen`, `region`"), Some("region"));
        assert_eq!(nearest_expected("unknown field `colour`, expected one of `listen`, `region`"), None);
        assert_eq!(nearest_expected("invalid type"), None);
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(position("é = 1\nüx", 9), Position { line: 2, column: 2 });
    }

    #[test]
    fn what_might_be_a_secret_is_not_repeated() {
        assert_eq!(
            without_literals("invalid type: string \"hunter2\", expected"),
            "invalid type: string \"…\", expected"
        );
    }
}
