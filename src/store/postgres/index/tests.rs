//! The index on a server against the conformance tests, and what only a server can get wrong.

use std::time::Duration;

use super::super::testing::Database;
use super::*;
use crate::audit::{AuditEvent, Kind};
use crate::store::index_conformance::{self as conformance, LOG, batch, entry, noon};

async fn open(database: &Database) -> PostgresIndex {
    database.open().await;
    PostgresIndex::open(database.settings()).await.unwrap()
}

/// Every test of the port, each in a database of its own.
macro_rules! conforms {
    ($($test:ident,)+) => {
        $(#[tokio::test]
        async fn $test() {
            let Some(database) = Database::new().await else { return };
            conformance::$test(&open(&database).await).await;
            database.remove().await;
        })+
    };
}

conforms! {
    records_come_back_as_they_stand_in_the_log,
    a_batch_is_added_once_and_in_its_place,
    a_log_may_begin_later_than_its_first_record,
    a_log_is_forgotten_and_added_again,
    logs_do_not_disturb_each_other,
    a_search_gives_what_fits_and_nothing_else,
    a_period_has_its_beginning_and_not_its_end,
    a_long_period_is_searched_whole,
    pages_follow_one_another_whatever_is_added,
    a_page_has_a_bound,
    a_record_that_cannot_be_read_blocks_nothing,
    a_log_is_read_in_its_order,
    what_is_left_of_a_log_is_read,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_writers_each_record_is_added_once() {
    let Some(database) = Database::new().await else { return };
    conformance::of_several_writers_each_record_is_added_once(Arc::new(open(&database).await)).await;
    database.remove().await;
}

fn at(time: Timestamp) -> AuditEvent {
    AuditEvent::new(time, Kind::NodeStarted, Outcome::Done)
}

async fn number(database: &Database, sql: &str) -> i64 {
    database.raw().await.query_one(sql, &[]).await.unwrap().get(0)
}

const PARTITIONS: &str = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'audit_records'::regclass";
const IN_REST: &str = "SELECT count(*) FROM audit_records_rest";

#[tokio::test]
async fn each_day_has_a_partition_and_a_week_ahead() {
    let Some(database) = Database::new().await else { return };
    let index = open(&database).await;
    index.add(batch(LOG, 0, &[at(noon())])).await.unwrap();
    assert_eq!((number(&database, PARTITIONS).await, number(&database, IN_REST).await), (9, 0));
    index.add(batch(LOG, 1, &[at(noon() + Duration::from_secs(86_400))])).await.unwrap();
    assert_eq!(number(&database, PARTITIONS).await, 9, "made ahead");
    database.remove().await;
}

/// A node that cannot have partitions made loses nothing; when they are made, the records move there.
#[tokio::test]
async fn without_a_partition_records_go_to_the_rest() {
    let Some(database) = Database::new().await else { return };
    let index = open(&database).await;
    let raw = database.raw().await;
    raw.batch_execute("ALTER FUNCTION audit_prepare(bigint, bigint) RENAME TO elsewhere").await.unwrap();
    assert_eq!(index.add(batch(LOG, 0, &[at(noon()), at(noon())])).await, Ok(Added::Done));
    assert_eq!(number(&database, IN_REST).await, 2);
    raw.batch_execute("ALTER FUNCTION elsewhere(bigint, bigint) RENAME TO audit_prepare").await.unwrap();
    assert_eq!(index.add(batch(LOG, 2, &[at(noon())])).await, Ok(Added::Done));
    assert_eq!(number(&database, IN_REST).await, 0);
    let page = index.search(IndexQuery::between(Timestamp::MIN, Timestamp::MAX)).await.unwrap();
    assert_eq!(page.records.len(), 3);
    database.remove().await;
}

/// Whoever a node is, it changes and deletes nothing of what was recorded.
#[tokio::test]
async fn case_95_the_user_of_a_node_adds_and_reads_only() {
    let Some(database) = Database::new().await else { return };
    let owner = open(&database).await;
    let node = database.node_role(GRANTS).await;
    let index = PostgresIndex::open(database.settings_as(&node)).await.unwrap();
    conformance::records_come_back_as_they_stand_in_the_log(&index).await;
    assert_eq!(number(&database, IN_REST).await, 0, "it had partitions made");
    let raw = database.raw_as(&node).await;
    for sql in [
        "UPDATE audit_records SET kind = 'x'",
        "DELETE FROM audit_records",
        "TRUNCATE audit_records",
        "DROP TABLE audit_records_20260302",
        "DELETE FROM audit_records_20260302",
        "UPDATE audit_batches SET next = 1000",
        "DELETE FROM audit_batches",
        "DELETE FROM audit_logs",
        "SELECT audit_drop_before(30000)",
        "CREATE TABLE mine (x integer)",
    ] {
        let refused = raw.batch_execute(sql).await.unwrap_err();
        assert_eq!(refused.code().unwrap().code(), "42501", "{sql}: insufficient_privilege");
    }
    assert!(index.prune(noon() + Duration::from_secs(864_000)).await.is_err());
    assert!(index.forget(LOG.into()).await.is_err());
    assert_eq!(owner.position(LOG.into()).await.unwrap().unwrap().next, 3);
    database.remove_with(&node).await;
}

/// As the operating guide says.
const GRANTS: &str = "GRANT SELECT, INSERT ON audit_logs, audit_batches, audit_records TO {node};
    GRANT EXECUTE ON FUNCTION audit_prepare(bigint, bigint) TO {node};
    GRANT SELECT ON refinery_schema_history TO {node};";

#[tokio::test]
async fn pruning_drops_whole_days_and_keeps_positions() {
    let Some(database) = Database::new().await else { return };
    let index = open(&database).await;
    let day = |number: u64| at(noon() + Duration::from_secs(number * 86_400));
    for number in 0..40 {
        index.add(batch(LOG, number, &[day(number)])).await.unwrap();
    }
    let ancient = at("2001-01-01T00:00:00Z".parse().unwrap());
    index.add(batch(LOG, 40, &[ancient])).await.unwrap();
    let pruned = index.prune(noon() + Duration::from_secs(35 * 86_400)).await.unwrap();
    assert_eq!(pruned, Pruned { records: 1, days: 35 });
    let page = index.search(IndexQuery::between(Timestamp::MIN, Timestamp::MAX)).await.unwrap();
    assert_eq!(page.records.iter().map(|record| record.index).collect::<Vec<_>>(), [39, 38, 37, 36, 35]);
    assert_eq!(index.position(LOG.into()).await.unwrap().unwrap().next, 41);
    assert_eq!(number(&database, "SELECT count(*) FROM audit_batches").await, 1);
    // And a day that was dropped can come back.
    assert_eq!(index.add(batch(LOG, 41, &[day(2)])).await, Ok(Added::Done));
    assert_eq!(number(&database, IN_REST).await, 0);
    database.remove().await;
}

/// Five years of days on a server with the locks that it has by default.
#[tokio::test]
async fn five_years_of_days_can_be_searched() {
    let Some(database) = Database::new().await else { return };
    let index = open(&database).await;
    let first = day_of(noon());
    let raw = database.raw().await;
    for start in (first..first + 1_830).step_by(200) {
        raw.query("SELECT audit_prepare($1, $2)", &[&start, &(start + 199)]).await.unwrap();
    }
    let days = (0..1_830).step_by(15).map(|day| at(noon() + Duration::from_secs(day * 86_400)));
    let entries = (0..).zip(days).map(|(index, event)| entry(index, &event)).collect();
    let batch = IndexBatch { log: LOG.into(), entries, leaf: [1; 32] };
    assert_eq!(index.add(batch).await, Ok(Added::Done));
    for _ in 0..8 {
        let ever = IndexQuery { limit: 500, ..IndexQuery::between(Timestamp::MIN, Timestamp::MAX) };
        assert_eq!(index.search(ever).await.unwrap().records.len(), 122);
    }
    index.forget(LOG.into()).await.unwrap();
    assert_eq!(number(&database, "SELECT count(*) FROM audit_records WHERE time < 0").await, 0);
    // Dropping thousands of tables at once needs more locks than a server has: a month at a time.
    let pruned = index.prune(noon() + Duration::from_secs(1_900 * 86_400)).await.unwrap();
    assert!(pruned.days >= 1_830, "{pruned:?}");
    database.remove().await;
}
