//! The index in a file against the conformance tests, and what only a file can get wrong.

use std::time::Duration;

use super::*;
use crate::audit::{AuditEvent, Kind, MemoryIndex, Outcome, Pseudonym};
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
async fn pruning_takes_what_is_old_and_keeps_positions() {
    let scratch = Scratch::new();
    let index = open(&scratch);
    let old = statements::PRUNE_STEP + 10;
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

/// A search walks an index in the order of its answer: it sorts nothing, and reads no more than a page.
#[test]
fn a_search_walks_an_index_from_the_newest_on() {
    let scratch = Scratch::new();
    drop(open(&scratch));
    let connection = rusqlite::Connection::open(scratch.path("index")).unwrap();
    let all = IndexQuery::between(noon(), noon() + Duration::from_secs(1));
    let person = Pseudonym::new("2026", [1; 32]);
    let provider = Some(ProviderName::parse("huisarts.waterkant@medmij").unwrap());
    let client = Some(Hostname::parse("pgo.zomerwind.example").unwrap());
    let cases = [
        (all.clone(), None, "records_by_time (time>? AND "),
        (all.clone(), Some(&person), "records_by_subject (subject=? AND time>? AND "),
        (IndexQuery { provider, ..all.clone() }, None, "records_by_provider (provider=? AND time>? AND "),
        (IndexQuery { client, ..all }, None, "records_by_client (client=? AND time>? AND "),
    ];
    for (query, subject, index) in cases {
        let select = statements::Select::of(&query, subject);
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", select.sql())).unwrap();
        let plan = statement.query_map(rusqlite::params_from_iter(select.values), |row| row.get::<_, String>(3));
        let plan: Vec<_> = plan.unwrap().map(Result::unwrap).collect();
        assert!(plan[0].contains(&format!("{index}(time,log,idx)<(?,?,?))")), "{plan:?}");
        assert!(plan.iter().all(|step| !step.contains("TEMP B-TREE")), "{plan:?}");
    }
}
