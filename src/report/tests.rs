//! What is counted against what a plain computation over the same records gives, however the logs come in.

mod naive;
mod scene;

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use tokio_util::sync::CancellationToken;

use self::scene::{Event, Scene, day, events, provider};
use super::store::{Closing, NamedByZal};
use super::*;
use crate::audit::{Added, AuditIndex as _, Indexed, Outcome};

fn period(text: &str) -> Period {
    Period::parse(text).unwrap()
}

fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

fn scopes() -> [Scope; 6] {
    ["whole", "practice:a@medmij", "practice:c@medmij", "coalition:x", "supplier:s", "supplier:s/coalition:x"]
        .map(scope)
}

/// Runs what a property needs to wait for.
fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

async fn agrees(scene: &Scene, events: &[Event], periods: &[&str]) {
    for scope in scopes() {
        for period in periods.iter().map(|text| period(text)) {
            let figures = scene.desk.figures(&scope, period).await.unwrap();
            naive::compare(&figures, &scene.register, events, scene.now());
        }
    }
}

const ALL: [&str; 6] = ["2026-01", "2026-02", "2026-03", "2026-Q1", "2026", "2025"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn figures_are_those_of_the_records(
        events in events(),
        cuts in prop::collection::vec((0_usize..2, 1_usize..9), 200),
    ) {
        wait(async {
            let scene = Scene::new("2026-03-31T12:00:00Z").await;
            scene.index(&events).await;
            for (log, most) in cuts {
                scene.count_some(log, most).await;
            }
            scene.round().await;
            agrees(&scene, &events, &ALL).await;
        });
    }

    /// Also of months that are closed, and of quarters that have some of both.
    #[test]
    fn closing_changes_no_figure(events in events(), closed_at in 0_usize..3) {
        wait(async {
            let scene = Scene::new("2026-03-31T12:00:00Z").await;
            scene.index(&events).await;
            scene.round().await;
            let now = ["2026-03-31T12:00:00Z", "2026-04-02T12:00:00Z", "2026-05-01T00:00:00Z"][closed_at];
            scene.is_now(now);
            scene.round().await;
            let closed = scene.ledger.store().usage_state().await.unwrap().closed.map(|month| month.to_string());
            let first = events.iter().any(Event::is_counted);
            let expected = ["2026-02", "2026-02", "2026-03"][closed_at];
            prop_assert!(!first || closed.is_none() || closed.as_deref() == Some(expected), "{:?}", closed);
            agrees(&scene, &events, &ALL).await;
            // Another node reads what is kept, and nothing else.
            agrees(&scene.another_node(), &events, &ALL).await;
            Ok(())
        })?;
    }

    /// Two nodes at once, each ahead of the other now and then.
    #[test]
    fn of_two_nodes_each_batch_is_counted_once(events in events(), turns in prop::collection::vec((0_usize..2, 1_usize..9), 60)) {
        wait(async {
            let scene = Scene::new("2026-03-31T12:00:00Z").await;
            let other = scene.another_node();
            scene.index(&events).await;
            for (log, most) in turns {
                let (one, two) = (scene.read(log, most).await, other.read(log, most + 1).await);
                let added = (scene.fold.add(one.clone()).await.unwrap(), other.fold.add(two).await.unwrap());
                if one.next > one.from {
                    prop_assert_eq!(added, (Added::Done, Added::Raced));
                    prop_assert_eq!(scene.fold.add(one).await.unwrap(), Added::Raced);
                }
            }
            other.round().await;
            agrees(&scene, &events, &ALL).await;
            Ok(())
        })?;
    }
}

