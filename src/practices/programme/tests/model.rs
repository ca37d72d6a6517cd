//! The rules of membership and size once more, day by day, against the function that reckons with periods.

use std::collections::BTreeSet;

use jiff::civil::date;
use proptest::prelude::*;

use super::scene::*;
use crate::practices::programme::*;

const DAYS: i16 = 12;
const COALITIONS: [&str; 3] = ["alfa", "beta", "gamma"];

fn nth(day: i16) -> Day {
    Day::of(date(2020, 1, 1).saturating_add(jiff::Span::new().days(i64::from(day)))).unwrap()
}

fn some_day() -> impl Strategy<Value = Day> {
    (0..DAYS).prop_map(nth)
}

fn some_proof() -> impl Strategy<Value = Option<Proof>> {
    proptest::option::of(some_day().prop_map(|on| Proof { on, evidence: text("dossier") }))
}

fn membership() -> impl Strategy<Value = Membership> {
    let until = proptest::option::of(some_day());
    (proptest::sample::select(&COALITIONS[..]), some_day(), until).prop_map(|(coalition, from, until)| Membership {
        coalition: id(coalition),
        from,
        until,
    })
}

fn practices() -> impl Strategy<Value = Vec<(u32, Vec<Membership>)>> {
    let patients = proptest::sample::select(vec![40_000_u32, 50_000, 60_000, 100_000]);
    proptest::collection::vec((patients, proptest::collection::vec(membership(), 0..4)), 0..5)
}

fn coalitions() -> impl Strategy<Value = Vec<(Vec<bool>, [Option<Proof>; 6], bool)>> {
    let proofs = [some_proof(), some_proof(), some_proof(), some_proof(), some_proof(), some_proof()];
    proptest::collection::vec((proptest::collection::vec(any::<bool>(), 2), proofs, any::<bool>()), COALITIONS.len())
}

fn draft() -> impl Strategy<Value = Draft> {
    (practices(), coalitions()).prop_map(|(practices, coalitions)| {
        let mut draft = region();
        draft.practices.clear();
        draft.coalitions.clear();
        for (at, (patients, memberships)) in practices.into_iter().enumerate() {
            let one = practice(&format!("p{at}"), u32::try_from(at).unwrap(), patients);
            draft.put(Entry::Practice(Box::new(Practice { memberships, ..one })));
        }
        for (name, (members, proofs, small)) in COALITIONS.iter().zip(coalitions) {
            let [tasks, agreement, registered, subsidy, activities, finished] = proofs;
            let organisations =
                ["zorggroep", "kring"].iter().zip(members).filter(|(_, is)| *is).map(|(name, _)| id(name));
            let exception = small.then(|| Exception { kind: ExceptionKind::Partnership, ground: text("bestond al") });
            draft.put(Entry::Coalition(Box::new(Coalition {
                organisations: organisations.collect(),
                exception,
                tasks,
                agreement,
                registered,
                subsidy,
                activities,
                finished,
                ..coalition(name)
            })));
        }
        draft
    })
}

/// The days of a membership, one by one.
fn days(one: &Membership) -> BTreeSet<i16> {
    (0..DAYS * 2).filter(|at| one.from <= nth(*at) && one.until.is_none_or(|until| nth(*at) <= until)).collect()
}

/// What is wrong, as codes with the name that they are about.
fn model(draft: &Draft) -> BTreeSet<(&'static str, String)> {
    let mut wrong = BTreeSet::new();
    for practice in draft.practices.values() {
        let mut taken = BTreeSet::new();
        for one in &practice.memberships {
            let days = days(one);
            if days.is_empty() {
                wrong.insert(("ends-before-it-begins", practice.provider.to_string()));
            }
            for day in days {
                if !taken.insert(day) {
                    wrong.insert(("two-coalitions-at-a-time", practice.provider.to_string()));
                }
            }
            let end = draft.coalitions[&one.coalition].finished.clone();
            if end.is_some_and(|end| end.on < one.from) {
                wrong.insert(("joins-after-the-end", practice.provider.to_string()));
            }
        }
    }
    for (name, coalition) in &draft.coalitions {
        let has = |id: &Id| coalition.organisations.iter().any(|one| one == id);
        if !has(&coalition.lead) {
            wrong.insert(("lead-not-a-member", name.to_string()));
        }
        let formed = coalition
            .tasks
            .as_ref()
            .zip(coalition.agreement.as_ref())
            .map(|(a, b)| if a.on > b.on { a.on } else { b.on });
        let later = [&coalition.registered, &coalition.subsidy, &coalition.activities, &coalition.finished];
        let taken: Vec<Option<Day>> =
            [formed].into_iter().chain(later.iter().map(|proof| proof.as_ref().map(|proof| proof.on))).collect();
        for at in 1..taken.len() {
            if taken[at].is_some() && (taken[at - 1].is_none() || taken[at - 1] > taken[at]) {
                wrong.insert(("step-too-soon", name.to_string()));
            }
        }
        let Some(formed) = formed else { continue };
        if coalition.organisations.len() < 2 {
            wrong.insert(("too-few-organisations", name.to_string()));
        }
        let at = (0..DAYS).find(|at| nth(*at) == formed).unwrap();
        let of = |practice: &&Practice| {
            practice.memberships.iter().any(|one| one.coalition == *name && days(one).contains(&at))
        };
        let size: u32 = draft.practices.values().filter(of).map(|practice| practice.patients).sum();
        if size < 100_000 && coalition.exception.is_none() {
            wrong.insert(("too-few-patients", name.to_string()));
        }
    }
    wrong
}

/// Whom a breach is about.
fn about(breach: &Breach) -> String {
    match breach {
        Breach::EndsBeforeItBegins { practice, .. }
        | Breach::TwoAtATime { practice, .. }
        | Breach::JoinsAfterTheEnd { practice, .. } => practice.to_string(),
        Breach::LeadOutside { coalition }
        | Breach::StepTooSoon { coalition, .. }
        | Breach::TooFewOrganisations { coalition, .. }
        | Breach::TooFewPatients { coalition, .. } => coalition.to_string(),
        Breach::Unknown { .. }
        | Breach::SharedAgb { .. }
        | Breach::MoreAdults { .. }
        | Breach::MoreTrained { .. }
        | Breach::TooMany => panic!("not made here: {breach:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn periods_and_days_agree(draft in draft()) {
        let found: BTreeSet<_> = breaches(&draft).iter().map(|breach| (breach.code(), about(breach))).collect();
        prop_assert_eq!(found, model(&draft));
    }

    #[test]
    fn where_it_stands_is_told_of_any_register(draft in draft(), at in some_day()) {
        for coalition in draft.coalitions.values() {
            let standing = standing(&draft, coalition, at, |_| false);
            prop_assert_eq!(standing.next.is_none(), coalition.steps().iter().all(|(_, day)| day.is_some()));
            prop_assert!(standing.on_zal == 0 && standing.practices <= draft.practices.len());
        }
    }
}
