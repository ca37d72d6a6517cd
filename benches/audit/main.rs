//! What the audit log costs: records made durable beside a bare loop of writes and flushes, the work of a record, what a
//! request waits for it, how fast a log is read back, and what follows it. How to read the figures: `../README.md`. Names of
//! parts as arguments run those only: `cargo bench --profile release --bench audit -- durable work`; `--bars` adds the line
//! that `benches/compare` reads. Ends with exit code 1 when a bar is missed.

#![expect(clippy::print_stdout, reason = "the figures go to standard output")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a bench that cannot run must say so")]

mod behind;
mod durable;
mod figures;
mod overlap;
mod reading;
mod record;
mod restart;
mod scene;
mod work;

use std::process::ExitCode;

use scene::Scratch;

fn main() -> ExitCode {
    if behind::wrote_lines() {
        return ExitCode::SUCCESS;
    }
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let bars = std::env::args().any(|argument| argument == "--bars");
    if let [role, config, waits] = &asked[..]
        && role == overlap::GATEWAY
    {
        overlap::be_gateway(config, waits);
        return ExitCode::SUCCESS;
    }
    let wanted = |part: &str| asked.is_empty() || asked.iter().any(|name| name == part);
    let scratch = Scratch::new();
    durable::print_bare_flush(scratch.path());
    let mut held = true;
    if wanted("durable") {
        held &= durable::measure(scratch.path());
    }
    if wanted("durable") || wanted("full") {
        held &= durable::measure_full(scratch.path(), bars);
    }
    if wanted("work") {
        held &= work::measure();
    }
    if wanted("overlap") {
        held &= overlap::measure(scratch.path());
    }
    if wanted("reading") {
        reading::measure(scratch.path());
    }
    if wanted("behind") {
        behind::measure(scratch.path());
    }
    if wanted("restart") {
        restart::measure(scratch.path());
    }
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
