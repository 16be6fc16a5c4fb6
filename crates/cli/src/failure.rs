//! How a command fails: what went wrong, why, and what would help.

use std::{fmt, process::ExitCode};

/// What a command that ran to its end leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done: exit code 0.
    Done,
    /// It worked, and found something that is wrong: exit code 1.
    Finding,
    /// Another command was run, and this is its exit code.
    Forwarded(u8),
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::Finding => Self::from(1),
            Outcome::Forwarded(code) => Self::from(code),
        }
    }
}

/// Who has to change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The command was right and could not be carried out: exit code 1.
    Refused,
    /// The command was typed wrongly: exit code 2.
    Usage,
}

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    error: anyhow::Error,
    hints: Vec<String>,
}

/// The end of every command.
pub(crate) type Result<T = Outcome> = std::result::Result<T, Failure>;

impl Failure {
    /// The command was typed wrongly.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self { kind: Kind::Usage, error: anyhow::anyhow!("{message}"), hints: Vec::new() }
    }

    /// The command could not be carried out.
    pub(crate) fn refused(message: impl fmt::Display) -> Self {
        Self { kind: Kind::Refused, error: anyhow::anyhow!("{message}"), hints: Vec::new() }
    }

    /// Adds a line that says what to do.
    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hints.push(hint.to_string());
        self
    }

    /// Says what was being done; what this failure said becomes the cause.
    pub(crate) fn during(mut self, message: impl fmt::Display + Send + Sync + 'static) -> Self {
        self.error = self.error.context(message.to_string());
        self
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self.kind {
            Kind::Refused => ExitCode::from(1),
            Kind::Usage => ExitCode::from(2),
        }
    }

    pub(crate) fn message(&self) -> String {
        self.error.to_string()
    }

    pub(crate) fn causes(&self) -> impl Iterator<Item = String> {
        self.error.chain().skip(1).map(ToString::to_string)
    }

    pub(crate) fn hints(&self) -> &[String] {
        &self.hints
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { kind: Kind::Refused, error: error.into(), hints: Vec::new() }
    }
}

/// Says what was being done, on the way up.
pub(crate) trait Explain<T> {
    /// Puts a sentence before the error, which becomes its cause.
    fn explain(self, message: impl fmt::Display + Send + Sync + 'static) -> Result<T>;
}

impl<T, E: Into<anyhow::Error>> Explain<T> for std::result::Result<T, E> {
    fn explain(self, message: impl fmt::Display + Send + Sync + 'static) -> Result<T> {
        self.map_err(|error| Failure {
            kind: Kind::Refused,
            error: error.into().context(message.to_string()),
            hints: Vec::new(),
        })
    }
}
