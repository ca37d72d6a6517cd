//! What the desk shows, to whom and for how long, and what stands on record of it: against a log and an index in memory.

use std::time::Duration;

use super::*;
use crate::audit::{Entry, IndexBatch, MemoryIndex, MemoryLog, Years, encode};
use crate::auditors::Role;
use crate::clock::TestClock;
use crate::medmij::Bsn;
use crate::seal::Sealer;
use crate::secret::Secret;

const PERSON: &str = "999911132";
const WHY: [(&str, &str); 2] = [("ground", "incident"), ("reason", "wie keek er op 20 november")];

struct World {
    desk: Desk,
    clock: Arc<TestClock>,
    log: Arc<MemoryLog>,
    index: Arc<MemoryIndex>,
}

fn name(of: &str) -> Hostname {
    Hostname::parse(&format!("{of}.example.nl")).unwrap()
}

fn keys() -> Keyring {
    let mut years = Years::default();
    years.add_pseudonym_key(2026, &Secret::new([1; 32]));
    years.add_sealing_key(2026, &Secret::new([2; 32]));
    Keyring::new(years)
}

impl World {
    /// Two auditors, and `records` about one person in the index.
    async fn of(records: u64) -> Self {
        let clock = TestClock::at("2026-11-22T12:00:00Z".parse().unwrap());
        let (log, index) = (Arc::new(MemoryLog::new()), Arc::new(MemoryIndex::default()));
        let desk = Desk {
            people: People::new(["one", "other"].map(|of| (name(of), Role::Auditor))),
            four_eyes: true,
            approvals: Arc::default(),
            tickets: Tickets::new(Sealer::new(&Secret::new([7; 32]))),
            index: Arc::clone(&index) as _,
            audit: Arc::clone(&log) as _,
            keys: Arc::new(keys()),
            site: Site { log: "log".into(), operator: None, host: None },
            clock: Arc::clone(&clock) as _,
            files: Files::default(),
        };
        let world = Self { desk, clock, log, index };
        world.happened(records).await;
        world
    }

    async fn happened(&self, records: u64) {
        let now = self.desk.clock.now();
        let subject = self.desk.keys.subject(&Bsn::parse(PERSON).unwrap(), now).unwrap();
        let mut payload = Vec::new();
        let event =
            AuditEvent { subject: Some(subject), ..AuditEvent::new(now, Kind::DisclosureIntent, Outcome::Done) };
        encode(&event, "inzage-a-00000000000000ff", &mut payload);
        let entries = (0..records).map(|index| Entry::of(index, payload.clone(), now)).collect();
        self.index.add(IndexBatch { log: "log".into(), entries, leaf: [0; 32] }).await.unwrap();
    }

    async fn visitor(&self, of: &str) -> Visitor {
        self.desk.admit(&[name(of)], IpAddr::from([10, 0, 0, 1])).await.unwrap()
    }

    async fn ask(&self, fields: &[(&str, &str)]) -> Result<Answer, DeskError> {
        let pairs: Vec<_> = WHY.iter().chain(fields).map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        self.desk.ask(&self.visitor("one").await, &pairs).await
    }

    async fn found(&self, fields: &[(&str, &str)]) -> Results {
        let answer = self.ask(fields).await.unwrap();
        let Answer::Found(results) = answer else { panic!("{answer:?}") };
        *results
    }

    /// The id of a search for the person that waits.
    async fn waits(&self) -> String {
        let answer = self.ask(&[("patient", PERSON)]).await.unwrap();
        let Answer::Waits(id) = answer else { panic!("{answer:?}") };
        id.to_string()
    }
}

#[tokio::test]
async fn turning_pages_makes_no_leave_longer() {
    let world = World::of(350).await;
    let (one, other) = (world.visitor("one").await, world.visitor("other").await);
    let id = world.waits().await;
    world.desk.approve(&other, &id).await.unwrap();
    world.clock.advance(Duration::from_secs(3_000));
    let first = world.desk.run(&one, &id).await.unwrap();
    let page = world.desk.ticket(&one, &first, first.next);
    world.clock.advance(Duration::from_secs(599));
    let second = world.desk.turn(&one, &page).await.unwrap();
    assert_eq!((first.records.len(), second.records.len()), (100, 100));
    let (page, file) = (world.desk.ticket(&one, &second, second.next), world.desk.ticket(&one, &second, None));
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.desk.turn(&one, &page).await.unwrap_err(), DeskError::Ticket, "an hour after somebody agreed");
    assert_eq!(world.desk.copy(&one, &file).await.unwrap_err(), DeskError::Ticket);
}

#[tokio::test]
async fn every_look_that_somebody_agreed_to_names_them() {
    let world = World::of(3).await;
    let (one, other) = (world.visitor("one").await, world.visitor("other").await);
    let id = world.waits().await;
    world.desk.approve(&other, &id).await.unwrap();
    let results = world.desk.run(&one, &id).await.unwrap();
    let ticket = world.desk.ticket(&one, &results, None);
    world.desk.turn(&one, &ticket).await.unwrap();
    world.desk.copy(&one, &ticket).await.unwrap();
    let events = world.log.events();
    assert_eq!(events.len(), 5, "asked, agreed, run, turned and copied");
    assert!(events.iter().all(|event| event.local_id.is_some_and(|local| local.to_string() == id)), "{events:?}");
    for event in &events[2..] {
        let detail = event.detail.as_deref().unwrap();
        assert!(detail.starts_with("other.example.nl agreed, auditor, incident: "), "{detail}");
    }
}

