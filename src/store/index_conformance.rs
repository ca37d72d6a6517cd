//! What each index of the access log must do, whatever engine is behind it, written against the port.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::IndexStore;
use crate::audit::{
    Added, AuditEvent, AuditIndex, Cursor, Entry, IndexBatch, IndexPage, IndexPosition, IndexQuery, Kind, Outcome,
    Pseudonym, Record, SealedBsn, Subject, encode,
};
use crate::medmij::{Hostname, ProviderName, ServiceId};

pub(super) const LOG: &str = "inzage-a-00000000000000ff";
const OTHER_LOG: &str = "inzage-b-00000000000000ff";

pub(super) fn noon() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

fn recorded(pseudonym: Pseudonym) -> Subject {
    Subject { pseudonym, sealed: SealedBsn::parse("2026:c2VhbGVk").unwrap() }
}

fn person(byte: u8) -> Pseudonym {
    Pseudonym::new("2026", [byte; 32])
}

fn host(name: &str) -> Hostname {
    Hostname::parse(name).unwrap()
}

fn practice(name: &str) -> ProviderName {
    ProviderName::parse(name).unwrap()
}

/// An event `seconds` after noon, about person 1 at a practice by a PGO.
fn event(seconds: i64) -> AuditEvent {
    let time = noon().checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap();
    AuditEvent {
        client_id: Some(host("pgo.zomerwind.example")),
        provider: Some(practice("huisarts.waterkant@medmij")),
        service: Some(ServiceId::parse("49").unwrap()),
        subject: Some(recorded(person(1))),
        ..AuditEvent::new(time, Kind::DisclosureIntent, Outcome::Intended)
    }
}

pub(super) fn entry(index: u64, event: &AuditEvent) -> Entry {
    let mut payload = Vec::new();
    encode(event, LOG, &mut payload);
    Entry::of(index, payload, Timestamp::UNIX_EPOCH)
}

/// A batch whose leaf hash is `[next; 32]`.
pub(super) fn batch(log: &str, first: u64, events: &[AuditEvent]) -> IndexBatch {
    let entries: Vec<_> = (first..).zip(events).map(|(index, event)| entry(index, event)).collect();
    let leaf = [u8::try_from(first as usize + events.len()).unwrap(); 32];
    IndexBatch { log: log.into(), entries, leaf }
}

/// A day around noon.
fn all() -> IndexQuery {
    let half = Duration::from_secs(12 * 60 * 60);
    IndexQuery::between(noon() - half, noon() + half)
}

fn indexes(page: &IndexPage) -> Vec<u64> {
    page.records.iter().map(|record| record.index).collect()
}

async fn found(index: &dyn AuditIndex, query: IndexQuery) -> Vec<u64> {
    indexes(&index.search(query).await.unwrap())
}

async fn position(index: &dyn AuditIndex, log: &str) -> Option<IndexPosition> {
    index.position(log.into()).await.unwrap()
}

pub(super) async fn records_come_back_as_they_stand_in_the_log(index: &dyn AuditIndex) {
    assert_eq!(position(index, LOG).await, None);
    let events = [event(0), AuditEvent::new(noon(), Kind::NodeStarted, Outcome::Done), event(1)];
    assert_eq!(index.add(batch(LOG, 0, &events)).await, Ok(Added::Done));
    assert_eq!(position(index, LOG).await, Some(IndexPosition { next: 3, leaf: [3; 32] }));
    let page = index.search(all()).await.unwrap();
    assert_eq!((indexes(&page), page.unreadable, page.next), (vec![2, 1, 0], 0, None));
    for record in page.records {
        let mut payload = Vec::new();
        encode(&events[record.index as usize], LOG, &mut payload);
        let mut written = Record::parse(record.index, &payload).unwrap();
        written.source = Some(LOG.into());
        assert_eq!(record, written);
    }
}

pub(super) async fn a_batch_is_added_once_and_in_its_place(index: &dyn AuditIndex) {
    let (first, second) = (batch(LOG, 0, &[event(0), event(1)]), batch(LOG, 2, &[event(2)]));
    assert_eq!(index.add(first.clone()).await, Ok(Added::Done));
    assert_eq!(index.add(first).await, Ok(Added::Raced));
    assert_eq!(index.add(batch(LOG, 3, &[event(3)])).await, Ok(Added::Raced));
    assert_eq!(index.add(batch(LOG, 1, &[event(1), event(2)])).await, Ok(Added::Raced));
    assert_eq!(position(index, LOG).await.unwrap().next, 2);
    assert_eq!(index.add(second).await, Ok(Added::Done));
    assert_eq!(found(index, all()).await, [2, 1, 0]);
}

