//! What one dead HIS costs the others. Patients of two practices are asked for at the same rates all the time; in every second round
//! the HIS of the first hangs. Printed is the 99th percentile at the second practice in both kinds of rounds, which alternate, and
//! their ratio: it must be at most 1.1, or the difference at most 1 ms.
//!
//! Then how soon those are told who are not served: every place of a node is taken by requests whose HIS hangs, and others ask as
//! fast as they can. Printed is how long their refusals took: 99 of 100 at most 50 ms.
//!
//! Everything runs in this process, the load included, so the times are no measure of the gateway by themselves.

#![expect(clippy::print_stdout, reason = "the figures go to standard output")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot run must say so")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use inzage::clock::{SharedClock, SystemClock};
use inzage::sandbox::client::{PgoClient, new_id};
use inzage::sandbox::his::faults::{Fail, Faults};
use inzage::sandbox::person::{Choices, End, Person};
use inzage::sandbox::ports::Base;
use inzage::sandbox::world::{Wish, World};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

/// Pairs of rounds, and how long a round takes.
const PAIRS: usize = 7;
const ROUND: Duration = Duration::from_secs(2);
/// Patients of the practice whose HIS dies, each of whom is asked for so often: more than its HIS may have in hand and in its queue.
const ASKING: usize = 200;
const EACH: Duration = Duration::from_millis(500);
/// Patients of the other practice.
const OTHERS: usize = 4;
const OTHERS_EACH: Duration = Duration::from_millis(10);

/// Places of the node that is full, how many ask there at once, and how often each.
const PLACES: u64 = 32;
const REFUSED: usize = 64;
const REFUSED_EACH: usize = 200;

#[expect(clippy::disallowed_methods, reason = "a bench looks at the clock on the wall of the machine")]
fn now() -> Instant {
    Instant::now()
}

/// A right to ask at one practice.
#[derive(Clone)]
struct Asker {
    client: Arc<PgoClient>,
    url: String,
    token: String,
}

impl Asker {
    async fn new(client: &Arc<PgoClient>, provider: &str, bsn: &str) -> Self {
        let endpoints = client.endpoints(provider, "49").await.unwrap();
        let id = new_id();
        let url = client.authorization_url(&endpoints, provider.strip_suffix("@medmij").unwrap(), "s", &id);
        let End::Client(answer) = Person::default().walk(client, &url, Choices::willing(bsn)).await.unwrap() else {
            panic!("the walk ended on a page")
        };
        let code = answer.get("code").unwrap();
        let token = client.exchange(&endpoints, code, &id).await.unwrap().access_token;
        let base = endpoints.resources.values().next().unwrap();
        Self { client: Arc::clone(client), url: format!("{base}/Encounter"), token }
    }

    async fn ask(&self) -> u16 {
        self.client.get(&self.url, &self.token, &new_id()).await.unwrap().status.as_u16()
    }

    /// Asks at a steady pace for one round, whatever the answers; their times in microseconds.
    async fn keep_asking(self, each: Duration, expected: &'static [u16]) -> Histogram<u64> {
        let mut times = Histogram::new(3).unwrap();
        let (mut tick, end) = (interval(each), now() + ROUND);
        tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
        while now() < end {
            // From the moment at which it should have been asked, so that what waits behind a slow answer counts.
            let due = tick.tick().await.into_std();
            let status = self.ask().await;
            assert!(expected.contains(&status), "{status}");
            times.record(u64::try_from(now().duration_since(due).as_micros()).unwrap()).unwrap();
        }
        times
    }
}

/// One round; the 99th percentile at the other practice, in milliseconds.
async fn round(dying: &Asker, other: &Asker, dead: bool) -> f64 {
    let expected: &[u16] = if dead { &[200, 503, 504] } else { &[200, 503] };
    let mut load = JoinSet::new();
    for _ in 0..ASKING {
        load.spawn(dying.clone().keep_asking(EACH, expected));
    }
    let mut measured = JoinSet::new();
    for _ in 0..OTHERS {
        measured.spawn(other.clone().keep_asking(OTHERS_EACH, &[200]));
    }
    let mut all = Histogram::<u64>::new(3).unwrap();
    for times in measured.join_all().await {
        all.add(&times).unwrap();
    }
    load.join_all().await;
    let micros = u32::try_from(all.value_at_quantile(0.99)).unwrap();
    f64::from(micros) / 1_000.0
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap()
}

