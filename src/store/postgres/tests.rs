//! The server store against the conformance tests, and what only a server can get wrong.

use std::sync::Arc;

use tokio_postgres::types::ToSql;

use super::super::cache::CachedTokens;
use super::super::conformance::{self, BSN, CLIENT, code, grant, lasting, now, refresh, token, visit};
use super::super::{
    figures_conformance, golive_conformance, matrix_conformance, register_conformance, stops_conformance,
};
use super::testing::Database;
use super::*;
use crate::oauth::code::{CodeStore, Presented};
use crate::oauth::grant::{GrantStore, TokenStore};
use crate::oauth::refresh::RefreshStore;
use crate::oauth::store::StoreError;
use crate::secret::Handle;
use crate::session::visit::VisitStore;

#[tokio::test]
async fn it_is_a_code_store() {
    let Some(database) = Database::new().await else { return };
    let store = database.open().await;
    conformance::a_code_is_spent_by_its_first_presentation(&store).await;
    conformance::an_unknown_code_is_unknown(&store).await;
    conformance::a_code_is_kept_once(&store).await;
    conformance::an_expired_code_is_spent_too(&store).await;
    conformance::a_code_of_an_ended_grant_is_spent(&store, &store).await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn races_have_one_winner() {
    let Some(database) = Database::new().await else { return };
    let store = Arc::new(database.open().await);
    conformance::of_a_hundred_presentations_one_is_first(store.clone()).await;
    conformance::of_a_hundred_turns_one_is_done(store.clone()).await;
    conformance::of_twenty_takers_one_gets_the_visit(store.clone()).await;
    conformance::of_a_hundred_uses_one_is_first(store).await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_stop_the_same_one_is_first() {
    let Some(database) = Database::new().await else { return };
    let store = Arc::new(database.open().await);
    stops_conformance::of_twenty_who_stop_the_same_one_is_first(store.clone()).await;
    database.remove().await;
}

#[tokio::test]
async fn it_keeps_what_operators_stop() {
    let Some(database) = Database::new().await else { return };
    stops_conformance::a_target_is_stopped_once_and_goes_on_once(&database.open().await).await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_a_register() {
    let Some(database) = Database::new().await else { return };
    register_conformance::a_change_is_kept_whole_and_once(&database.open().await).await;
    database.remove().await;
    let Some(database) = Database::new().await else { return };
    register_conformance::half_a_change_is_no_change(&database.open().await).await;
    database.remove().await;
    let Some(database) = Database::new().await else { return };
    register_conformance::of_twenty_changes_from_one_revision_one_is_kept(Arc::new(database.open().await)).await;
    database.remove().await;
    let Some(database) = Database::new().await else { return };
    register_conformance::editors_at_once_lose_nothing(Arc::new(database.open().await)).await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_a_matrix() {
    let Some(database) = Database::new().await else { return };
    matrix_conformance::what_is_kept_is_held(&database.open().await).await;
    database.remove().await;
    let Some(database) = Database::new().await else { return };
    matrix_conformance::a_change_from_an_old_generation_is_none(&database.open().await).await;
    database.remove().await;
    let Some(database) = Database::new().await else { return };
    matrix_conformance::what_is_old_goes(&database.open().await).await;
    database.remove().await;
    let Some(database) = Database::new().await else { return };
    matrix_conformance::of_twenty_who_count_the_same_one_is_first(Arc::new(database.open().await)).await;
    database.remove().await;
}

#[tokio::test]
async fn it_forgets_what_operators_lifted_long_ago() {
    let Some(database) = Database::new().await else { return };
    stops_conformance::a_lifted_stop_goes_after_a_year_and_one_in_force_never(&database.open().await).await;
    database.remove().await;
}

#[tokio::test]
async fn it_keeps_stages_and_places() {
    let Some(database) = Database::new().await else { return };
    let store = database.open().await;
    golive_conformance::the_newest_change_of_each_entrance_is_in_force(&store).await;
    golive_conformance::a_place_is_taken_once_and_given_back(&store).await;
    database.remove().await;
}

#[tokio::test]
async fn of_many_who_want_the_same_place_one_gets_it() {
    let Some(database) = Database::new().await else { return };
    let store = Arc::new(database.open().await);
    golive_conformance::of_twenty_editors_who_saw_the_same_one_is_first(store.clone()).await;
    golive_conformance::of_forty_people_at_once_as_many_get_in_as_there_are_places(store.clone()).await;
    database.remove().await;
}

#[tokio::test]
async fn it_is_a_token_store() {
    let Some(database) = Database::new().await else { return };
    let store = Arc::new(database.open().await);
    conformance::a_token_is_found_until_its_grant_ends(&*store, &*store).await;
    conformance::a_grant_ended_before_its_token_gives_none(&*store, &*store, &*store).await;
    conformance::a_redeemed_grant_names_its_node(&*store, &*store).await;
    let cached =
        CachedTokens::new(store.clone(), store.clone(), Default::default(), crate::clock::TestClock::at(now()));
    conformance::a_token_is_found_until_its_grant_ends(&cached, &cached).await;
    conformance::a_grant_ended_before_its_token_gives_none(&*store, &cached, &cached).await;
    database.remove().await;
}

#[tokio::test]
async fn it_is_a_refresh_store() {
    let Some(database) = Database::new().await else { return };
    let store = database.open().await;
    conformance::a_refresh_token_turns_into_the_next(&store, &store).await;
    conformance::a_grant_has_one_family(&store).await;
    conformance::an_ended_grant_has_no_family(&store, &store).await;
    conformance::a_person_finds_their_lasting_grants(&store, &store).await;
    database.remove().await;
}

#[tokio::test]
async fn a_person_is_found_under_a_key_that_was_replaced() {
    let Some(database) = Database::new().await else { return };
    let (old, first) = (database.open().await, refresh(lasting()));
    RefreshStore::keep(&old, first.clone()).await.unwrap();
    let both = Sealer::new(&Secret::new([2; 32])).also_opening(&Secret::new([1; 32]));
    let rotated = PostgresStore::open(database.settings(), both, true).await.unwrap();
    let second = refresh(lasting());
    RefreshStore::keep(&rotated, second.clone()).await.unwrap();
    let found = rotated.lasting_of(&first.grant.subject, now()).await.unwrap();
    let ids: Vec<_> = found.iter().map(|one| one.grant.id).collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&first.grant.id) && ids.contains(&second.grant.id));
    database.remove().await;
}

#[tokio::test]
async fn it_is_a_visit_store() {
    let Some(database) = Database::new().await else { return };
    let store = database.open().await;
    conformance::a_visit_is_taken_once(&store).await;
    conformance::a_visit_is_looked_at_without_being_taken(&store).await;
    conformance::wrong_keys_leave_a_visit_in_place(&store).await;
    conformance::a_visit_ends_at_its_time(&store).await;
    database.remove().await;
}

#[tokio::test]
async fn it_is_a_replay_store() {
    let Some(database) = Database::new().await else { return };
    let store = database.open().await;
    conformance::an_id_is_used_once(&store).await;
    conformance::a_used_id_outlives_its_assertion(&store).await;
    database.remove().await;
}

#[tokio::test]
async fn it_is_swept() {
    let Some(database) = Database::new().await else { return };
    let store = database.open().await;
    conformance::a_sweep_takes_what_is_over_and_nothing_else(&store).await;
    conformance::a_lasting_grant_lives_while_its_family_does(&store).await;
    conformance::an_ended_lasting_grant_is_swept(&store).await;
    conformance::an_old_grant_stays_while_something_stands_for_it(&store).await;
    database.remove().await;
}

#[tokio::test]
async fn a_sweep_of_many_rows_goes_on_until_all_are_gone() {
    let Some(database) = Database::new().await else { return };
    let store = database.open().await;
    let rows = Swept::STEP * 2 + 1;
    let sql = format!(
        "INSERT INTO visits SELECT lpad(n::text, 36, '0'), sha256('x'), sha256('x'), 0, '' FROM generate_series(1, {rows}) n"
    );
    database.raw().await.batch_execute(&sql).await.unwrap();
    assert_eq!(store.sweep(now()).await, Ok(Swept { visits: rows, ..Swept::default() }));
    database.remove().await;
}

#[tokio::test]
async fn two_nodes_share_it() {
    let Some(database) = Database::new().await else { return };
    let (a, b) = (database.open().await, database.open().await);
    let (code, token, visit) = (code(grant()), token(grant()), visit());
    let (id, cookie, form) = (visit.id, visit.cookie, visit.form);
    CodeStore::keep(&a, code.clone()).await.unwrap();
    TokenStore::keep(&a, token.clone()).await.unwrap();
    VisitStore::keep(&a, visit).await.unwrap();
    assert_eq!(b.find(token.hash).await, Ok(Some(token.clone())));
    assert!(b.take(id, cookie, form, now()).await.unwrap().is_some());
    assert!(a.take(id, cookie, form, now()).await.unwrap().is_none());
    assert!(matches!(b.present(code.hash, now()).await.unwrap(), Presented::First(found) if *found == code));
    assert!(matches!(a.present(code.hash, now()).await.unwrap(), Presented::Again { .. }));
    b.end(token.grant.id, now()).await.unwrap();
    assert_eq!(a.find(token.hash).await, Ok(None));
    database.remove().await;
}

#[tokio::test]
async fn rows_of_another_key_are_errors() {
    let Some(database) = Database::new().await else { return };
    let (code, token, visit) = (code(grant()), token(grant()), visit());
    let (id, cookie, form) = (visit.id, visit.cookie, visit.form);
    let mine = database.open().await;
    CodeStore::keep(&mine, code.clone()).await.unwrap();
    TokenStore::keep(&mine, token.clone()).await.unwrap();
    VisitStore::keep(&mine, visit).await.unwrap();
    let other = database.try_open(2, true).await.unwrap();
    assert_eq!(other.find(token.hash).await, Err(StoreError));
    assert_eq!(other.present(code.hash, now()).await.err(), Some(StoreError));
    assert!(matches!(other.present(code.hash, now()).await.unwrap(), Presented::Again { .. }), "it counts as spent");
    assert_eq!(other.take(id, cookie, form, now()).await.err(), Some(StoreError));
    database.remove().await;
}

#[tokio::test]
async fn damaged_columns_are_errors() {
    let Some(database) = Database::new().await else { return };
    let (store, raw) = (database.open().await, database.raw().await);
    for change in [
        "client = 'Nergens'",
        "provider = 'x'",
        "services = '4/9'",
        "correlation = '?'",
        "consented = -900000000000000000",
    ] {
        let token = token(grant());
        TokenStore::keep(&store, token.clone()).await.unwrap();
        let sql = format!("UPDATE grants SET {change} WHERE id = '{}'", token.grant.id);
        assert_eq!(raw.execute(&sql, &[]).await.unwrap(), 1);
        assert_eq!(store.find(token.hash).await, Err(StoreError), "{change}");
    }
    database.remove().await;
}

#[tokio::test]
async fn a_column_of_another_type_is_an_error() {
    let Some(database) = Database::new().await else { return };
    let (store, raw) = (database.open().await, database.raw().await);
    let token = token(grant());
    TokenStore::keep(&store, token.clone()).await.unwrap();
    raw.batch_execute("ALTER TABLE tokens ALTER COLUMN expires TYPE text USING expires::text").await.unwrap();
    assert_eq!(store.find(token.hash).await, Err(StoreError));
    raw.batch_execute("ALTER TABLE tokens ALTER COLUMN expires TYPE bigint USING expires::bigint").await.unwrap();
    assert_eq!(database.open().await.find(token.hash).await, Ok(Some(token)));
    database.remove().await;
}

#[tokio::test]
async fn no_table_holds_a_citizen_service_number() {
    let Some(database) = Database::new().await else { return };
    let (store, raw) = (database.open().await, database.raw().await);
    CodeStore::keep(&store, code(grant())).await.unwrap();
    TokenStore::keep(&store, token(grant())).await.unwrap();
    VisitStore::keep(&store, visit()).await.unwrap();
    let mut all = String::new();
    for table in ["grants", "codes", "tokens", "visits"] {
        for row in raw.query(&format!("SELECT {table}::text FROM {table}"), &[]).await.unwrap() {
            all.push_str(row.get(0));
        }
    }
    let hex: String = BSN.bytes().map(|byte| format!("{byte:02x}")).collect();
    assert!(all.contains(CLIENT));
    assert!(!all.contains(BSN) && !all.contains(&hex), "bytea prints as hexadecimal");
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_figures() {
    let Some(database) = Database::new().await else { return };
    figures_conformance::a_batch_is_counted_once_and_in_its_place(&database.open().await).await;
    database.remove().await;
    let Some(database) = Database::new().await else { return };
    figures_conformance::pages_have_a_bound_and_miss_nothing(&database.open().await).await;
    database.remove().await;
    let Some(database) = Database::new().await else { return };
    figures_conformance::a_closed_month_keeps_what_is_kept_of_it(&database.open().await).await;
    database.remove().await;
    let Some(database) = Database::new().await else { return };
    figures_conformance::the_zal_is_kept_as_times(&database.open().await).await;
    database.remove().await;
    let Some(database) = Database::new().await else { return };
    figures_conformance::of_several_counters_each_batch_is_counted_once(Arc::new(database.open().await)).await;
    database.remove().await;
}

#[tokio::test]
async fn an_empty_database_gets_the_schema_where_that_is_allowed() {
    let Some(database) = Database::new().await else { return };
    assert!(matches!(database.try_open(1, false).await, Err(PostgresError::Outdated)));
    let (a, b, c) = tokio::join!(database.try_open(1, true), database.try_open(1, true), database.try_open(1, true));
    for opened in [a, b, c] {
        opened.unwrap();
    }
    database.try_open(1, false).await.unwrap();
    assert!(PostgresStore::migrate(database.settings()).await.unwrap().is_empty());
    database.remove().await;
}

#[tokio::test]
async fn an_earlier_schema_waits_for_a_request_to_migrate() {
    let Some(database) = Database::new().await else { return };
    let applied = PostgresStore::migrate(database.settings()).await.unwrap();
    assert!(applied.first().unwrap().contains("codes_grants_visits"), "{applied:?}");
    let forget = "DROP TABLE used_ids, audit_records, audit_batches, audit_logs, stops, go_live, go_live_places,
                      register_revision, register_versions, fold_positions, usage_state, usage_cells, usage_marks,
                      usage_closed, zal_listings, matrix_generation, matrix_logs, matrix_visits,
                      matrix_months, matrix_standings;
                  DROP FUNCTION audit_prepare, audit_drop_before; DELETE FROM refinery_schema_history WHERE version >= 3";
    database.raw().await.batch_execute(forget).await.unwrap();
    assert!(matches!(database.try_open(1, true).await, Err(PostgresError::Outdated)));
    assert_eq!(PostgresStore::migrate(database.settings()).await.unwrap().len(), 7);
    database.open().await;
    database.remove().await;
}

#[tokio::test]
async fn a_later_schema_and_a_foreign_database_are_refused() {
    let Some(database) = Database::new().await else { return };
    database.open().await;
    let later = "INSERT INTO refinery_schema_history SELECT 999, 'later', applied_on, '1' FROM refinery_schema_history \
                 WHERE version = 1";
    database.raw().await.batch_execute(later).await.unwrap();
    assert!(matches!(database.try_open(1, true).await, Err(PostgresError::Unknown)));
    assert!(matches!(PostgresStore::migrate(database.settings()).await, Err(PostgresError::Unknown)));
    database.remove().await;

    let foreign = Database::new().await.unwrap();
    foreign.raw().await.batch_execute("CREATE TABLE elsewhere (x integer)").await.unwrap();
    assert!(matches!(foreign.try_open(1, true).await, Err(PostgresError::Unknown)));
    assert!(matches!(PostgresStore::migrate(foreign.settings()).await, Err(PostgresError::Unknown)));
    foreign.remove().await;
}

#[tokio::test]
async fn a_lock_that_is_held_is_waited_for_in_vain_and_spends_nothing() {
    let Some(database) = Database::new().await else { return };
    let settings = PostgresSettings { statement_timeout: Duration::from_millis(200), ..database.settings() };
    let store = PostgresStore::open(settings, Sealer::new(&Secret::new([1; 32])), true).await.unwrap();
    let code = code(grant());
    CodeStore::keep(&store, code.clone()).await.unwrap();
    let mut raw = database.raw().await;
    let lock = raw.transaction().await.unwrap();
    let held: &[&(dyn ToSql + Sync)] = &[&code.hash.as_slice()];
    lock.execute("SELECT 1 FROM codes WHERE hash = $1 FOR UPDATE", held).await.unwrap();
    assert_eq!(store.present(code.hash, now()).await.err(), Some(StoreError));
    assert_eq!(store.pool.figures().failures.overdue, 1);
    assert_eq!(store.health(), Err(StoreFault::Slow));
    lock.rollback().await.unwrap();
    assert!(matches!(store.present(code.hash, now()).await.unwrap(), Presented::First(_)), "the server undid it");
    assert_eq!(store.health(), Ok(()));
    database.remove().await;
}

#[tokio::test]
async fn no_free_connection_is_a_refusal_soon_after() {
    let Some(database) = Database::new().await else { return };
    let store = database.open().await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(store.pool.connection().await.unwrap());
    }
    assert_eq!(store.find(Handle::draw().hash()).await, Err(StoreError));
    let figures = store.pool.figures();
    assert_eq!((figures.in_use, figures.idle, figures.waits, figures.failures.busy), (4, 0, 1, 1));
    assert_eq!(store.health(), Ok(()), "the server is as well as it was");
    held.pop();
    assert_eq!(store.find(Handle::draw().hash()).await, Ok(None));
    database.remove().await;
}

/// Ends every other connection to the database.
const END_OTHERS: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                          WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[tokio::test]
async fn a_connection_that_the_server_ends_is_an_error_and_the_next_one_works() {
    let Some(database) = Database::new().await else { return };
    let (store, raw) = (database.open().await, database.raw().await);
    for _ in 0..3 {
        raw.query(END_OTHERS, &[]).await.unwrap();
        assert_eq!(store.find(Handle::draw().hash()).await, Ok(None), "it is looked at before it is used");
    }
    database.remove().await;
    assert_eq!(store.find(Handle::draw().hash()).await, Err(StoreError));
    assert!(matches!(store.health(), Err(StoreFault::Unreachable | StoreFault::Unwritable)), "{:?}", store.health());
}

#[tokio::test]
async fn a_server_that_takes_no_changes_is_noticed() {
    let Some(database) = Database::new().await else { return };
    let (store, raw) = (database.open().await, database.raw().await);
    let name = raw.query_one("SELECT current_database()::text", &[]).await.unwrap().get::<_, String>(0);
    raw.batch_execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await.unwrap();
    // A connection that is made from now on is of no use, and there is none from before.
    raw.query(END_OTHERS, &[]).await.unwrap();
    assert_eq!(TokenStore::keep(&store, token(grant())).await, Err(StoreError));
    assert!(store.health().is_err());
    database.remove().await;
}

#[tokio::test]
async fn a_closed_store_answers_with_errors() {
    let Some(database) = Database::new().await else { return };
    let store = database.open().await;
    store.close();
    assert_eq!(TokenStore::keep(&store, token(grant())).await, Err(StoreError));
    assert_eq!(store.find(Handle::draw().hash()).await, Err(StoreError));
    assert_eq!(store.health(), Err(StoreFault::Stopped));
    store.close();
    database.remove().await;
}