/// A node that is killed between what it read and what it wrote leaves nothing behind, and one that wrote is not believed twice.
#[tokio::test]
async fn what_was_not_written_is_counted_again() {
    let scene = Scene::new("2026-03-31T12:00:00Z").await;
    let event = Event { log: 0, ..Event::viewing("a@medmij", 1, "2026-03-02T10:00:00Z") };
    scene.index(std::slice::from_ref(&event)).await;
    let batch = scene.read(0, 100).await;
    scene.store.fail(true);
    scene.fold.add(batch.clone()).await.unwrap_err();
    scene.store.fail(false);
    assert_eq!(scene.fold.add(batch.clone()).await, Ok(Added::Done));
    assert_eq!(scene.fold.add(batch).await, Ok(Added::Raced));
    agrees(&scene, &[event], &ALL).await;
}

#[tokio::test]
async fn what_comes_after_its_month_was_closed_is_no_viewer() {
    let scene = Scene::new("2026-03-05T12:00:00Z").await;
    let early = Event { log: 0, ..Event::viewing("a@medmij", 1, "2026-02-02T10:00:00Z") };
    scene.index(&[early]).await;
    scene.round().await;
    let late = Event { log: 1, ..Event::viewing("a@medmij", 2, "2026-02-03T10:00:00Z") };
    scene.index(&[late]).await;
    scene.round().await;
    let figures = scene.desk.figures(&scope("whole"), period("2026-02")).await.unwrap();
    assert_eq!(figures.viewers, Distinct::exact(1));
    assert_eq!(
        figures.all_requests(),
        Requests { succeeded: 2, failed: 0, aborted: 0 },
        "requests are counted all the same"
    );
    scene.ledger.store().drop_counted().await.unwrap();
    scene.round().await;
    let figures = scene.desk.figures(&scope("whole"), period("2026-02")).await.unwrap();
    assert_eq!(figures.viewers, Distinct::exact(2), "counted anew it is in time");
}

#[tokio::test]
async fn a_month_is_closed_only_from_the_facts_of_its_revision() {
    let scene = Scene::new("2026-03-05T12:00:00Z").await;
    let state = scene.ledger.store().usage_state().await.unwrap();
    let month = Month::new(2026, 1).unwrap();
    let closing = Closing { revision: state.revision + 1, month, rows: Vec::new() };
    assert_eq!(scene.ledger.store().close_month(closing).await, Ok(Added::Raced));
}

#[tokio::test]
async fn the_zal_is_remembered() {
    let scene = Scene::new("2026-03-31T12:00:00Z").await;
    let named = |at: &str, number: u64, names: &[&str]| NamedByZal {
        at: at.parse().unwrap(),
        number,
        providers: names.iter().map(|name| provider(name)).collect(),
    };
    let lists = [
        ("2026-01-10T10:00:00Z", 1, ["a@medmij", "c@medmij"].as_slice(), true),
        ("2026-02-28T23:30:00Z", 2, &["a@medmij", "b@medmij"], true),
        ("2026-03-01T10:00:00Z", 1, &[], false),
        ("2026-03-05T10:00:00Z", 3, &["a@medmij", "b@medmij", "c@medmij"], true),
    ];
    for (at, number, names, taken) in lists {
        assert_eq!(scene.ledger.store().zal_named(named(at, number, names)).await, Ok(taken));
    }
    let on_zal = async |scope: &Scope, text: &str| scene.desk.figures(scope, period(text)).await.unwrap();
    let counts = [("2025", 0), ("2026-01", 2), ("2026-02", 2), ("2026-03", 3), ("2026", 3)];
    for (text, count) in counts {
        let figures = on_zal(&scope("whole"), text).await;
        assert_eq!((figures.on_zal, figures.practices), (count, 3), "{text}");
    }
    for (name, since) in [("a", "2026-01-10"), ("b", "2026-03-01"), ("c", "2026-03-05")] {
        let figures = on_zal(&scope(&format!("practice:{name}@medmij")), "2026-03").await;
        assert_eq!(figures.on_zal_since, Some(day(since)), "{name}");
    }
    assert_eq!(on_zal(&scope("practice:c@medmij"), "2026-02").await.on_zal_since, Some(day("2026-01-10")));
}

