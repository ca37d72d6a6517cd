//! The index in a file against the conformance tests, and what only a file can get wrong.

use std::time::Duration;

use super::*;
use crate::audit::{AuditEvent, Entry, Kind, MemoryIndex, Outcome, Pseudonym, SealedBsn, Subject};
use crate::medmij::{Hostname, ProviderName};
use crate::store::conformance::Scratch;
use crate::store::index_conformance::{self as conformance, LOG, batch, entry, noon};

fn open(scratch: &Scratch) -> SqliteIndex {
    SqliteIndex::open(&scratch.path("index")).unwrap()
}

/// Every test of the port against a file and against memory.
macro_rules! conforms {
    ($($test:ident,)+) => {
        $(#[tokio::test]
        async fn $test() {
            let scratch = Scratch::new();
            conformance::$test(&open(&scratch)).await;
            conformance::$test(&MemoryIndex::default()).await;
        })+
    };
}

conforms! {
    records_come_back_as_they_stand_in_the_log,
    a_batch_is_added_once_and_in_its_place,
    a_log_may_begin_later_than_its_first_record,
    logs_do_not_disturb_each_other,
    a_search_gives_what_fits_and_nothing_else,
    a_period_has_its_beginning_and_not_its_end,
    a_long_period_is_searched_whole,
    pages_follow_one_another_whatever_is_added,
    a_page_has_a_bound,
    a_record_that_cannot_be_read_blocks_nothing,
    a_log_is_read_in_its_order,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_writers_each_record_is_added_once() {
    let scratch = Scratch::new();
    conformance::of_several_writers_each_record_is_added_once(Arc::new(open(&scratch))).await;
    conformance::of_several_writers_each_record_is_added_once(Arc::<MemoryIndex>::default()).await;
}

/// Two processes on one file: the transaction of one waits for that of the other, and finds what it did.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_openers_do_not_add_twice() {
    let scratch = Scratch::new();
    let (one, other) = (open(&scratch), open(&scratch));
    let event = [AuditEvent::new(noon(), Kind::NodeStarted, Outcome::Done)];
    let both = tokio::join!(one.add(batch(LOG, 0, &event)), other.add(batch(LOG, 0, &event)));
    assert!(matches!(both, (Ok(Added::Done), Ok(Added::Raced)) | (Ok(Added::Raced), Ok(Added::Done))), "{both:?}");
}

#[tokio::test]
async fn a_log_is_forgotten_and_added_again() {
    let scratch = Scratch::new();
    conformance::a_log_is_forgotten_and_added_again(&open(&scratch)).await;
}

#[tokio::test]
async fn what_is_left_of_a_log_is_read() {
    let scratch = Scratch::new();
    conformance::what_is_left_of_a_log_is_read(&open(&scratch)).await;
}

/// Some blocks and hundreds of chunks, from each place and across each seam.
#[tokio::test]
async fn a_long_log_is_read_from_anywhere() {
    let scratch = Scratch::new();
    let index = open(&scratch);
    const ALL: u64 = 70_000;
    for first in (0..ALL).step_by(2_000) {
        let next = (first + 2_000).min(ALL);
        let entries =
            (first..next).map(|number| entry(number, &AuditEvent::new(noon(), Kind::NodeStarted, Outcome::Done)));
        let batch = IndexBatch { log: LOG.into(), entries: entries.collect(), leaf: [1; 32] };
        assert_eq!(index.add(batch).await, Ok(Added::Done));
    }
    for from in [0, 1, 127, 128, 129, 1_999, 2_000, 65_535, 65_536, ALL - 1] {
        let found = index.records(LOG.into(), from, 300).await.unwrap();
        let indexes: Vec<_> = found.iter().map(|record| record.index).collect();
        assert_eq!(indexes, (from..ALL.min(from + 300)).collect::<Vec<_>>());
    }
    assert!(index.records(LOG.into(), ALL, 300).await.unwrap().is_empty());
}

#[tokio::test]
async fn pruning_takes_what_is_old_and_keeps_positions() {
    let scratch = Scratch::new();
    let index = open(&scratch);
    let old = 1_010;
    for first in (0..=old).step_by(100) {
        let entries = (first..first + 100).map(|number| {
            let time = noon() + Duration::from_secs(number);
            entry(number, &AuditEvent::new(time, Kind::NodeStarted, Outcome::Done))
        });
        let batch = IndexBatch { log: LOG.into(), entries: entries.collect(), leaf: [1; 32] };
        assert_eq!(index.add(batch).await, Ok(Added::Done));
    }
    let pruned = index.prune(noon() + Duration::from_secs(old)).await.unwrap();
    assert_eq!(pruned, Pruned { records: old, days: 0 });
    let page = index.search(IndexQuery::between(Timestamp::MIN, Timestamp::MAX)).await.unwrap();
    assert_eq!(page.records.last().unwrap().index, old);
    assert_eq!(index.position(LOG.into()).await.unwrap().unwrap().next, 1_100);
    let nothing = index.prune(noon() + Duration::from_secs(old)).await.unwrap();
    assert_eq!(nothing, Pruned::default());
    let rest = index.prune(noon() + Duration::from_secs(5_000)).await.unwrap();
    assert_eq!(rest, Pruned { records: 1_100 - old, days: 0 });
    assert!(index.search(IndexQuery::between(Timestamp::MIN, Timestamp::MAX)).await.unwrap().records.is_empty());
}

