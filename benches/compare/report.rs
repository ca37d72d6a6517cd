//! Tables on standard output, in Markdown.

use crate::trial::{Cell, Row};

/// A trial: each subject, its cost, and the ratio to the first of them in the same rounds.
pub(crate) fn print(title: &str, rows: &[Row]) {
    println!("\n### {title}\n");
    println!("| subject | CPU µs/request | to {} | requests/s | core busy | p50 ms | p99 ms | bytes |", rows[0].name);
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for row in rows {
        let text = |decimals: usize, figure: fn(&Cell) -> f64| {
            row.all(figure).map_or_else(|| "–".to_owned(), |spread| format!("{:.decimals$}", spread.median))
        };
        let cost = row.all(|cell| cell.cost).map_or_else(|| "–".to_owned(), |cost| cost.text(1));
        let ratio = row.ratio(&rows[0], |cell| cell.cost).map_or_else(|| "–".to_owned(), |ratio| ratio.text(2));
        println!(
            "| {} | {cost} | {ratio} | {} | {} | {} | {} | {} |",
            row.name,
            text(0, |cell| cell.ran.requests as f64 / cell.ran.seconds),
            text(2, |cell| cell.cost * cell.ran.requests as f64 / cell.ran.seconds / 1e6),
            text(2, |cell| cell.ran.p50 / 1e3),
            text(2, |cell| cell.ran.p99 / 1e3),
            text(0, |cell| cell.ran.bytes as f64 / cell.ran.requests as f64),
        );
    }
    rows.iter().for_each(print_threads);
}

/// Where the time of a subject with more than one kind of thread goes.
fn print_threads(row: &Row) {
    let Some(first) = row.cells.iter().flatten().next() else { return };
    if row.cells.iter().flatten().any(|cell| !cell.rested) {
        println!("\n{}: in some rounds it did not come to rest within the time given.", row.name);
    }
    if first.threads.len() < 3 {
        return;
    }
    let share = |name: &String| row.all(|cell| cell.threads.get(name).copied().unwrap_or_default());
    let mut shares: Vec<_> = first.threads.keys().filter_map(|name| Some((name, share(name)?.median))).collect();
    shares.sort_by(|one, other| other.1.total_cmp(&one.1));
    let told: Vec<_> = shares.iter().take(12).map(|(name, share)| format!("{name} {share:.1}")).collect();
    println!("\n{} by thread, µs/request: {}", row.name, told.join(", "));
}
