//! Latency at a rate that is given: each request has its moment, and its time runs from then, whether or not it could be sent.

use std::time::Duration;

use crate::bars::Measured;
use crate::cpu;
use crate::figures::Spread;
use crate::scene::Scene;
use crate::trial::{Effort, Line, Shape, Wanted};
use crate::wire::{Pace, Protocol};

/// Requests a second.
const RATE: f64 = 2000.0;
/// What the HIS takes.
const HIS: Duration = Duration::from_millis(5);
/// Requests a second while lists are swapped.
const RATE_OF_SWAPS: f64 = 1000.0;

/// Milliseconds of a round: median and 99th percentile; `None` where it failed.
type Round = Option<(f64, f64)>;

const fn shape(rate: f64) -> Shape {
    Shape { pace: Pace::Rate(rate), ..Shape::closed(Wanted::Middle, Protocol::Http1, 64, 1) }
}

/// Prints latencies beside direct TLS to the HIS; notes `H` and `H p99`, what is added over nginx.
pub(crate) fn measure(scene: &mut Scene, effort: Effort, measured: &mut Measured) {
    let names = ["direct", "nginx", "haproxy", "inzage"];
    let lines = names.map(|name| Line::open(scene, name, shape(RATE)));
    scene.stub.take(HIS);
    let mut rounds: Vec<Vec<Round>> = vec![Vec::new(); names.len()];
    for round in 0..=effort.rounds {
        let mut turns: Vec<usize> = (0..names.len()).collect();
        if round % 2 == 1 {
            turns.reverse();
        }
        for turn in turns {
            let ran = lines[turn].run(scene, 2.0 * effort.seconds);
            let ran = ran.inspect_err(|why| println!("round {round}: {} failed: {why}", names[turn])).ok();
            if round > 0 {
                rounds[turn].push(ran.map(|ran| (ran.p50 / 1e3, ran.p99 / 1e3)));
            }
        }
    }
    scene.stub.take(Duration::ZERO);
    lines.into_iter().for_each(|line| line.close(scene));
    println!("\n### H: latency at {RATE} requests/s, 64 connections, a HIS of {} ms; ms\n", HIS.as_millis());
    println!("| subject | p50 | p99 | p50 over direct | p99 over direct |");
    println!("| --- | --- | --- | --- | --- |");
    for (name, own) in names.iter().zip(&rounds) {
        let all = |figure: fn(&(f64, f64)) -> f64| text(Spread::of(own.iter().flatten().map(figure)));
        let over = |figure: fn(&(f64, f64)) -> f64| text(over(own, &rounds[0], figure));
        println!("| {name} | {} | {} | {} | {} |", all(p50), all(p99), over(p50), over(p99));
    }
    measured.note("H", over(&rounds[3], &rounds[1], p50));
    measured.note("H p99", over(&rounds[3], &rounds[1], p99));
}

/// What a swap of the list of 20,000 providers each second does to the 99th percentile; notes `O`.
pub(crate) fn swaps(scene: &mut Scene, effort: Effort, measured: &mut Measured) {
    scene.start_step("awaited");
    let lists = scene.next_lists(effort.rounds + 2);
    let line = Line::open(scene, "awaited", shape(RATE_OF_SWAPS));
    line.run(scene, 1.0).unwrap_or_else(|why| panic!("{why}"));
    let (mut before, mut during) = (Vec::new(), Vec::new());
    for texts in lists.into_iter().take(effort.rounds) {
        let calm = line.run(scene, 1.0);
        let fetched = scene.world.publisher.sent();
        scene.world.publisher.publish(texts);
        scene.subject_mut("awaited").say("refresh");
        let busy = line.run(scene, 1.0);
        cpu::rest(scene.subject("awaited").pid());
        assert!(scene.world.publisher.sent() > fetched, "the new list was not fetched");
        match (calm, busy) {
            (Ok(calm), Ok(busy)) => {
                before.push(calm.p99 / 1e3);
                during.push(busy.p99 / 1e3);
            }
            (calm, busy) => println!("a round failed: {:?} {:?}", calm.err(), busy.err()),
        }
    }
    line.close(scene);
    let ratio = Spread::of(before.iter().zip(&during).map(|(calm, busy)| busy / calm));
    println!("\n### O: a new ZAL of 20,000 providers in each second, {RATE_OF_SWAPS} requests/s, one core\n");
    println!("- p99 before: {} ms; during: {} ms", text(Spread::of(before)), text(Spread::of(during)));
    measured.note("O", ratio);
    scene.stop("awaited");
}

fn p50(round: &(f64, f64)) -> f64 {
    round.0
}

fn p99(round: &(f64, f64)) -> f64 {
    round.1
}

fn over(own: &[Round], other: &[Round], figure: fn(&(f64, f64)) -> f64) -> Option<Spread> {
    let pairs = own.iter().zip(other);
    Spread::of(pairs.filter_map(|(own, other)| Some(figure(own.as_ref()?) - figure(other.as_ref()?))))
}

fn text(spread: Option<Spread>) -> String {
    spread.map_or_else(|| "–".to_owned(), |spread| spread.text(2))
}
