//! Windows of days over what was counted.

use super::*;
use crate::report::matrix::count::tests::{Log, counted, day};
use crate::report::matrix::memory::MemoryMatrix;
use crate::services::Catalogue;
use jiff::SignedDuration;
use jiff::civil::date;

#[test]
fn a_window_ends_today() {
    let today = date(2026, 5, 3);
    let days: Vec<_> = Window::ALL.iter().map(|window| window.days(today).0).collect();
    assert_eq!(days, [today, date(2026, 4, 27), date(2026, 4, 4), date(2026, 4, 1)]);
    assert!(Window::ALL.iter().all(|window| Window::find(window.as_str()) == Some(*window)));
    assert_eq!(Window::Quarter.days(date(2026, 12, 31)).0, date(2026, 10, 1));
}

#[tokio::test]
async fn a_window_shows_what_was_tried_in_it() {
    let (store, mut log) = (MemoryMatrix::default(), Log::new("a"));
    for (visit, back) in [(1, 0), (2, 6), (3, 7), (4, 29), (5, 31)] {
        log.visit(visit, day(-back), None);
    }
    counted(&store, &log, log.records.len(), Timestamp::UNIX_EPOCH).await;
    let found = async |window| {
        let board = board(&store, window, day(0) + SignedDuration::from_hours(1)).await.unwrap();
        board.rows.iter().map(|row| row.tally.steps[&Step::Found].succeeded).sum::<u64>()
    };
    assert_eq!((found(Window::Today).await, found(Window::Week).await, found(Window::Month).await), (1, 2, 4));
}

#[tokio::test]
async fn steps_stand_in_the_order_of_the_catalogue() {
    let (store, mut log) = (MemoryMatrix::default(), Log::new("a"));
    log.visit(1, day(0), None);
    counted(&store, &log, log.records.len(), day(1)).await;
    let mut row = board(&store, Window::Month, day(1)).await.unwrap().rows.remove(0);
    for pattern in ["Encounter", "Patient", "Gone"] {
        row.tally.add(&Step::request(pattern), &crate::report::matrix::step::Ending::Succeeded, 1);
    }
    let catalogue = Catalogue::shipped();
    let steps: Vec<_> = in_order(&row, catalogue.service("49")).iter().map(ToString::to_string).collect();
    let walk = ["found", "login", "availability", "consent", "token", "admission"];
    assert_eq!(&steps[..6], walk);
    assert_eq!(
        &steps[6..],
        ["request Patient", "request EpisodeOfCare", "request Encounter", "request Gone", "complete"]
    );
}

#[test]
fn alarms_are_counted_by_who_must_act() {
    let alarmed = |code: &str| {
        let alarm = Raised { step: "token".into(), code: code.into(), since: day(0), raised: day(0) };
        Standing { alarm: Some(alarm), ..Standing::default() }
    };
    let standings = [alarmed("his-timeout"), alarmed("his-nonsense"), alarmed("invalid_client"), Standing::default()];
    let counts = alarms_by_who(standings.iter());
    assert_eq!((counts["his"], counts["pgo"], counts["us"], counts.len()), (2, 1, 0, 5));
}
