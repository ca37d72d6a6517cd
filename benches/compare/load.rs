//! The load generator: a process of its own on the core of the emulated HIS. It keeps connections between runs, so that a run
//! measures requests and no handshakes; handshakes are measured by themselves.

mod line;
mod pace;

use std::collections::HashMap;
use std::io::{BufRead as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::task::JoinHandle;

use self::line::{Dialler, Line, Requests};
use crate::figures::now;
use crate::wire::{Connect, Open, Order, Pace, Peer, Protocol, Ran, Run, Said};

/// Connections that are opened at once: no more, so that no accept queue overflows.
const OPENING: usize = 32;
/// No run takes longer than its time and this.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a worker saw: its requests in microseconds, and why it stopped early.
#[derive(Default)]
struct Tally {
    micros: Vec<u32>,
    bytes: u64,
    errors: u64,
    first_error: Option<String>,
}

/// Connections that are kept.
struct Kept {
    peer: Peer,
    lines: Vec<Line>,
}

/// Takes orders until standard input ends.
pub(crate) fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut kept, mut tickets) = (HashMap::new(), HashMap::new());
    for order in std::io::stdin().lock().lines() {
        let order = serde_json::from_str(&order.unwrap()).unwrap();
        let said = runtime.block_on(obey(order, &mut kept, &mut tickets)).unwrap_or_else(Said::Failed);
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", serde_json::to_string(&said).unwrap()).unwrap();
        out.flush().unwrap();
    }
}

/// Who holds the tickets of a server, by its address.
type Tickets = HashMap<SocketAddr, Dialler>;

async fn obey(order: Order, kept: &mut HashMap<String, Kept>, tickets: &mut Tickets) -> Result<Said, String> {
    match order {
        Order::Open(order) => {
            let name = order.name.clone();
            kept.insert(name, open(order).await?);
            Ok(Said::Done)
        }
        Order::Close(name) => {
            kept.remove(&name);
            Ok(Said::Done)
        }
        Order::Run(order) => {
            let kept = kept.get_mut(&order.name).ok_or("no such connections")?;
            let limit = Duration::from_secs_f64(order.seconds) + PATIENCE;
            let ran = tokio::time::timeout(limit, go(order, kept)).await;
            Ok(Said::Ran(ran.map_err(|_| "a run did not end".to_owned())?))
        }
        Order::Connect(order) => Ok(Said::Ran(connect(order, tickets).await?)),
    }
}

async fn open(order: Open) -> Result<Kept, String> {
    let dialler = Dialler::new(&order.peer, true);
    let mut lines = Vec::with_capacity(order.connections);
    while lines.len() < order.connections {
        let batch = (order.connections - lines.len()).min(OPENING);
        let dialled: Vec<_> = (0..batch)
            .map(|_| {
                let dialler = dialler.clone();
                tokio::spawn(async move { dialler.dial().await })
            })
            .collect();
        for one in dialled {
            lines.push(one.await.unwrap()?.0);
        }
    }
    Ok(Kept { peer: order.peer, lines })
}

async fn go(order: Run, kept: &mut Kept) -> Ran {
    let requests = Arc::new(Requests::new(&order.asked, &kept.peer));
    let idle = kept.lines.split_off(order.active.min(kept.lines.len()));
    let active = std::mem::replace(&mut kept.lines, idle);
    let active = match kept.peer.protocol {
        Protocol::Http1 => active,
        Protocol::Http2 => active.iter().flat_map(|line| (0..order.streams).filter_map(|_| line.share())).collect(),
    };
    let started = now();
    let end = started + Duration::from_secs_f64(order.seconds);
    let (mut lines, tallies) = match order.pace {
        Pace::Closed => pace::closed(active, &requests, Some(end)).await,
        Pace::Once => pace::once(active, &requests).await,
        Pace::Rate(rate) => pace::open(active, &requests, rate, end).await,
    };
    let seconds = (now() - started).as_secs_f64();
    if kept.peer.protocol == Protocol::Http2 {
        // Those that only share a connection are not kept.
        lines = lines.into_iter().step_by(order.streams.max(1)).collect();
    }
    lines.append(&mut kept.lines);
    kept.lines = lines;
    summed(tallies, seconds)
}

async fn connect(order: Connect, tickets: &mut Tickets) -> Result<Ran, String> {
    let requests = Arc::new(Requests::new(&order.asked, &order.peer));
    let dialler = match tickets.get(&order.peer.address).filter(|_| order.resume) {
        Some(known) => known.clone(),
        None => Dialler::new(&order.peer, order.resume),
    };
    if order.resume && tickets.insert(order.peer.address, dialler.clone()).is_none() {
        // A ticket for each of them, from connections at the same time: some servers give one for one. This is the round that
        // is dropped.
        let first: Vec<_> = (0..order.clients).map(|_| spawn_once(&dialler, &requests)).collect();
        for one in first {
            one.await.unwrap()?;
        }
    }
    let (started, share) = (now(), order.connections / order.clients);
    let clients: Vec<_> = (0..order.clients)
        .map(|_| {
            let (dialler, requests) = (dialler.clone(), Arc::clone(&requests));
            tokio::spawn(async move {
                let (mut tally, mut resumed) = (Tally::default(), 0);
                for _ in 0..share {
                    let begun = now();
                    let done = once(&dialler, &requests).await;
                    resumed += u64::from(done == Ok(true));
                    tally.note(begun, done.map(|_| 0));
                }
                (tally, resumed)
            })
        })
        .collect();
    let (mut tallies, mut all) = (Vec::new(), 0);
    for client in clients {
        let (tally, resumed) = client.await.unwrap();
        tallies.push(tally);
        all += resumed;
    }
    Ok(Ran { resumed: all, ..summed(tallies, (now() - started).as_secs_f64()) })
}

fn spawn_once(dialler: &Dialler, requests: &Arc<Requests>) -> JoinHandle<Result<bool, String>> {
    let (dialler, requests) = (dialler.clone(), Arc::clone(requests));
    tokio::spawn(async move { once(&dialler, &requests).await })
}

/// One connection with one request; whether its session was resumed.
async fn once(dialler: &Dialler, requests: &Requests) -> Result<bool, String> {
    let (mut line, resumed) = dialler.dial().await?;
    line.ask(requests, 0).await?;
    Ok(resumed)
}

impl Tally {
    fn note(&mut self, since: std::time::Instant, done: Result<u64, String>) {
        match done {
            Ok(bytes) => {
                self.bytes += bytes;
                self.micros.push(u32::try_from((now() - since).as_micros()).unwrap_or(u32::MAX));
            }
            Err(error) => {
                self.errors += 1;
                self.first_error.get_or_insert(error);
            }
        }
    }
}

fn summed(tallies: Vec<Tally>, seconds: f64) -> Ran {
    let mut histogram = Histogram::<u64>::new(3).unwrap();
    let mut ran = Ran { seconds, ..Ran::default() };
    for tally in tallies {
        for micros in tally.micros {
            ran.requests += 1;
            histogram.record(u64::from(micros)).unwrap();
        }
        ran.bytes += tally.bytes;
        ran.errors += tally.errors;
        ran.first_error = ran.first_error.or(tally.first_error);
    }
    ran.p50 = histogram.value_at_quantile(0.5) as f64;
    ran.p99 = histogram.value_at_quantile(0.99) as f64;
    ran.worst = histogram.max() as f64;
    ran
}
