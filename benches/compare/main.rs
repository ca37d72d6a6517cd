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
mod growth;
mod handshakes;
mod judge;
mod latency;
mod load;
mod node;
mod peers;
mod profile;
mod report;
mod scene;
mod similar;
mod stub;
mod subject;
mod trial;
mod wire;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser as _;

use crate::bars::Measured;
use crate::scene::{PROVIDERS, Scene};
use crate::trial::{Effort, Row, Shape, Wanted};
use crate::wire::Protocol;

/// That of the gateway, as its steps run in this program.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const MIDDLE: Shape = Shape::closed(Wanted::Middle, Protocol::Http1, 64, 1);
/// CPU a request of the gateway in full, beside the bare proxies.
const TRIALS: [(&str, &str, Shape); 6] = [
    ("A", "8 KiB searchset, HTTP/1.1, 64 connections", MIDDLE),
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
    json: Option<PathBuf>,
    /// Only these bars; `steps` for the price of each step, `470kB` for a large searchset
    #[arg(long, value_delimiter = ',', value_name = "A,B,…")]
    only: Vec<String>,
    /// Growth curves, too
    #[arg(long)]
    curves: bool,
    /// What other benches printed with `--bars`
    #[arg(long, value_name = "FILE")]
    bars: Option<PathBuf>,
    /// Only record where the gateway's time goes under the load of this bar (A, B, D or F), into this file
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// What `cargo bench` adds; no meaning here
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    inzage::tls::install();
    let arguments: Vec<String> = std::env::args().collect();
    let port = |at: usize| arguments[at].parse::<u16>().unwrap();
    match arguments.get(1).map(String::as_str) {
        Some("stub") => stub::run(&arguments[2], &arguments[3], &arguments[4]),
        Some("load") => load::run(),
        Some("node") => node::whole(Path::new(&arguments[3]), &arguments[2], port(4), arguments[2] == "awaited"),
        Some("forward") => {
            let ports = node::Ports { own: port(6), public: port(7), his: port(8) };
            node::forward(&arguments[2], Path::new(&arguments[3]), &arguments[4], &arguments[5], ports);
        }
        _ => return compare(&Arguments::parse()),
    }
    ExitCode::SUCCESS
}

fn compare(arguments: &Arguments) -> ExitCode {
    let effort = if arguments.quick { Effort { rounds: 3, seconds: 0.6 } } else { Effort { rounds: 7, seconds: 1.0 } };
    let (mut scene, mut measured) = (Scene::set(PROVIDERS), Measured::default());
    if let Some(file) = &arguments.profile {
        let (.., shape) = TRIALS.into_iter().find(|(bar, ..)| arguments.wants(bar)).unwrap();
        profile::record(&mut scene, shape, 5.0, file);
        return ExitCode::SUCCESS;
    }
    if let Some(file) = &arguments.bars {
        measured.take(&std::fs::read_to_string(file).unwrap());
    }
    measure(&mut scene, arguments, effort, &mut measured);
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

impl Arguments {
    fn wants(&self, bar: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == bar)
    }
}

fn measure(scene: &mut Scene, arguments: &Arguments, effort: Effort, measured: &mut Measured) {
    // First of all, while every process is new.
    if arguments.wants("J") || arguments.wants("P") {
        growth::memory(scene, effort, measured);
    }
    for (bar, title, shape) in TRIALS.into_iter().filter(|(bar, ..)| arguments.wants(bar)) {
        let rows = trial::run(scene, &["nginx", "haproxy", "inzage"], shape, effort);
        report::print(&format!("{bar}: {title}"), &rows);
        measured.note(bar, ratio(&rows, 2, 0));
    }
    if arguments.wants("C") {
        scene.start_similar(PROVIDERS);
        let rows = trial::run(scene, &["haproxy-jwt", "inzage"], MIDDLE, effort);
        report::print("C: 8 KiB searchset, beside HAProxy that verifies ES256 on every request", &rows);
        measured.note("C", ratio(&rows, 1, 0));
        scene.stop("haproxy-jwt");
    }
    if arguments.wants("G") || arguments.wants("steps") {
        steps(scene, effort, measured);
    }
    if arguments.wants("H") {
        latency::measure(scene, effort, measured);
    }
    if arguments.wants("I") {
        handshakes::measure(scene, effort, measured);
    }
    if arguments.wants("N") {
        growth::many(scene, effort, measured);
    }
    if arguments.wants("O") {
        latency::swaps(scene, effort, measured);
    }
    if arguments.curves {
        growth::curves(scene, Effort { rounds: effort.rounds.min(3), ..effort });
    }
}

/// What each step costs: the bare way, with token and decision, with shaping, all of it without waiting for the disk, all of it.
fn steps(scene: &mut Scene, effort: Effort, measured: &mut Measured) {
    let names = ["nginx", "forward", "decided", "shaped", "unawaited", "inzage"];
    scene.write_zal();
    let own = names.into_iter().filter(|name| !["nginx", "inzage"].contains(name));
    own.clone().for_each(|name| scene.start_step(name));
    let rows = trial::run(scene, &names, MIDDLE, effort);
    report::print("G and steps: 8 KiB searchset, HTTP/1.1, 64 connections", &rows);
    measured.note("G", ratio(&rows, 1, 0));
    own.for_each(|name| scene.stop(name));
}

fn ratio(rows: &[Row], own: usize, other: usize) -> Option<figures::Spread> {
    rows[own].ratio(&rows[other], |cell| cell.cost)
}
