//! The table of arrows: which crate may import which, and what the pure crates must not know.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand};

/// What each crate may import of this workspace. `ARCHITECTURE.md` shows the same table and says why.
const ARROWS: &[(&str, &[&str])] = &[
    ("gatepass-signing", &["gatepass-rsa-sha1"]),
    ("gatepass-rsa-sha1", &[]),
    ("gatepass-iam", &[]),
    ("gatepass-protocol", &["gatepass-signing"]),
    ("gatepass-authority", &["gatepass-signing", "gatepass-iam", "gatepass-protocol"]),
    (
        "gatepass-store",
        &["gatepass-signing", "gatepass-iam", "gatepass-protocol", "gatepass-authority", "gatepass-doctor"],
    ),
    ("gatepass-backend", &["gatepass-signing", "gatepass-protocol", "gatepass-iam"]),
    ("gatepass-doctor", &["gatepass-signing", "gatepass-protocol", "gatepass-iam"]),
    ("gatepass-devidp", &[]),
    (
        "gatepass",
        &[
            "gatepass-signing",
            "gatepass-iam",
            "gatepass-protocol",
            "gatepass-authority",
            "gatepass-store",
            "gatepass-backend",
            "gatepass-doctor",
            "gatepass-devidp",
        ],
    ),
    (
        "gatepass-e2e",
        &[
            "gatepass-signing",
            "gatepass-iam",
            "gatepass-protocol",
            "gatepass-authority",
            "gatepass-store",
            "gatepass-backend",
            "gatepass",
        ],
    ),
    ("gatepass-fuzz", &["gatepass-signing", "gatepass-iam", "gatepass-protocol", "gatepass-doctor"]),
    ("xtask", &[]),
];

/// Crates without IO, clock or runtime.
const PURE: [&str; 4] = ["gatepass-signing", "gatepass-iam", "gatepass-protocol", "gatepass-doctor"];

/// The one exception: with this feature signing asks a provider of credentials, whose crates bring a part of a runtime.
/// No pure crate switches it on.
const EXCEPTION: (&str, &str) = ("gatepass-signing", "provider");

/// Whoever depends on one of these does IO, or is about to.
const IMPURE: [&str; 8] = ["tokio", "hyper", "hyper-util", "axum", "reqwest", "mio", "async-std", "redb"];

/// What pure code must not name, although it needs no dependency for it.
const IMPURE_PATHS: [&str; 8] = [
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::SystemTime",
    "std::time::Instant",
    "Timestamp::now",
    "std::env",
];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(gatepass_e2e::programs::root().join("Cargo.toml"))
        .features(CargoOpt::AllFeatures)
        .exec()
        .expect("cargo metadata answers")
}

#[test]
fn each_crate_imports_only_what_the_table_allows() {
    let metadata = metadata();
    let members: BTreeSet<String> =
        metadata.workspace_packages().iter().map(|package| package.name.to_string()).collect();
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    assert_eq!(members.iter().map(String::as_str).collect::<Vec<_>>(), allowed.keys().copied().collect::<Vec<_>>());
    for package in metadata.workspace_packages() {
        for dependency in
            package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development)
        {
            assert!(
                !members.contains(&dependency.name)
                    || allowed[package.name.as_str()].contains(&dependency.name.as_str()),
                "{} must not import {}",
                package.name,
                dependency.name
            );
        }
    }
}

#[test]
fn pure_crates_bring_no_runtime_however_indirectly() {
    let metadata = metadata();
    let resolve = metadata.resolve.as_ref().expect("cargo metadata resolves");
    let names: BTreeMap<_, _> =
        metadata.packages.iter().map(|package| (&package.id, package.name.to_string())).collect();
    let excepted = brought_by_the_exception_alone(&metadata);
    assert!(excepted.contains("aws-credential-types"), "the feature brings what it is for: {excepted:?}");
    for pure in PURE {
        let start = resolve.nodes.iter().find(|node| names[&node.id] == pure).expect("the crate is in the graph");
        let mut seen = BTreeSet::from([&start.id]);
        let mut open = vec![&start.id];
        while let Some(id) = open.pop() {
            assert!(!IMPURE.contains(&names[id].as_str()), "{pure} depends on {}", names[id]);
            let node = resolve.nodes.iter().find(|node| node.id == *id).expect("every id has its node");
            for next in &node.deps {
                let is_normal = next.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
                let is_excepted = names[id] == EXCEPTION.0 && excepted.contains(&names[&next.pkg]);
                if is_normal && !is_excepted && seen.insert(&next.pkg) {
                    open.push(&next.pkg);
                }
            }
        }
    }
}

#[test]
fn no_pure_crate_switches_the_exception_on() {
    let (name, feature) = EXCEPTION;
    for package in metadata().workspace_packages().into_iter().filter(|package| PURE.contains(&package.name.as_str())) {
        let normal = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
        for dependency in normal.filter(|dependency| dependency.name == name) {
            assert!(!dependency.features.iter().any(|on| on == feature), "{} switches {feature} on", package.name);
        }
    }
}

#[test]
fn pure_crates_name_no_file_socket_or_clock() {
    for package in metadata().workspace_packages().into_iter().filter(|package| PURE.contains(&package.name.as_str())) {
        let sources = package.manifest_path.parent().expect("a manifest lies in a directory").join("src");
        for file in rust_files(sources.as_std_path()) {
            let text = std::fs::read_to_string(&file).expect("a source file is text");
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for line in code {
                for path in IMPURE_PATHS {
                    assert!(!line.contains(path), "{}: {line}", file.display());
                }
            }
        }
    }
}

/// The dependencies that no other feature of the crate brings.
fn brought_by_the_exception_alone(metadata: &Metadata) -> BTreeSet<String> {
    let (name, feature) = EXCEPTION;
    let package = metadata.packages.iter().find(|package| package.name == name).expect("the crate is in the graph");
    let brought = |by: &dyn Fn(&str) -> bool| -> BTreeSet<String> {
        let parts = package.features.iter().filter(|(feature, _)| by(feature)).flat_map(|(_, parts)| parts);
        parts.filter_map(|part| part.strip_prefix("dep:").map(str::to_owned)).collect()
    };
    let optional = |name: &String| {
        package
            .dependencies
            .iter()
            .filter(|one| one.kind == DependencyKind::Normal && one.name == *name)
            .all(|one| one.optional)
    };
    let others = brought(&|other| other != feature);
    brought(&|one| one == feature).into_iter().filter(|name| !others.contains(name) && optional(name)).collect()
}

fn rust_files(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a source directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
