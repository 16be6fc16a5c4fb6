//! The handbook knows every cause.

use gatepass_doctor::report::Cause;

const TROUBLESHOOTING: &str = include_str!("../../../docs/handbook/troubleshooting.md");

#[test]
fn every_cause_stands_in_the_table_once() {
    let ids: Vec<&str> = TROUBLESHOOTING
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(id, _)| id))
        .collect();
    let causes: Vec<&str> = Cause::ALL.iter().map(|cause| cause.as_str()).collect();
    assert_eq!(ids, causes);
}
