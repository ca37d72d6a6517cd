//! What stays of the attempts at a step.

use super::*;
use crate::medmij::{Hostname, ServiceId};
use crate::report::matrix::combination::{Combination, Place};
use proptest::prelude::*;

pub(crate) fn attempt(step: &str, second: i64, visit: u32, code: Option<&str>) -> Attempt {
    Attempt {
        combination: Combination {
            place: Place::new("his-a", Some("3.1")),
            client: Hostname::parse("pgo.example.nl").unwrap(),
            service: ServiceId::parse("49").unwrap(),
        },
        step: Step::parse(step).unwrap(),
        ending: code.map_or(Ending::Succeeded, |code| Ending::failed(Some(code))),
        at: Timestamp::from_second(1_800_000_000 + second).unwrap(),
        visit: Mark(visit),
        sample: format!("{second}-{visit}").into(),
    }
}

fn of(attempts: &[Attempt]) -> Standing {
    let mut standing = Standing::default();
    attempts.iter().for_each(|attempt| standing.add(attempt));
    standing
}

#[test]
fn the_newest_failures_and_the_first_and_last_of_each_are_kept() {
    let mut attempts: Vec<_> = (0..9).map(|second| attempt("token", second, 1, Some("invalid_grant"))).collect();
    attempts.push(attempt("token", 20, 2, None));
    attempts.push(Attempt { ending: Ending::Ended, ..attempt("token", 30, 3, None) });
    let standing = of(&attempts);
    let token = standing.step(&Step::Token).unwrap();
    assert_eq!(
        token.samples.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(),
        ["8-1", "7-1", "6-1", "5-1", "4-1"]
    );
    assert_eq!((token.newest.len(), token.newest[0].code.as_ref()), (NEWEST_MAX, None));
    assert_eq!(token.failed.unwrap().first, attempts[0].at);
    assert_eq!(token.failed.unwrap().last, attempts[8].at);
    assert_eq!((standing.last(), standing.first()), (Some(attempts[9].at), Some(attempts[0].at)));
}

proptest! {
    #[test]
    fn the_order_in_which_attempts_come_is_of_no_account(
        tried in proptest::collection::vec((0..40_i64, 1..4_u32, proptest::bool::ANY), 0..40),
    ) {
        let one = |(second, visit, failed): &(i64, u32, bool)| {
            attempt("token", *second, *visit, failed.then_some("invalid_grant"))
        };
        let attempts: Vec<_> = tried.iter().map(one).collect();
        let turned: Vec<_> = attempts.iter().rev().cloned().collect();
        let standing = of(&attempts);
        prop_assert_eq!(&standing.write(), &of(&turned).write());
        prop_assert_eq!(Standing::read(&standing.write()), Some(standing));
    }

    #[test]
    fn garbage_is_read_or_not(body: Vec<u8>) {
        let _ = Standing::read(&body);
    }
}
