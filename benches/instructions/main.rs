//! How many instructions the hot functions take, counted by callgrind: what else the machine does is not in it. How to read the
//! figures: `../README.md`.
//!
//! Without arguments it counts, prints, and compares with the figures that are stored for this compiler, valgrind, C library and
//! processor: one that grew is exit code 1, and where none are stored it is 3, for `run` to compare with another build.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the figures go to standard output")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a bench that cannot run must say so")]

#[expect(dead_code, reason = "white space is for the bench of shaping")]
#[path = "../shaping/answer.rs"]
mod answer;
mod cases;
mod count;
mod desk;
#[path = "../audit/record.rs"]
mod record;
#[path = "../decision/scene.rs"]
mod scene;
mod stored;

use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;

use tokio::runtime::Builder;

use self::stored::{Figures, Set, Stored};

/// Exit code when no figures are stored for what this is built and run with.
const UNKNOWN_SET: u8 = 3;

/// What callgrind counts: this and all that it calls.
#[inline(never)]
fn measured(work: &mut dyn FnMut()) {
    work();
    black_box(());
}

/// Under callgrind: each case to warm up, for its allocations, and to be counted.
fn run_cases() {
    for mut case in cases::all() {
        (case.ready)();
        (case.work)();
        (case.ready)();
        let allocations = allocation_counter::measure(&mut case.work).count_total;
        (case.ready)();
        measured(&mut case.work);
        println!("{}\t{}\t{}", case.times, allocations.div_ceil(case.times), case.name);
    }
}

fn print(figures: &Figures, before: Option<&Figures>) {
    println!("{:40} {:>12} {:>8} {:>11}", "once", "instructions", "", "allocations");
    for (name, count) in &figures.instructions {
        let before = before.and_then(|before| before.instructions.get(name)).copied();
        let change = before.map(|before| format!("{:+.1} %", 100.0 * (*count as f64 / before as f64 - 1.0)));
        println!("{name:40} {count:>12} {:>8} {:>11}", change.unwrap_or_default(), figures.allocations[name]);
    }
}

/// Compares; whether all is well.
fn judged(figures: &Figures, before: &Figures) -> ExitCode {
    print(figures, Some(before));
    let faults = stored::judge(figures, before);
    for fault in &faults {
        eprintln!("instructions: {fault}");
    }
    if faults.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("instructions: callgrind_annotate shows where, for the files in {}", count::folder().display());
    ExitCode::FAILURE
}

/// Stores new figures, beside those of other sets or in place of all.
fn store(others: Stored) -> ExitCode {
    let (figures, set) = (count::count(), Set::here());
    print(&figures, Stored::load().of(&set));
    others.with(set, figures).save();
    ExitCode::SUCCESS
}

fn compared() -> ExitCode {
    let (stored, set) = (Stored::load(), Set::here());
    if let Some(before) = stored.of(&set) {
        return judged(&count::count(), before);
    }
    eprintln!("instructions: no figures are stored for {set}");
    ExitCode::from(UNKNOWN_SET)
}

fn main() -> ExitCode {
    // A deadline can only be set inside of a runtime; nothing waits, so it is never driven.
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let _entered = runtime.enter();
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => compared(),
        ["--store"] => store(Stored::default()),
        ["--add"] => store(Stored::load()),
        ["--write", file] => {
            stored::write(Path::new(file), &count::count());
            ExitCode::SUCCESS
        }
        ["--against", file] => judged(&count::count(), &stored::read(Path::new(file))),
        ["--cases"] => {
            run_cases();
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: instructions [--store | --add | --write FILE | --against FILE]");
            ExitCode::from(64)
        }
    }
}
