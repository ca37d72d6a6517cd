//! What a person is shown, from records to lines: against an index in memory, so that only the rules of this module count.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::audit::render::Site;
use crate::audit::{
    AuditError, AuditEvent, AuditIndex as _, Counts, Entry as Indexed, IndexBatch, Keyring, Kind, MemoryIndex,
    MemoryLog, Outcome, Years, encode,
};
use crate::clock::{SharedClock, TestClock};
use crate::medmij::{Bsn, Hostname, LocalId, ProviderName, ServiceId};
use crate::routing::{Freshness, Interfaces, Snapshot};
use crate::secret::Secret;

const LOG: &str = "inzage-a-00000000000000ff";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn bsn(digits: &str) -> Bsn {
    Bsn::parse(digits).unwrap()
}

fn me() -> Bsn {
    bsn("999911132")
}

/// A log of one node with its index.
fn keys() -> Years {
    let mut years = Years::default();
    for year in 2022..=2027 {
        years.add_pseudonym_key(year, &Secret::new([u8::try_from(year - 2000).unwrap(); 32]));
        years.add_sealing_key(year, &Secret::new([7; 32]));
    }
    years
}

struct World {
    desk: AccessLog,
    log: Arc<MemoryLog>,
    index: Arc<MemoryIndex>,
    complete_until: Arc<Mutex<Option<Timestamp>>>,
    next: Mutex<u64>,
}

impl World {
    fn new() -> Self {
        let (log, index) = (Arc::new(MemoryLog::new()), Arc::new(MemoryIndex::default()));
        let clock: SharedClock = TestClock::at(at("2026-11-21T11:00:00Z"));
        let complete_until = Arc::new(Mutex::new(None));
        let told = Arc::clone(&complete_until);
        let desk = AccessLog {
            index: Arc::clone(&index) as _,
            audit: Arc::clone(&log) as _,
            keyring: Arc::new(Keyring::new(keys())),
            complete_until: Box::new(move |_| *told.lock().unwrap()),
            clock,
            kept_days: 1_826,
            site: Site { log: LOG.into(), operator: Some("Regio".into()), host: None },
        };
        Self { desk, log, index, complete_until, next: Mutex::new(0) }
    }

    /// Puts a record into log and index; its index.
    async fn happens(&self, event: AuditEvent) -> u64 {
        let mut payload = Vec::new();
        encode(&event, LOG, &mut payload);
        self.stands(payload).await
    }

    /// The same in a form of a later release.
    async fn happens_unreadably(&self, event: AuditEvent) -> u64 {
        let mut payload = Vec::new();
        encode(&event, LOG, &mut payload);
        let mut members: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        members["v"] = 900.into();
        self.stands(members.to_string().into_bytes()).await
    }

    async fn stands(&self, payload: Vec<u8>) -> u64 {
        let index = {
            let mut next = self.next.lock().unwrap();
            *next += 1;
            *next - 1
        };
        let entries = vec![Indexed::of(index, payload, Timestamp::UNIX_EPOCH)];
        self.index.add(IndexBatch { log: LOG.into(), entries, leaf: [0; 32] }).await.unwrap();
        index
    }

    fn event(&self, person: &Bsn, time: Timestamp, kind: Kind, outcome: Outcome) -> AuditEvent {
        AuditEvent {
            client_id: Some(Hostname::parse("pgo.example.nl").unwrap()),
            provider: Some(ProviderName::parse("huisarts.delinde@medmij").unwrap()),
            service: Some(ServiceId::parse("49").unwrap()),
            subject: Some(self.desk.keyring.subject(person, time).unwrap()),
            query: Some("Observation?code=x".into()),
            ..AuditEvent::new(time, kind, outcome)
        }
    }

    /// Data is asked for, and given after `took`; `None`: nobody knows how it ended.
    async fn asked(&self, person: &Bsn, time: Timestamp, took: Option<SignedDuration>) {
        let intent = self.happens(self.event(person, time, Kind::DisclosureIntent, Outcome::Intended)).await;
        if let Some(took) = took {
            let end = time.checked_add(took).unwrap();
            let counts = Some(Counts { entries: 3, withheld: 0, bytes: 900 });
            let outcome = self.event(person, end, Kind::DisclosureOutcome, Outcome::Done);
            self.happens(AuditEvent { intent: Some(intent), counts, ..outcome }).await;
        }
    }

    async fn look(&self, days: (&str, &str), extent: Extent) -> Result<Looked, Unseen> {
        self.look_before(days, None, extent).await
    }

    async fn look_before(
        &self,
        (first, last): (&str, &str),
        before: Option<Timestamp>,
        extent: Extent,
    ) -> Result<Looked, Unseen> {
        let period = Period::read(Some(first), Some(last), self.desk.reach()).unwrap();
        let (begins, ends) = (period.begins(), before.unwrap_or_else(|| period.ends()));
        let person = me();
        let question = Question { person: &person, provider: None, begins, ends, extent };
        let now = self.desk.clock.now();
        let event = AuditEvent { query: None, ..self.event(&person, now, Kind::LogRead, Outcome::Done) };
        self.desk.look(question, event).await
    }
}

