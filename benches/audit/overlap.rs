//! What a request waits for the disk when the HIS takes longer. Two gateways, each a process of its own with an emulated HIS
//! that takes 5 ms, are asked in turns; they change places between periods, so that what one process happens to be faster in
//! is not taken for the disk. Two comparisons: the same node and disk, of which one does not wait for the receipt, so that
//! both write and flush the same records; and a log on the disk beside one in memory, which has no flushes to pay for either.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use inzage::app::App;
use inzage::clock::{SharedClock, SystemClock};
use inzage::config::Config;
use inzage::sandbox::client::{PgoClient, new_id};
use inzage::sandbox::his::faults::Faults;
use inzage::sandbox::person::{Choices, End, Person};
use inzage::sandbox::ports::Base;
use inzage::sandbox::world::{Wish, World};

use crate::figures::{interval_of_median, median, micros, now, spread};
use crate::scene::Scratch;

const PERIODS: usize = 6;
/// In each period, after those that only warm up.
const PAIRS: usize = 400;
const WARM: usize = 50;
const HIS_MS: u32 = 5;
/// How wide the interval may be, in microseconds.
const WIDTH_MAX: f64 = 200.0;

/// A gateway; killed when this is dropped.
struct Gateway(Child);

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What is different about a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `inzage serve`, its log with the rest of it on the disk.
    Disk,
    /// The same, its log in memory.
    Memory,
    /// This program as the gateway, as [`Self::Unawaited`] has to be.
    Awaited,
    /// The same, but an answer does not wait for its receipt.
    Unawaited,
}

/// The argument that makes this program a gateway, before the configuration and the kind.
pub(crate) const GATEWAY: &str = "gateway";

/// A gateway, its world and who asks.
struct Side {
    gateway: Gateway,
    world: World,
    client: PgoClient,
    url: String,
    token: String,
    _memory: Option<Scratch>,
}

/// Prints both comparisons; whether the first holds the bar: its interval holds 0 and is narrow enough. Needs `/dev/shm`.
pub(crate) fn measure(dir: &Path) -> bool {
    inzage::tls::install();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!("a search through the gateway, a HIS of {HIS_MS} ms, microseconds");
    let (low, high) = runtime.block_on(compare(dir, [Kind::Awaited, Kind::Unawaited]));
    let held = low <= 0.0 && high >= 0.0 && high - low < WIDTH_MAX;
    println!("{}", if held { "bar held: 0 is in it" } else { "BAR MISSED: 0 in it, and less than 200 wide" });
    runtime.block_on(compare(dir, [Kind::Disk, Kind::Memory]));
    println!();
    held
}

/// Prints what the first of the two takes more than the second; the interval of the median difference.
async fn compare(dir: &Path, [one, other]: [Kind; 2]) -> (f64, f64) {
    let (mut with, mut without, mut differences, mut periods) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for period in 0..PERIODS {
        let swapped = period % 2 == 1;
        let pairs = pairs(dir, if swapped { [other, one] } else { [one, other] }).await;
        let pairs = pairs.into_iter().map(|[first, second]| if swapped { (second, first) } else { (first, second) });
        let mut here = Vec::new();
        for (one, other) in pairs {
            with.push(one);
            without.push(other);
            here.push(one - other);
        }
        periods.push(median(&mut here));
        differences.extend(here);
    }
    let (low, high) = interval_of_median(&mut differences);
    println!(
        "{} pairs: {one:?} {:.0}, {other:?} {:.0}; the median difference is {:.0} (by period {}), with 95 % certainty in {low:.0} – {high:.0}",
        differences.len(),
        median(&mut with),
        median(&mut without),
        median(&mut differences),
        spread(&periods, 0),
    );
    (low, high)
}

/// The times of one request to each, in microseconds.
async fn pairs(dir: &Path, kinds: [Kind; 2]) -> Vec<[f64; 2]> {
    let sides = [Side::start(dir, kinds[0]).await, Side::start(dir, kinds[1]).await];
    let mut pairs = Vec::new();
    for number in 0..WARM + PAIRS {
        let mut times = [0.0; 2];
        // Each goes first as often as the other.
        for place in [number % 2, 1 - number % 2] {
            times[place] = sides[place].ask().await;
        }
        if number >= WARM {
            pairs.push(times);
        }
    }
    for side in sides {
        side.stop().await;
    }
    pairs
}

