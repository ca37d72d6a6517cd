//! FHIR XML against what others made: the published fixtures, and the models from which the tables come.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends with a panic when something is not as it should be"
)]

mod published;
mod tables;

use std::io::Write as _;

/// Straight to standard error: the test runner keeps what the printing macros say of a test that passes.
fn skipped(test: &str, why: &str) {
    let line = format!("skipped {test}: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}
