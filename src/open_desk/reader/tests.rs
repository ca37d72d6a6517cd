//! Who sees which page: examples, and every register and claim against the words of the claim.

use proptest::prelude::*;

use super::*;
use crate::practices::programme::{Agb, Day, Membership, Practice, Staff, System, Text};

const PRACTICES: [&str; 4] = ["linde@medmij", "haven@medmij", "molen@medmij", "nergens@medmij"];
const COALITIONS: [&str; 3] = ["waterland", "eiland", "nergens"];

fn said(words: &[&str]) -> Option<Reader> {
    let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
    Reader::of(&Reader::meaningful(words))
}

fn provider(name: &str) -> ProviderName {
    ProviderName::parse(name).unwrap()
}

fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

#[test]
fn one_person_comes_in_one_role() {
    let practices = |names: &[&str]| Some(Reader::Practices(names.iter().map(|name| provider(name)).collect()));
    for (words, reader) in [
        (&["practice:linde@medmij"][..], practices(&["linde@medmij"])),
        (
            &["medewerker", "practice:linde@medmij", "practice:haven@medmij"],
            practices(&["linde@medmij", "haven@medmij"]),
        ),
        (&["coalition:waterland"], Some(Reader::Coalitions(BTreeSet::from([id("waterland")])))),
        (&["programme", "programme"], Some(Reader::Programme)),
        (&["insurer"], Some(Reader::Insurer)),
        (&["insurer", "programme"], None),
        (&["practice:linde@medmij", "programme"], None),
        (&["practice:linde@medmij", "coalition:waterland"], None),
        (&["Programme", "programme ", "practice:", "practice:linde", "coalition:Waterland", "insurer:x"], None),
        (&[], None),
    ] {
        assert_eq!(said(words), reader, "{words:?}");
    }
}

#[test]
fn who_comes_for_more_than_twenty_practices_comes_for_nobody() {
    let words = |count: usize| (0..count).map(|number| format!("practice:p{number}@medmij")).collect::<Vec<_>>();
    assert!(Reader::of(&Reader::meaningful(words(GRANTS_MAX))).is_some());
    assert_eq!(Reader::of(&Reader::meaningful(words(GRANTS_MAX + 1))), None);
}

fn day(number: i16) -> Day {
    Day::parse(&format!("2026-01-{number:02}")).unwrap()
}

fn practice(name: &str, number: usize, memberships: Vec<Membership>) -> Practice {
    let text = |text: &str| Text::parse(text).unwrap();
    Practice {
        provider: provider(name),
        agb: Agb::parse(&format!("0199{number:04}")).unwrap(),
        name: text("Praktijk"),
        place: text("Plaats"),
        patients: 10,
        patients_16: 5,
        system: System { supplier: id("a"), installation: id("a"), version: text("1") },
        access_start: None,
        memberships,
        staff: Staff::default(),
        informed: None,
        conforms: None,
    }
}

prop_compose! {
    fn any_membership()(coalition in 0..2_usize, from in 1..20_i16, lasts in proptest::option::of(0..10_i16)) -> Membership {
        Membership { coalition: id(COALITIONS[coalition]), from: day(from), until: lasts.map(|lasts| day(from + lasts)) }
    }
}

prop_compose! {
    fn any_draft()(all in proptest::collection::vec(proptest::collection::vec(any_membership(), 0..3), 3)) -> Draft {
        let practices = all.into_iter().enumerate().map(|(number, memberships)| practice(PRACTICES[number], number, memberships));
        Draft { practices: practices.map(|one| (one.provider.clone(), one)).collect(), ..Draft::default() }
    }
}

fn any_words() -> impl Strategy<Value = Vec<String>> {
    let practices = proptest::collection::btree_set(0..PRACTICES.len(), 1..3)
        .prop_map(|all| all.into_iter().map(|at| format!("practice:{}", PRACTICES[at])).collect());
    let coalitions = proptest::collection::btree_set(0..COALITIONS.len(), 1..3)
        .prop_map(|all| all.into_iter().map(|at| format!("coalition:{}", COALITIONS[at])).collect());
    prop_oneof![
        practices,
        coalitions,
        Just(vec!["programme".to_owned()]),
        Just(vec!["insurer".to_owned()]),
        proptest::collection::vec("(practice:|coalition:|)[a-z@]{0,12}", 0..4),
    ]
}

fn any_page() -> impl Strategy<Value = Page> {
    prop_oneof![
        (0..PRACTICES.len()).prop_map(|at| Page::Practice(provider(PRACTICES[at]))),
        (0..PRACTICES.len()).prop_map(|at| Page::Texts(provider(PRACTICES[at]))),
        (0..COALITIONS.len()).prop_map(|at| Page::Coalition(id(COALITIONS[at]))),
        Just(Page::Programme),
        Just(Page::Declarations(Part::of(None, None, None).unwrap())),
    ]
}

/// The same by the words of the claim, and by what each page is made of.
fn is_in_scope(words: &[String], page: &Page, draft: &Draft, today: Day) -> bool {
    let has = |word: &str| words.iter().any(|one| one == word);
    if has("programme") {
        return true;
    }
    match page {
        Page::Programme => false,
        Page::Declarations(_) => has("insurer"),
        Page::Coalition(id) => has(&format!("coalition:{id}")),
        Page::Practice(provider) | Page::Texts(provider) => {
            let in_own = |draft: &Draft| {
                let all =
                    ["waterland", "eiland"].into_iter().filter(|coalition| has(&format!("coalition:{coalition}")));
                let members: Vec<_> = all
                    .flat_map(|coalition| {
                        draft.members(&id(coalition), today).map(|one| one.provider.clone()).collect::<Vec<_>>()
                    })
                    .collect();
                members.contains(provider)
            };
            has(&format!("practice:{provider}")) || in_own(draft)
        }
    }
}

proptest! {
    #[test]
    fn nobody_sees_a_page_of_another_scope_and_everybody_their_own(
        words in any_words(),
        page in any_page(),
        draft in any_draft(),
        today in 1..31_i16,
    ) {
        let known = Reader::meaningful(words);
        let Some(reader) = Reader::of(&known) else { return Ok(()) };
        let today = day(today);
        prop_assert_eq!(reader.may_see(&page, &draft, today), is_in_scope(&known, &page, &draft, today));
    }

    #[test]
    fn no_claim_panics_or_opens_more_than_it_says(words in proptest::collection::vec("\\PC{0,40}", 0..60)) {
        if let Some(reader) = said(&words.iter().map(String::as_str).collect::<Vec<_>>()) {
            prop_assert!(words.iter().any(|word| word.starts_with(reader.as_str())));
        }
    }
}