impl Side {
    async fn start(dir: &Path, kind: Kind) -> Self {
        let clock: SharedClock = Arc::new(SystemClock);
        let folder = dir.join(new_id());
        let memory = (kind == Kind::Memory).then(|| Scratch::below(Path::new("/dev/shm")));
        fs::create_dir_all(folder.join("gateway")).unwrap();
        if let Some(memory) = &memory {
            symlink(memory.path(), folder.join("gateway/audit")).unwrap();
        }
        let (base, settings) = (Base::Search, String::new());
        let wish = Wish { dir: folder.clone(), his_data: None, base, with_gateway: false, settings };
        let world = World::start(&wish, Arc::clone(&clock)).await.unwrap();
        let gateway = serve(kind, &folder, &world.layout.ops_url()).await;
        let client = world.client("pgo", &clock).unwrap();
        let (url, token) = consent(&world, &client).await;
        world.his[0].set_faults(Faults { delay_ms: HIS_MS, ..Faults::default() });
        Self { gateway, world, client, url, token, _memory: memory }
    }

    /// Microseconds from the request to the last byte of the answer.
    async fn ask(&self) -> f64 {
        let started = now();
        let reply = self.client.get(&self.url, &self.token, &new_id()).await.unwrap();
        let took = now() - started;
        assert_eq!(reply.status, 200);
        micros(took)
    }

    async fn stop(self) {
        // Its log is thrown away with the folder.
        drop(self.gateway);
        self.world.stop().await.unwrap();
    }
}

/// The command of a gateway of this kind.
fn command(kind: Kind, config: &Path) -> Command {
    let mut command = match kind {
        Kind::Disk | Kind::Memory => Command::new(env!("CARGO_BIN_EXE_inzage")),
        Kind::Awaited | Kind::Unawaited => Command::new(std::env::current_exe().unwrap()),
    };
    match kind {
        Kind::Disk | Kind::Memory => command.args(["serve", "--config"]).arg(config),
        Kind::Awaited => command.arg(GATEWAY).arg(config).arg("awaited"),
        Kind::Unawaited => command.arg(GATEWAY).arg(config).arg("unawaited"),
    };
    command
}

/// Is the gateway of this configuration until it is killed.
pub(crate) fn be_gateway(config: &str, waits: &str) {
    inzage::tls::install();
    let config = Config::load(Path::new(config)).unwrap();
    let build = if waits == "unawaited" { App::build_unawaited } else { App::build };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let app = build(&config, Arc::new(SystemClock)).unwrap();
    let (listeners, controls) = (App::bind(&config).unwrap(), app.controls());
    runtime.block_on(app.run(listeners, controls)).unwrap();
}

async fn serve(kind: Kind, folder: &Path, ops: &str) -> Gateway {
    let child = command(kind, &folder.join("gateway.toml")).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let gateway = Gateway(child);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for _ in 0..600 {
        let ready = http.get(format!("{ops}/readyz")).send().await;
        if ready.is_ok_and(|answer| answer.status() == 200) {
            return gateway;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the gateway was not ready within half a minute")
}

/// What to ask, and a willing person's token for it.
async fn consent(world: &World, client: &PgoClient) -> (String, String) {
    let practice = &world.practices[0];
    let endpoints = client.endpoints(practice.provider.as_str(), "49").await.unwrap();
    let url = client.authorization_url(&endpoints, practice.provider.short(), "s", &new_id());
    let choices = Choices::willing(practice.patients[0].bsn.reveal());
    let End::Client(answer) = Person::default().walk(client, &url, choices).await.unwrap() else {
        panic!("the walk ended on a page")
    };
    let token = client.exchange(&endpoints, &answer["code"], &new_id()).await.unwrap();
    (format!("{}/EpisodeOfCare", endpoints.resources.values().next().unwrap()), token.access_token)
}