#[tokio::test]
async fn it_is_there_after_a_restart_and_gone_after_its_removal() {
    let scratch = Scratch::new();
    let event = [AuditEvent::new(noon(), Kind::NodeStarted, Outcome::Done)];
    open(&scratch).add(batch(LOG, 0, &event)).await.unwrap();
    assert_eq!(open(&scratch).position(LOG.into()).await.unwrap().unwrap().next, 1);
    SqliteIndex::remove(&scratch.path("index")).unwrap();
    SqliteIndex::remove(&scratch.path("index")).unwrap();
    assert_eq!(open(&scratch).position(LOG.into()).await, Ok(None));
}

#[test]
fn a_file_of_another_release_is_refused() {
    let scratch = Scratch::new();
    rusqlite::Connection::open(scratch.path("index")).unwrap().execute_batch("CREATE TABLE x (y)").unwrap();
    assert!(matches!(SqliteIndex::open(&scratch.path("index")), Err(OpenError::OtherIndex)));
    std::fs::write(scratch.path("text"), "certainly not a database file, but long enough to look").unwrap();
    assert!(matches!(SqliteIndex::open(&scratch.path("text")), Err(OpenError::Database(_))));
}

/// A search walks blocks from the newest on, and of a block only the chunks that its keys name: nothing is read whole.
#[test]
fn a_search_walks_blocks_from_the_newest_on() {
    let scratch = Scratch::new();
    drop(open(&scratch));
    let connection = rusqlite::Connection::open(scratch.path("index")).unwrap();
    let cases = [
        (search::BLOCKS.to_owned(), "SEARCH b USING COVERING INDEX blocks_by_time (newest>?)", true),
        (search::CHUNKS.to_owned(), "SEARCH chunks USING COVERING INDEX chunks_by_block (block=? AND newest>?)", true),
        (search::with_keys(2), "SEARCH k USING PRIMARY KEY (block=? AND key=?)", false),
    ];
    for (sql, first, in_order) in cases {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let values = vec![1_i64; statement.parameter_count()];
        let plan = statement.query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(3));
        let plan: Vec<_> = plan.unwrap().map(Result::unwrap).collect();
        assert_eq!(plan[0], first, "{plan:?}");
        assert!(plan.iter().all(|step| !step.starts_with("SCAN")), "{plan:?}");
        assert_eq!(plan.iter().any(|step| step.contains("TEMP B-TREE")), !in_order, "{plan:?}");
    }
}

/// Over many chunks and blocks, from two logs whose records do not follow one another in time, every question is answered as
/// the plainest index answers it, page by page.
#[tokio::test]
async fn it_answers_as_the_index_in_memory_does() {
    let scratch = Scratch::new();
    let (file, memory) = (open(&scratch), MemoryIndex::default());
    let batches = [(LOG, 0, 0, 36_000), ("inzage-b-00000000000000ff", 0, 37, 3_000), (LOG, 36_000, -5_000, 34_000)];
    for (log, first, shift, count) in batches {
        let entries: Vec<_> = (first..first + count).map(|number| some_entry(number, shift)).collect();
        for part in entries.chunks(8_192) {
            let batch = IndexBatch { log: log.into(), entries: part.to_vec(), leaf: [1; 32] };
            assert_eq!(file.add(batch.clone()).await, Ok(Added::Done));
            assert_eq!(memory.add(batch).await, Ok(Added::Done));
        }
    }
    let ever = IndexQuery { limit: 400, ..IndexQuery::between(Timestamp::MIN, Timestamp::MAX) };
    let part = IndexQuery::between(noon() + Duration::from_secs(9_000), noon() + Duration::from_secs(9_500));
    let provider = Some(ProviderName::parse("huisarts.praktijk7@medmij").unwrap());
    let client = Some(Hostname::parse("pgo1.example.nl").unwrap());
    let subjects = vec![Pseudonym::new("2026", [5; 32]), Pseudonym::new("2026", [99; 32])];
    let queries = [
        IndexQuery { subjects: subjects.clone(), ..ever.clone() },
        IndexQuery { subjects, kinds: vec![Kind::NodeStarted], ..part.clone() },
        IndexQuery { provider: provider.clone(), ..ever.clone() },
        IndexQuery { provider, client: client.clone(), outcomes: vec![Outcome::Refused], ..part.clone() },
        IndexQuery { client, ..part.clone() },
        part,
    ];
    for query in queries {
        let (mut ours, mut theirs) = (query.clone(), query);
        for _ in 0..30 {
            let (found, expected) =
                (file.search(ours.clone()).await.unwrap(), memory.search(theirs.clone()).await.unwrap());
            let places = |page: &IndexPage| {
                page.records.iter().map(|one| (one.time, one.source.clone(), one.index)).collect::<Vec<_>>()
            };
            assert_eq!(places(&found), places(&expected));
            (ours.after, theirs.after) = (found.next, expected.next);
            assert_eq!(ours.after.is_none(), theirs.after.is_none());
            if ours.after.is_none() {
                break;
            }
        }
    }
}