#[tokio::test]
async fn agreeing_counts_only_when_it_is_on_record() {
    let world = World::of(1).await;
    let (one, other) = (world.visitor("one").await, world.visitor("other").await);
    let id = world.waits().await;
    world.log.fail_flushes(AuditError::Full);
    assert_eq!(world.desk.approve(&other, &id).await, Err(DeskError::Audit(AuditError::Full)));
    assert_eq!(world.desk.refuse(&other, &id).await, Err(DeskError::Audit(AuditError::Full)));
    world.log.recover();
    assert_eq!(world.desk.run(&one, &id).await.unwrap_err(), DeskError::Approval(ApprovalError::Waits));
    world.desk.approve(&other, &id).await.unwrap();
    assert_eq!(world.desk.run(&one, &id).await.unwrap().records.len(), 1);
}

/// With the pseudonym of their own question on record, an asker could find the person among the records of everybody.
#[tokio::test]
async fn with_four_eyes_the_records_of_everybody_name_no_person() {
    let mut world = World::of(3).await;
    let results = world.found(&[]).await;
    assert_eq!(results.records.len(), 3);
    assert!(results.records.iter().all(|record| record.subject.is_none() && record.sealed.is_none()));
    let ticket = world.desk.ticket(&world.visitor("one").await, &results, None);
    let file = world.desk.copy(&world.visitor("one").await, &ticket).await.unwrap();
    assert!(file.records.iter().all(|record| record.subject.is_none() && record.sealed.is_none()));
    world.desk.four_eyes = false;
    assert!(world.found(&[]).await.records.iter().all(|record| record.subject.is_some()));
    assert_eq!(world.found(&[("patient", PERSON)]).await.records.len(), 3);
}

#[tokio::test]
async fn nothing_is_shown_that_is_not_on_record_and_a_failure_is_on_record() {
    let world = World::of(1).await;
    world.log.fail_flushes(AuditError::Full);
    assert_eq!(world.ask(&[]).await.unwrap_err(), DeskError::Audit(AuditError::Full));
    world.log.recover();
    world.index.fail(true);
    assert_eq!(world.ask(&[]).await.unwrap_err(), DeskError::Index);
    let events = world.log.events();
    let [failed] = &events[..] else { panic!("{events:?}") };
    assert_eq!((failed.kind, failed.outcome, failed.reason), (Kind::LogRead, Outcome::Failed, Some("index-down")));
}

/// Who tries what is not theirs leaves a trace, whatever they try it on.
#[tokio::test]
async fn what_may_not_be_done_with_a_request_is_on_record() {
    let world = World::of(1).await;
    let (one, other) = (world.visitor("one").await, world.visitor("other").await);
    let id = world.waits().await;
    let unknown = "anything else that was typed";
    let day = Duration::from_secs(24 * 3_600);
    assert_eq!(world.desk.approve(&one, &id).await, Err(ApprovalError::Own.into()));
    assert_eq!(world.desk.run(&other, &id).await.unwrap_err(), ApprovalError::NotYours.into());
    assert_eq!(world.desk.run(&one, &id).await.unwrap_err(), ApprovalError::Waits.into());
    assert_eq!(world.desk.approve(&other, unknown).await, Err(ApprovalError::Gone.into()));
    world.clock.advance(day);
    assert_eq!(world.desk.refuse(&other, &id).await, Err(ApprovalError::Gone.into()), "its time is over");
    let events = world.log.events();
    let told: Vec<_> = events[1..].iter().map(|event| (event.kind, event.outcome, event.reason.unwrap())).collect();
    let refused = |kind, reason| (kind, Outcome::Refused, reason);
    assert_eq!(
        told,
        [
            refused(Kind::Administration, "own-request"),
            refused(Kind::LogRead, "not-their-request"),
            refused(Kind::LogRead, "waits-for-second-person"),
            refused(Kind::Administration, "request-gone"),
            refused(Kind::Administration, "request-gone"),
        ]
    );
    let named = |event: &AuditEvent| event.local_id.is_some_and(|local| local.to_string() == id);
    assert!(events[1..4].iter().all(named) && events[1].subject.is_some(), "{events:?}");
    assert_eq!(events[1].detail.as_deref(), Some("search of one.example.nl"));
    assert!(events.iter().all(|event| !format!("{event:?}").contains(unknown)));
    assert_eq!(events[2].user, User::operator("other.example.nl"));
}

/// Each file holds up to 20,000 records in memory until it was sent.
#[tokio::test]
async fn files_on_their_way_are_bounded() {
    let world = World::of(3).await;
    let one = world.visitor("one").await;
    let results = world.found(&[]).await;
    let ticket = world.desk.ticket(&one, &results, None);
    let mut under_way = Vec::new();
    for _ in 0..FILES_AT_ONCE {
        under_way.push(world.desk.copy(&one, &ticket).await.unwrap());
    }
    assert_eq!(world.desk.copy(&one, &ticket).await.unwrap_err(), DeskError::Busy);
    under_way.pop();
    assert_eq!(world.desk.copy(&one, &ticket).await.unwrap().records.len(), 3);
}