/// A world with these settings, its folder, and somebody who asks at each of two practices.
async fn stage(settings: &str) -> (World, PathBuf, [Asker; 2]) {
    let dir = std::env::temp_dir().join(format!("inzage-bench-{}", new_id()));
    let clock: SharedClock = Arc::new(SystemClock);
    let settings = settings.to_owned();
    let wish = Wish { dir: dir.clone(), his_data: None, base: Base::Any, with_gateway: true, settings };
    let world = World::start(&wish, Arc::clone(&clock)).await.unwrap();
    let [dying, other] = [("huisarts.delinde@medmij", 0), ("huisarts.haven@medmij", 1)].map(|(provider, practice)| {
        (provider, world.practices.get(practice).and_then(|it| it.patients.first()).unwrap())
    });
    // One connection for both, as of a PGO that asks at several practices.
    let client = Arc::new(world.client("pgo", &clock).unwrap());
    let askers = [
        Asker::new(&client, dying.0, dying.1.bsn.reveal()).await,
        Asker::new(&client, other.0, other.1.bsn.reveal()).await,
    ];
    (world, dir, askers)
}

async fn one_dead_his() {
    let (world, dir, [dying, other]) = stage("[release]\nhis_deadline_ms = 2000\n").await;
    let his = world.his.first().unwrap();
    round(&dying, &other, false).await;
    let (mut ratios, mut differences) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        let alive = round(&dying, &other, false).await;
        his.set_faults(Faults { fail: Fail::Hang, ..Faults::default() });
        let dead = round(&dying, &other, true).await;
        his.set_faults(Faults::default());
        // Until the breaker has seen that it answers again.
        while dying.ask().await != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        println!("round {pair}: p99 with the other HIS alive {alive:.2} ms, dead {dead:.2} ms");
        ratios.push(dead / alive);
        differences.push(dead - alive);
    }
    let (ratio, difference) = (median(ratios), median(differences));
    let held = if ratio <= 1.1 || difference <= 1.0 { "held" } else { "MISSED" };
    println!("median of {PAIRS}: ratio {ratio:.2}, difference {difference:.2} ms (must 1.1 or 1 ms): {held}");
    world.stop().await.unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
}

/// How long each refusal took, in microseconds.
async fn keep_being_refused(asker: Asker) -> Histogram<u64> {
    let mut times = Histogram::new(3).unwrap();
    for _ in 0..REFUSED_EACH {
        let since = now();
        assert_eq!(asker.ask().await, 503);
        times.record(u64::try_from(now().duration_since(since).as_micros()).unwrap()).unwrap();
    }
    times
}

async fn a_full_node() {
    let settings = format!("[edge]\nmax_requests = {PLACES}\n[release]\nhis_deadline_ms = 20000\n");
    let (world, dir, [dying, other]) = stage(&settings).await;
    let his = world.his.first().unwrap();
    his.set_faults(Faults { fail: Fail::Hang, ..Faults::default() });
    let asked = his.log().count;
    let mut holding = JoinSet::new();
    for _ in 0..PLACES {
        let dying = dying.clone();
        holding.spawn(async move { dying.ask().await });
    }
    while his.log().count < asked + PLACES {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut refused = JoinSet::new();
    for _ in 0..REFUSED {
        refused.spawn(keep_being_refused(other.clone()));
    }
    let mut all = Histogram::<u64>::new(3).unwrap();
    for times in refused.join_all().await {
        all.add(&times).unwrap();
    }
    let ms = |quantile| f64::from(u32::try_from(all.value_at_quantile(quantile)).unwrap()) / 1_000.0;
    let held = if ms(0.99) <= 50.0 { "held" } else { "MISSED" };
    println!(
        "{} refusals of a full node, {REFUSED} at once: median {:.2} ms, p99 {:.2} ms, slowest {:.2} ms (must p99 50 ms): {held}",
        all.len(),
        ms(0.5),
        ms(0.99),
        ms(1.0)
    );
    holding.abort_all();
    his.set_faults(Faults::default());
    world.stop().await.unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
}

async fn run() {
    one_dead_his().await;
    a_full_node().await;
}

fn main() {
    // `cargo test --benches` only wants to know that it builds.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    inzage::tls::install();
    tokio::runtime::Runtime::new().unwrap().block_on(run());
}
