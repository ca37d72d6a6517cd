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

/// All bars that this program measures.
pub(crate) const BARS: [Bar; 6] = [
    at_most("A", "8 KiB, HTTP/1.1, 64 connections: CPU, of nginx", 1.30, 1.00),
    at_most("B", "8 KiB, HTTP/2, 8 x 32: CPU, of nginx", 1.40, 1.00),
    at_most("D", "2 KiB, HTTP/1.1, 64 connections: CPU, of nginx", 1.35, 1.00),
    at_most("F", "PDF of 1 MiB and of 20 MB, the worse: CPU, of nginx", 0.85, 0.70),
    at_most("J", "memory of an idle connection after one answer, kB", 36.0, 16.0),
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

    /// Prints the table; the bars whose must was missed.
    pub(crate) fn print(&self) -> Vec<&'static str> {
        println!("\n| bar | what | median (min – max) | rounds | must | aim | |");
        println!("| --- | --- | --- | --- | --- | --- | --- |");
        let measured = BARS.iter().filter_map(|bar| Some((bar, self.bars.get(bar.id)?)));
        let mut missed = Vec::new();
        for (bar, spread) in measured {
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
