//! Sheets over figures of invented practices: what is told fits together, and nothing small is told.

use std::sync::Arc;

use proptest::prelude::*;
use quick_xml::events::Event;

use super::*;
use crate::medmij::{ProviderName, ServiceId};
use crate::practices::programme::Id;
use crate::report::{Channel, Distinct, Figures, Period, Requests, RequestsOf, Scope};

/// Somebody who looked: at which practice, by PGO or portal or both, at which services, and whether they came back.
type Person = (usize, u8, u8, bool);

fn practice(at: usize) -> ProviderName {
    ProviderName::parse(&format!("praktijk.nummer{at}@medmij")).unwrap()
}

fn id(name: &str, at: usize) -> Id {
    Id::parse(&format!("{name}-{at}")).unwrap()
}

fn figures(scope: Scope, period: Period, people: &[Person], tried: u64) -> Figures {
    let count =
        |wanted: &dyn Fn(&Person) -> bool| Distinct::exact(people.iter().filter(|one| wanted(one)).count() as u64);
    let service =
        |bit: u8| (ServiceId::parse(if bit == 1 { "49" } else { "51" }).unwrap(), count(&|one| one.2 & bit != 0));
    let requests = Requests { succeeded: tried, failed: 0, aborted: 0 };
    let of = RequestsOf { channel: Channel::Pgo, service: ServiceId::parse("49").ok(), requests };
    Figures {
        scope,
        period,
        running: false,
        counted_until: None,
        practices: 1,
        on_zal: 1,
        on_zal_since: None,
        enrolled_16: 1_000,
        viewers: count(&|_| true),
        repeat: count(&|one| one.3),
        by_channel: [(Channel::Pgo, count(&|one| one.1 & 1 != 0)), (Channel::Portal, count(&|one| one.1 & 2 != 0))],
        by_service: [1, 2].map(service).to_vec(),
        practices_with_viewer: 1,
        practices_with_viewer_by_channel: [(Channel::Pgo, 1), (Channel::Portal, 1)],
        first_retrievals: 0,
        first_retrieval: None,
        requests: vec![of],
        waiting: None,
    }
}

/// Eight practices: the even ones of one supplier, three coalitions of them, and the last in none.
fn input(period: &str, people: &[Person], settled: bool) -> Input {
    let period = Period::parse(period).unwrap();
    let coalition = |at: usize| (at < 7).then_some(at % 3);
    let of = |scope: Scope, wanted: &dyn Fn(usize) -> bool| {
        let own: Vec<_> = people.iter().copied().filter(|one| wanted(one.0)).collect();
        let tried = own.len() as u64 * 3;
        figures(scope, period, &own, tried)
    };
    let mut all = vec![of(Scope::Whole, &|_| true)];
    all.extend((0..3).map(|one| of(Scope::Coalition(id("coalitie", one)), &|at| coalition(at) == Some(one))));
    all.extend((0..2).map(|one| of(Scope::Supplier(id("his", one)), &|at| at % 2 == one)));
    all.extend((0..8).map(|one| of(Scope::Practice(practice(one)), &|at| at == one)));
    Input {
        period,
        settled,
        figures: all,
        coalitions: (0..7).map(|at| (practice(at), id("coalitie", at % 3))).collect(),
    }
}

fn people() -> impl Strategy<Value = Vec<Person>> {
    prop::collection::vec((0_usize..8, 1_u8..4, 1_u8..4, any::<bool>()), 0..160)
}

/// What is said of a count is so, and of 1 to 9 nothing is said.
fn is_true_and_large_enough(sheet: &Sheet) {
    for count in sheet.rows().flat_map(|row| &row.counts) {
        let truth = count.truth.count;
        match count.told {
            Told::Exact(told) => assert!(told == truth && !(1..10).contains(&truth)),
            Told::AtLeast(tens) => assert!(tens % 10 == 0 && (tens..tens + 10).contains(&truth)),
            Told::Fewer => assert!(truth < 10),
            Told::About { .. } | Told::Withheld => {}
        }
    }
}

#[test]
fn one_small_practice_takes_another_with_it() {
    let sized = |at: usize, count: usize| std::iter::repeat_n((at, 1, 1, false), count);
    let people: Vec<_> = (0..8).flat_map(|at| sized(at, if at == 0 { 4 } else { 20 + at })).collect();
    let sheet = Sheet::of(&input("2026-01", &people, true), &[]);
    let hidden =
        |at: usize| sheet.row(&Scope::Practice(practice(at))).unwrap().told(&Measure::Viewers).number().is_none();
    // Of the others of its coalition, 3 and 6, the smaller one.
    assert_eq!((0..8).filter(|at| hidden(*at)).collect::<Vec<_>>(), [0, 3]);
    for scope in [Scope::Whole, Scope::Coalition(id("coalitie", 0))] {
        assert!(sheet.row(&scope).unwrap().told(&Measure::Viewers).number().is_some(), "{scope}");
    }
}

