//! What is printed and where: results on standard output, everything else on standard error.

use std::{
    env,
    fmt::{self, Write as _},
    io::{self, IsTerminal as _, Write as _},
};

use serde::Serialize;

use crate::{args::ColorChoice, failure::Failure};

/// How to print.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    form: Form,
    /// Whether standard error takes colours.
    colored: bool,
    /// Whether standard output does.
    colored_results: bool,
}

/// For whom results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Json,
}

impl Output {
    pub(crate) fn new(json: bool, color: ColorChoice) -> Self {
        let form = if json { Form::Json } else { Form::Text };
        let colored = |is_terminal: bool| match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            // https://no-color.org: present and not empty.
            ColorChoice::Auto => is_terminal && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        };
        let (colored, colored_results) = (colored(io::stderr().is_terminal()), colored(io::stdout().is_terminal()));
        Self { form, colored, colored_results }
    }

    pub(crate) fn is_json(self) -> bool {
        self.form == Form::Json
    }

    /// Whether standard error takes colours.
    pub(crate) fn is_colored(self) -> bool {
        self.colored
    }

    /// Prints the result: a text for people, or one JSON document on one line.
    pub(crate) fn result(self, text: impl fmt::Display, json: &impl Serialize) -> io::Result<()> {
        let printed = match self.form {
            Form::Text => text.to_string(),
            Form::Json => serde_json::to_string(json)?,
        };
        Self::raw_result(&printed)
    }

    /// A part of a result that stands out where standard output takes colours.
    pub(crate) fn emphasised(self, style: &str, text: &str) -> String {
        if self.colored_results { format!("\u{1b}[{style}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Prints a result that is the same text for everybody.
    pub(crate) fn raw_result(text: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        let line_break = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        let written = write!(stdout, "{text}{line_break}").and_then(|()| stdout.flush());
        match written {
            // `gatepass … | head` has read enough, which is no failure.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }

    /// A line for the person at the terminal.
    pub(crate) fn note(text: impl fmt::Display) {
        to_stderr(&format!("{text}\n"));
    }

    /// Prints why a command failed: `error:`, its causes, and `hint:` lines; one JSON document with `--json`.
    pub(crate) fn failure(self, failure: &Failure) {
        let text = match self.form {
            Form::Json => {
                let causes: Vec<String> = failure.causes().collect();
                let document = serde_json::json!({
                    "error": failure.message(),
                    "causes": causes,
                    "hints": failure.hints(),
                });
                format!("{document}\n")
            }
            Form::Text => {
                let mut text = format!("{} {}\n", self.paint("31;1", "error:"), failure.message());
                for cause in failure.causes() {
                    // Writing to a String does not fail.
                    let _ = writeln!(text, "  because: {cause}");
                }
                for hint in failure.hints() {
                    let _ = writeln!(text, "{} {hint}", self.paint("36;1", "hint:"));
                }
                text
            }
        };
        to_stderr(&text);
    }

    fn paint(self, style: &str, text: &str) -> String {
        if self.colored { format!("\u{1b}[{style}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// A closed standard error leaves nobody to tell.
fn to_stderr(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
