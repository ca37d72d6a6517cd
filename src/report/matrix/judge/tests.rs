//! The rule of the verdict, on counts alone.

use super::*;
use crate::report::matrix::step::Ending;
use crate::report::matrix::visit::Mark;
use proptest::prelude::*;

/// Steps of so many successes and failures, of several visits.
fn tally(steps: &[(&str, u64, u64)]) -> Tally {
    let mut tally = Tally::default();
    for (step, succeeded, failed) in steps {
        let step = Step::parse(step).unwrap();
        tally.add(&step, &Ending::Succeeded, *succeeded);
        tally.add(&step, &Ending::failed(Some("his-timeout")), *failed);
        tally.visited(&step, Visits::Several);
    }
    tally
}

fn named(tally: &Tally) -> Option<String> {
    match judge(tally) {
        Verdict::Fails(failing) => Some(failing.step.to_string()),
        Verdict::Works { .. } | Verdict::TooFew { .. } => None,
    }
}

#[test]
fn the_first_step_that_fails_is_named_and_no_other() {
    let all = tally(&[("found", 40, 0), ("login", 0, 40), ("token", 0, 9), ("request Flag", 0, 9)]);
    assert_eq!(named(&all).as_deref(), Some("login"));
    let late = tally(&[("found", 40, 1), ("token", 38, 1), ("request Flag", 1, 30), ("complete", 0, 30)]);
    let Verdict::Fails(failing) = judge(&late) else { panic!("it fails") };
    assert_eq!((failing.step.to_string().as_str(), failing.code.as_str()), ("request Flag", "his-timeout"));
    assert_eq!((failing.judged, failing.failed), (31, 30));
    assert!(failing.at_least > 0.8);
}

#[test]
fn five_of_five_is_enough_and_four_of_four_is_not() {
    assert_eq!(named(&tally(&[("token", 0, 5)])).as_deref(), Some("token"));
    assert_eq!(judge(&tally(&[("token", 0, 4)])), Verdict::TooFew { attempts: 0 });
    assert_eq!(judge(&tally(&[("request Flag", 5, 0)])), Verdict::Works { answered: 5 });
    assert_eq!(judge(&tally(&[("request Flag", 4, 0)])), Verdict::TooFew { attempts: 4 });
}

#[test]
fn one_visit_says_nothing_however_often_it_tries() {
    let mut one = Tally::default();
    one.add(&Step::Token, &Ending::failed(Some("invalid_grant")), 500);
    one.visited(&Step::Token, Visits::One(Mark(7)));
    assert_eq!(judge(&one), Verdict::TooFew { attempts: 0 });
    one.visited(&Step::Token, Visits::One(Mark(8)));
    assert_eq!(named(&one).as_deref(), Some("token"));
}

#[test]
fn what_persons_end_and_others_break_off_is_no_failure() {
    let mut tally = tally(&[("consent", 5, 0), ("request Flag", 6, 0)]);
    tally.add(&Step::Consent, &Ending::Ended, 1_000);
    tally.add(&Step::request("Flag"), &Ending::Aborted, 1_000);
    assert_eq!(judge(&tally), Verdict::Works { answered: 6 });
}

/// Bounds of the literature: 5 of 5, 10 of 10, 8 of 10, 50 of 100 (Newcombe 1998, method 3).
#[test]
fn the_interval_is_that_of_wilson() {
    for (failed, judged, lower) in [(5, 5, 0.5655), (10, 10, 0.7225), (8, 10, 0.4902), (50, 100, 0.4038), (0, 9, 0.0)] {
        assert!((lower_bound(failed, judged) - lower).abs() < 5e-5, "{failed} of {judged}");
    }
    assert!(lower_bound(0, 0).abs() < f64::EPSILON);
}

proptest! {
    /// Whatever fails more is no better: a verdict of failure stays when one more fails.
    #[test]
    fn more_failures_never_make_it_work(succeeded in 0..2_000_u64, failed in 0..2_000_u64) {
        let before = tally(&[("token", succeeded, failed)]);
        let after = tally(&[("token", succeeded, failed + 1)]);
        prop_assert!(named(&before).is_none() || named(&after).is_some());
        prop_assert!(lower_bound(failed + 1, succeeded + failed + 1) >= lower_bound(failed, succeeded + failed));
    }

    /// A step at which no more than half fail is never named, and one at which nearly all of many do always is.
    #[test]
    fn half_is_not_named_and_nearly_all_is(succeeded in 0..5_000_u64, failed in 0..5_000_u64) {
        let named = named(&tally(&[("token", succeeded, failed)])).is_some();
        prop_assert!(!named || (failed > succeeded && succeeded + failed >= ATTEMPTS_MIN));
        prop_assert!(named || succeeded + failed < 20 || failed * 10 < (succeeded + failed) * 9);
    }

    /// Noise of 2 to 5 % of all requests: the failures of a step are drawn from it, and none is named.
    #[test]
    fn noise_is_not_named(draws in proptest::collection::vec(0..1_000_u32, 12..400), share in 20..50_u32) {
        let failed = draws.iter().filter(|draw| **draw < share).count() as u64;
        let succeeded = draws.len() as u64 - failed;
        let steps = [("found", succeeded, failed), ("request Flag", succeeded, failed), ("complete", succeeded, failed)];
        prop_assert_eq!(named(&tally(&steps)), None);
    }

    /// Adding what persons ended changes no verdict.
    #[test]
    fn endings_of_persons_change_nothing(succeeded in 0..50_u64, failed in 0..50_u64, ended in 0..10_000_u64) {
        let plain = tally(&[("login", succeeded, failed), ("request Flag", succeeded, failed)]);
        let mut with = plain.clone();
        with.add(&Step::Login, &Ending::Ended, ended);
        with.add(&Step::request("Flag"), &Ending::Aborted, ended);
        prop_assert_eq!(judge(&plain), judge(&with));
    }
}
