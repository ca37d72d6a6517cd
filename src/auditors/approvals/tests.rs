//! Who may do what with a request, and for how long.

use super::*;
use crate::auditors::question::Named;
use crate::auditors::{About, People, Role};
use crate::medmij::ProviderName;

const LINDE: &str = "huisarts.delinde@medmij";

fn reader(name: &str) -> Reader {
    let own = ProviderName::parse(LINDE).unwrap();
    let people = ["one", "other", "linde"].map(|name| {
        let role = if name == "linde" { Role::Practice(vec![own.clone()]) } else { Role::Auditor };
        (Hostname::parse(&format!("{name}.example.nl")).unwrap(), role)
    });
    People::new(people).recognise(&[Hostname::parse(&format!("{name}.example.nl")).unwrap()]).unwrap()
}

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn question(practice: &str) -> Question {
    let pairs = [("ground", "incident"), ("reason", "wie keek er op 20 november"), ("practice", practice)];
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Question::read(&pairs, &reader("one"), Named::Known(About::Anyone), now()).unwrap()
}

fn asked(practice: &str) -> (Approvals, String) {
    let (all, id) = (Approvals::default(), LocalId::new(now()));
    all.ask(id, &reader("one"), question(practice), now()).unwrap();
    (all, id.to_string())
}

#[test]
fn somebody_else_agrees_and_only_the_asker_runs_it() {
    let (all, id) = asked("");
    assert_eq!(all.approved(&id, &reader("one"), now()), Err(ApprovalError::Waits));
    assert_eq!(all.approve(&id, &reader("one"), now()), Err(ApprovalError::Own));
    assert_eq!(all.approve(&id, &reader("linde"), now()), Err(ApprovalError::NotYours), "it asks about all practices");
    assert_eq!(all.approve("x", &reader("other"), now()), Err(ApprovalError::Gone));
    all.approve(&id, &reader("other"), now()).unwrap();
    assert_eq!(all.approve(&id, &reader("other"), now()), Err(ApprovalError::Gone), "once");
    assert_eq!(all.approved(&id, &reader("other"), now()), Err(ApprovalError::NotYours));
    let (request, leave) = all.approved(&id, &reader("one"), now()).unwrap();
    assert_eq!((request.question, leave.until), (question(""), now() + RUNS));
    assert_eq!(leave.agreed.unwrap().by, *reader("other").name());
}

#[test]
fn who_may_see_the_answer_may_judge_and_others_do_not_see_the_question() {
    let (all, id) = asked(LINDE);
    assert_eq!(all.of(&reader("linde"), now()).len(), 1);
    assert!(asked("").0.of(&reader("linde"), now()).is_empty());
    assert_eq!(all.refuse(&id, &reader("linde"), now()).unwrap().asker.as_str(), "one.example.nl");
    assert!(all.of(&reader("one"), now()).is_empty());
    let (all, id) = asked(LINDE);
    all.refuse(&id, &reader("one"), now()).unwrap();
    assert_eq!(all.approve(&id, &reader("other"), now()), Err(ApprovalError::Gone));
}

#[test]
fn requests_end_and_are_bounded() {
    let (all, id) = asked("");
    let in_time = now() + WAITS - SignedDuration::from_secs(1);
    assert!(all.approve(&id, &reader("other"), in_time).is_ok());
    assert!(all.approved(&id, &reader("one"), in_time + RUNS - SignedDuration::from_secs(1)).is_ok());
    assert_eq!(all.approved(&id, &reader("one"), in_time + RUNS), Err(ApprovalError::Gone));
    let (all, id) = asked("");
    assert_eq!(all.approve(&id, &reader("other"), now() + WAITS), Err(ApprovalError::Gone));
    let ask = |name| all.ask(LocalId::new(now()), &reader(name), question(""), now());
    for _ in 0..MOST_OF_ONE {
        ask("one").unwrap();
    }
    assert_eq!(ask("one"), Err(ApprovalError::TooMany));
    assert_eq!(ask("other"), Ok(()), "nobody takes the place of others");
}
