//! What an experiment hands back: figures, what was broken, and how its control ended.

use serde_json::{Map, Value, json};

/// The outcome of one experiment.
#[derive(Debug)]
pub struct Report {
    /// What was counted, by name.
    pub figures: Vec<(&'static str, u64)>,
    /// Each way in which the promise was not kept. Empty where it was.
    pub broken: Vec<String>,
    /// How the run ended that must not keep the promise.
    pub control: Control,
}

/// A run of the same judge over something that does not keep the promise: a judge that finds nothing there finds nothing
/// anywhere.
#[derive(Debug, PartialEq, Eq)]
pub enum Control {
    /// It was caught, as it must be; this is what was said of it.
    Caught(String),
    /// It passed: the experiment proves nothing.
    Passed(String),
    /// This machine does not let it run.
    Impossible(String),
}

impl Control {
    /// Caught where something was counted against it.
    pub fn of(found: u64, what: &str) -> Self {
        let said = format!("{found} {what}");
        if found > 0 { Self::Caught(said) } else { Self::Passed(said) }
    }

    /// Several, of which each must be caught.
    pub fn all(controls: impl IntoIterator<Item = Self>) -> Self {
        let (mut caught, mut passed, mut impossible) = (Vec::new(), Vec::new(), Vec::new());
        for control in controls {
            match control {
                Self::Caught(said) => caught.push(said),
                Self::Passed(said) => passed.push(said),
                Self::Impossible(said) => impossible.push(said),
            }
        }
        match (passed.is_empty(), impossible.is_empty()) {
            (false, _) => Self::Passed(passed.join("; ")),
            (true, false) => Self::Impossible(impossible.join("; ")),
            (true, true) => Self::Caught(caught.join("; ")),
        }
    }
}

impl Report {
    /// Whether the promise was kept, by an experiment that would have noticed otherwise or could not run.
    pub fn is_good(&self) -> bool {
        self.broken.is_empty() && !matches!(self.control, Control::Passed(_))
    }

    /// Whether this machine let all of it run.
    pub fn is_whole(&self) -> bool {
        !matches!(self.control, Control::Impossible(_))
    }

    /// For people.
    pub fn text(&self, name: &str) -> String {
        let figures = self.figures.iter().map(|(figure, number)| format!("{name}  {figure:<44} {number}"));
        let broken = self.broken.iter().map(|broken| format!("{name}  BROKEN: {broken}"));
        let control = match &self.control {
            Control::Caught(said) => format!("{name}  the control was caught, as it must be: {said}"),
            Control::Passed(said) => format!("{name}  THE CONTROL PASSED, so that nothing is proved: {said}"),
            Control::Impossible(reason) => format!("{name}  NOT TESTED on this machine: {reason}"),
        };
        figures.chain(broken).chain([control]).collect::<Vec<_>>().join("\n")
    }

    /// For programs: one document.
    pub fn json(&self, name: &str, seed: u64, seconds: f64) -> Value {
        let figures: Map<String, Value> =
            self.figures.iter().map(|(figure, number)| (figure.replace(' ', "_"), json!(number))).collect();
        let (control, said) = match &self.control {
            Control::Caught(said) => ("caught", said),
            Control::Passed(said) => ("passed", said),
            Control::Impossible(said) => ("impossible", said),
        };
        json!({
            "promise": name, "seed": seed, "seconds": seconds, "kept": self.broken.is_empty(),
            "figures": figures, "broken": self.broken, "control": control, "control_said": said,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_controls_each_must_be_caught() {
        let (caught, passed) = (|| Control::of(1, "seen"), || Control::of(0, "seen"));
        let impossible = || Control::Impossible("no mount".to_owned());
        assert_eq!(Control::all([caught(), caught()]), Control::Caught("1 seen; 1 seen".to_owned()));
        assert_eq!(Control::all([caught(), impossible()]), impossible());
        assert_eq!(Control::all([impossible(), passed()]), Control::Passed("0 seen".to_owned()));
    }

    #[test]
    fn a_control_that_passes_spoils_the_report_and_one_that_is_caught_does_not() {
        let report = |found| Report { figures: Vec::new(), broken: Vec::new(), control: Control::of(found, "lost") };
        assert!(report(1).is_good());
        assert!(!report(0).is_good());
        assert!(!Report { broken: vec!["one".to_owned()], ..report(1) }.is_good());
        let impossible = Report { control: Control::Impossible("no mount".to_owned()), ..report(1) };
        assert!(impossible.is_good() && !impossible.is_whole() && report(0).is_whole());
    }
}
