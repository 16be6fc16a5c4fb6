//! How contests are run: on one thread, every contestant once per round, in turn, so that a machine that slows down slows
//! them all. A figure is the median of the rounds, and its spread are the fastest and the slowest of them.

use std::collections::BTreeMap;
use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// The rounds that count; an odd number, so that one of them is the median.
const ROUNDS: usize = 201;
/// How long a contestant works in one round, about: long beside reading the clock, and short beside the slices of time in
/// which other processes get the machine, so that most rounds are undisturbed even where it is busy.
const ROUND: Duration = Duration::from_micros(250);

/// One contestant's name and one piece of its work; the result keeps the compiler from leaving the work out.
pub(crate) type Contestant<'a> = (&'static str, &'a mut dyn FnMut() -> usize);

/// The time of one call: the median of the rounds, and its spread.
#[derive(Clone, Copy)]
pub(crate) struct Figure {
    median: Duration,
    fastest: Duration,
    slowest: Duration,
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (median, fastest, slowest) = (self.median.as_nanos(), self.fastest.as_nanos(), self.slowest.as_nanos());
        write!(f, "{median:>8} ns  ({fastest} to {slowest})")
    }
}

/// The figures of one contest, by contestant.
pub(crate) struct Figures(BTreeMap<&'static str, Figure>);

impl Figures {
    /// How many times longer `one` takes than `other`.
    pub(crate) fn ratio(&self, one: &str, other: &str) -> f64 {
        self.0[one].median.as_secs_f64() / self.0[other].median.as_secs_f64()
    }
}

/// Runs a contest and prints the absolute figures. One round before those that count warms up, and says how many calls
/// make a round of each contestant.
pub(crate) fn interleaved(contest: &str, contestants: &mut [Contestant<'_>]) -> Figures {
    let calls: Vec<u32> = contestants.iter_mut().map(|(_, work)| calls_in_a_round(work)).collect();
    let mut times: BTreeMap<&'static str, Vec<Duration>> = BTreeMap::new();
    for _ in 0..ROUNDS {
        for ((name, work), calls) in contestants.iter_mut().zip(&calls) {
            times.entry(name).or_default().push(time(work, *calls));
        }
    }
    let figures = times.into_iter().map(|(name, mut rounds)| {
        rounds.sort_unstable();
        let figure = Figure { median: rounds[ROUNDS / 2], fastest: rounds[0], slowest: rounds[ROUNDS - 1] };
        println!("{contest:12} {name:20} {figure}");
        (name, figure)
    });
    Figures(figures.collect())
}

/// Prints a figure for the record.
pub(crate) fn record(name: &str, value: f64) {
    println!("ratio {name} {value:.2}");
}

fn calls_in_a_round(work: &mut dyn FnMut() -> usize) -> u32 {
    let start = Instant::now();
    let mut calls = 0;
    while start.elapsed() < ROUND {
        black_box(work());
        calls += 1;
    }
    calls
}

fn time(work: &mut dyn FnMut() -> usize, calls: u32) -> Duration {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(work());
    }
    start.elapsed() / calls
}