fn snapshot() -> Snapshot {
    Snapshot {
        lists: Arc::default(),
        practices: Arc::default(),
        services: Arc::new(crate::services::Catalogue::shipped()),
        interfaces: Interfaces::default(),
        clients: Arc::default(),
        adapters: Arc::default(),
        freshness: Arc::new(Freshness::new(std::time::Duration::from_secs(60))),
        standing: crate::routing::Standing::default(),
        stops: Arc::default(),
        stages: Arc::default(),
        people: Arc::default(),
    }
}

fn entries(looked: &Looked) -> Vec<Entry> {
    looked.entries(&snapshot(), &HashSet::new())
}

fn whole_year() -> (&'static str, &'static str) {
    ("2026-01-01", "2026-11-21")
}

#[tokio::test]
async fn an_intent_and_its_outcome_are_one_thing_and_a_lone_intent_is_perhaps() {
    let world = World::new();
    world.asked(&me(), at("2026-11-20T09:00:00Z"), Some(SignedDuration::from_secs(2))).await;
    world.asked(&me(), at("2026-11-20T10:00:00Z"), None).await;
    let looked = world.look(whole_year(), Extent::PAGE).await.unwrap();
    let told: Vec<_> = entries(&looked).into_iter().map(|entry| (entry.at, entry.ending)).collect();
    assert_eq!(
        told,
        [(at("2026-11-20T10:00:00Z"), Ending::Perhaps), (at("2026-11-20T09:00:00Z"), Ending::Done { parts: Some(3) }),]
    );
}

#[tokio::test]
async fn what_is_about_somebody_else_is_never_there() {
    let world = World::new();
    world.asked(&bsn("012345672"), at("2026-11-20T09:00:00Z"), Some(SignedDuration::ZERO)).await;
    let nobody = AuditEvent {
        subject: None,
        ..world.event(&me(), at("2026-11-20T09:00:00Z"), Kind::TokenRefused, Outcome::Refused)
    };
    world.happens(nobody).await;
    // Pseudonyms differ by year: all of them are looked for.
    for day in ["2023-05-01T09:00:00Z", "2026-11-20T09:00:00Z"] {
        world.asked(&me(), at(day), Some(SignedDuration::ZERO)).await;
    }
    let looked = world.look(("2022-01-01", ""), Extent::PAGE).await.unwrap();
    assert_eq!(entries(&looked).len(), 2);
}

#[tokio::test]
async fn nothing_is_shown_that_is_not_on_record() {
    let world = World::new();
    world.asked(&me(), at("2026-11-20T09:00:00Z"), Some(SignedDuration::ZERO)).await;
    world.log.fail_flushes(AuditError::Stopped);
    let Unseen { error, receipt } = world.look(whole_year(), Extent::PAGE).await.unwrap_err();
    assert_eq!((error, receipt), (LookError::Audit(AuditError::Stopped), None));
    world.log.recover();
    world.index.fail(true);
    let Unseen { error, receipt } = world.look(whole_year(), Extent::PAGE).await.unwrap_err();
    assert_eq!(
        (error, receipt.map(|receipt| receipt.index())),
        (LookError::Index, Some(0)),
        "the failure is on record"
    );
    world.index.fail(false);
    let looked = world.look(whole_year(), Extent::PAGE).await.unwrap();
    assert_eq!(looked.receipt().to_string(), "memory/1");
    let recorded: Vec<_> = world.log.events().iter().map(|event| (event.kind, event.outcome, event.reason)).collect();
    assert_eq!(recorded, [(Kind::LogRead, Outcome::Failed, Some("index-down")), (Kind::LogRead, Outcome::Done, None)]);
    assert_eq!(world.log.events()[1].counts.map(|counts| counts.entries), Some(2));
}

#[tokio::test]
async fn what_is_shown_says_until_when_it_is_complete() {
    let world = World::new();
    for until in [None, Some(at("2026-11-20T09:00:00Z"))] {
        *world.complete_until.lock().unwrap() = until;
        let looked = world.look(whole_year(), Extent::PAGE).await.unwrap();
        assert_eq!(looked.complete_until(), until);
        let bundle = world.desk.searchset(&looked, "https://b/fhir", "https://b/fhir/AuditEvent", None);
        let bundle = String::from_utf8(bundle).unwrap();
        let expected = until.map_or("not complete yet", |_| "complete until 2026-11-20T09:00:00Z");
        assert!(bundle.contains(expected), "{bundle}");
    }
}

