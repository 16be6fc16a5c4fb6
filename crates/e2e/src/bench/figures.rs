//! Medians with their spread, and the lines that say them.

use super::load::Round;

/// Several rounds of the same thing.
#[derive(Debug, Default)]
pub struct Rounds(Vec<Round>);

impl Rounds {
    /// One more.
    pub fn push(&mut self, round: Round) {
        self.0.push(round);
    }

    /// Requests a second.
    pub fn throughput(&self) -> Spread {
        Spread::of(self.0.iter().map(|round| round.per_second).collect())
    }

    /// The server's CPU time for one request, in microseconds.
    pub fn cpu(&self) -> Spread {
        Spread::of(self.0.iter().map(|round| round.cpu_micros).collect())
    }
}

/// A median, and the least and the most beside it.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    /// The least of the values.
    pub least: f64,
    /// The one in the middle.
    pub median: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    /// Of at least one value.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self { least: values[0], median: values[values.len() / 2], most: values[values.len() - 1] }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:10.1} ({:.1} to {:.1})", self.median, self.least, self.most)
    }
}
