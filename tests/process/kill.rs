//! `kill -9` under load: whatever a client was answered is in the log, in every round, its consents outlive the process, and the
//! index has each record that it has once, whichever store the gateway has.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use inzage::audit::checkpoint::Checkpoint;
use inzage::audit::prove::{Prover, claimed_keys, newest_checkpoint};
use inzage::audit::read_dir;
use inzage::availability::dutch_today;
use inzage::sandbox::client::{ClientError, PgoClient, new_id};
use inzage::sandbox::world::World;
use inzage::secret::{random, sha256};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::harness::{Home, Process, clock, text};
use crate::index::Index;
use crate::person::{Session, consent};
use crate::postgres::Database;

const CLIENTS: usize = 6;
/// Answers of a round before the kill.
const ANSWERS_MIN: usize = 200;
/// For how long a token is asked with; it lives for 900 s, and many rounds take longer.
const TOKEN_USED: Duration = Duration::from_secs(600);

/// An answer that arrived completely.
struct Answered {
    request_id: String,
    /// The kind of record that the log owes for it.
    owed: &'static str,
}

/// What clients hold against the gateway.
#[derive(Default)]
struct Ledger {
    answers: Vec<Answered>,
    consents: Vec<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_in_the_log_after_every_kill() {
    let home = Home::new();
    survive_kills(&home, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_in_the_log_after_every_kill_on_postgresql() {
    let home = Home::new();
    let Some(database) = Database::new().await else { return };
    survive_kills(&home, Some(&database.url)).await;
    database.remove().await;
}

#[expect(clippy::print_stdout, reason = "who runs the tests is told how much was tried")]
async fn survive_kills(home: &Home, server: Option<&str>) {
    let config = home.path("gateway.toml");
    let store = server.map_or_else(Vec::new, |url| vec!["--store", url]);
    let arguments = [vec!["serve", "--config", text(&config)], store].concat();
    let index = Index::of(home, server);
    let world = home.world().await;
    let (mut ledger, mut log) = (Ledger::default(), Log::default());
    let mut first: Option<(_, Session)> = None;
    let (rounds, mut restarts) = (rounds(), Vec::new());
    for round in 1..=rounds {
        let started = clock().monotonic();
        let mut gateway = Process::start(home, &arguments).ready(&world.layout.ops_url()).await;
        restarts.push(clock().monotonic() - started);
        let found = log.digests.len();
        // A start signs what the kill left, behind the requests that come.
        gateway.until("checkpoint", async || signed(home).filter(|size| *size >= found as u64)).await;
        let newest = consent(&world).await;
        ledger.consents.push(newest.correlation_id.clone());
        // The oldest token has seen every kill since it was issued.
        if first.as_ref().is_none_or(|(since, _)| started - *since > TOKEN_USED) {
            first = Some((started, newest.clone()));
        }
        let oldest = first.as_ref().map_or_else(|| newest.clone(), |(_, oldest)| oldest.clone());
        let before = ledger.answers.len();
        load_then_kill(&world, gateway, [oldest, newest], &mut ledger.answers).await;
        assert!(ledger.answers.len() - before >= ANSWERS_MIN, "round {round}");
        log.read_on(home).await;
        log.assert_holds(&ledger);
        log.assert_extends_what_was_signed(home, found);
        index.assert_follows(home).await;
    }
    let gateway = Process::start(home, &arguments).ready(&world.layout.ops_url()).await;
    gateway.signal("TERM");
    assert_eq!(gateway.ended().await.code, Some(0));
    log.read_on(home).await;
    log.assert_holds(&ledger);
    log.assert_extends_what_was_signed(home, log.digests.len());
    assert_eq!(index.assert_equals(home).await, log.digests.len());
    restarts.sort();
    println!(
        "{rounds} kills, {} answers and {} consents, all in the log of {} records; ready after {:?} (median), {:?} (longest)",
        ledger.answers.len(),
        ledger.consents.len(),
        log.digests.len(),
        restarts[restarts.len() / 2],
        restarts[restarts.len() - 1],
    );
    world.stop().await.unwrap();
}

/// How many records the newest checkpoint covers.
fn signed(home: &Home) -> Option<u64> {
    let (note, keys) = (newest_checkpoint(&home.audit()).ok()?, claimed_keys(&home.audit()).ok()?);
    Some(Prover::new(&home.audit(), &note, keys).ok()?.checkpoint().size)
}

/// 20, or as many as the environment says.
#[expect(clippy::disallowed_methods, reason = "how long to test is said by the environment")]
fn rounds() -> usize {
    std::env::var("INZAGE_KILL_ROUNDS").map_or(20, |rounds| rounds.parse().unwrap())
}

/// Clients ask without pause; somewhere after the least number of answers, with requests under way, the gateway dies.
async fn load_then_kill(world: &World, mut gateway: Process, sessions: [Session; 2], answers: &mut Vec<Answered>) {
    let killed = Arc::new(AtomicBool::new(false));
    let (sender, mut arrived) = mpsc::channel(CLIENTS);
    let mut clients = JoinSet::new();
    for (number, session) in sessions.iter().cycle().take(CLIENTS).enumerate() {
        // Each its own connection.
        let client = world.client("pgo", &clock()).unwrap();
        clients.spawn(ask(client, session.clone(), number, Arc::clone(&killed), sender.clone()));
    }
    drop(sender);
    let [extra] = random::<1>();
    let kill_at = answers.len() + ANSWERS_MIN + usize::from(extra % 64);
    while let Some(answer) = arrived.recv().await {
        answers.push(answer);
        if answers.len() == kill_at {
            killed.store(true, Ordering::SeqCst);
            gateway.kill();
        }
    }
    for ended in clients.join_all().await {
        ended.unwrap();
    }
}

/// Asks one thing after the other until the gateway is dead; an error before that is a failure.
async fn ask(
    client: PgoClient,
    session: Session,
    start: usize,
    killed: Arc<AtomicBool>,
    answers: mpsc::Sender<Answered>,
) -> Result<(), ClientError> {
    let Session { endpoints, token, correlation_id } = session;
    let base = &endpoints.resources["MM-2.0-HGB-FHIR"];
    for (request, status, owed) in requests().iter().cycle().skip(start) {
        let request_id = new_id();
        let url = format!("{base}/{request}");
        match client.get_as(&url, &token.access_token, &correlation_id, &request_id).await {
            Ok(reply) => assert_eq!(reply.status, *status, "{request}: {:?}", reply.body),
            Err(_) if killed.load(Ordering::SeqCst) => break,
            Err(error) => return Err(error),
        }
        answers.send(Answered { request_id, owed }).await.unwrap();
    }
    Ok(())
}

/// What is asked, the status it gets, and the kind of record it leaves.
fn requests() -> Vec<(String, u16, &'static str)> {
    let today = dutch_today(clock().now());
    let shown = |request: &str| (request.to_owned(), 200, "disclosure_intent");
    vec![
        shown("Patient?_include=Patient:general-practitioner"),
        shown("EpisodeOfCare"),
        shown(&format!(
            "MedicationRequest?periodofuse=ge{today}&category=http://snomed.info/sct%7C16076005&_include=MedicationRequest:medication"
        )),
        ("Encounter?patient=Patient/1".to_owned(), 400, "resource_refused"),
        shown("AllergyIntolerance?category=medication"),
        shown("Composition?type=http://loinc.org%7C67781-5"),
        shown("Encounter"),
    ]
}

/// What was found in the log so far, kill after kill.
#[derive(Default)]
struct Log {
    /// Of each record.
    digests: Vec<[u8; 32]>,
    /// The kinds of the records that carry a request or correlation id.
    kinds: HashMap<String, HashSet<String>>,
    /// The newest checkpoint of the round before, as one would be kept elsewhere.
    kept: Option<Checkpoint>,
}

impl Log {
    /// The log is sound, everything found before is in it still, and what is new is noted.
    async fn read_on(&mut self, home: &Home) {
        let verified = home.run(&["audit", "verify", text(&home.audit())]).await;
        assert_eq!(verified.code, Some(0), "{}{}", verified.out, verified.err);
        let mut count = 0;
        for record in read_dir(&home.audit()).unwrap() {
            let (index, payload) = record.unwrap();
            let digest = sha256(&payload);
            match self.digests.get(count) {
                Some(before) => assert_eq!(*before, digest, "record {index} was another"),
                None => self.note(digest, &payload),
            }
            count += 1;
        }
        assert_eq!(count, self.digests.len(), "records are gone");
        assert_eq!(verified.last_line(), format!("audit: {count} records, tree size {count}, ok"));
    }

    fn note(&mut self, digest: [u8; 32], payload: &[u8]) {
        self.digests.push(digest);
        let record: Value = serde_json::from_slice(payload).unwrap();
        for id in [&record["request_id"], &record["correlation_id"]].into_iter().filter_map(Value::as_str) {
            self.kinds.entry(id.to_owned()).or_default().insert(record["kind"].as_str().unwrap().to_owned());
        }
    }

    /// The newest checkpoint covers what this round found at its start, and grew from that of the round before.
    fn assert_extends_what_was_signed(&mut self, home: &Home, found: usize) {
        let (note, keys) = (newest_checkpoint(&home.audit()).unwrap(), claimed_keys(&home.audit()).unwrap());
        let mut prover = Prover::new(&home.audit(), &note, keys).unwrap();
        // The first may be that of the empty log, of which every log is a continuation.
        if let Some(kept) = self.kept.as_ref().filter(|kept| kept.size > 0) {
            prover.consistency(kept).unwrap();
        }
        assert!(prover.checkpoint().size >= found as u64, "{} of {found}", prover.checkpoint().size);
        self.kept = Some(prover.checkpoint().clone());
    }

    fn assert_holds(&self, ledger: &Ledger) {
        let answers = ledger.answers.iter().map(|answer| (answer.request_id.as_str(), answer.owed));
        let consents = ledger.consents.iter().map(|id| (id.as_str(), "consent_given"));
        for (id, owed) in answers.chain(consents) {
            assert!(self.kinds.get(id).is_some_and(|kinds| kinds.contains(owed)), "no {owed} for {id}");
        }
    }
}
