//! Mixed load for a while: what the process holds (memory, descriptors, threads,
//! tasks) does not grow with what it has answered.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use inzage::sandbox::client::{PgoClient, Reply, new_id};
use inzage::sandbox::world::World;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::harness::{Home, Process, clock, get, text, until};
use crate::person::{Session, consent};

const CLIENTS: usize = 8;
/// Between two requests of a client.
const EVERY: Duration = Duration::from_millis(10);
/// How long it takes without a wish.
const SHORT: Duration = Duration::from_secs(15);
/// Between two looks at the process.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What a cache or a pool still fills in this time is not growth.
const SETTLING: Duration = Duration::from_secs(300);
/// How much more memory the process may hold after ten minutes, KiB.
const GROWTH_MAX: f64 = 1024.0;
const TEN_MINUTES: f64 = 600.0;

/// What a process holds.
#[derive(Debug, Clone, Copy)]
struct Held {
    resident_kib: u64,
    descriptors: usize,
    threads: usize,
    tasks: usize,
}

impl Held {
    /// What the system says of a process, and what it says of its tasks itself.
    async fn by(process: &Process, ops: &str) -> Self {
        let metrics = get(ops, "/metrics").await.unwrap();
        let tasks = metrics.lines().find_map(|line| line.strip_prefix("inzage_process_tasks ")).unwrap();
        let of = |what: &str| format!("/proc/{}/{what}", process.id());
        let status = fs::read_to_string(of("status")).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        Self {
            resident_kib: resident.trim().trim_end_matches(" kB").parse().unwrap(),
            descriptors: fs::read_dir(of("fd")).unwrap().count(),
            threads: fs::read_dir(of("task")).unwrap().count(),
            tasks: tasks.parse().unwrap(),
        }
    }
}

/// What was seen, with the seconds since the load began.
#[derive(Default)]
struct Seen(Vec<(f64, Held)>);

impl Seen {
    /// KiB in ten minutes, by least squares over what was seen after the settling; `None` before there is enough of it.
    fn growth(&self) -> Option<f64> {
        let settled: Vec<(f64, f64)> = self
            .0
            .iter()
            .filter(|(at, _)| *at > SETTLING.as_secs_f64())
            .map(|(at, held)| (*at, held.resident_kib as f64))
            .collect();
        let (first, last) = (settled.first()?, settled.last()?);
        (last.0 - first.0 > SETTLING.as_secs_f64()).then(|| slope(&settled) * TEN_MINUTES)
    }

    fn table(&self) -> String {
        let of_a_minute = |(at, _): &&(f64, Held)| (*at as u64).is_multiple_of(60);
        let row = |(at, held): &(f64, Held)| {
            let Held { resident_kib, descriptors, threads, tasks } = held;
            format!("{at:6.0} s: {resident_kib} KiB, {descriptors} descriptors, {threads} threads, {tasks} tasks")
        };
        self.0.iter().filter(of_a_minute).map(row).collect::<Vec<_>>().join("\n")
    }
}

fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let (above, below) = points.iter().fold((0.0, 0.0), |(above, below), point| {
        (above + (point.0 - x) * (point.1 - y), below + (point.0 - x) * (point.0 - x))
    });
    above / below
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_under_mixed_load_holds_no_more_in_the_end() {
    let home = Home::new();
    let world = Arc::new(home.world().await);
    let gateway = home.serve().ready(&world.layout.ops_url()).await;
    let begun = settled(&world, &gateway).await;
    let (seen, answered) = soak(&world, &gateway, long()).await;
    let ended = settled_as(&world, &gateway, begun).await;
    println!("{}\n{answered} answers; began with {begun:?}, ended with {ended:?}", seen.table());
    if let Some(growth) = seen.growth() {
        println!("{growth:.0} KiB in ten minutes");
        assert!(growth < GROWTH_MAX, "{growth} KiB in ten minutes");
    }
    gateway.signal("TERM");
    let end = gateway.ended().await;
    assert_eq!(end.code, Some(0), "{}", end.err);
    let verified = home.run(&["audit", "verify", text(&home.audit())]).await;
    assert_eq!(verified.code, Some(0), "{}{}", verified.out, verified.err);
    Arc::into_inner(world).unwrap().stop().await.unwrap();
}

