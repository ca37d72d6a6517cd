//! When requests are sent: each when the one before is answered, or at moments fixed beforehand.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::Tally;
use super::line::{Line, Requests};
use crate::figures::now;

/// Requests at a time where each line has one.
const AT_ONCE: usize = 16;

/// Every line asks until `end`, and then finishes what it began; without an end, once.
pub(super) async fn closed(
    lines: Vec<Line>,
    requests: &Arc<Requests>,
    end: Option<Instant>,
) -> (Vec<Line>, Vec<Tally>) {
    let workers: Vec<_> = lines
        .into_iter()
        .enumerate()
        .map(|(number, mut line)| {
            let requests = Arc::clone(requests);
            tokio::spawn(async move {
                let mut tally = Tally::default();
                loop {
                    let begun = now();
                    let done = line.ask(&requests, number).await;
                    tally.note(begun, done);
                    if tally.errors > 0 || end.is_none_or(|end| now() >= end) {
                        break;
                    }
                }
                (line, tally)
            })
        })
        .collect();
    let (mut lines, mut tallies) = (Vec::new(), Vec::new());
    for worker in workers {
        let (line, tally) = worker.await.unwrap();
        lines.push(line);
        tallies.push(tally);
    }
    (lines, tallies)
}

/// One on each line, some at a time: a thousand at once would make a server open as many connections behind it.
pub(super) async fn once(lines: Vec<Line>, requests: &Arc<Requests>) -> (Vec<Line>, Vec<Tally>) {
    let (mut rest, mut used, mut tallies) = (lines, Vec::new(), Vec::new());
    while !rest.is_empty() {
        let some = rest.split_off(rest.len().saturating_sub(AT_ONCE));
        let (lines, told) = closed(some, requests, None).await;
        used.extend(lines);
        tallies.extend(told);
    }
    (used, tallies)
}

/// So many requests a second. One that finds no free line waits for one, and its time runs.
pub(super) async fn open(
    lines: Vec<Line>,
    requests: &Arc<Requests>,
    rate: f64,
    end: Instant,
) -> (Vec<Line>, Vec<Tally>) {
    let (count, mut due) = (lines.len(), schedule(rate, end));
    let (give, mut free) = mpsc::unbounded_channel();
    for (number, line) in lines.into_iter().enumerate() {
        give.send((line, number, Tally::default())).unwrap();
    }
    while let Some(moment) = due.recv().await {
        let (mut line, number, mut tally) = free.recv().await.unwrap();
        let (requests, give) = (Arc::clone(requests), give.clone());
        tokio::spawn(async move {
            let done = line.ask(&requests, number).await;
            tally.note(moment, done);
            // The receiver lives until all lines are back.
            drop(give.send((line, number, tally)));
        });
    }
    let mut back = Vec::new();
    while back.len() < count {
        back.push(free.recv().await.unwrap());
    }
    back.sort_by_key(|(_, number, _)| *number);
    back.into_iter().map(|(line, _, tally)| (line, tally)).unzip()
}

/// The moments, each told when it has come. A thread tells them: the timer of the runtime knows whole milliseconds only.
fn schedule(rate: f64, end: Instant) -> mpsc::UnboundedReceiver<Instant> {
    let (tell, told) = mpsc::unbounded_channel();
    let (start, step) = (now(), Duration::from_secs_f64(1.0 / rate));
    std::thread::spawn(move || {
        let mut moment = start;
        while moment < end {
            std::thread::sleep(moment.saturating_duration_since(now()));
            if tell.send(moment).is_err() {
                break;
            }
            moment += step;
        }
    });
    told
}
