//! One target, many inputs.

use std::collections::HashSet;
use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};

use crate::chance::Chance;
use crate::mutate::mutate;
use crate::targets::{Target, Verdict};

/// The most inputs that are kept while a campaign runs.
const MAX_CORPUS: usize = 2_048;
/// The longest input that is kept: a corpus should be small, and its changes quick.
const MAX_KEPT_BYTES: usize = 2_048;
/// An input that takes longer than this is a failure: whatever its size, an answer comes in bounded time. It is far more
/// than any takes, since machines are sometimes busy with other things.
pub const MAX_DURATION: Duration = Duration::from_secs(5);

/// What a campaign found.
#[derive(Debug)]
pub struct Report {
    /// How many inputs were tried, those of the corpus among them.
    pub executions: u64,
    /// How many the parser accepted.
    pub accepted: u64,
    /// How many different things became of an input.
    pub outcomes: usize,
    /// Inputs that brought about something new, in the order in which they were found.
    pub new: Vec<Vec<u8>>,
    /// The longest that one input took.
    pub slowest: Duration,
}

/// An input for which the property does not hold.
#[derive(Debug)]
pub struct Failure {
    /// Its bytes.
    pub input: Vec<u8>,
    /// The how manieth it was, from one.
    pub execution: u64,
    /// What went wrong; where a panic said more, it is on standard error.
    pub message: String,
}

/// Tries every input of the corpus, then changed ones, `runs` in all.
pub fn run(target: &Target, corpus: Vec<Vec<u8>>, runs: u64, seed: u64) -> Result<Report, Failure> {
    let mut campaign = Campaign {
        target,
        chance: Chance::new(seed),
        inputs: Vec::new(),
        seen: HashSet::new(),
        report: Report { executions: 0, accepted: 0, outcomes: 0, new: Vec::new(), slowest: Duration::ZERO },
    };
    for input in corpus {
        campaign.execute(&input)?;
        campaign.inputs.push(input);
    }
    if campaign.inputs.is_empty() {
        campaign.inputs.push(Vec::new());
    }
    let mut input = Vec::new();
    while campaign.report.executions < runs {
        input.clear();
        let start = campaign.chance.pick(&campaign.inputs);
        input.extend_from_slice(start);
        mutate(&mut input, &campaign.inputs, target.words, &mut campaign.chance);
        if campaign.execute(&input)? && input.len() <= MAX_KEPT_BYTES && campaign.inputs.len() < MAX_CORPUS {
            campaign.inputs.push(input.clone());
            campaign.report.new.push(input.clone());
        }
    }
    campaign.report.outcomes = campaign.seen.len();
    Ok(campaign.report)
}

struct Campaign<'a> {
    target: &'a Target,
    chance: Chance,
    inputs: Vec<Vec<u8>>,
    seen: HashSet<Verdict>,
    report: Report,
}

impl Campaign<'_> {
    /// Whether something new became of the input.
    fn execute(&mut self, input: &[u8]) -> Result<bool, Failure> {
        self.report.executions += 1;
        let start = Instant::now();
        let verdict = panic::catch_unwind(AssertUnwindSafe(|| (self.target.check)(input)));
        let took = start.elapsed();
        self.report.slowest = self.report.slowest.max(took);
        let failure = |message: String| Failure { input: input.to_vec(), execution: self.report.executions, message };
        let verdict = verdict.map_err(|_| failure("the property does not hold".to_owned()))?;
        if took > MAX_DURATION {
            return Err(failure(format!("it took {took:?}")));
        }
        self.report.accepted += u64::from(verdict.is_accepted());
        Ok(self.seen.insert(verdict))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads_abc(input: &[u8]) -> Verdict {
        assert!(input != b"abX", "the defect");
        match input {
            [b'a', b'b', ..] => Verdict::accepted(),
            [b'a', ..] => Verdict::refused(&"second letter"),
            _ => Verdict::refused(&"first letter"),
        }
    }

    const TARGET: Target = Target { name: "abc", check: reads_abc, words: &["a", "b"], seeds: || vec![b"zz".to_vec()] };

    #[test]
    fn a_campaign_finds_its_way_step_by_step_and_stops_at_a_defect() {
        panic::set_hook(Box::new(|_| {}));
        let failure = run(&TARGET, (TARGET.seeds)(), 10_000_000, 1).expect_err("there is a defect");
        assert_eq!(failure.input, b"abX");
    }

    #[test]
    fn a_campaign_counts_and_repeats_itself() {
        let short = || run(&TARGET, vec![b"ab".to_vec(), b"q".to_vec()], 100, 3).expect("too few to find the defect");
        let report = short();
        assert_eq!(report.executions, 100);
        assert!(report.accepted > 0 && report.outcomes >= 2, "{report:?}");
        assert_eq!(report.new, short().new);
    }
}
