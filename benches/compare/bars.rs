//! The bars: what each figure must be, and what it aims at.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::figures::Spread;

/// One bar.
pub(crate) struct Bar {
    pub(crate) id: &'static str,
    pub(crate) what: &'static str,
    must: f64,
    aim: f64,
    /// A throughput: more is better.
    more_is_better: bool,
}

const fn at_most(id: &'static str, what: &'static str, must: f64, aim: f64) -> Bar {
    Bar { id, what, must, aim, more_is_better: false }
}

const fn at_least(id: &'static str, what: &'static str, must: f64, aim: f64) -> Bar {
    Bar { id, what, must, aim, more_is_better: true }
}

/// All bars.
pub(crate) const BARS: [Bar; 18] = [
    at_most("A", "8 KiB, HTTP/1.1, 64 connections: CPU, of nginx", 1.30, 1.00),
    at_most("B", "8 KiB, HTTP/2, 8 x 32: CPU, of nginx", 1.40, 1.00),
    at_most("C", "8 KiB as A: CPU, of HAProxy that verifies ES256", 0.50, 0.33),
    at_most("D", "2 KiB, HTTP/1.1, 64 connections: CPU, of nginx", 1.35, 1.00),
    at_least("E", "470 kB searchset, all filters: times the throughput of a tree", 4.0, 10.0),
    at_most("F", "PDF of 1 MiB and of 20 MB, the worse: CPU, of nginx", 0.85, 0.70),
    at_most("G", "8 KiB, our edge and pool alone: CPU, of nginx", 0.85, 0.75),
    at_most("H", "2,000 requests/s, HIS of 5 ms: p50 over that of nginx, ms", 0.20, 0.00),
    at_most("H p99", "the same: p99 over that of nginx, ms", 0.60, 0.00),
    at_most("I", "new connection, mutual TLS in full: CPU, of nginx", 0.35, 0.25),
    at_most("I resumed", "new connection, resumed: CPU, of nginx", 0.30, 0.20),
    at_most("J", "memory of an idle connection after one answer, kB", 36.0, 16.0),
    at_most("K", "route, token, decide at 20,000 of each, µs", 2.0, 0.7),
    at_most("L", "the same at 200,000 providers, of that at 200", 1.2, 1.05),
    at_least("M", "durable records/s, of a bare loop in batches of 256", 0.6, 0.8),
    at_most("N", "10,000 connections, 1 % active: CPU, of 64", 1.5, 1.25),
    at_most("O", "p99 while the ZAL is swapped each second, of before", 1.2, 1.0),
    at_most("P", "resident memory, 20,000 providers and 1,000 connections, MB", 80.0, 50.0),
];

/// What was measured, by the id of the bar.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Measured {
    pub(crate) bars: BTreeMap<String, Spread>,
}

impl Bar {
    fn holds(&self, value: f64, limit: f64) -> bool {
        if self.more_is_better { value >= limit } else { value <= limit }
    }

    fn limit(&self, limit: f64) -> String {
        format!("{} {limit:.2}", if self.more_is_better { "≥" } else { "≤" })
    }
}

impl Measured {
    /// Of two figures of one bar the worse counts, by its median.
    pub(crate) fn note(&mut self, id: &str, spread: Option<Spread>) {
        let Some(bar) = BARS.iter().find(|bar| bar.id == id) else { return };
        let Some(spread) = spread else { return };
        let better = |known: &Spread| bar.more_is_better == (known.median > spread.median);
        if self.bars.get(id).is_none_or(better) {
            self.bars.insert(id.to_owned(), spread);
        }
    }

    /// Takes the figures that other benches printed with `--bars`: `bar K median 0.9 min 0.8 max 1.1 rounds 7`.
    pub(crate) fn take(&mut self, lines: &str) {
        for line in lines.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let ["bar", id, "median", median, "min", min, "max", max, "rounds", rounds] = words[..] else { continue };
            let number = |text: &str| text.parse::<f64>().unwrap();
            let (median, min, max) = (number(median), number(min), number(max));
            self.note(id, Some(Spread { median, min, max, rounds: rounds.parse().unwrap() }));
        }
    }

    /// Prints the table; the bars whose must was missed.
    pub(crate) fn print(&self) -> Vec<&'static str> {
        println!("\n| bar | what | median (min – max) | rounds | must | aim | |");
        println!("| --- | --- | --- | --- | --- | --- | --- |");
        let mut missed = Vec::new();
        for bar in &BARS {
            let Some(spread) = self.bars.get(bar.id) else { continue };
            let said = match (bar.holds(spread.median, bar.must), bar.holds(spread.median, bar.aim)) {
                (_, true) => "aim reached",
                (true, false) => "held",
                (false, false) => "**missed**",
            };
            if !bar.holds(spread.median, bar.must) {
                missed.push(bar.id);
            }
            let (must, aim, text) = (bar.limit(bar.must), bar.limit(bar.aim), spread.text(2));
            println!("| {} | {} | {text} | {} | {must} | {aim} | {said} |", bar.id, bar.what, spread.rounds);
        }
        missed
    }
}
