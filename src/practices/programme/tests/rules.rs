//! Each rule by example: what breaks it, and that nothing else is said.

use super::scene::*;
use crate::language::Language;
use crate::practices::programme::*;

fn codes(draft: &Draft) -> Vec<&'static str> {
    breaches(draft).iter().map(Breach::code).collect()
}

/// The breaches after one change to a region that has none.
fn after(change: impl FnOnce(&mut Draft)) -> Vec<&'static str> {
    let mut draft = region();
    assert_eq!(codes(&draft), Vec::<&str>::new());
    change(&mut draft);
    codes(&draft)
}

fn with_practice(change: impl FnOnce(&mut Practice)) -> Vec<&'static str> {
    after(|draft| change(draft.practices.get_mut(&provider("waterkant")).unwrap()))
}

fn with_coalition(change: impl FnOnce(&mut Coalition)) -> Vec<&'static str> {
    after(|draft| change(draft.coalitions.get_mut(&id("waterland")).unwrap()))
}

fn member(coalition: &str, from: &str, until: Option<&str>) -> Membership {
    Membership { coalition: id(coalition), from: day(from), until: until.map(day) }
}

#[test]
fn what_is_referred_to_is_there_and_numbers_are_of_one() {
    assert_eq!(with_practice(|one| one.system.supplier = id("his-b")), ["unknown-reference"]);
    assert_eq!(with_practice(|one| one.agb = Agb::parse("00000002").unwrap()), ["agb-taken"]);
    assert_eq!(after(|draft| draft.remove(&Key::Organisation(id("kring")))), ["unknown-reference"]);
    let without = after(|draft| draft.remove(&Key::Coalition(id("waterland"))));
    assert_eq!(without, ["unknown-reference"; 2], "one for each of its practices");
}

#[test]
fn counts_do_not_contradict() {
    assert_eq!(with_practice(|one| one.patients_16 = one.patients + 1), ["more-adults-than-patients"]);
    assert_eq!(with_practice(|one| one.staff.poh.trained = 1), ["more-trained-than-employed"]);
}

#[test]
fn a_coalition_has_two_organisations_and_enough_patients_once_it_is_formed() {
    assert_eq!(with_practice(|one| one.patients -= 1), ["too-few-patients"]);
    let exception = || Some(Exception { kind: ExceptionKind::Geography, ground: text("eilanden") });
    let smaller = after(|draft| {
        draft.practices.get_mut(&provider("waterkant")).unwrap().patients -= 1;
        draft.coalitions.get_mut(&id("waterland")).unwrap().exception = exception();
    });
    assert_eq!(smaller, Vec::<&str>::new());
    assert_eq!(with_coalition(|one| one.organisations.retain(|one| *one != id("kring"))), ["too-few-organisations"]);
    let draft = with_coalition(|one| {
        one.organisations.remove(&id("kring"));
        (one.agreement, one.registered) = (None, None);
    });
    assert_eq!(draft, Vec::<&str>::new(), "one that is not formed yet may be incomplete");
    let late = with_practice(|one| one.memberships = vec![member("waterland", "2020-03-02", None)]);
    assert_eq!(late, ["too-few-patients"], "who joins later does not count for the day that it was formed");
}

#[test]
fn the_lead_party_is_one_of_them() {
    let outside = after(|draft| {
        let name = text("cooperatie");
        let kind = OrganisationKind::Cooperative;
        draft.put(Entry::Organisation(Organisation { id: id("cooperatie"), name, kind }));
        draft.coalitions.get_mut(&id("waterland")).unwrap().lead = id("cooperatie");
    });
    assert_eq!(outside, ["lead-not-a-member"]);
}

