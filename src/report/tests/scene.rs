//! A register of three practices, two logs, and people who look.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use proptest::prelude::*;
use tokio_util::sync::CancellationToken;

use crate::audit::{
    AuditEvent, AuditIndex as _, Authorization, Entry, IndexBatch, Keyring, Kind, MemoryIndex, Outcome, Record, Years,
    encode,
};
use crate::clock::{Clock as _, SharedClock, TestClock};
use crate::medmij::{Bsn, ProviderName, ServiceId};
use crate::oauth::store::StoreFuture;
use crate::practices::programme::{
    Agb, Coalition, Day, Draft, EntryKind, Id, Membership, Practice, RegisterStore, Registry, Row, Staff, Supplier,
    System, Text,
};
use crate::report::people::CountingKey;
use crate::report::{Batch, Channel, CountProgress, Counter, Desk, Fold as _, Ledger, MemoryFigures, UsageFold};
use crate::secret::Secret;

pub(super) const LOGS: [&str; 2] = ["inzage-a-00000000000000ff", "inzage-b-00000000000000ff"];

pub(super) fn provider(name: &str) -> ProviderName {
    ProviderName::parse(name).unwrap()
}

pub(super) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// The people who look, each with a BSN.
pub(super) fn person(number: usize) -> Bsn {
    let mut all = (999_900_000_u32..).filter_map(|number| Bsn::parse(&number.to_string()).ok());
    all.nth(number).unwrap()
}

/// A request for data.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) log: usize,
    pub(super) practice: Option<&'static str>,
    pub(super) person: Option<usize>,
    pub(super) at: Timestamp,
    pub(super) waited: Duration,
    pub(super) authorization: Option<Authorization>,
    pub(super) service: Option<&'static str>,
    pub(super) outcome: Outcome,
    /// Whether it was refused before there was an intent.
    pub(super) refused: bool,
}

impl Event {
    pub(super) fn viewing(practice: &'static str, person: usize, at: &str) -> Self {
        Self {
            log: 0,
            practice: Some(practice),
            person: Some(person),
            at: at.parse().unwrap(),
            waited: Duration::from_millis(300),
            authorization: Some(Authorization::MedmijConsent),
            service: Some("49"),
            outcome: Outcome::Done,
            refused: false,
        }
    }

    pub(super) fn channel(&self) -> Option<Channel> {
        self.authorization.map_or(Some(Channel::Unknown), Channel::of)
    }

    pub(super) fn is_counted(&self) -> bool {
        self.channel().is_some()
    }

    fn record(&self, kind: Kind, outcome: Outcome, time: Timestamp, keyring: &Keyring) -> AuditEvent {
        AuditEvent {
            provider: self.practice.map(provider),
            service: self.service.map(|id| ServiceId::parse(id).unwrap()),
            authorization: self.authorization,
            subject: self.person.map(|number| keyring.subject(&person(number), time).unwrap()),
            ..AuditEvent::new(time, kind, outcome)
        }
    }
}

/// Some requests by few people at three practices, many of them near midnight and near the ends of months.
pub(super) fn events() -> impl Strategy<Value = Vec<Event>> {
    let practice = prop_oneof![
        9 => prop::sample::select(vec!["a@medmij", "b@medmij", "c@medmij", "d@medmij"]).prop_map(Some),
        1 => Just(None),
    ];
    let days =
        prop::sample::select(vec!["2025-12-31", "2026-01-31", "2026-02-01", "2026-02-14", "2026-03-29", "2026-03-30"]);
    let times = prop::sample::select(vec!["00:00:00", "09:30:00", "21:59:59.9", "22:00:00", "22:30:00", "23:30:00"]);
    let authorization = prop::sample::select(vec![
        Some(Authorization::MedmijConsent),
        Some(Authorization::LastingConsent),
        Some(Authorization::PortalAssertion),
        Some(Authorization::Smart),
        Some(Authorization::OwnLogin),
        None,
    ]);
    let outcome = prop_oneof![
        6 => Just(Outcome::Done),
        1 => Just(Outcome::Failed),
        1 => Just(Outcome::Refused),
        1 => Just(Outcome::Aborted),
    ];
    let service = prop::sample::select(vec![Some("48"), Some("49"), None]);
    let who = (prop::option::weighted(0.9, 0_usize..6), practice);
    let when = (days, times, 0_u64..70_000);
    let how = (authorization, outcome, service, any::<bool>());
    let event = (0_usize..2, who, when, how).prop_map(|(log, (person, practice), (day, time, waited), how)| {
        let (authorization, outcome, service, refused) = how;
        let refused = refused && outcome != Outcome::Done;
        let at = format!("{day}T{time}Z").parse().unwrap();
        let waited = Duration::from_millis(waited);
        Event { log, practice, person, at, waited, authorization, service, outcome, refused }
    });
    prop::collection::vec(event, 0..40)
}

