//! What grows with connections: memory of those that rest, and CPU a request when most of them do.

use std::time::Duration;

use crate::bars::Measured;
use crate::cpu;
use crate::figures::Spread;
use crate::report;
use crate::scene::Scene;
use crate::trial::{self, Effort, Line, Shape, Wanted};
use crate::wire::{Pace, Protocol};

/// Idle connections whose memory is measured.
const IDLE: usize = 1000;
/// How long nothing is said on them before.
const SILENCE: Duration = Duration::from_secs(2);
/// Open connections, of which one in a hundred is active.
const MANY: usize = 10_000;
const FEW: usize = 64;
/// Open connections of the curve.
const CURVE: [usize; 5] = [16, 64, 512, 4096, MANY];
/// Providers of the curve: up to what a list may hold of them, 64 MiB.
const PROVIDERS: [usize; 4] = [200, 2_000, 10_000, 30_000];

/// Memory with 1,000 idle connections of a process that did nothing else; notes `J` and `P`, which are of HTTP/1.1.
pub(crate) fn memory(scene: &mut Scene, effort: Effort, measured: &mut Measured) {
    println!("\n### J, P: {IDLE} idle connections after one answer each\n");
    for name in ["nginx", "haproxy", "inzage"] {
        for (protocol, spoken) in [(Protocol::Http1, "HTTP/1.1"), (Protocol::Http2, "HTTP/2")] {
            let rounds: Vec<(u64, u64)> = (0..effort.rounds)
                .map(|_| {
                    scene.restart(name);
                    // What the first of them needs once is not memory of a connection.
                    (with_idle(scene, name, protocol, 1), with_idle(scene, name, protocol, IDLE))
                })
                .collect();
            let kept = |(before, with): &(u64, u64)| (*with as f64 - *before as f64) / (IDLE - 1) as f64;
            let each = Spread::of(rounds.iter().map(kept));
            let all = Spread::of(rounds.iter().map(|(_, with)| *with as f64 * 1024.0 / 1e6));
            if let (Some(each), Some(all)) = (each, all) {
                println!("- {name}, {spoken}: {} kB a connection; {} MB in all", each.text(1), all.text(1));
            }
            if (name, protocol) == ("inzage", Protocol::Http1) {
                measured.note("J", each);
                measured.note("P", all);
            }
        }
    }
}

/// kB with so many connections that each had one answer. A process that was just started has memory to give back, too: what it
/// read its lists with.
fn with_idle(scene: &mut Scene, name: &'static str, protocol: Protocol, connections: usize) -> u64 {
    let shape = Shape { pace: Pace::Once, ..Shape::closed(Wanted::Middle, protocol, connections, 1) };
    let line = Line::open(scene, name, shape);
    line.run(scene, 0.0).unwrap_or_else(|why| panic!("{name}: {why}"));
    let pid = scene.subject(name).pid();
    std::thread::sleep(SILENCE);
    cpu::rest(pid);
    let memory = cpu::memory(pid);
    line.close(scene);
    memory
}

/// So many open, of which some are in use.
const fn open(connections: usize, active: usize) -> Shape {
    Shape { active, ..Shape::closed(Wanted::Middle, Protocol::Http1, connections, 1) }
}

/// CPU a request with 10,000 connections of which 100 are active, against 64; notes `N`.
pub(crate) fn many(scene: &mut Scene, effort: Effort, measured: &mut Measured) {
    println!("\n### N: {MANY} open connections, of which 100 are active, against {FEW}\n");
    for name in ["nginx", "inzage"] {
        let lines = [open(FEW, FEW), open(MANY, MANY / 100)].map(|shape| Line::open(scene, name, shape));
        let mut costs = [Vec::new(), Vec::new()];
        for round in 0..=effort.rounds {
            for turn in [round % 2, 1 - round % 2] {
                match lines[turn].measure(scene, effort.seconds) {
                    Ok(cell) if round > 0 => costs[turn].push(cell.cost),
                    Ok(_) => {}
                    Err(why) => println!("round {round}: {name} failed: {why}"),
                }
            }
        }
        lines.into_iter().for_each(|line| line.close(scene));
        let [few, many] = &costs;
        let ratio = Spread::of(few.iter().zip(many).map(|(few, many)| many / few));
        if let Some(ratio) = &ratio {
            println!("- {name}: {} times the CPU a request", ratio.text(2));
        }
        if name == "inzage" {
            measured.note("N", ratio);
        }
    }
}

/// CPU a request against open connections (at most 64 of them busy), the size of the answer, and the providers on the ZAL.
pub(crate) fn curves(scene: &mut Scene, effort: Effort) {
    CURVE.into_iter().for_each(|connections| by_connections(scene, connections, effort));
    for wanted in [Wanted::Small, Wanted::Middle, Wanted::Large] {
        let rows = trial::run(scene, &["nginx", "inzage"], Shape::closed(wanted, Protocol::Http1, 64, 1), effort);
        report::print(&format!("an answer of {} bytes", wanted.bytes()), &rows);
    }
    for providers in PROVIDERS {
        let mut scene = Scene::set(providers);
        let rows = trial::run(&mut scene, &["nginx", "inzage"], open(FEW, FEW), effort);
        report::print(&format!("{providers} providers on the ZAL"), &rows);
    }
}

fn by_connections(scene: &mut Scene, connections: usize, effort: Effort) {
    // 10,000 of each at once are more than the descriptors of the load generator.
    let names: &[_] = if connections < MANY { &["nginx", "inzage"] } else { &["inzage"] };
    let rows = trial::run(scene, names, open(connections, connections.min(FEW)), effort);
    report::print(&format!("{connections} open connections"), &rows);
}
