//! What the documents promise about the tree: links lead somewhere, and a named test exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use gatepass_e2e::programs;

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every page of the repository's root, of its documentation, and of the handbook.
fn documents() -> Vec<PathBuf> {
    let entries = ["", "docs", "docs/handbook"].into_iter().flat_map(|directory| {
        let directory = programs::root().join(directory);
        fs::read_dir(directory).expect("a directory of pages").flatten().map(|entry| entry.path())
    });
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

#[test]
fn every_relative_link_leads_to_a_file() {
    for path in documents() {
        for link in read(&path).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().expect("split yields at least one piece");
            if !file.is_empty() && !file.contains("://") {
                let target = path.parent().expect("a document lies in a directory").join(file);
                assert!(target.exists(), "{} links to {link}", path.display());
            }
        }
    }
}

#[test]
fn every_deviation_names_a_test_that_exists() {
    let page = read(&programs::root().join("docs/compatibility.md"));
    let (_, table) = page.split_once("\n## Deviations\n").expect("the page has its table of deviations");
    let sources = Sources::read();
    let tests = named_tests(table, "| what |");
    assert!(!tests.is_empty());
    for test in tests {
        assert!(sources.define(test), "no test is called {test}");
    }
}

/// How many tests of advisories and of attacks there were when this was written. They grow; who takes one away says why here.
const ADVISORIES_AT_LEAST: usize = 42;
const ATTACKS_AT_LEAST: usize = 95;

#[test]
fn every_advisory_names_a_test_that_exists_and_no_test_of_one_is_forgotten() {
    let page = read(&programs::root().join("docs/threat-model.md"));
    let (_, tables) =
        page.split_once("\n## What went wrong elsewhere\n").expect("the page has its table of advisories");
    let (table, _) = tables.split_once("\nNo test yet").expect("the table ends");
    let sources = Sources::read();
    let named = named_tests(table, "| advisory |");
    for test in &named {
        assert!(sources.define(test), "no test is called {test}");
    }
    let advisories = sources.tests("adv_");
    for test in &advisories {
        assert!(named.contains(&test.as_str()), "{test} is in no row of the table");
    }
    assert!(advisories.len() >= ADVISORIES_AT_LEAST, "{} tests of advisories", advisories.len());
    let attacks = sources.tests("attack_");
    assert!(attacks.len() >= ATTACKS_AT_LEAST, "{} tests of attacks", attacks.len());
    for number in (1..=28).chain(35..=41).chain([45]) {
        let prefix = format!("attack_{number:02}_");
        assert!(attacks.iter().any(|test| test.starts_with(&prefix)), "no test of attack {number}");
    }
}

/// What stands last between back ticks in each row of the tables.
fn named_tests<'p>(tables: &'p str, head: &str) -> Vec<&'p str> {
    let rows = tables.lines().filter(|line| line.starts_with("| ") && !line.starts_with(head));
    rows.map(|row| row.rsplit('`').nth(1).unwrap_or_else(|| panic!("no test in: {row}"))).collect()
}

/// The text of every Rust and Python file of the workspace.
struct Sources(Vec<String>);

impl Sources {
    fn read() -> Self {
        let mut sources = Vec::new();
        collect(&programs::root().join("crates"), &mut sources);
        Self(sources)
    }

    fn define(&self, test: &str) -> bool {
        let definitions = [format!("fn {test}("), format!("def {test}(")];
        self.0.iter().any(|text| definitions.iter().any(|definition| text.contains(definition)))
    }

    /// The functions that begin so, which only tests do.
    fn tests(&self, prefix: &str) -> BTreeSet<String> {
        let definition = format!("fn {prefix}");
        let names = self.0.iter().flat_map(|text| text.lines()).filter_map(|line| {
            let (_, rest) = line.split_once(&definition)?;
            Some(format!("{prefix}{}", rest.split_once('(')?.0))
        });
        names.filter(|name| name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())).collect()
    }
}

/// The text of every Rust and Python file below a directory, leaving out what npm installed.
fn collect(directory: &Path, sources: &mut Vec<String>) {
    for entry in fs::read_dir(directory).expect("a directory of sources").flatten() {
        let path: PathBuf = entry.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "node_modules") {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "py") {
            sources.push(read(&path));
        }
    }
}
