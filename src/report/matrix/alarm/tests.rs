//! When an alarm begins and ends, by the newest attempts alone.

use super::*;
use crate::report::matrix::standing::Standing;
use crate::report::matrix::standing::tests::attempt;
use jiff::SignedDuration;
use proptest::prelude::*;

/// A step that was taken at second 0, and then tried each second: `x` failed, `.` succeeded. Each is a visit.
fn tried(line: &str) -> Standing {
    let mut standing = Standing::default();
    standing.add(&attempt("token", 0, 1, None));
    for (second, one) in (1..).zip(line.chars()) {
        let visit = u32::try_from(second).unwrap();
        standing.add(&attempt("token", second, visit, (one == 'x').then_some("invalid_grant")));
    }
    standing
}

#[test]
fn five_failures_in_a_row_of_two_visits_are_suspect() {
    assert_eq!(suspect(&tried("....xxxx")), None);
    assert_eq!(suspect(&tried(".x.xxx.xxxx")), None);
    let found = suspect(&tried("..xxxxx")).unwrap();
    let at = |second| attempt("token", second, 1, None).at;
    assert_eq!((found.alarm.since, found.alarm.raised, found.worked), (at(3), at(7), at(2)));
    assert_eq!((found.alarm.step.as_str(), found.alarm.code.as_str()), ("token", "invalid_grant"));
    let mut one = tried("");
    (1..9).for_each(|second| one.add(&attempt("token", second, 9, Some("invalid_grant"))));
    assert_eq!(suspect(&one), None, "all of one visit");
}

#[test]
fn what_never_worked_or_long_ago_did_not_stop_working() {
    let mut never = Standing::default();
    (1..9)
        .for_each(|second| never.add(&attempt("token", second, u32::try_from(second).unwrap(), Some("invalid_grant"))));
    assert_eq!(suspect(&never), None);
    let week = i64::try_from(WEEK.as_secs()).unwrap();
    let mut late = tried("");
    (1..9).for_each(|n| late.add(&attempt("token", week + n, u32::try_from(n).unwrap(), Some("invalid_grant"))));
    assert_eq!(suspect(&late), None);
}

#[test]
fn the_first_step_that_stopped_is_told() {
    let mut standing = tried("xxxxx");
    standing.add(&attempt("login", 0, 1, None));
    (1..6).for_each(|second| {
        standing.add(&attempt("login", second, u32::try_from(second).unwrap(), Some("login-failed")));
    });
    assert_eq!(suspect(&standing).unwrap().alarm.step, "login");
}

#[test]
fn an_alarm_ends_after_three_successes_or_a_week_without_any_attempt() {
    let raised = |line: &str| {
        let mut standing = tried(line);
        standing.alarm = Some(suspect(&tried("xxxxx")).unwrap().alarm);
        standing
    };
    let now = attempt("token", 60, 1, None).at;
    assert_eq!(end(&tried("..."), now), None);
    assert_eq!(end(&raised("xxxxx.."), now), None);
    assert_eq!(end(&raised("xxxxx..x."), now), None);
    assert!(matches!(end(&raised("xxxxx..."), now), Some(End::Works(_))));
    let later = now + SignedDuration::try_from(WEEK).unwrap();
    assert!(matches!(end(&raised("xxxxx"), later), Some(End::Untried(_))));
}

proptest! {
    /// Whatever happens, an alarm is not raised and ended by the same attempts.
    #[test]
    fn what_is_suspect_has_not_ended(line in "[x.]{0,20}") {
        let mut standing = tried(&line);
        if let Some(found) = suspect(&standing) {
            standing.alarm = Some(found.alarm.clone());
            prop_assert_eq!(end(&standing, found.alarm.raised), None);
            prop_assert!(found.alarm.since <= found.alarm.raised && found.worked < found.alarm.since);
        }
    }
}
