//! What the documents promise about the tree: links lead somewhere, and a named test exists.

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
    let root = programs::root();
    let page = read(&root.join("docs/compatibility.md"));
    let (_, table) = page.split_once("\n## Deviations\n").expect("the page has its table of deviations");
    let mut sources = Vec::new();
    collect(&root.join("crates"), &mut sources);
    let rows: Vec<&str> =
        table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| what |")).collect();
    assert!(!rows.is_empty());
    for row in rows {
        let name = row.rsplit('`').nth(1).unwrap_or_else(|| panic!("no test in: {row}"));
        let definitions = [format!("fn {name}("), format!("def {name}(")];
        let exists = sources.iter().any(|text| definitions.iter().any(|definition| text.contains(definition)));
        assert!(exists, "no test is called {name}");
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
