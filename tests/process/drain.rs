//! SIGTERM while hundreds of requests wait for a HIS (F21), and a process that is killed while it drains (F22).

use inzage::audit::prove::{Prover, claimed_keys, newest_checkpoint};
use inzage::sandbox::client::{PgoClient, new_id};
use inzage::sandbox::his::faults::Faults;
use inzage::sandbox::person::{Choices, End, Person};
use inzage::sandbox::world::World;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::harness::{Home, Process, clock, get, text};
use crate::person::Session;

/// Requests that wait for a HIS when the signal comes.
const IN_FLIGHT: usize = 500;
/// How many of them a connection carries.
const EACH: usize = 50;
/// Those whose HIS takes longer.
const SLOW: usize = 50;
const DELAY_MS: u32 = 2_000;
const SLOW_MS: u32 = 6_000;

/// A willing person's token at a practice.
async fn consent(world: &World, practice: usize) -> Session {
    let client = world.client("pgo", &clock()).unwrap();
    let practice = &world.practices[practice];
    let endpoints = client.endpoints(practice.provider.as_str(), "49").await.unwrap();
    let correlation_id = new_id();
    let url = client.authorization_url(&endpoints, practice.provider.short(), "the state", &correlation_id);
    let choices = Choices::willing(practice.patients[0].bsn.reveal());
    let End::Client(answer) = Person::default().walk(&client, &url, choices).await.unwrap() else { panic!("a page") };
    let token = client.exchange(&endpoints, &answer["code"], &correlation_id).await.unwrap();
    Session { endpoints, token, correlation_id }
}

/// A node with requests under way at two HISs, all of which were asked already.
struct Busy {
    home: Home,
    world: World,
    gateway: Process,
    answers: JoinSet<Option<u16>>,
}

impl Busy {
    async fn start() -> Self {
        let home = Home::new();
        let world = home.world().await;
        let config = std::fs::read_to_string(home.path("gateway.toml")).unwrap();
        let config = ["his-a", "his-b"].iter().fold(config, |config, id| {
            config.replacen(&format!("id = \"{id}\""), &format!("id = \"{id}\"\nmax_in_flight = 1000"), 1)
        });
        std::fs::write(home.path("gateway.toml"), config).unwrap();
        let gateway = home.serve().ready(&world.layout.ops_url()).await;
        let mut answers = JoinSet::new();
        for (practice, requests, delay_ms) in [(0, IN_FLIGHT, DELAY_MS), (1, SLOW, SLOW_MS)] {
            let session = consent(&world, practice).await;
            let clients: Vec<PgoClient> =
                (0..requests.div_ceil(EACH)).map(|_| world.client("pgo", &clock()).unwrap()).collect();
            // Each connects, and the gateway learns who the patient is.
            for client in &clients {
                assert_eq!(session.ask(client).await.1.status, 200);
            }
            let his = &world.his[practice];
            let asked = his.log().count;
            his.set_faults(Faults { delay_ms, ..Faults::default() });
            for number in 0..requests {
                let (client, session) = (clients[number / EACH].clone(), session.clone());
                answers.spawn(async move { ask(&client, &session).await });
            }
            his.asked(asked + u64::try_from(requests).unwrap()).await;
        }
        Self { home, world, gateway, answers }
    }
}

/// The status of an answer that came whole.
async fn ask(client: &PgoClient, session: &Session) -> Option<u16> {
    let url = format!("{}/EpisodeOfCare", session.endpoints.resources["MM-2.0-HGB-FHIR"]);
    let reply = client.get(&url, &session.token.access_token, &session.correlation_id).await.ok()?;
    Some(reply.status.as_u16())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_at_sigterm_is_answered_and_nothing_new_begins() {
    let Busy { home, world, gateway, answers } = Busy::start().await;
    let ops = world.layout.ops_url();
    gateway.signal("TERM");
    let mut gateway = gateway;
    let draining = async || get(&ops, "/readyz").await.filter(|answer| answer.contains("\"draining\""));
    gateway.until("drain", draining).await;
    // Who waited to be accepted still is.
    let origin = world.layout.back_origin();
    let port: u16 = origin.rsplit_once(':').unwrap().1.parse().unwrap();
    let closed = async || TcpStream::connect(("127.0.0.1", port)).await.is_err().then_some(());
    gateway.until("closed port", closed).await;
    assert!(gateway.runs(), "with requests under way");
    let statuses = answers.join_all().await;
    assert_eq!(statuses.len(), IN_FLIGHT + SLOW);
    assert!(statuses.iter().all(|status| *status == Some(200)), "{statuses:?}");
    let ended = gateway.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let records = home.records().await;
    assert_eq!(records.last().unwrap()["kind"], "node_stopped");
    let (note, keys) = (newest_checkpoint(&home.audit()).unwrap(), claimed_keys(&home.audit()).unwrap());
    let signed = Prover::new(&home.audit(), &note, keys).unwrap().checkpoint().size;
    assert_eq!(signed, u64::try_from(records.len()).unwrap(), "a checkpoint closes the log");
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_while_it_drains_leaves_no_half_record() {
    let Busy { home, world, mut gateway, answers } = Busy::start().await;
    let ops = world.layout.ops_url();
    gateway.signal("TERM");
    let draining = async || get(&ops, "/readyz").await.filter(|answer| answer.contains("\"draining\""));
    gateway.until("drain", draining).await;
    gateway.signal("TERM");
    gateway.kill();
    drop(answers);
    let again = home.serve().ready(&ops).await;
    again.signal("TERM");
    assert_eq!(again.ended().await.code, Some(0));
    let records = home.records().await;
    let intents = records.iter().filter(|record| record["kind"] == "disclosure_intent").count();
    assert!(intents >= IN_FLIGHT + SLOW, "{intents}");
    let verified = home.run(&["audit", "verify", text(&home.audit())]).await;
    assert_eq!(verified.code, Some(0), "{}", verified.out);
    world.stop().await.unwrap();
}