#[test]
fn a_practice_is_in_one_coalition_at_a_time() {
    let second = |first_until: Option<&str>, from: &str| {
        after(|draft| {
            let other = Coalition { agreement: None, registered: None, ..coalition("veenland") };
            draft.put(Entry::Coalition(Box::new(other)));
            draft.practices.get_mut(&provider("waterkant")).unwrap().memberships =
                vec![member("waterland", "2020-01-01", first_until), member("veenland", from, None)];
        })
    };
    assert_eq!(second(Some("2021-12-31"), "2022-01-01"), Vec::<&str>::new());
    assert_eq!(second(Some("2021-12-31"), "2021-12-31"), ["two-coalitions-at-a-time"]);
    assert_eq!(second(None, "2030-01-01"), ["two-coalitions-at-a-time"]);
    let reversed = with_practice(|one| one.memberships.push(member("waterland", "2019-12-31", Some("2019-12-30"))));
    assert_eq!(reversed, ["ends-before-it-begins"]);
}

#[test]
fn steps_come_in_their_order() {
    assert_eq!(with_coalition(|one| one.registered = proof("2020-02-29")), ["step-too-soon"]);
    assert_eq!(with_coalition(|one| one.activities = proof("2021-01-01")), ["step-too-soon"], "a step is left out");
    let all = |end: &'static str| {
        move |one: &mut Coalition| {
            (one.subsidy, one.activities) = (proof("2020-05-31"), proof("2021-01-01"));
            one.finished = proof(end);
        }
    };
    assert_eq!(with_coalition(all("2022-09-30")), Vec::<&str>::new());
    let late = after(|draft| {
        all("2022-09-30")(draft.coalitions.get_mut(&id("waterland")).unwrap());
        let mut late = practice("laat", 3, 10);
        late.memberships = vec![member("waterland", "2022-10-01", None)];
        draft.put(Entry::Practice(Box::new(late)));
    });
    assert_eq!(late, ["joins-after-the-end"]);
}

fn missing(change: impl FnOnce(&mut Draft), on_zal: &str) -> (Option<Step>, Vec<Missing>) {
    let mut draft = region();
    change(&mut draft);
    let standing =
        standing(&draft, &draft.coalitions[&id("waterland")], day("2021-06-01"), |name| *name == provider(on_zal));
    (standing.next, standing.missing)
}

#[test]
fn a_coalition_is_told_what_it_misses() {
    let form = missing(
        |draft| {
            draft.remove(&Key::Practice(provider("dijkzicht")));
            let one = draft.coalitions.get_mut(&id("waterland")).unwrap();
            (one.agreement, one.registered) = (None, None);
        },
        "x",
    );
    assert_eq!(form, (Some(Step::Formed), vec![Missing::Agreement, Missing::Patients(40_000)]));
    assert_eq!(missing(|_| {}, "x"), (Some(Step::SubsidyAppliedFor), vec![Missing::Proof(Step::SubsidyAppliedFor)]));
    let act = missing(
        |draft| {
            draft.coalitions.get_mut(&id("waterland")).unwrap().subsidy = proof("2020-05-31");
            let one = draft.practices.get_mut(&provider("waterkant")).unwrap();
            (one.staff.assistant.trained, one.informed) = (0, None);
        },
        "x",
    );
    let expected = vec![Missing::Proof(Step::ActivitiesCarriedOut), Missing::Untrained(1), Missing::Uninformed(1)];
    assert_eq!(act, (Some(Step::ActivitiesCarriedOut), expected));
    let end = missing(
        |draft| {
            let one = draft.coalitions.get_mut(&id("waterland")).unwrap();
            (one.subsidy, one.activities) = (proof("2020-05-31"), proof("2021-01-01"));
        },
        "waterkant",
    );
    assert_eq!(end, (Some(Step::Finished), vec![Missing::Proof(Step::Finished), Missing::OnZal(1)]), "95 % of 2 is 2");
}

