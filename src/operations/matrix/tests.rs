//! The matrix as it is asked for, and as a table.

use super::*;
use crate::medmij::{Hostname, ServiceId};
use crate::report::matrix::combination::{Combination, Place};
use crate::report::matrix::judge::judge;
use crate::report::matrix::standing::Standing;
use crate::report::matrix::tally::Tally;
use std::sync::Arc;

fn row(installation: &str, alarmed: bool) -> Row {
    let combination = Combination {
        place: Place::new(installation, Some("3.1")),
        client: Hostname::parse("pgo.example.nl").unwrap(),
        service: ServiceId::parse("49").unwrap(),
    };
    let alarm = alarmed.then(|| Raised {
        step: "token".into(),
        code: "invalid_client".into(),
        since: Timestamp::UNIX_EPOCH,
        raised: Timestamp::UNIX_EPOCH,
    });
    let tally = Tally::default();
    Row { combination, verdict: judge(&tally), tally, standing: Arc::new(Standing { alarm, ..Standing::default() }) }
}

#[test]
fn everything_that_is_asked_must_hold() {
    let (row, failing) = (row("his-a", false), row("his-a", true));
    let asked = |wish: &Wish, row: &Row| wants(wish, None, row);
    assert!(asked(&Wish::default(), &row));
    let of = |installation: &str| Wish { installation: Some(installation.to_owned()), ..Wish::default() };
    assert!(asked(&of("his-a"), &row) && !asked(&of("his-b"), &row));
    assert!(!asked(&Wish { service: Some("48".to_owned()), ..of("his-a") }, &row));
    let only = Wish { failing: true, ..Wish::default() };
    assert!(!asked(&only, &row) && asked(&only, &failing));
    assert_eq!(failing.who().map(Who::as_str), Some("pgo"));
    let coalition = BTreeSet::from(["his-b"]);
    assert!(!wants(&Wish::default(), Some(&coalition), &row));
}

#[test]
fn a_table_has_a_line_for_each_step_and_no_formula() {
    let said = || SaidView { nl: String::new(), en: String::new() };
    let step = StepView {
        step: "request Observation?code=a|b,c".to_owned(),
        text: said(),
        tried: 7,
        succeeded: 4,
        ended: 1,
        aborted: 0,
        failed: 2,
        codes: Vec::new(),
        successes: None,
        failures: None,
        samples: Vec::new(),
    };
    let one = CombinationView {
        id: "0011223344556677".to_owned(),
        installation: "=1+1".to_owned(),
        version: "3.1".to_owned(),
        client: "pgo.example.nl".to_owned(),
        service: "49".to_owned(),
        service_name: String::new(),
        verdict: "too_few",
        text: said(),
        step: None,
        code: None,
        who: None,
        alarm: None,
        past_alarms: Vec::new(),
        seen: None,
        steps: vec![step.clone(), step],
    };
    let view = MatrixView {
        window: "today",
        from: String::new(),
        to: String::new(),
        total: 1,
        failing: 0,
        combinations: vec![one],
        next: None,
    };
    let table = csv(&view);
    let lines: Vec<_> = table.split("\r\n").collect();
    assert_eq!((lines.len(), lines[0], lines[3]), (4, COLUMNS.join(",").as_str(), ""));
    let line = "0011223344556677,'=1+1,3.1,pgo.example.nl,49,too_few,,,,,\"request Observation?code=a|b,c\",7,4,1,0,2";
    assert_eq!((lines[1], lines[2]), (line, line));
}
