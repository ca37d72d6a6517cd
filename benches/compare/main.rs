//! The gateway beside nginx and HAProxy, all in one run: CPU a request, latency, handshakes, memory. `run` in this folder builds
//! and starts it; `../README.md` says how to read the figures. Roles are processes of their own: `stub` is the HIS, `load` the
//! load generator; without a role it starts all others. Ends with exit code 1 when a bar is missed.

#![expect(clippy::print_stdout, reason = "the figures go to standard output")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a bench that cannot run must say so")]
#![expect(clippy::exit, reason = "a role ends when whoever started it does")]

mod bars;
mod bodies;
mod cpu;
mod figures;
mod load;
mod peers;
mod report;
mod scene;
mod stub;
mod subject;
mod trial;
mod wire;

use std::process::ExitCode;

use clap::Parser as _;

use crate::bars::Measured;
use crate::figures::Spread;
use crate::scene::{PROVIDERS, Scene};
use crate::trial::{Effort, Shape, Wanted};
use crate::wire::Protocol;

/// Idle connections whose memory is measured.
const IDLE: usize = 1000;
/// CPU a request of the gateway in full, beside the bare proxies.
const TRIALS: [(&str, &str, Shape); 6] = [
    ("A", "8 KiB searchset, HTTP/1.1, 64 connections", Shape::closed(Wanted::Middle, Protocol::Http1, 64, 1)),
    ("B", "8 KiB searchset, HTTP/2, 8 x 32", Shape::closed(Wanted::Middle, Protocol::Http2, 8, 32)),
    ("D", "2 KiB searchset, HTTP/1.1, 64 connections", Shape::closed(Wanted::Small, Protocol::Http1, 64, 1)),
    ("F", "PDF of 1 MiB, HTTP/1.1, 16 connections", Shape::closed(Wanted::Letter, Protocol::Http1, 16, 1)),
    ("F", "PDF of 20 MB, HTTP/1.1, 4 connections", Shape::closed(Wanted::Scan, Protocol::Http1, 4, 1)),
    ("470kB", "470 kB searchset, HTTP/1.1, 16 connections", Shape::closed(Wanted::Large, Protocol::Http1, 16, 1)),
];

/// What is measured.
#[derive(clap::Parser)]
struct Arguments {
    /// Fewer and shorter rounds
    #[arg(long)]
    quick: bool,
    /// Where to write the figures of the bars
    #[arg(long, value_name = "FILE")]
    json: Option<std::path::PathBuf>,
    /// Only these bars
    #[arg(long, value_delimiter = ',', value_name = "A,B,…")]
    only: Vec<String>,
    /// What `cargo bench` adds; no meaning here
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    inzage::tls::install();
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("stub") => stub::run(arguments[2].clone().into(), arguments[3].clone(), arguments[4].clone()),
        Some("load") => load::run(),
        _ => return compare(&Arguments::parse()),
    }
    ExitCode::SUCCESS
}

fn compare(arguments: &Arguments) -> ExitCode {
    let effort = if arguments.quick { Effort { rounds: 3, seconds: 0.6 } } else { Effort { rounds: 7, seconds: 1.0 } };
    let wanted = |bar: &str| arguments.only.is_empty() || arguments.only.iter().any(|only| only == bar);
    let (mut scene, mut measured) = (Scene::set(PROVIDERS), Measured::default());
    let tokens = scene.tokens(64);
    for (bar, title, shape) in TRIALS.into_iter().filter(|(bar, ..)| wanted(bar)) {
        let rows = trial::run(&mut scene, &["nginx", "haproxy", "inzage"], shape, effort, &tokens);
        report::print(&format!("{bar}: {title}"), &rows);
        measured.note(bar, rows[2].ratio(&rows[0], |cell| cell.cost));
    }
    if wanted("J") || wanted("P") {
        memory(&mut scene, effort, &tokens, &mut measured);
    }
    if let Some(path) = &arguments.json {
        std::fs::write(path, serde_json::to_string_pretty(&measured).unwrap()).unwrap();
    }
    let missed = measured.print();
    if missed.is_empty() {
        ExitCode::SUCCESS
    } else {
        println!("\nmissed: {}", missed.join(", "));
        ExitCode::FAILURE
    }
}

/// Memory with 1,000 idle connections of a process that did nothing else.
fn memory(scene: &mut Scene, effort: Effort, tokens: &[String], measured: &mut Measured) {
    let kept = |(before, with): (u64, u64)| with.saturating_sub(before) as f64 / IDLE as f64;
    println!("\n### J, P: {IDLE} idle connections after one answer each\n");
    for name in ["nginx", "haproxy", "inzage"] {
        let rounds: Vec<_> = (0..effort.rounds.min(3)).map(|_| trial::idle(scene, name, IDLE, tokens)).collect();
        let each = Spread::of(rounds.iter().copied().map(kept));
        let all = Spread::of(rounds.iter().map(|(_, with)| *with as f64 * 1024.0 / 1e6));
        if let (Some(each), Some(all)) = (each, all) {
            println!("- {name}: {} kB a connection; {} MB in all", each.text(1), all.text(1));
        }
        if name == "inzage" {
            measured.note("J", each);
            measured.note("P", all);
        }
    }
}