/// As after the oldest part of a log was dropped.
pub(super) async fn a_log_may_begin_later_than_its_first_record(index: &dyn AuditIndex) {
    assert_eq!(index.add(batch(LOG, 40, &[event(0)])).await, Ok(Added::Done));
    assert_eq!(position(index, LOG).await.unwrap().next, 41);
}

/// Also when forgetting was broken off after its first step.
pub(super) async fn a_log_is_forgotten_and_added_again(index: &dyn IndexStore) {
    let events: Vec<_> = (0..10).map(event).collect();
    index.add(batch(OTHER_LOG, 0, &events[..1])).await.unwrap();
    assert_eq!(index.logs().await.unwrap(), [OTHER_LOG]);
    for _ in 0..2 {
        assert_eq!(index.add(batch(LOG, 0, &events)).await, Ok(Added::Done));
        assert_eq!(found(index, all()).await.len(), 11);
        assert_eq!(index.logs().await.unwrap().len(), 2);
        index.forget(LOG.into()).await.unwrap();
        assert_eq!(index.logs().await.unwrap(), [OTHER_LOG]);
        assert_eq!(position(index, LOG).await, None);
        assert_eq!(found(index, all()).await, [0], "the other log stays");
    }
    index.forget(LOG.into()).await.unwrap();
    assert_eq!(index.add(batch(LOG, 5, &events[5..])).await, Ok(Added::Done), "its beginning may be gone");
    assert_eq!(found(index, all()).await, [9, 8, 7, 6, 5, 0]);
}

/// In the order of the log, also where its clock was set back, and with holes where records were pruned.
pub(super) async fn a_log_is_read_in_its_order(index: &dyn AuditIndex) {
    const DAY: i64 = 86_400;
    let read = async |log: &str, from, most| {
        let found = index.records(log.into(), from, most).await.unwrap();
        found.iter().map(|record| record.index).collect::<Vec<_>>()
    };
    assert_eq!((index.logs().await.unwrap(), read(LOG, 0, 10).await), (vec![], vec![]));
    let seconds = [0, 5, 3, 4, -40 * DAY, 2, 100 * DAY, 101 * DAY, 60 * DAY, 102 * DAY];
    let events = seconds.map(event);
    index.add(batch(LOG, 7, &events[..4])).await.unwrap();
    index.add(batch(OTHER_LOG, 0, &events[..2])).await.unwrap();
    index.add(batch(LOG, 11, &events[4..9])).await.unwrap();
    index.add(batch(LOG, 16, &events[9..])).await.unwrap();
    let mut logs = index.logs().await.unwrap();
    logs.sort_unstable();
    assert_eq!(logs, [LOG, OTHER_LOG]);
    for most in 1..=11 {
        let (mut from, mut all) = (0, Vec::new());
        loop {
            let found = read(LOG, from, most).await;
            assert!(found.len() <= usize::from(most));
            let Some(last) = found.last() else { break };
            from = last + 1;
            all.extend(found);
        }
        assert_eq!(all, (7..=16).collect::<Vec<_>>(), "{most}");
    }
    assert_eq!(read(LOG, 12, 3).await.first(), Some(&12), "also after a later one was read");
    assert_eq!(read(OTHER_LOG, 1, 3).await, [1]);
    let whole = index.records(LOG.into(), 15, 1).await.unwrap();
    assert_eq!(whole[0].payload, entry(15, &events[8]).payload());
}

/// Whole days of it, as a retention does.
pub(super) async fn what_is_left_of_a_log_is_read(index: &dyn IndexStore) {
    const DAY: i64 = 86_400;
    let events = [0, 1, 10 * DAY, 10 * DAY + 1, 20 * DAY].map(event);
    index.add(batch(LOG, 0, &events)).await.unwrap();
    assert_eq!(index.records(LOG.into(), 0, 1).await.unwrap().len(), 1);
    index.prune(event(5 * DAY).time).await.unwrap();
    let found = index.records(LOG.into(), 1, 10).await.unwrap();
    assert_eq!(found.iter().map(|record| record.index).collect::<Vec<_>>(), [2, 3, 4]);
    index.prune(event(30 * DAY).time).await.unwrap();
    assert!(index.records(LOG.into(), 2, 10).await.unwrap().is_empty());
    assert_eq!(index.logs().await.unwrap(), [LOG], "its position stays");
}