/// [`SHORT`], or as many minutes as the environment says.
#[expect(clippy::disallowed_methods, reason = "how long to test is said by the environment")]
fn long() -> Duration {
    std::env::var("INZAGE_SOAK_MINUTES")
        .map_or(SHORT, |minutes| Duration::from_secs(60 * minutes.parse::<u64>().unwrap()))
}

/// What the process holds when it has done each thing once and its client has gone.
async fn settled(world: &World, gateway: &Process) -> Held {
    let mut client = Client::new(world).await;
    for step in 0..Client::ROUND {
        client.step(world, step).await;
    }
    let ops = world.layout.ops_url();
    let with_client = Held::by(gateway, &ops).await;
    drop(client);
    let gone = async || {
        let held = Held::by(gateway, &ops).await;
        (held.descriptors < with_client.descriptors && held.tasks < with_client.tasks).then_some(held)
    };
    until("end of a connection", gone).await
}

/// Waits until the process holds no more descriptors, threads and tasks than it did.
async fn settled_as(world: &World, gateway: &Process, begun: Held) -> Held {
    let ops = world.layout.ops_url();
    until("end of all connections", async || {
        let held = Held::by(gateway, &ops).await;
        let no_more = |of: fn(&Held) -> usize| of(&held) <= of(&begun);
        (no_more(|held| held.descriptors) && no_more(|held| held.threads) && no_more(|held| held.tasks)).then_some(held)
    })
    .await
}

async fn soak(world: &Arc<World>, gateway: &Process, long: Duration) -> (Seen, u64) {
    let (answered, started) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let mut seen = Seen::default();
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        clients.spawn(load(Arc::clone(world), number, started + long, Arc::clone(&answered)));
    }
    let (mut looks, ops) = (interval(LOOK_EVERY), world.layout.ops_url());
    while !clients.is_empty() {
        tokio::select! {
            Some(client) = clients.join_next() => client.unwrap(),
            _ = looks.tick() => seen.0.push((started.elapsed().as_secs_f64(), Held::by(gateway, &ops).await)),
        }
    }
    (seen, answered.load(Ordering::Relaxed))
}

async fn load(world: Arc<World>, number: usize, until: Instant, answered: Arc<AtomicU64>) {
    let mut client = Client::new(&world).await;
    let mut pace = interval(EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for step in number.. {
        pace.tick().await;
        if Instant::now() > until {
            return;
        }
        client.step(&world, step % Client::ROUND).await;
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// A PGO with a connection of its own and a person's token.
struct Client {
    pgo: PgoClient,
    session: Session,
}

impl Client {
    /// After so many steps the first comes again. One of them is a wrong request, of which a client may make few.
    const ROUND: usize = 500;

    async fn new(world: &World) -> Self {
        Self { pgo: world.client("pgo", &clock()).unwrap(), session: consent(world).await }
    }

    async fn step(&mut self, world: &World, step: usize) {
        match step {
            0 => *self = Self::new(world).await,
            1 => assert_eq!(self.ask("EpisodeOfCare", "unknown").await.status, 401),
            _ if step.is_multiple_of(50) => self.pgo = world.client("pgo", &clock()).unwrap(),
            _ => self.search(step).await,
        }
    }

    async fn search(&self, step: usize) {
        let requests = ["EpisodeOfCare", "Patient?_include=Patient:general-practitioner", "Encounter"];
        let reply = self.ask(requests[step % requests.len()], &self.session.token.access_token).await;
        assert_eq!(reply.status, 200, "{:?}", reply.body);
    }

    async fn ask(&self, request: &str, token: &str) -> Reply {
        let url = format!("{}/{request}", self.session.endpoints.resources["MM-2.0-HGB-FHIR"]);
        self.pgo.get_as(&url, token, &self.session.correlation_id, &new_id()).await.unwrap()
    }
}
