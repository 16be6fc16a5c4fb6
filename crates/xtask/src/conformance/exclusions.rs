//! Which tests of a suite are not expected to pass, and why.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// The committed list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exclusions {
    exclude: Vec<Exclusion>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exclusion {
    reason: Reason,
    /// What the tests ask for; of an answer that is not AWS's, what AWS answers.
    because: String,
    /// Names of tests, in which `*` stands for anything.
    #[serde(default)]
    tests: Vec<String>,
    /// Marks of pytest.
    #[serde(default)]
    marks: Vec<String>,
}

/// Why a test is not expected to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reason {
    /// It needs users, roles or a second account, which the store has not yet.
    NeedsUsers,
    /// It needs encryption, which the store has not yet.
    NeedsEncryption,
    /// It grants by ACL; here, as on AWS's new buckets, ACLs are off.
    NeedsAcls,
    /// It demands what Ceph answers and AWS does not.
    NotAws,
    /// It is about a feature that the store does not have.
    OutOfScope,
    /// It demands what we do differently; a row of the page on compatibility says so.
    Deviation,
    /// No store can pass it: the client of today undoes what the test sets out to do.
    TestIsBroken,
}

/// A test of a suite, as its runner names it.
pub(crate) struct Test {
    pub(crate) id: String,
    pub(crate) marks: Vec<String>,
}

impl Exclusions {
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let list: Self = toml::from_str(&text).with_context(|| format!("{} is not a list", path.display()))?;
        if let Some(empty) = list.exclude.iter().find(|entry| entry.tests.is_empty() && entry.marks.is_empty()) {
            bail!("an entry names no test: {}", empty.because);
        }
        Ok(list)
    }

    /// Why a test is not expected to pass; `None` where it is.
    pub(crate) fn reason(&self, test: &Test) -> Option<Reason> {
        self.exclude.iter().find(|entry| entry.covers(test)).map(|entry| entry.reason)
    }

    /// The patterns and marks that no test has any more.
    pub(crate) fn unused<'a>(&'a self, tests: &'a [Test]) -> impl Iterator<Item = &'a str> {
        let patterns = self.exclude.iter().flat_map(|entry| &entry.tests);
        let marks = self.exclude.iter().flat_map(|entry| &entry.marks);
        let unused_patterns = patterns.filter(|pattern| !tests.iter().any(|test| matches(pattern, &test.id)));
        let unused_marks = marks.filter(|mark| !tests.iter().any(|test| test.marks.contains(mark)));
        unused_patterns.chain(unused_marks).map(String::as_str)
    }
}

impl Exclusion {
    fn covers(&self, test: &Test) -> bool {
        self.marks.iter().any(|mark| test.marks.contains(mark))
            || self.tests.iter().any(|pattern| matches(pattern, &test.id))
    }
}

/// Whether a pattern is the name of a test or, before it, the end of its path.
fn matches(pattern: &str, id: &str) -> bool {
    let name = id.rsplit('/').next().unwrap_or(id);
    let function = name.split_once("::").map_or(name, |(_, function)| function);
    [name, function].iter().any(|name| glob(pattern, name))
}

fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|after| {
            after.char_indices().map(|(index, _)| index).chain([after.len()]).any(|index| glob(rest, &after[index..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "s3tests/functional/test_s3.py::test_bucket_list";

    #[test]
    fn a_pattern_names_a_test_with_or_without_its_file() {
        for pattern in ["test_bucket_list", "test_s3.py::test_bucket_list", "test_s3.py::*", "test_*_list", "*list*"] {
            assert!(matches(pattern, ID), "{pattern}");
        }
        for pattern in ["test_bucket", "bucket_list", "test_iam.py::*", "test_*_lists", ""] {
            assert!(!matches(pattern, ID), "{pattern}");
        }
    }

    #[test]
    fn the_list_of_s3_tests_can_be_read() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/s3-tests.toml");
        let list = Exclusions::load(&path).unwrap();
        assert!(list.exclude.iter().all(|entry| entry.because.len() > 10));
        assert!(list.exclude.iter().any(|entry| entry.reason == Reason::NeedsUsers));
    }
}
