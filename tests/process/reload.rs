//! `inzage serve` gets other certificates, revocation lists, registers and lists while clients ask without pause, by SIGHUP: no
//! request fails, and each change is in force and on record.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use inzage::lists::ListKind;
use inzage::sandbox::client::PgoClient;
use inzage::sandbox::world::World;
use jiff::civil::date;

use crate::harness::{Home, clock, get, text};
use crate::person::{Session, consent};

/// A kind of change, made for the time with this number.
type Change = fn(&Home, &World, usize);

/// The number of the lists that were published last; they are no part of the configuration, and are told by it.
static LISTS: AtomicU64 = AtomicU64::new(0);

/// The change of this place brings lists, all others a configuration or a file of it.
const OF_LISTS: usize = 9;

/// Each kind of change.
const CHANGES: [Change; 14] = [
    |home, world, _| issue(home, world, "front", &world.layout.front_origin()),
    |home, world, _| issue(home, world, "back", &world.layout.back_origin()),
    // Who asks the publisher, and the log component.
    |home, world, _| issue(home, world, "node", &world.layout.back_origin()),
    |home, world, _| revoke(home, world, "stranger.pem"),
    |home, _, number| set(home, "phone = ", &format!("\"088 {number:07}\"")),
    |home, _, number| set(home, "token_lifetime_seconds = ", &(300 + number % 300).to_string()),
    |home, _, number| set(home, "max_in_flight = ", &(41 + number / CHANGES.len() % 2).to_string()),
    |home, _, number| set(home, "place = ", &format!("\"Dorp {number}\"")),
    |home, _, number| fs::write(home.path("services.toml"), format!("{SERVICES}\n# {number}\n")).unwrap(),
    |_, world, number| {
        let lists = world.layout.lists(u64::try_from(number).unwrap() + 2, clock().now());
        let (_, whl) = lists.iter().find(|(list, _)| *list == ListKind::Whl).unwrap();
        let (_, after) = whl.split_once("<Volgnummer>").unwrap();
        LISTS.store(after.split_once('<').unwrap().0.parse().unwrap(), Ordering::Relaxed);
        world.publisher.publish(lists);
    },
    |home, _, number| set(home, "client_burst = ", &(900_000 + number).to_string()),
    |home, _, number| set(home, "max_requests = ", &(4_000 + number).to_string()),
    |home, _, number| set(home, "networks = ", &format!("[\"10.{}.0.0/16\"]", number % 256)),
    |home, _, number| set(home, "session_minutes = ", &(60 + number % 600).to_string()),
];

const SERVICES: &str = include_str!("../../src/services/default.toml");

/// A certificate of the gateway, another one than before.
fn issue(home: &Home, world: &World, file: &str, origin: &str) {
    let host = origin.strip_prefix("https://").unwrap().split(':').next().unwrap();
    world.authority.issue(&home.path(""), file, host).unwrap();
}

/// The list of who was revoked, another one than before.
fn revoke(home: &Home, world: &World, file: &str) {
    let list = world.authority.revocation_list(&[&home.path(file)], date(2090, 1, 1)).unwrap();
    fs::write(home.path("clients.crl"), list).unwrap();
}

/// Gives a key another value, where it stands for the first time.
fn set(home: &Home, key: &str, value: &str) {
    let path = home.path("gateway.toml");
    let config = fs::read_to_string(&path).unwrap();
    let (before, rest) = config.split_once(key).unwrap_or_else(|| panic!("{key}"));
    let (_, after) = rest.split_once('\n').unwrap();
    fs::write(&path, format!("{before}{key}{value}\n{after}")).unwrap();
}

/// Puts every key that changes into the configuration of the sandbox.
fn prepare(home: &Home, world: &World) {
    revoke(home, world, "stranger.pem");
    fs::write(home.path("services.toml"), SERVICES).unwrap();
    let config = fs::read_to_string(home.path("gateway.toml")).unwrap();
    let config = config
        .replacen("client_roots = \"ca.pem\"", "client_roots = \"ca.pem\"\nclient_crls = [\"clients.crl\"]", 1)
        .replacen("id = \"his-a\"", "id = \"his-a\"\nmax_in_flight = 40", 1)
        .replacen("[admin.login]", "[admin.login]\nsession_minutes = 60", 1)
        + "\n[release]\ntoken_lifetime_seconds = 300\n\n[services]\ncatalogue = \"services.toml\"\n"
        + "\n[rates]\nclient_burst = 1000000\n\n[edge]\nmax_requests = 4096\n\n[outgoing]\nnetworks = [\"10.0.0.0/16\"]\n";
    fs::write(home.path("gateway.toml"), config).unwrap();
}