/// A register that does not change.
struct Written(Vec<Row>);

impl RegisterStore for Written {
    fn since(&self, revision: u64) -> StoreFuture<'_, Vec<Row>> {
        let rows = self.0.iter().filter(|row| row.revision > revision).cloned().collect();
        Box::pin(std::future::ready(Ok(rows)))
    }

    fn versions<'a>(&'a self, _: EntryKind, _: &str, _: u16) -> StoreFuture<'a, Vec<Row>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn keep(&self, _: Vec<Row>) -> StoreFuture<'_, bool> {
        Box::pin(std::future::ready(Ok(false)))
    }
}

fn practice(name: &str, number: u32, supplier: &str, memberships: Vec<Membership>) -> Practice {
    let text = |text| Text::parse(text).unwrap();
    Practice {
        provider: provider(name),
        agb: Agb::parse(&format!("{number:08}")).unwrap(),
        name: text("Praktijk"),
        place: text("Zomerwind"),
        patients: 2_000,
        patients_16: 1_000 * number,
        system: System {
            supplier: Id::parse(supplier).unwrap(),
            installation: Id::parse("one").unwrap(),
            version: text("1.0"),
        },
        access_start: None,
        memberships,
        staff: Staff::default(),
        informed: None,
        conforms: None,
    }
}

/// a and b are in coalition x; b and c have a system of s.
fn draft() -> Draft {
    let (text, id) = (|text| Text::parse(text).unwrap(), |text| Id::parse(text).unwrap());
    let member = |from| vec![Membership { coalition: id("x"), from: Day::parse(from).unwrap(), until: None }];
    let mut draft = Draft::default();
    for name in ["r", "s"] {
        draft.suppliers.insert(id(name), Supplier { id: id(name), name: text("HIS") });
    }
    let all = [
        practice("a@medmij", 1, "r", member("2020-01-01")),
        practice("b@medmij", 2, "s", member("2020-02-15")),
        practice("c@medmij", 3, "s", Vec::new()),
    ];
    draft.practices.extend(all.map(|practice| (practice.provider.clone(), practice)));
    let coalition = Coalition {
        id: id("x"),
        name: text("Regio"),
        lead: id("kring"),
        organisations: [id("kring")].into(),
        exception: None,
        tasks: None,
        agreement: None,
        registered: None,
        subsidy: None,
        activities: None,
        finished: None,
    };
    draft.coalitions.insert(id("x"), coalition);
    draft
}

/// A node with its logs and its figures.
pub(super) struct Scene {
    pub(super) audit: Arc<MemoryIndex>,
    pub(super) store: Arc<MemoryFigures>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) progress: Arc<CountProgress>,
    pub(super) fold: Arc<UsageFold>,
    pub(super) desk: Desk,
    pub(super) register: Draft,
    keyring: Arc<Keyring>,
    clock: Arc<TestClock>,
    next: Arc<Mutex<[u64; 2]>>,
}

impl Scene {
    pub(super) async fn new(now: &str) -> Self {
        let mut years = Years::default();
        for year in [2025, 2026] {
            years.add_pseudonym_key(year, &Secret::new([1; 32]));
            years.add_sealing_key(year, &Secret::new([2; 32]));
        }
        let parts = (Arc::<MemoryIndex>::default(), Arc::<MemoryFigures>::default());
        Self::around(parts, Arc::new(Keyring::new(years)), TestClock::at(now.parse().unwrap()), Arc::default())
    }

    fn around(
        (audit, store): (Arc<MemoryIndex>, Arc<MemoryFigures>),
        keyring: Arc<Keyring>,
        clock: Arc<TestClock>,
        next: Arc<Mutex<[u64; 2]>>,
    ) -> Self {
        let register = draft();
        let row = |entry: crate::practices::programme::Entry| Row {
            kind: entry.key().kind(),
            id: entry.key().id().to_owned(),
            version: 1,
            document: Some(entry.to_json()),
            by: "test".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            revision: 1,
        };
        let registry = Arc::new(Registry::new(Arc::new(Written(register.entries().map(row).collect()))));
        let shared: SharedClock = Arc::clone(&clock) as _;
        let (ledger, progress) = (Arc::new(Ledger::new(Arc::clone(&store) as _)), Arc::<CountProgress>::default());
        let fold = Arc::new(UsageFold {
            ledger: Arc::clone(&ledger),
            index: Arc::clone(&audit) as _,
            keyring: Arc::clone(&keyring),
            key: CountingKey::new(&Secret::new([3; 32])),
            register: Arc::clone(&registry),
            clock: Arc::clone(&shared),
            progress: Arc::clone(&progress),
        });
        let desk = Desk::new(Arc::clone(&ledger), registry, Arc::clone(&progress), shared);
        Self { audit, store, ledger, progress, fold, desk, register, keyring, clock, next }
    }