pub(super) async fn of_several_writers_each_record_is_added_once(index: Arc<dyn AuditIndex>) {
    let writers: Vec<_> = (0..8).map(|_| tokio::spawn(fill(Arc::clone(&index)))).collect();
    let mut done = 0;
    for writer in writers {
        done += writer.await.unwrap();
    }
    assert_eq!(done, 20);
    assert_eq!(found(&*index, all()).await, (0..40).rev().collect::<Vec<u64>>());
}

/// Adds until 40 records are there, and says how many batches were its own.
async fn fill(index: Arc<dyn AuditIndex>) -> usize {
    let mut done = 0;
    loop {
        let next = position(&*index, LOG).await.map_or(0, |position| position.next);
        if next >= 40 {
            return done;
        }
        let events = [event(next.cast_signed()), event(next.cast_signed() + 1)];
        done += usize::from(index.add(batch(LOG, next, &events)).await == Ok(Added::Done));
    }
}

pub(super) async fn logs_do_not_disturb_each_other(index: &dyn AuditIndex) {
    index.add(batch(LOG, 0, &[event(0), event(4)])).await.unwrap();
    index.add(batch(OTHER_LOG, 0, &[event(2), event(4)])).await.unwrap();
    assert_eq!(position(index, LOG).await.unwrap().next, 2);
    assert_eq!(position(index, OTHER_LOG).await.unwrap().next, 2);
    let page = index.search(all()).await.unwrap();
    let sources: Vec<_> = page.records.iter().map(|record| record.source.as_deref().unwrap()).collect();
    assert_eq!((indexes(&page), &sources[2..]), (vec![1, 1, 0, 0], [OTHER_LOG, LOG].as_slice()));
}

pub(super) async fn a_search_gives_what_fits_and_nothing_else(index: &dyn AuditIndex) {
    let events = [
        event(0),
        AuditEvent { subject: Some(recorded(person(2))), ..event(1) },
        AuditEvent { subject: Some(recorded(Pseudonym::new("2025", [1; 32]))), ..event(2) },
        AuditEvent { provider: Some(practice("huisarts.delinde@medmij")), ..event(3) },
        AuditEvent { client_id: Some(host("pgo.example.nl")), ..event(4) },
        AuditEvent { service: Some(ServiceId::parse("51").unwrap()), ..event(5) },
        AuditEvent { kind: Kind::DisclosureOutcome, outcome: Outcome::Done, ..event(6) },
        AuditEvent { kind: Kind::ResourceRefused, outcome: Outcome::Refused, ..event(7) },
        AuditEvent::new(event(8).time, Kind::NodeStopped, Outcome::Done),
    ];
    index.add(batch(LOG, 0, &events)).await.unwrap();
    let both_years = vec![person(1), Pseudonym::new("2025", [1; 32])];
    let cases: [(IndexQuery, &[u64]); 11] = [
        (all(), &[8, 7, 6, 5, 4, 3, 2, 1, 0]),
        (IndexQuery { subjects: vec![person(2)], ..all() }, &[1]),
        (IndexQuery { subjects: both_years.clone(), ..all() }, &[7, 6, 5, 4, 3, 2, 0]),
        (IndexQuery { subjects: vec![person(3)], ..all() }, &[]),
        (IndexQuery { provider: Some(practice("huisarts.delinde@medmij")), ..all() }, &[3]),
        (IndexQuery { client: Some(host("pgo.example.nl")), ..all() }, &[4]),
        (IndexQuery { service: Some(ServiceId::parse("51").unwrap()), ..all() }, &[5]),
        (IndexQuery { kinds: vec![Kind::DisclosureOutcome, Kind::ResourceRefused], ..all() }, &[7, 6]),
        (IndexQuery { outcomes: vec![Outcome::Done], ..all() }, &[8, 6]),
        (IndexQuery { subjects: both_years, outcomes: vec![Outcome::Done, Outcome::Refused], ..all() }, &[7, 6]),
        (IndexQuery { subjects: vec![person(2)], client: Some(host("pgo.example.nl")), ..all() }, &[]),
    ];
    for (query, expected) in cases {
        assert_eq!(found(index, query.clone()).await, expected, "{query:?}");
    }
}

pub(super) async fn a_period_has_its_beginning_and_not_its_end(index: &dyn AuditIndex) {
    index.add(batch(LOG, 0, &[event(0), event(1), event(2)])).await.unwrap();
    let between = |from: i64, to: i64| IndexQuery::between(event(from).time, event(to).time);
    assert_eq!(found(index, between(0, 2)).await, [1, 0]);
    assert_eq!(found(index, between(1, 1)).await, [0; 0]);
    assert_eq!(found(index, between(2, 0)).await, [0; 0]);
    assert_eq!(found(index, IndexQuery::between(Timestamp::MIN, Timestamp::MAX)).await, [2, 1, 0]);
}