#[tokio::test]
async fn an_unknown_scope_has_no_figures() {
    let scene = Scene::new("2026-03-31T12:00:00Z").await;
    for text in ["practice:nobody@medmij", "coalition:nobody", "supplier:nobody", "supplier:s/coalition:nobody"] {
        assert_eq!(scene.desk.figures(&scope(text), period("2026")).await, Err(ReportError::Unknown), "{text}");
    }
    let parts = scene.desk.parts(&scope("whole"), period("2026"), Parts::Practices).await.unwrap();
    let names: Vec<_> = parts.iter().map(|figures| figures.scope.to_string()).collect();
    assert_eq!(names, ["practice:a@medmij", "practice:b@medmij", "practice:c@medmij"]);
    let parts = scene.desk.parts(&scope("supplier:s"), period("2026"), Parts::Coalitions).await.unwrap();
    assert_eq!(parts[0].scope, scope("supplier:s/coalition:x"));
}

/// A record of a later release is left for a node that reads it; one of no release is passed over.
#[tokio::test]
async fn a_later_release_counts_its_own_records() {
    let scene = Scene::new("2026-03-31T12:00:00Z").await;
    let stop = CancellationToken::new();
    let viewing = scene.payloads(&[Event::viewing("a@medmij", 1, "2026-03-02T10:00:00Z")]);
    scene.index_payloads(0, &[viewing[0].clone(), b"garbage".to_vec(), viewing[1].clone()]).await;
    let later = br#"{"v":900,"time":"2026-03-02T12:00:01Z","kind":"teleported"}"#.to_vec();
    scene.index_payloads(0, &[later, viewing[0].clone()]).await;
    assert_eq!(scene.counter().round(&stop).await, Err(CountFault::LaterRelease));
    let counts = scene.progress.counts();
    assert_eq!((counts.records, counts.unreadable), (2, 1));
    assert_eq!(scene.fold.counted(scene::LOGS[0].into()).await, Ok(3));
    assert_eq!(scene.progress.counted_until(), None);
}

#[tokio::test]
async fn an_index_that_is_away_is_told_and_tried_again() {
    let scene = Scene::new("2026-03-31T12:00:00Z").await;
    let stop = CancellationToken::new();
    scene.index(&[Event::viewing("a@medmij", 1, "2026-03-02T10:00:00Z")]).await;
    scene.audit.fail(true);
    assert_eq!(scene.counter().round(&stop).await, Err(CountFault::Index));
    assert_eq!(scene.progress.health(), Err(CountFault::Index));
    scene.audit.fail(false);
    scene.store.fail(true);
    assert_eq!(scene.counter().round(&stop).await, Err(CountFault::Store));
    scene.store.fail(false);
    assert_eq!(scene.counter().round(&stop).await, Ok(()));
    assert_eq!((scene.progress.health(), scene.progress.counted_until()), (Ok(()), Some(scene.now())));
    let found: Vec<Indexed> = scene.audit.records(scene::LOGS[0].into(), 0, 10).await.unwrap();
    assert_eq!(scene.progress.counts().records, found.len() as u64);
}

#[test]
fn an_outcome_of_a_later_release_is_a_failure() {
    let endings: BTreeSet<_> = [Outcome::Refused, Outcome::Failed].map(|one| Ending::of(one.as_str())).into();
    assert_eq!((endings, Ending::of("teleported")), (BTreeSet::from([Ending::Failed]), Ending::Failed));
    assert_eq!((Ending::of("done"), Ending::of("aborted")), (Ending::Succeeded, Ending::Aborted));
}

#[tokio::test]
async fn a_ledger_reads_what_changed_only() {
    let scene = Scene::new("2026-03-31T12:00:00Z").await;
    scene.index(&[Event::viewing("a@medmij", 1, "2026-03-02T10:00:00Z")]).await;
    scene.round().await;
    let other = Ledger::new(Arc::clone(&scene.store) as _);
    assert_eq!(other.refresh().await, Ok(true));
    assert_eq!(other.state(), scene.ledger.store().usage_state().await.unwrap());
    scene.store.fail(true);
    assert_eq!(other.refresh().await, Err(ReportError::Store));
}