    /// One that knows nothing but the same index and store.
    pub(super) fn another_node(&self) -> Self {
        let parts = (Arc::clone(&self.audit), Arc::clone(&self.store));
        Self::around(parts, Arc::clone(&self.keyring), Arc::clone(&self.clock), Arc::clone(&self.next))
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn is_now(&self, now: &str) {
        let now: Timestamp = now.parse().unwrap();
        self.clock.advance(Duration::try_from(now.duration_since(self.now())).unwrap());
    }

    pub(super) fn counter(&self) -> Counter {
        Counter {
            index: Arc::clone(&self.audit) as _,
            folds: vec![Arc::clone(&self.fold) as _],
            clock: Arc::clone(&self.clock) as _,
            progress: Arc::clone(&self.progress),
        }
    }

    pub(super) async fn round(&self) {
        self.counter().round(&CancellationToken::new()).await.unwrap();
    }

    /// The records of these events: an intent and its outcome, or a refusal.
    pub(super) fn payloads(&self, events: &[Event]) -> Vec<Vec<u8>> {
        self.payloads_from(events, 0)
    }

    fn payloads_from(&self, events: &[Event], first: u64) -> Vec<Vec<u8>> {
        let mut all: Vec<Vec<u8>> = Vec::new();
        let mut write = |event: &AuditEvent| {
            let mut payload = Vec::new();
            encode(event, LOGS[0], &mut payload);
            all.push(payload);
            first + all.len() as u64 - 1
        };
        // All intents first, as far as outcomes are from them when many are under way.
        for some in events.chunks(3) {
            let begun: Vec<Option<u64>> = some
                .iter()
                .map(|event| {
                    let began = event.at - event.waited;
                    let intent = event.record(Kind::DisclosureIntent, Outcome::Intended, began, &self.keyring);
                    (!event.refused).then(|| write(&intent))
                })
                .collect();
            for (event, intent) in some.iter().zip(begun) {
                let kind = if event.refused { Kind::ResourceRefused } else { Kind::DisclosureOutcome };
                write(&AuditEvent { intent, ..event.record(kind, event.outcome, event.at, &self.keyring) });
            }
        }
        all
    }

    pub(super) async fn index(&self, events: &[Event]) {
        for log in 0..2 {
            let of_log: Vec<Event> = events.iter().filter(|event| event.log == log).cloned().collect();
            let first = self.next.lock().unwrap()[log];
            self.index_payloads(log, &self.payloads_from(&of_log, first)).await;
        }
    }

    pub(super) async fn index_payloads(&self, log: usize, payloads: &[Vec<u8>]) {
        let first = self.next.lock().unwrap()[log];
        let entries: Vec<Entry> = (first..)
            .zip(payloads)
            .map(|(index, payload)| Entry::of(index, payload.clone(), Timestamp::UNIX_EPOCH))
            .collect();
        if !entries.is_empty() {
            self.next.lock().unwrap()[log] += entries.len() as u64;
            self.audit.add(IndexBatch { log: LOGS[log].into(), entries, leaf: [0; 32] }).await.unwrap();
        }
    }

    /// A batch as the counter makes them, of so many records at most.
    pub(super) async fn read(&self, log: usize, most: usize) -> Batch {
        let name: Arc<str> = LOGS[log].into();
        let from = self.fold.counted(Arc::clone(&name)).await.unwrap();
        let found = self.audit.records(Arc::clone(&name), from, u16::try_from(most).unwrap()).await.unwrap();
        let records: Vec<_> = found.iter().map(|one| Record::parse(one.index, &one.payload).unwrap()).collect();
        let next = found.last().map_or(from, |last| last.index + 1);
        Batch { log: name, from, next, records }
    }

    pub(super) async fn count_some(&self, log: usize, most: usize) {
        let batch = self.read(log, most).await;
        if batch.next > batch.from {
            self.fold.add(batch).await.unwrap();
        }
    }
}
