//! The embedded store against the conformance tests, and what only a file can get wrong.

use std::sync::Arc;

use rusqlite::{Connection, params};

use super::super::cache::CachedTokens;
use super::super::conformance::{self, BSN, CLIENT, Scratch, code, grant, lasting, now, refresh, token, visit};
use super::super::{
    figures_conformance, golive_conformance, matrix_conformance, register_conformance, stops_conformance,
};
use super::*;
use crate::operations::StopStore as _;
use crate::secret::{Handle, Secret};

fn sealer(byte: u8) -> Sealer {
    Sealer::new(&Secret::new([byte; 32]))
}

fn open(scratch: &Scratch) -> SqliteStore {
    SqliteStore::open(&scratch.path("db"), sealer(1)).unwrap()
}

fn raw(scratch: &Scratch) -> Connection {
    Connection::open(scratch.path("db")).unwrap()
}

#[tokio::test]
async fn it_is_a_code_store() {
    let scratch = Scratch::new();
    let store = open(&scratch);
    conformance::a_code_is_spent_by_its_first_presentation(&store).await;
    conformance::an_unknown_code_is_unknown(&store).await;
    conformance::a_code_is_kept_once(&store).await;
    conformance::an_expired_code_is_spent_too(&store).await;
    conformance::a_code_of_an_ended_grant_is_spent(&store, &store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn races_have_one_winner() {
    let scratch = Scratch::new();
    let store = Arc::new(open(&scratch));
    conformance::of_a_hundred_presentations_one_is_first(store.clone()).await;
    conformance::of_a_hundred_turns_one_is_done(store.clone()).await;
    conformance::of_twenty_takers_one_gets_the_visit(store.clone()).await;
    conformance::of_a_hundred_uses_one_is_first(store).await;
}

#[tokio::test]
async fn it_is_a_replay_store() {
    let scratch = Scratch::new();
    conformance::an_id_is_used_once(&open(&scratch)).await;
    conformance::a_used_id_outlives_its_assertion(&open(&scratch)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_stop_the_same_one_is_first() {
    let scratch = Scratch::new();
    let store = Arc::new(open(&scratch));
    stops_conformance::of_twenty_who_stop_the_same_one_is_first(store.clone()).await;
}

#[tokio::test]
async fn it_forgets_what_operators_lifted_long_ago() {
    let scratch = Scratch::new();
    stops_conformance::a_lifted_stop_goes_after_a_year_and_one_in_force_never(&open(&scratch)).await;
}

#[tokio::test]
async fn it_keeps_what_operators_stop() {
    let scratch = Scratch::new();
    stops_conformance::a_target_is_stopped_once_and_goes_on_once(&open(&scratch)).await;
    let targets = open(&scratch).in_force().await.unwrap().into_iter().map(|stop| stop.target.to_string());
    assert_eq!(targets.collect::<Vec<_>>(), ["practice:huisarts.waterkant@medmij", "everything"], "a restart keeps it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_a_register() {
    let scratch = [(); 4].map(|()| Scratch::new());
    register_conformance::a_change_is_kept_whole_and_once(&open(&scratch[0])).await;
    register_conformance::half_a_change_is_no_change(&open(&scratch[1])).await;
    register_conformance::of_twenty_changes_from_one_revision_one_is_kept(Arc::new(open(&scratch[2]))).await;
    register_conformance::editors_at_once_lose_nothing(Arc::new(open(&scratch[3]))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_figures() {
    for memory in [true, false] {
        let scratch = [(); 5].map(|()| Scratch::new());
        let store = |at: usize| -> Arc<dyn crate::report::FigureStore> {
            if memory { Arc::<crate::report::MemoryFigures>::default() } else { Arc::new(open(&scratch[at])) }
        };
        figures_conformance::a_batch_is_counted_once_and_in_its_place(&*store(0)).await;
        figures_conformance::pages_have_a_bound_and_miss_nothing(&*store(1)).await;
        figures_conformance::a_closed_month_keeps_what_is_kept_of_it(&*store(2)).await;
        figures_conformance::the_zal_is_kept_as_times(&*store(3)).await;
        figures_conformance::of_several_counters_each_batch_is_counted_once(store(4)).await;
    }
}

#[tokio::test]
async fn it_keeps_a_matrix() {
    let scratch = [(); 4].map(|()| Scratch::new());
    matrix_conformance::what_is_kept_is_held(&open(&scratch[0])).await;
    matrix_conformance::a_change_from_an_old_generation_is_none(&open(&scratch[1])).await;
    matrix_conformance::what_is_old_goes(&open(&scratch[2])).await;
    matrix_conformance::of_twenty_who_count_the_same_one_is_first(Arc::new(open(&scratch[3]))).await;
}

#[tokio::test]
async fn it_keeps_stages_and_places() {
    let scratch = Scratch::new();
    golive_conformance::the_newest_change_of_each_entrance_is_in_force(&open(&scratch)).await;
    golive_conformance::a_place_is_taken_once_and_given_back(&open(&scratch)).await;
}

#[tokio::test]
async fn of_many_who_want_the_same_place_one_gets_it() {
    let scratch = Scratch::new();
    let store = Arc::new(open(&scratch));
    golive_conformance::of_twenty_editors_who_saw_the_same_one_is_first(store.clone()).await;
    golive_conformance::of_forty_people_at_once_as_many_get_in_as_there_are_places(store).await;
}

#[tokio::test]
async fn it_is_a_token_store() {
    let scratch = Scratch::new();
    let store = Arc::new(open(&scratch));
    conformance::a_token_is_found_until_its_grant_ends(&*store, &*store).await;
    conformance::a_grant_ended_before_its_token_gives_none(&*store, &*store, &*store).await;
    conformance::a_redeemed_grant_names_its_node(&*store, &*store).await;
    let cached =
        CachedTokens::new(store.clone(), store.clone(), Default::default(), crate::clock::TestClock::at(now()));
    conformance::a_token_is_found_until_its_grant_ends(&cached, &cached).await;
    conformance::a_grant_ended_before_its_token_gives_none(&*store, &cached, &cached).await;
}

#[tokio::test]
async fn it_is_a_refresh_store() {
    let scratch = Scratch::new();
    let store = open(&scratch);
    conformance::a_refresh_token_turns_into_the_next(&store, &store).await;
    conformance::a_grant_has_one_family(&store).await;
    conformance::an_ended_grant_has_no_family(&store, &store).await;
    conformance::a_person_finds_their_lasting_grants(&store, &store).await;
}

#[tokio::test]
async fn a_person_is_found_under_a_key_that_was_replaced() {
    let scratch = Scratch::new();
    let first = refresh(lasting());
    RefreshStore::keep(&open(&scratch), first.clone()).await.unwrap();
    let both = Sealer::new(&Secret::new([2; 32])).also_opening(&Secret::new([1; 32]));
    let rotated = SqliteStore::open(&scratch.path("db"), both).unwrap();
    let second = refresh(lasting());
    RefreshStore::keep(&rotated, second.clone()).await.unwrap();
    let found = rotated.lasting_of(&first.grant.subject, now()).await.unwrap();
    let mut ids: Vec<_> = found.iter().map(|one| one.grant.id).collect();
    ids.sort_by_key(|id| *id != first.grant.id);
    assert_eq!(ids, [first.grant.id, second.grant.id]);
}

#[tokio::test]
async fn it_is_a_visit_store() {
    let scratch = Scratch::new();
    let store = open(&scratch);
    conformance::a_visit_is_taken_once(&store).await;
    conformance::a_visit_is_looked_at_without_being_taken(&store).await;
    conformance::wrong_keys_leave_a_visit_in_place(&store).await;
    conformance::a_visit_ends_at_its_time(&store).await;
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let scratch = Scratch::new();
    let (spent, fresh, live, ended, open_visit) =
        (code(grant()), code(grant()), token(grant()), token(grant()), visit());
    let (id, cookie, form) = (open_visit.id, open_visit.cookie, open_visit.form);
    let before = open(&scratch);
    CodeStore::keep(&before, spent.clone()).await.unwrap();
    CodeStore::keep(&before, fresh.clone()).await.unwrap();
    before.present(spent.hash, now()).await.unwrap();
    TokenStore::keep(&before, live.clone()).await.unwrap();
    TokenStore::keep(&before, ended.clone()).await.unwrap();
    before.end(ended.grant.id, now()).await.unwrap();
    VisitStore::keep(&before, open_visit).await.unwrap();
    drop(before);

    let after = open(&scratch);
    assert!(matches!(after.present(spent.hash, now()).await.unwrap(), Presented::Again { .. }));
    assert!(matches!(after.present(fresh.hash, now()).await.unwrap(), Presented::First(found) if *found == fresh));
    assert_eq!(after.find(live.hash).await, Ok(Some(live)));
    assert_eq!(after.find(ended.hash).await, Ok(None));
    assert!(after.take(id, cookie, form, now()).await.unwrap().is_some());
}

#[tokio::test]
async fn rows_of_another_key_are_errors() {
    let scratch = Scratch::new();
    let (code, token, visit) = (code(grant()), token(grant()), visit());
    let (id, cookie, form) = (visit.id, visit.cookie, visit.form);
    let before = open(&scratch);
    CodeStore::keep(&before, code.clone()).await.unwrap();
    TokenStore::keep(&before, token.clone()).await.unwrap();
    VisitStore::keep(&before, visit).await.unwrap();
    drop(before);

    let other = SqliteStore::open(&scratch.path("db"), sealer(2)).unwrap();
    assert_eq!(other.find(token.hash).await, Err(StoreError));
    assert_eq!(other.present(code.hash, now()).await.err(), Some(StoreError));
    assert!(matches!(other.present(code.hash, now()).await.unwrap(), Presented::Again { .. }), "it counts as spent");
    assert_eq!(other.take(id, cookie, form, now()).await.err(), Some(StoreError));
    drop(other);

    let both = Sealer::new(&Secret::new([2; 32])).also_opening(&Secret::new([1; 32]));
    let rotated = SqliteStore::open(&scratch.path("db"), both).unwrap();
    assert_eq!(rotated.find(token.hash).await, Ok(Some(token)));
}

#[tokio::test]
async fn a_subject_moved_to_another_grant_does_not_open() {
    let scratch = Scratch::new();
    let store = open(&scratch);
    let (mine, theirs) = (token(grant()), token(grant()));
    TokenStore::keep(&store, mine.clone()).await.unwrap();
    TokenStore::keep(&store, theirs.clone()).await.unwrap();
    let sql = "UPDATE grants SET subject_sealed = (SELECT subject_sealed FROM grants WHERE id = ?1) WHERE id = ?2";
    let moved = params![theirs.grant.id.to_string(), mine.grant.id.to_string()];
    assert_eq!(raw(&scratch).execute(sql, moved).unwrap(), 1);
    assert_eq!(store.find(mine.hash).await, Err(StoreError));
    assert_eq!(store.find(theirs.hash).await, Ok(Some(theirs)));
}

#[tokio::test]
async fn damaged_columns_are_errors() {
    let scratch = Scratch::new();
    let store = open(&scratch);
    for change in [
        "client = 'Nergens'",
        "provider = 'x'",
        "services = '4/9'",
        "correlation = '?'",
        "request = '?'",
        "node = '?'",
        "consented = -9e17",
    ] {
        let token = token(lasting());
        TokenStore::keep(&store, token.clone()).await.unwrap();
        let sql = format!("UPDATE grants SET {change} WHERE id = ?1");
        assert_eq!(raw(&scratch).execute(&sql, [token.grant.id.to_string()]).unwrap(), 1, "{change}");
        assert_eq!(store.find(token.hash).await, Err(StoreError), "{change}");
    }
}

#[tokio::test]
async fn no_file_holds_a_citizen_service_number() {
    let scratch = Scratch::new();
    let store = open(&scratch);
    CodeStore::keep(&store, code(grant())).await.unwrap();
    RefreshStore::keep(&store, refresh(lasting())).await.unwrap();
    VisitStore::keep(&store, visit()).await.unwrap();
    let holds = |text: &str| {
        let mut files = 0;
        let found = ["db", "db-wal"].iter().any(|name| {
            let bytes = std::fs::read(scratch.path(name)).unwrap_or_default();
            files += usize::from(!bytes.is_empty());
            memchr::memmem::find(&bytes, text.as_bytes()).is_some()
        });
        (found, files)
    };
    assert!(holds(CLIENT).0, "the search finds what is in clear");
    assert_eq!(holds(BSN), (false, 2));
    store.close();
    assert!(holds(CLIENT).0);
    assert!(!holds(BSN).0);
}

#[tokio::test]
async fn a_sweep_takes_what_is_over_and_nothing_else() {
    let scratch = Scratch::new();
    conformance::a_sweep_takes_what_is_over_and_nothing_else(&open(&scratch)).await;
}

#[tokio::test]
async fn a_lasting_grant_lives_while_its_family_does() {
    let scratch = Scratch::new();
    conformance::a_lasting_grant_lives_while_its_family_does(&open(&scratch)).await;
    conformance::an_ended_lasting_grant_is_swept(&open(&scratch)).await;
}

#[tokio::test]
async fn an_old_grant_stays_while_something_stands_for_it() {
    let scratch = Scratch::new();
    conformance::an_old_grant_stays_while_something_stands_for_it(&open(&scratch)).await;
}

#[tokio::test]
async fn a_sweep_of_many_rows_goes_on_until_all_are_gone() {
    let scratch = Scratch::new();
    let store = open(&scratch);
    let rows = Swept::STEP * 2 + 1;
    let mut connection = raw(&scratch);
    let transaction = connection.transaction().unwrap();
    for _ in 0..rows {
        let keys = params![LocalId::new(now()).to_string(), Handle::draw().hash()];
        transaction.execute("INSERT INTO visits VALUES (?1, ?2, ?2, 0, x'00')", keys).unwrap();
    }
    transaction.commit().unwrap();
    assert_eq!(store.sweep(now()).await, Ok(Swept { visits: rows, ..Swept::default() }));
}

#[tokio::test]
async fn a_closed_store_answers_with_errors() {
    let scratch = Scratch::new();
    let store = open(&scratch);
    let pending = TokenStore::keep(&store, token(grant()));
    store.close();
    assert_eq!(pending.await, Ok(()), "what was waiting is done");
    assert_eq!(TokenStore::keep(&store, token(grant())).await, Err(StoreError));
    assert_eq!(store.find(Handle::draw().hash()).await, Err(StoreError));
    store.close();
}
