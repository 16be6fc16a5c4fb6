//! The web console, and forms of the store, in Chromium; the journeys themselves are in `browser/`.

use std::process::Command;

use gatepass_e2e::dev::{Dev, Options};
use gatepass_e2e::programs;

#[test]
fn the_console_works_in_a_browser() {
    run("console.mjs");
}

#[test]
fn a_form_uploads_from_a_browser_which_then_comes_back() {
    run("forms.mjs");
}

fn run(journeys: &str) {
    let directory = programs::root().join("crates/e2e/browser");
    assert!(
        directory.join("node_modules").is_dir(),
        "run `cargo xtask setup` once: the browser's driver is not installed"
    );
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let server = Dev::start(&scratch.path().join("data"), &Options::default()).expect("the server starts");
    let mut node = Command::new("node");
    server.aws(&mut node);
    let output = node
        .arg(journeys)
        .env("GATEPASS_READY", server.ready_file())
        .env("GATEPASS_PROGRAM", programs::gatepass())
        .current_dir(directory)
        .output()
        .expect("node starts");
    assert!(
        output.status.success(),
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
