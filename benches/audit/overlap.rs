//! What a request waits for the disk when the HIS takes longer: two gateways that differ in where their log lies, on the disk
//! or in memory, asked in turns. Each is `inzage serve` as a process of its own with an emulated HIS that takes 5 ms; they
//! change places between periods, so that what one process happens to be faster in is not taken for the disk.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use inzage::clock::{SharedClock, SystemClock};
use inzage::sandbox::client::{PgoClient, new_id};
use inzage::sandbox::his::faults::Faults;
use inzage::sandbox::person::{Choices, End, Person};
use inzage::sandbox::ports::Base;
use inzage::sandbox::world::{Wish, World};

use crate::figures::{interval_of_median, median, micros, now};
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

/// A gateway, its world and who asks.
struct Side {
    gateway: Gateway,
    world: World,
    client: PgoClient,
    url: String,
    token: String,
    _memory: Option<Scratch>,
}

/// Prints the medians and the interval of the difference; whether it holds 0 and is narrow enough. Needs `/dev/shm`.
pub(crate) fn measure(dir: &Path) -> bool {
    let memory = Path::new("/dev/shm");
    assert!(memory.is_dir(), "there is no /dev/shm to keep a log in memory");
    inzage::tls::install();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mut disk, mut none, mut differences) = (Vec::new(), Vec::new(), Vec::new());
    println!("a search through the gateway, a HIS of {HIS_MS} ms; µs, the log on the disk beside the log in memory");
    for period in 0..PERIODS {
        let pairs = runtime.block_on(pairs(dir, memory, period % 2 == 0));
        let mut here: Vec<f64> = pairs.iter().map(|(with, without)| with - without).collect();
        println!("period {}: median difference {:.0}", period + 1, median(&mut here));
        disk.extend(pairs.iter().map(|pair| pair.0));
        none.extend(pairs.iter().map(|pair| pair.1));
        differences.extend(here);
    }
    let (low, high) = interval_of_median(&mut differences);
    println!(
        "{} pairs: disk {:.0}, memory {:.0}; the median difference is {:.0}, with 95 % certainty in {low:.0} – {high:.0}",
        differences.len(),
        median(&mut disk),
        median(&mut none),
        median(&mut differences),
    );
    let held = low <= 0.0 && high >= 0.0 && high - low < WIDTH_MAX;
    println!("{}\n", if held { "bar held: 0 is in it" } else { "BAR MISSED: 0 in it, and less than 200 wide" });
    held
}

/// The times of one request to each, with the log on the disk and in memory, in microseconds.
async fn pairs(dir: &Path, memory: &Path, disk_first: bool) -> Vec<(f64, f64)> {
    let (first, second) = if disk_first { (None, Some(memory)) } else { (Some(memory), None) };
    let sides = [Side::start(dir, first).await, Side::start(dir, second).await];
    let mut pairs = Vec::new();
    for number in 0..WARM + PAIRS {
        let mut times = [0.0; 2];
        // Each goes first as often as the other.
        for place in [number % 2, 1 - number % 2] {
            times[place] = sides[place].ask().await;
        }
        let pair = if disk_first { (times[0], times[1]) } else { (times[1], times[0]) };
        if number >= WARM {
            pairs.push(pair);
        }
    }
    for side in sides {
        side.stop().await;
    }
    pairs
}

impl Side {
    /// Starts one; its log lies in `memory`, or else with the rest of it on the disk.
    async fn start(dir: &Path, memory: Option<&Path>) -> Self {
        let clock: SharedClock = Arc::new(SystemClock);
        let folder = dir.join(new_id());
        let memory = memory.map(Scratch::below);
        fs::create_dir_all(folder.join("gateway")).unwrap();
        if let Some(memory) = &memory {
            symlink(memory.path(), folder.join("gateway/audit")).unwrap();
        }
        let (base, settings) = (Base::Search, String::new());
        let wish = Wish { dir: folder.clone(), his_data: None, base, with_gateway: false, settings };
        let world = World::start(&wish, Arc::clone(&clock)).await.unwrap();
        let gateway = serve(&folder, &world.layout.ops_url()).await;
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

async fn serve(folder: &Path, ops: &str) -> Gateway {
    let child = Command::new(env!("CARGO_BIN_EXE_inzage"))
        .args(["serve", "--config", folder.join("gateway.toml").to_str().unwrap()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
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