/// Years apart, on days of their own.
pub(super) async fn a_long_period_is_searched_whole(index: &dyn AuditIndex) {
    const DAY: i64 = 86_400;
    let days = [-1_700, -900, -899, -95, -90, -1, 0, 1];
    let events: Vec<_> = days.iter().map(|day| event(day * DAY)).collect();
    index.add(batch(LOG, 0, &events)).await.unwrap();
    let ever = IndexQuery::between(Timestamp::MIN, Timestamp::MAX);
    assert_eq!(found(index, ever.clone()).await, [7, 6, 5, 4, 3, 2, 1, 0]);
    assert_eq!(found(index, IndexQuery { subjects: vec![person(1)], ..ever.clone() }).await, [7, 6, 5, 4, 3, 2, 1, 0]);
    assert_eq!(pages(index, IndexQuery { limit: 3, ..ever }).await, [7, 6, 5, 4, 3, 2, 1, 0]);
    let years = IndexQuery::between(event(-899 * DAY).time, event(-DAY).time);
    assert_eq!(found(index, years).await, [4, 3, 2]);
}

/// Every page, each found by the cursor of the one before.
async fn pages(index: &dyn AuditIndex, query: IndexQuery) -> Vec<u64> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = index.search(IndexQuery { after, ..query.clone() }).await.unwrap();
        assert!(page.records.len() <= usize::from(query.limit));
        all.extend(indexes(&page));
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

pub(super) async fn pages_follow_one_another_whatever_is_added(index: &dyn AuditIndex) {
    // Five at the same moment, so that time alone does not order them.
    let events: Vec<_> = [0, 0, 0, 0, 0, 1, 1, 2].map(event).to_vec();
    index.add(batch(LOG, 0, &events)).await.unwrap();
    for limit in 1..10 {
        assert_eq!(pages(index, IndexQuery { limit, ..all() }).await, [7, 6, 5, 4, 3, 2, 1, 0], "{limit}");
    }
    let first = index.search(IndexQuery { limit: 3, subjects: vec![person(1)], ..all() }).await.unwrap();
    assert_eq!(indexes(&first), [7, 6, 5]);
    let cursor = Cursor::parse(&first.next.unwrap().to_string());
    index.add(batch(LOG, 8, &[event(9), event(10)])).await.unwrap();
    let rest = IndexQuery { limit: 100, subjects: vec![person(1)], after: cursor, ..all() };
    assert_eq!(found(index, rest).await, [4, 3, 2, 1, 0]);
}

pub(super) async fn a_page_has_a_bound(index: &dyn AuditIndex) {
    let events: Vec<_> = (0..200).map(event).collect();
    for first in [0, 200, 400] {
        let shifted: Vec<_> = events.iter().map(|event| AuditEvent { ..event.clone() }).collect();
        let entries = (first..).zip(&shifted).map(|(index, event)| entry(index, event)).collect();
        let batch = IndexBatch { log: LOG.into(), entries, leaf: [1; 32] };
        assert_eq!(index.add(batch).await, Ok(Added::Done));
    }
    let page = index.search(IndexQuery { limit: u16::MAX, ..all() }).await.unwrap();
    assert_eq!(page.records.len(), 500);
    assert!(page.next.is_some());
    assert_eq!(index.search(IndexQuery { limit: 0, ..all() }).await.unwrap().records.len(), 1);
}

/// A record of another release is counted, and found again by a release that reads it.
pub(super) async fn a_record_that_cannot_be_read_blocks_nothing(index: &dyn AuditIndex) {
    let later = br#"{"v":900,"time":"2026-03-02T12:00:01Z","kind":"teleported"}"#.to_vec();
    let garbage = b"\0\xff not JSON".to_vec();
    let entries = vec![
        entry(0, &event(0)),
        Entry::of(1, later, noon()),
        Entry::of(2, garbage, noon() + Duration::from_secs(2)),
        entry(3, &event(3)),
    ];
    assert_eq!(index.add(IndexBatch { log: LOG.into(), entries, leaf: [4; 32] }).await, Ok(Added::Done));
    let page = index.search(all()).await.unwrap();
    assert_eq!((indexes(&page), page.unreadable), (vec![3, 0], 2));
    let page = index.search(IndexQuery { limit: 2, ..all() }).await.unwrap();
    assert_eq!((indexes(&page), page.unreadable), (vec![3], 1));
    assert!(page.next.is_some());
}
