//! Visits as their records tell of them, in any order.

use super::*;
use jiff::SignedDuration;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Every practice keeps its records in one installation; `elders` is not ours.
pub(crate) struct OneHis(Catalogue);

impl Default for OneHis {
    fn default() -> Self {
        Self(Catalogue::shipped())
    }
}

impl World for OneHis {
    fn place(&self, provider: &ProviderName) -> Option<Place> {
        (provider.short() != "huisarts.elders").then(|| Place::new("his-a", Some("3.1")))
    }

    fn services(&self) -> &Catalogue {
        &self.0
    }
}

fn id(number: u128) -> LocalId {
    LocalId::parse(&uuid::Uuid::from_u128(number).to_string()).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// A record of a visit at this second.
pub(crate) fn fact(visit: u128, second: i64, services: &[&str], told: Vec<Told>) -> Fact {
    Fact {
        visit: id(visit),
        at: at(second),
        client: Hostname::parse("pgo.example.nl").ok(),
        provider: ProviderName::parse("huisarts.delinde@medmij").ok(),
        services: services.iter().map(|id| ServiceId::parse(id).unwrap()).collect(),
        lasting: false,
        sample: format!("s{second}").into(),
        told,
    }
}

pub(crate) fn step(step: Step, ending: Ending) -> Vec<Told> {
    vec![Told { service: None, step: ToldStep::Step(step), ending }]
}

pub(crate) fn request(query: &str, ending: Ending) -> Vec<Told> {
    let service = ServiceId::parse("49").ok();
    let admission = Told { service: service.clone(), step: ToldStep::Step(Step::Admission), ending: Ending::Succeeded };
    vec![admission, Told { service, step: ToldStep::Query(query.into()), ending }]
}

/// What belongs to service 49.
const GP: [&str; 7] = [
    "Patient",
    "EpisodeOfCare",
    "MedicationRequest?category=http://snomed.info/sct|16076005&_include=MedicationRequest:medication",
    "AllergyIntolerance?category=medication",
    "Observation?code=https://referentiemodel.nhg.org/tabellen/nhg-tabel-45-diagnostische-bepalingen|&date=ge2025-01-01",
    "Composition?type=http://loinc.org|67781-5",
    "Encounter",
];

/// What a visit tells, with a sweep at the end of an hour.
fn told(facts: &[Fact]) -> Vec<String> {
    let (world, mut visit, mut out) = (OneHis::default(), Visit::default(), Vec::new());
    facts.iter().for_each(|fact| visit.learn(fact, &world, &mut out));
    visit.sweep(id(1), at(3_600), &world, &mut out);
    out.iter().map(|one| format!("{} {} {}", one.combination.service, one.step, one.ending)).collect()
}

fn ended(facts: &[Fact]) -> Vec<String> {
    told(facts).into_iter().filter_map(|line| Some(line.split_once(" complete ")?.1.to_owned())).collect()
}

#[test]
fn a_step_of_a_visit_is_one_of_each_of_its_services() {
    let found = fact(1, 0, &["48", "49"], step(Step::Found, Ending::Succeeded));
    let login = fact(1, 9, &[], step(Step::Login, Ending::Succeeded));
    assert_eq!(
        told(&[found, login]),
        ["48 found succeeded", "49 found succeeded", "48 login succeeded", "49 login succeeded"]
    );
}

#[test]
fn what_comes_before_its_services_are_known_waits_for_them() {
    let token = fact(1, 9, &[], step(Step::Token, Ending::Succeeded));
    let mut nobody = fact(1, 5, &[], step(Step::Login, Ending::failed(Some("login-unavailable"))));
    (nobody.client, nobody.provider) = (None, None);
    assert!(told(&[token.clone(), nobody.clone()]).is_empty());
    let found = fact(1, 0, &["49"], step(Step::Found, Ending::Succeeded));
    let lines: BTreeSet<String> = told(&[token, nobody, found]).into_iter().collect();
    assert_eq!(
        lines.into_iter().collect::<Vec<_>>(),
        ["49 found succeeded", "49 login !login-unavailable", "49 token succeeded"]
    );
}

#[test]
fn a_practice_that_is_not_ours_has_no_combination() {
    let mut elsewhere = fact(1, 0, &["49"], step(Step::Found, Ending::Succeeded));
    elsewhere.provider = ProviderName::parse("huisarts.elders@medmij").ok();
    assert!(told(&[elsewhere]).is_empty());
}

#[test]
fn a_record_is_complete_when_all_that_belongs_to_it_came_in_a_quarter_of_an_hour() {
    let collect = |seconds: i64| {
        let requests =
            GP.iter().zip(0..).map(|(query, n)| fact(1, n * seconds, &[], request(query, Ending::Succeeded)));
        requests.collect::<Vec<_>>()
    };
    assert_eq!(ended(&collect(10)), ["succeeded"]);
    assert_eq!(ended(&collect(149)), ["succeeded"], "within 894 s");
    assert_eq!(ended(&collect(200)), ["ended", "ended"], "1,200 s: two collections, each of a part");
    let again: Vec<_> = [collect(10), collect(11)].concat();
    assert_eq!(ended(&again), ["succeeded"], "once more in the same quarter is the same collection");
}

#[test]
fn what_is_missing_is_told_by_the_first_part_that_failed() {
    let timeout = || Ending::failed(Some("his-timeout"));
    let mut facts: Vec<_> =
        GP.iter().zip(0..).map(|(query, n)| fact(1, n, &[], request(query, Ending::Succeeded))).collect();
    facts[2] = fact(1, 2, &[], request(GP[2], timeout()));
    facts[1] = fact(1, 1, &[], request(GP[1], Ending::failed(Some("his-nonsense"))));
    assert_eq!(ended(&facts), ["!his-nonsense"]);
    facts.push(fact(1, 30, &[], request(GP[1], Ending::Succeeded)));
    assert_eq!(ended(&facts), ["!his-timeout"], "it came when it was asked again");
    facts.push(fact(1, 31, &[], request(GP[2], Ending::Succeeded)));
    assert_eq!(ended(&facts), ["succeeded"]);
    assert_eq!(ended(&facts[..1]), ["ended"], "what a client does not ask for is nobody's failure");
    let aborted = fact(1, 1, &[], request(GP[1], Ending::Aborted));
    assert_eq!(ended(&[facts[0].clone(), aborted]), ["aborted"]);
}

#[test]
fn a_visit_is_forgotten_after_two_days_and_a_lasting_consent_after_four_hundred() {
    let world = OneHis::default();
    for (lasting, days) in [(false, 2), (true, 400)] {
        let mut visit = Visit::default();
        let found = Fact { lasting, ..fact(1, 0, &["49"], step(Step::Found, Ending::Succeeded)) };
        visit.learn(&found, &world, &mut Vec::new());
        let due = at(0) + SignedDuration::from_hours(24 * days);
        assert_eq!(visit.due(), due);
        assert!(visit.is_over(due) && !visit.is_over(due - SignedDuration::from_secs(1)));
    }
}

fn any_facts() -> impl Strategy<Value = Vec<Fact>> {
    let ending = || {
        prop_oneof![
            4 => Just(Ending::Succeeded),
            1 => Just(Ending::failed(Some("his-timeout"))),
            1 => Just(Ending::Ended),
        ]
    };
    let walked = prop_oneof![Just(Step::Login), Just(Step::Availability), Just(Step::Consent), Just(Step::Token)];
    let walk = (0..600_i64, walked, ending()).prop_map(|(second, at, end)| fact(1, second, &[], step(at, end)));
    let asked =
        (0..600_i64, 0..7_usize, ending()).prop_map(|(second, n, end)| fact(1, second, &[], request(GP[n], end)));
    let begin = Just(fact(1, 0, &["49"], step(Step::Found, Ending::Succeeded)));
    (begin, proptest::collection::vec(prop_oneof![walk, asked], 0..30)).prop_map(|(begin, mut facts)| {
        facts.insert(0, begin);
        facts
    })
}

proptest! {
    /// The logs of two nodes hold one visit; whichever is counted first, the same is told.
    #[test]
    fn in_which_order_records_are_counted_is_of_no_account(facts in any_facts().prop_shuffle(), turn in 0..30_usize) {
        // Two requests of one part at one moment have no order.
        let mut seconds = BTreeSet::new();
        let facts: Vec<_> = facts.into_iter().filter(|fact| seconds.insert(fact.at)).collect();
        let mut other = facts.clone();
        let by = turn.min(other.len());
        other.rotate_left(by);
        let lines = |facts: &[Fact]| {
            let mut lines = told(facts);
            // Which failure of a part was first depends on the order; that it failed does not.
            lines.sort();
            lines
        };
        prop_assert_eq!(lines(&facts), lines(&other));
    }

    #[test]
    fn a_visit_is_read_back(facts in any_facts()) {
        let (world, mut visit) = (OneHis::default(), Visit::default());
        facts.iter().for_each(|fact| visit.learn(fact, &world, &mut Vec::new()));
        prop_assert_eq!(Visit::read(&visit.write()), Some(visit));
    }

    #[test]
    fn garbage_is_read_or_not(body: Vec<u8>) {
        let _ = Visit::read(&body);
    }
}
