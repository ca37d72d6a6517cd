//! Forms and tickets, right and wrong.

use proptest::prelude::*;

use super::*;
use crate::auditors::People;
use crate::auditors::ticket::{Leave, Opened, Tickets};
use crate::seal::Sealer;
use crate::secret::Secret;

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn own(name: &str) -> ProviderName {
    ProviderName::parse(&format!("huisarts.{name}@medmij")).unwrap()
}

fn reader(role: Role) -> Reader {
    let name = Hostname::parse("reader.example.nl").unwrap();
    People::new([(name.clone(), role)]).recognise(&[name]).unwrap()
}

fn read(fields: &[(&str, &str)], role: Role) -> Result<Question, Wrong> {
    let why = [("ground", "audit"), ("reason", "steekproef november")];
    let taken = |name: &str| fields.iter().any(|(given, _)| *given == name);
    let why = why.iter().filter(|(name, _)| !taken(name));
    let pairs: Vec<_> = why.chain(fields).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Question::read(&pairs, &reader(role), Named::Known(About::Anyone), now())
}

#[test]
fn empty_fields_ask_for_nothing_in_particular() {
    let question = read(&[("client", " "), ("from", "")], Role::Auditor).unwrap();
    assert_eq!((question.client, question.provider, question.outcome), (None, None, None));
    assert_eq!((question.first.to_string().as_str(), question.last.to_string().as_str()), ("2026-10-22", "2026-11-22"));
}

#[test]
fn what_is_wrong_is_named() {
    let long = "x".repeat(501);
    for (fields, wrong) in [
        ([("practice", "de linde")], Wrong::Practice),
        ([("client", "een app")], Wrong::Client),
        ([("service", "een dienst met spaties")], Wrong::Service),
        ([("outcome", "ok")], Wrong::Outcome),
        ([("from", "22-11-2026")], Wrong::Period),
        ([("from", "2026-11-23")], Wrong::Period),
        ([("ground", "curiosity")], Wrong::Ground),
        ([("reason", "kort")], Wrong::Reason),
        ([("reason", long.as_str())], Wrong::Reason),
        ([("reason", "vraag van 9999.11.132 zelf")], Wrong::ReasonHoldsBsn),
    ] {
        assert_eq!(read(&fields, Role::Auditor), Err(wrong), "{fields:?}");
    }
}

#[test]
fn somebody_of_a_practice_asks_about_their_own() {
    let one = || Role::Practice(vec![own("delinde")]);
    let two = || Role::Practice(vec![own("delinde"), own("dewilg")]);
    assert_eq!(read(&[], one()).unwrap().provider, Some(own("delinde")));
    assert_eq!(read(&[], two()), Err(Wrong::NotYours), "which of the two?");
    assert_eq!(read(&[("practice", "huisarts.dewilg@medmij")], two()).unwrap().provider, Some(own("dewilg")));
    assert_eq!(read(&[("practice", "huisarts.dewilg@medmij")], one()), Err(Wrong::NotYours));
}

#[test]
fn a_ticket_of_a_practice_that_lost_a_practice_is_worth_nothing() {
    let tickets = Tickets::new(Sealer::new(&Secret::new([7; 32])));
    let question = read(&[], Role::Practice(vec![own("delinde")])).unwrap();
    let before = reader(Role::Practice(vec![own("delinde")]));
    let leave = Leave::from(now());
    let ticket = tickets.seal(&question, &leave, None, &before);
    assert_eq!(tickets.open(&ticket, &before, now()), Some(Opened { question, leave, after: None }));
    assert_eq!(tickets.open(&ticket, &reader(Role::Practice(vec![own("dewilg")])), now()), None);
}

proptest! {
    #[test]
    fn no_form_panics_and_a_question_comes_back_from_its_pairs(fields in prop::collection::vec(("[a-z]{2,8}", "\\PC{0,20}"), 0..8)) {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if let Ok(question) = read(&fields, Role::Auditor) {
            let again = Question::read(&question.pairs(), &reader(Role::Auditor), Named::Known(About::Anyone), now());
            prop_assert_eq!(again, Ok(question));
        }
    }
}