#[test]
fn the_fee_may_be_declared_when_all_four_conditions_are_met() {
    let levels = FeeLevels::shipped();
    let declared = |change: fn(&mut Practice)| {
        let mut one = practice("waterkant", 1, 3_200);
        change(&mut one);
        declaration(&one, &levels, day("2021-06-01"))
    };
    let all = declared(|_| {});
    assert_eq!((all.unmet().count(), all.cents, all.level), (0, 905_600, 2020), "3,200 x EUR 2.83");
    assert_eq!(all.conditions[1].1.as_deref(), Some("gp 1/2, assistant 1/3"));
    type Change = fn(&mut Practice);
    let cases: [(Change, Condition); 5] = [
        (|one| one.memberships[0].until = Some(day("2021-05-31")), Condition::Member),
        (|one| one.staff.gp.trained = 0, Condition::Trained),
        (|one| one.staff.poh.employed = 1, Condition::Trained),
        (|one| one.informed = proof("2021-06-02"), Condition::Informed),
        (|one| one.conforms = None, Condition::Conforms),
    ];
    for (change, condition) in cases {
        assert_eq!(declared(change).unmet().collect::<Vec<_>>(), [condition]);
    }
}

#[test]
fn a_level_holds_until_the_next() {
    let levels =
        FeeLevels::parse("[[level]]\nyear = 2020\ncents = 283\n[[level]]\nyear = 2022\ncents = 300\n").unwrap();
    let cents = |on: &str| declaration(&practice("a", 1, 1), &levels, day(on)).cents;
    assert_eq!(["2019-01-01", "2021-12-31", "2022-01-01"].map(cents), [283, 283, 300]);
    for wrong in ["", "level = []", "[[level]]\nyear = 2021\ncents = 1\n[[level]]\nyear = 2021\ncents = 2\n"] {
        assert!(FeeLevels::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn every_reason_can_be_read_in_both_languages() {
    let mut draft = region();
    let one = draft.practices.get_mut(&provider("waterkant")).unwrap();
    (one.patients, one.patients_16, one.staff.gp.trained) = (1, 2, 9);
    one.memberships.push(member("waterland", "2020-06-01", Some("2020-05-01")));
    one.memberships.push(member("nergens", "2020-06-01", None));
    let found = breaches(&draft);
    assert!(found.len() >= 5, "{found:?}");
    for breach in found {
        let texts = [Language::Dutch, Language::English].map(|language| breach.text(language));
        assert!(texts[0] != texts[1] && texts.iter().all(|text| text.len() > 20), "{texts:?}");
    }
}

#[test]
fn words_are_checked_when_they_are_made() {
    for wrong in ["", "-a", "A", "a b", &"a".repeat(33)] {
        assert_eq!(Id::parse(wrong), Err(Unfit::Id), "{wrong}");
    }
    for wrong in ["1234567", "123456789", "1234567x"] {
        assert_eq!(Agb::parse(wrong), Err(Unfit::Agb), "{wrong}");
    }
    for wrong in ["1999-12-31", "2101-01-01", "2021-02-29", "20210101", "2021-1-1", "2021-01-01T00:00"] {
        assert_eq!(Day::parse(wrong), Err(Unfit::Day), "{wrong}");
    }
    for wrong in [" ", "een\ntwee", "patiënt 999911132", "=1+1", "@a", &"a".repeat(201)] {
        assert_eq!(Text::parse(wrong), Err(Unfit::Text), "{wrong}");
    }
    assert_eq!(text("  dossier 12 ").as_str(), "dossier 12");
}

#[test]
fn an_entry_is_what_was_written() {
    for entry in region().entries() {
        assert_eq!(Entry::from_json(entry.key().kind(), &entry.to_json()).unwrap(), entry);
        assert_eq!(Key::parse(entry.key().kind(), entry.key().id()), Some(entry.key()));
    }
    let unknown = r#"{"id":"a","name":"A","colour":"blue"}"#;
    let error = Entry::from_json(EntryKind::Supplier, unknown).unwrap_err().to_string();
    assert!(error.contains("colour") && error.contains("line 1"), "{error}");
}