/// Of 60 persons at 10 practices, by three PGOs; one every half second, but for a few that were late.
fn some_entry(number: u64, shift: i64) -> Entry {
    let millis = number.cast_signed() * 500 + shift * 1_000 - i64::from(number.is_multiple_of(17)) * 90_000;
    let event = AuditEvent {
        subject: Some(Subject {
            pseudonym: Pseudonym::new("2026", [u8::try_from(number % 60).unwrap(); 32]),
            sealed: SealedBsn::parse("2026:c2VhbGVk").unwrap(),
        }),
        provider: Some(ProviderName::parse(&format!("huisarts.praktijk{}@medmij", number % 10)).unwrap()),
        client_id: Some(Hostname::parse(&format!("pgo{}.example.nl", number % 3)).unwrap()),
        outcome: if number.is_multiple_of(5) { Outcome::Refused } else { Outcome::Done },
        ..AuditEvent::new(noon() + jiff::SignedDuration::from_millis(millis), Kind::NodeStarted, Outcome::Done)
    };
    entry(number, &event)
}

/// A loss of power while the file is made, at whatever commit, leaves one that opens.
#[tokio::test]
async fn a_file_that_was_not_quite_made_is_made() {
    let scratch = Scratch::new();
    let index = open(&scratch);
    let (database, log) = (std::fs::read(scratch.path("index")), std::fs::read(scratch.path("index-wal")).unwrap());
    for kept in (32..=log.len()).step_by(4_096 + 24) {
        let after = Scratch::new();
        std::fs::write(after.path("index"), database.as_ref().unwrap()).unwrap();
        std::fs::write(after.path("index-wal"), &log[..kept]).unwrap();
        assert_eq!(open(&after).position(LOG.into()).await, Ok(None), "{kept} of {}", log.len());
    }
    index.close();
}

/// A loss of power takes the last commits, in their order and each as a whole: rows and position. What is gone is added again.
#[tokio::test]
async fn a_commit_that_was_lost_is_made_again_and_adds_nothing_twice() {
    let scratch = Scratch::new();
    let events: Vec<_> =
        (0..30).map(|at| AuditEvent::new(noon() + Duration::from_secs(at), Kind::NodeStarted, Outcome::Done)).collect();
    // Closed once, so that the log has nothing but what is added.
    drop(open(&scratch));
    let index = open(&scratch);
    index.add(batch(LOG, 0, &events[..10])).await.unwrap();
    index.add(batch(LOG, 10, &events[10..20])).await.unwrap();
    let database = std::fs::read(scratch.path("index")).unwrap();
    let log = std::fs::read(scratch.path("index-wal")).unwrap();
    let mut ends = Vec::new();
    for cut in [0, 1, log.len() / 4, log.len() / 2, log.len() - 32] {
        let after = Scratch::new();
        std::fs::write(after.path("index"), &database).unwrap();
        std::fs::write(after.path("index-wal"), &log[..log.len() - cut]).unwrap();
        let again = open(&after);
        let next = again.position(LOG.into()).await.unwrap().map_or(0, |position| position.next);
        let all = IndexQuery::between(Timestamp::MIN, Timestamp::MAX);
        assert_eq!(again.search(all.clone()).await.unwrap().records.len() as u64, next, "rows and position are one");
        let from = usize::try_from(next).unwrap();
        assert_eq!(again.add(batch(LOG, next, &events[from..])).await, Ok(Added::Done));
        let found: Vec<_> = again.search(all).await.unwrap().records.iter().map(|record| record.index).collect();
        assert_eq!(found, (0..30).rev().collect::<Vec<u64>>());
        ends.push(next);
    }
    assert!(ends.contains(&20) && ends.contains(&10) && ends.contains(&0), "{ends:?}");
}