/// 56, or as many as the environment says.
#[expect(clippy::disallowed_methods, reason = "how long to test is said by the environment")]
fn rounds() -> usize {
    std::env::var("INZAGE_RELOADS").map_or(56, |rounds| rounds.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_everything_is_reloaded() {
    let home = Home::new();
    let world = home.world().await;
    prepare(&home, &world);
    let ops = world.layout.ops_url();
    let mut gateway = home.serve().ready(&ops).await;
    let mut session = consent(&world).await;
    let (rounds, load) = (rounds(), Load::default());
    let mut generation = 1;
    for (part, first) in (0..rounds).step_by(PART).enumerate() {
        let reloading = async {
            for number in first..rounds.min(first + PART) {
                let kind = number % CHANGES.len();
                CHANGES[kind](&home, &world, number);
                gateway.signal("HUP");
                let tells = if kind == OF_LISTS {
                    format!("inzage_lists_sequence{{list=\"whl\"}} {}", LISTS.load(Ordering::Relaxed))
                } else {
                    // The watcher of files may be first.
                    generation += 1;
                    format!("inzage_configuration_generation {generation}")
                };
                gateway.until(&tells, async || metric(&ops, &tells).await.then_some(())).await;
            }
            load.ends.store(true, Ordering::Relaxed);
        };
        let [one, two, three] = [false, false, true].map(|fresh| load.ask(&world, &session, fresh));
        tokio::join!(reloading, one, two, three);
        assert_eq!(load.failed.load(Ordering::Relaxed), 0, "part {part}");
        load.ends.store(false, Ordering::Relaxed);
        // A token lives for minutes only.
        session = consent(&world).await;
    }
    let answers = load.answers.load(Ordering::Relaxed);
    assert!(answers >= rounds, "{answers}");
    println!("{rounds} reloads of {} kinds, {answers} answers, none failed", CHANGES.len());
    assert!(metric(&ops, "inzage_alarm{alarm=\"configuration_refused\"} 0").await);
    gateway.signal("TERM");
    assert_eq!(gateway.ended().await.code, Some(0));
    let records = home.records().await;
    let changes = records.iter().filter(|record| record["kind"] == "configuration_changed").count();
    assert_eq!(changes, generation, "with the start");
    world.stop().await.unwrap();
}

/// Reloads with one token.
const PART: usize = 200;

/// Clients that ask without pause.
#[derive(Default)]
pub(crate) struct Load {
    /// Makes them end.
    pub(crate) ends: AtomicBool,
    /// Answers with data.
    pub(crate) answers: AtomicUsize,
    /// All others.
    pub(crate) failed: AtomicUsize,
}

impl Load {
    /// Asks until the end; with a connection for each request when `fresh`.
    pub(crate) async fn ask(&self, world: &World, session: &Session, fresh: bool) {
        let mut client = world.client("pgo", &clock()).unwrap();
        while !self.ends.load(Ordering::Relaxed) {
            if fresh {
                client = world.client("pgo", &clock()).unwrap();
            }
            let counter = if answered(&client, session).await { &self.answers } else { &self.failed };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn answered(client: &PgoClient, session: &Session) -> bool {
    let url = format!("{}/EpisodeOfCare", session.endpoints.resources["MM-2.0-HGB-FHIR"]);
    let reply = client.get(&url, &session.token.access_token, &session.correlation_id).await;
    reply.is_ok_and(|reply| reply.status == 200)
}

async fn metric(ops: &str, line: &str) -> bool {
    get(ops, "/metrics").await.is_some_and(|text| text.lines().any(|found| found == line))
}

/// F22: a storm of signals is one more reload, and none makes the node stumble.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_hangups_does_no_harm() {
    let home = Home::new();
    let world = home.world().await;
    prepare(&home, &world);
    let ops = world.layout.ops_url();
    let mut gateway = home.serve().ready(&ops).await;
    let session = consent(&world).await;
    let client = world.client("pgo", &clock()).unwrap();
    set(&home, "phone = ", "\"088 111 11 11\"");
    for _ in 0..100 {
        gateway.signal("HUP");
    }
    let reloaded = "inzage_configuration_generation 2";
    gateway.until(reloaded, async || metric(&ops, reloaded).await.then_some(())).await;
    assert!(answered(&client, &session).await);
    set(&home, "phone = ", "\"none\"");
    gateway.signal("HUP");
    let refused = "inzage_alarm{alarm=\"configuration_refused\"} 1";
    gateway.until(refused, async || metric(&ops, refused).await.then_some(())).await;
    let checked = home.run(&["check-config", text(&home.path("gateway.toml"))]).await;
    let alarms = get(&ops, "/readyz").await.unwrap();
    assert!(alarms.starts_with("HTTP/1.1 200"), "{alarms}");
    assert!(alarms.contains("operator.phone") && checked.err.contains("operator.phone"), "{alarms}{}", checked.err);
    assert!(answered(&client, &session).await);
    gateway.signal("HUP");
    gateway.signal("TERM");
    gateway.signal("HUP");
    gateway.signal("TERM");
    assert_eq!(gateway.ended().await.code, Some(0));
    let verified = home.run(&["audit", "verify", text(&home.audit())]).await;
    assert_eq!(verified.code, Some(0), "{}", verified.out);
    world.stop().await.unwrap();
}