#[tokio::test]
async fn similar_things_of_a_day_are_one_line_under_the_first_time() {
    let world = World::new();
    for time in ["2026-11-19T23:30:00Z", "2026-11-20T09:00:00Z", "2026-11-20T09:00:05Z", "2026-11-20T23:30:00Z"] {
        world.asked(&me(), at(time), Some(SignedDuration::from_secs(1))).await;
    }
    let refused = world.event(&me(), at("2026-11-20T12:00:00Z"), Kind::ResourceRefused, Outcome::Refused);
    world.happens(AuditEvent { reason: Some("token-expired"), ..refused }).await;
    let looked = world.look(whole_year(), Extent::PAGE).await.unwrap();
    let days = looked.days(&snapshot(), &HashSet::new());
    let told: Vec<_> = days
        .iter()
        .map(|day| {
            let lines = day.lines.iter().map(|line| (line.count(), line.first().at.to_string(), line.first().ending));
            (day.date.to_string(), lines.collect::<Vec<_>>())
        })
        .collect();
    let given = Ending::Done { parts: Some(3) };
    let line = |count, time: &str, ending| (count, time.to_owned(), ending);
    assert_eq!(
        told,
        [
            ("2026-11-21".to_owned(), vec![line(1, "2026-11-20T23:30:00Z", given)]),
            (
                "2026-11-20".to_owned(),
                vec![
                    line(1, "2026-11-20T12:00:00Z", Ending::Refused(Why::ConsentOver)),
                    line(3, "2026-11-19T23:30:00Z", given),
                ]
            ),
        ]
    );
}

#[tokio::test]
async fn who_and_why_come_from_the_record() {
    let world = World::new();
    let consented = at("2026-11-01T09:00:00Z");
    let grant = LocalId::new(consented);
    let login = world.event(&me(), at("2026-11-20T08:00:00Z"), Kind::PersonAuthenticated, Outcome::Done);
    world.happens(AuditEvent { client_id: None, provider: None, service: None, query: None, ..login }).await;
    let collected = world.event(&me(), at("2026-11-20T09:00:00Z"), Kind::DisclosureOutcome, Outcome::Failed);
    let collected = AuditEvent { reason: Some("his-timeout"), grant: Some(grant), ..collected };
    world.happens(collected).await;
    let looked = world.look(whole_year(), Extent::PAGE).await.unwrap();
    let entries = looked.entries(&snapshot(), &HashSet::from([grant]));
    let [failed, logged_in] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!(
        (&failed.act, failed.who, failed.ending),
        (&Act::Collect, Who::Client, Ending::Failed(Why::PracticeSystem))
    );
    let given = grant.made_at();
    assert_eq!(given.map(|given| given.as_second()), Some(consented.as_second()));
    assert_eq!(failed.basis, Basis::Consent { id: grant, given, stoppable: true });
    assert_eq!(
        (failed.service.as_deref(), failed.resource.as_deref()),
        (Some("Huisartsgegevens"), Some("Observation"))
    );
    assert_eq!(failed.client, Some(Client { name: "pgo.example.nl".to_owned(), kind: ClientKind::Gone }));
    assert_eq!(failed.number, format!("{LOG}/1"));
    assert_eq!((&logged_in.act, logged_in.who, logged_in.basis), (&Act::LogIn, Who::Person, Basis::Own));
}

/// All pages of a period, one after the other.
async fn pages(world: &World, bound: usize) -> Vec<Entry> {
    let (mut all, mut before) = (Vec::new(), None);
    for _ in 0..200 {
        let looked = world.look_before(whole_year(), before, Extent::Days(bound)).await.unwrap();
        all.extend(entries(&looked));
        match looked.cut_at() {
            Some(moment) => before = Some(moment),
            None => return all,
        }
    }
    panic!("there is no end to the pages");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However the pages fall, together they show everything once: also what began before midnight and ended after it.
    #[test]
    fn pages_together_show_everything_once(
        asked in prop::collection::vec((0_i64..4 * 86_400, prop::option::of(0_i64..3_000)), 0..40),
        bound in 1_usize..12,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let world = World::new();
            // In the order of the log: by time.
            let mut moments = BTreeMap::new();
            for (nth, (second, took)) in asked.iter().enumerate() {
                let time = at("2026-11-01T22:00:00Z") + SignedDuration::from_micros(second * 1_000_000 + nth as i64);
                moments.insert(time, took.map(SignedDuration::from_secs));
            }
            for (time, took) in &moments {
                world.asked(&me(), *time, *took).await;
            }
            let whole = entries(&world.look(whole_year(), Extent::Days(1_000)).await.unwrap());
            assert_eq!(whole.len(), moments.len());
            assert_eq!(pages(&world, bound).await, whole);
        });
    }
}

#[tokio::test]
async fn pages_of_programs_lose_nothing_beside_what_cannot_be_read() {
    let world = World::new();
    for minute in 0..10 {
        let time = at(&format!("2026-11-20T10:{minute:02}:00Z"));
        world.happens(world.event(&me(), time, Kind::ConsentGiven, Outcome::Done)).await;
    }
    let later = world.event(&me(), at("2026-11-20T11:00:00Z"), Kind::ConsentGiven, Outcome::Done);
    world.happens_unreadably(later).await;
    let (mut after, mut seen) = (None, Vec::new());
    for _ in 0..10 {
        let looked = world.look(("2026-11-20", "2026-11-20"), Extent::Records(4, after)).await.unwrap();
        assert!(looked.records().len() <= 4);
        seen.extend(looked.records().iter().map(|record| record.index));
        after = looked.next();
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, (0..10).rev().collect::<Vec<_>>());
}