#[test]
fn a_success_rate_is_of_ten_requests_at_least() {
    let people = [(0, 1, 1, false); 3];
    let sheet = Sheet::of(&input("2026-01", &people, true), &[]);
    let row = sheet.row(&Scope::Whole).unwrap();
    assert_eq!((row.success_rate(&Measure::Requests), row.share()), (None, None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_told_is_so(people in people()) {
        is_true_and_large_enough(&Sheet::of(&input("2026-01", &people, true), &[]));
        is_true_and_large_enough(&Sheet::of(&input("2026-01", &people, false), &[]));
    }

    #[test]
    fn the_same_people_are_told_the_same(people in people()) {
        let sheet = || Sheet::of(&input("2026-01", &people, true), &[]).rows().cloned().collect::<Vec<_>>();
        prop_assert_eq!(sheet(), sheet());
    }

    /// A quarter of which the other two months are empty is its month: it tells no more.
    #[test]
    fn a_quarter_tells_no_more_than_its_months(people in people()) {
        let month = Arc::new(Sheet::of(&input("2026-01", &people, true), &[]));
        let empty = |month| Arc::new(Sheet::of(&input(month, &[], true), &[]));
        let months = [Arc::clone(&month), empty("2026-02"), empty("2026-03")];
        let quarter = Sheet::of(&input("2026-Q1", &people, true), &months);
        is_true_and_large_enough(&quarter);
        for row in quarter.rows() {
            let before = month.row(&row.scope).unwrap();
            for count in &row.counts {
                let hidden = before.told(&count.measure).number().is_none();
                prop_assert!(!hidden || count.told.number().is_none(), "{} {:?}", row.scope, count.measure);
            }
        }
    }

    /// Nobody sees what is another's.
    #[test]
    fn a_reader_sees_their_own(own in 0_usize..8, other in 0_usize..8) {
        use crate::practices::programme::{Day, Draft};
        let (draft, today) = (Draft::default(), Day::parse("2026-01-01").unwrap());
        let reader = Reader::Practice(practice(own));
        let scope = Scope::Practice(practice(other));
        prop_assert_eq!(reader.may_see(Subject::Figures(&scope), &draft, today), own == other);
        for subject in [Subject::Figures(&Scope::Whole), Subject::Declarations, Subject::Everything] {
            prop_assert!(!reader.may_see(subject, &draft, today));
        }
        prop_assert!(!Reader::Insurer.may_see(Subject::Figures(&scope), &draft, today));
        prop_assert!(!Reader::Coalition(id("coalitie", 0)).may_see(Subject::Figures(&scope), &draft, today));
    }
}

#[test]
fn the_report_for_medmij_has_the_month_and_each_service() {
    let people: Vec<Person> = std::iter::repeat_n((0, 1, 1, false), 12).collect();
    let sheet = Sheet::of(&input("2026-03", &people, true), &[]);
    let report = ManagementReport {
        participant: "A & B",
        month: Period::parse("2026-03").unwrap(),
        made: "2026-04-05T10:00:00Z".parse().unwrap(),
        row: sheet.row(&Scope::Whole).unwrap(),
        shares: &|_| false,
    };
    let xml = report.to_xml();
    let mut reader = quick_xml::Reader::from_str(&xml);
    let (mut texts, mut open) = (Vec::new(), Vec::new());
    loop {
        let event = reader.read_event().unwrap();
        if let Event::Start(start) = &event {
            open.push(start.name().as_ref().to_owned());
        } else if let Event::End(_) = &event {
            drop(open.pop());
        } else if let Event::Text(text) = &event
            && !text.trim().is_empty()
        {
            texts.push(format!("{}={}", open.join("/"), &**text));
        } else if let Event::Eof = &event {
            break;
        }
    }
    for line in [
        "Beheerrapport/Vanaf=2026-03-01T00:00:00+01:00",
        "Beheerrapport/Tot=2026-04-01T00:00:00+02:00",
        "Beheerrapport/Tijdstempel=2026-04-05T12:00:00+02:00",
        "Beheerrapport/Personen/Aantal=12",
        "Beheerrapport/Gegevensdiensten/Gegevensdienst/GegevensdienstId=49",
        "Beheerrapport/Gegevensdiensten/Gegevensdienst/Verzamelen/AantalSuccesvol=36",
    ] {
        assert!(texts.iter().any(|text| text == line), "{line} in {texts:?}");
    }
}
