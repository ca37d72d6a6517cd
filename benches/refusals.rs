//! What a client can learn from the moment of a "no": a person who is known elsewhere, one who is known nowhere, and one who
//! refuses walk through the authorization in turns, over real TLS, and the times to the answer are compared by pairs.
//!
//! Printed for each pair of kinds: the median of the differences and its 95 % interval (order statistics of the sign test),
//! first for the answer that leads back to the client, which is what a client can time and which leaves on a beat, then for everything that the gateway
//! does after the login. The latter differs by what it takes to make the page that is shown; between it and the answer lies the
//! time that the person reads, which hides it from the client.

#![expect(clippy::print_stdout, reason = "the figures go to standard output")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot run must say so")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use inzage::clock::{SharedClock, SystemClock};
use inzage::sandbox::client::{ClientError, Endpoints, PgoClient, Reply, new_id};
use inzage::sandbox::person::{Form, Person, location, read_form};
use inzage::sandbox::ports::Base;
use inzage::sandbox::world::{Wish, World};

/// Pairs of each two kinds.
const PAIRS: usize = 2_000;
/// Rounds before the first that counts: connections and caches.
const WARMING: usize = 20;

/// The three ends that must look alike.
const KINDS: [&str; 3] = ["known elsewhere", "known nowhere", "refused"];

/// How long the gateway took, in microseconds.
#[derive(Clone, Copy)]
struct Took {
    /// For the answer that leads back to the client.
    answer: f64,
    /// For all answers after the login was sent.
    after_login: f64,
}

struct Walker<'a> {
    client: &'a PgoClient,
    endpoints: &'a Endpoints,
    front: String,
}

#[expect(clippy::disallowed_methods, reason = "a bench looks at the clock on the wall of the machine")]
fn now() -> Instant {
    Instant::now()
}

fn text(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.body).into_owned()
}

fn fill(form: &Form, fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let more = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    form.hidden.iter().cloned().chain(more).collect()
}

fn micros(since: Instant) -> f64 {
    now().duration_since(since).as_secs_f64() * 1e6
}

/// Waits for an answer; what the browser does before and after does not count.
async fn timed(total: &mut f64, answer: impl Future<Output = Result<Reply, ClientError>>) -> (Reply, f64) {
    let since = now();
    let reply = answer.await.unwrap();
    let took = micros(since);
    *total += took;
    (reply, took)
}

impl Walker<'_> {
    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.front)
    }

    fn filled(&self, page: &Reply, fields: &[(&str, &str)]) -> (String, Vec<(String, String)>) {
        let form = read_form(&text(page)).unwrap();
        (self.address(&form.action), fill(&form, fields))
    }

    async fn walk(&self, bsn: &str, refuses: bool) -> Took {
        let (mut person, client, mut total) = (Person::default(), self.client, 0.0);
        let url = client.authorization_url(self.endpoints, "huisarts.delinde", "s", &new_id());
        let landing = person.open(client, &url).await.unwrap();
        let (address, fields) = self.filled(&landing, &[("action", "continue")]);
        let sent = person.submit(client, &address, &fields).await.unwrap();
        let login = person.open(client, &self.address(&location(&sent).unwrap())).await.unwrap();
        let (address, fields) = self.filled(&login, &[("bsn", bsn), ("action", "login")]);
        let (sent, _) = timed(&mut total, person.submit(client, &address, &fields)).await;
        let address = self.address(&location(&sent).unwrap());
        let (last, _) = timed(&mut total, person.open(client, &address)).await;
        let answer = if refuses { ("answer", "refuse") } else { ("action", "continue") };
        let (address, fields) = self.filled(&last, &[answer]);
        read_the_page();
        let (back, answer) = timed(&mut total, person.submit(client, &address, &fields)).await;
        assert!(location(&back).unwrap().contains("error=access_denied"));
        Took { answer, after_login: total }
    }
}

/// A person presses the button at a moment that no timer of the gateway knows. Without this the next walk would begin where
/// the last answer left, on a tick of that timer, and the moment of the button would tell how long the page before took.
fn read_the_page() {
    let micros = u64::try_from(uuid::Uuid::new_v4().as_u128() % 2_000).unwrap();
    std::thread::sleep(Duration::from_micros(micros));
}

/// Median of the differences, and the ends of its 95 % interval, in microseconds.
fn interval(mut differences: Vec<f64>) -> [f64; 3] {
    differences.sort_by(f64::total_cmp);
    let count = f64::from(u32::try_from(differences.len()).unwrap());
    let reach = 1.96 * count.sqrt() / 2.0;
    let at = |rank: f64| {
        differences[(0..differences.len()).find(|index| f64::from(u32::try_from(*index).unwrap()) >= rank).unwrap()]
    };
    [at(count / 2.0 - reach), at(count / 2.0), at(count / 2.0 + reach)]
}

fn compare(what: &str, took: &[[Took; 3]], of: impl Fn(Took) -> f64) {
    println!("{what}");
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        let differences = took.iter().map(|round| of(round[one]) - of(round[other])).collect();
        let [low, median, high] = interval(differences);
        let equal = if low <= 0.0 && high >= 0.0 && high - low < 1_000.0 { "alike" } else { "NOT ALIKE" };
        println!(
            "  {:<16} - {:<16} median {median:8.1} us, 95 % from {low:8.1} to {high:8.1} us, {} pairs: {equal}",
            KINDS[one],
            KINDS[other],
            took.len()
        );
    }
}

async fn run() {
    let dir = std::env::temp_dir().join(format!("inzage-bench-{}", new_id()));
    let clock: SharedClock = Arc::new(SystemClock);
    let wish = Wish { dir: dir.clone(), his_data: None, base: Base::Any, with_gateway: true, settings: String::new() };
    let world = World::start(&wish, Arc::clone(&clock)).await.unwrap();
    let client = world.client("pgo", &clock).unwrap();
    let endpoints = client.endpoints("huisarts.delinde@medmij", "49").await.unwrap();
    let walker = Walker { client: &client, endpoints: &endpoints, front: world.layout.front_origin() };
    let known = world.practices[0].patients[0].bsn.reveal().to_owned();
    let elsewhere = world.practices[1].patients[0].bsn.reveal().to_owned();
    let people = [(elsewhere.as_str(), false), ("999990019", false), (known.as_str(), true)];
    let mut all = Vec::new();
    for round in 0..WARMING + PAIRS {
        let mut took = [Took { answer: 0.0, after_login: 0.0 }; 3];
        // Who comes first changes from round to round.
        for kind in (0..3).map(|kind| (kind + round) % 3) {
            took[kind] = walker.walk(people[kind].0, people[kind].1).await;
        }
        if round >= WARMING {
            all.push(took);
        }
    }
    world.stop().await.unwrap();
    std::fs::remove_dir_all(&dir).ok();
    compare("the answer that leads back to the client", &all, |took| took.answer);
    compare("everything after the login", &all, |took| took.after_login);
}

fn main() {
    // `cargo test --benches` only wants to know that it builds.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(run());
    runtime.shutdown_timeout(Duration::from_secs(5));
}
