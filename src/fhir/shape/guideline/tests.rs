//! What is shown and what is not, element by element.

use std::collections::HashSet;

use jiff::civil::date;

use super::super::scan::scan;
use super::*;

const ALL: &[Rule] = &[Rule::ResultsPeriod, Rule::ClosedEpisodes, Rule::MedicationInUse, Rule::MedicationIntolerances];

fn rules() -> Rules {
    Rules {
        applied: ALL.to_vec(),
        access_start: date(2024, 3, 1),
        results_since: date(2025, 1, 10),
        today: date(2026, 3, 10),
        closed_episodes: ShownEpisodes::Only(HashSet::from(["e-flagged".to_owned()])),
    }
}

fn shown(resource_type: &str, id: &str, body: &str) -> Result<bool, ShapeFault> {
    shows(scan(body.as_bytes()).unwrap().root().unwrap(), resource_type, id, &rules())
}

fn line_observation(code: &str, date: &str) -> String {
    let system = "http://fhir.nl/fhir/NamingSystem/journaalregeltypen";
    format!(r#"{{"code":{{"coding":[{{"system":"{system}","code":"{code}"}}]}},"effectiveDateTime":"{date}"}}"#)
}

#[test]
fn only_e_and_p_lines_since_access_began_are_shown() {
    for (code, date, expected) in [
        ("E", "2024-03-01", true),
        ("P", "2024-03-01T00:00:00+01:00", true),
        ("p", "2026", true),
        ("E", "2024-02-29", false),
        ("E", "2024", false),
        ("P", "2024-03", true),
        ("E", "soon", false),
        ("S", "2026-01-01", false),
        ("O", "2026-01-01", false),
        ("s", "2026-01-01", false),
        ("EP", "2026-01-01", false),
        ("X", "2026-01-01", false),
        ("", "2026-01-01", false),
    ] {
        assert_eq!(shown("Observation", "o", &line_observation(code, date)), Ok(expected), "{code} {date}");
    }
}

#[test]
fn a_line_is_known_by_any_spelling() {
    let when = r#""effectiveDateTime":"2026-01-01""#;
    for (code, expected) in [
        (r#"{"coding":[{"system":"urn:x:Journaalregeltypen","code":"S"}]}"#, false),
        (
            r#"{"coding":[{"system":"http:\/\/fhir.nl\/fhir\/NamingSystem\/journaalregeltyp\u0065n","code":"S"}]}"#,
            false,
        ),
        (r#"{"coding":[{"code":" s "}]}"#, false),
        (r#"{"coding":[{"system":"http://loinc.org","code":"8302-2"},{"code":"O"}]}"#, false),
        (r#"{"coding":[{"code":"E"}]}"#, true),
        (r#"{"coding":[{"system":"http://loinc.org","code":"8302-2"}]}"#, true),
        (r#"{"text":"lengte"}"#, true),
        (r#"{"text":"S-kreatinine"}"#, true),
        (r#"{"text":" Subjectief: "}"#, false),
        (r#"{"coding":[{"system":"urn:oid:2.999.1","code":"S"}]}"#, false),
        (r#"{"coding":[{"system":"urn:x","code":"1","display":"Objectief"}]}"#, false),
        (r#"{"coding":[{"system":"http://loinc.org","code":"61150-9"}]}"#, false),
    ] {
        assert_eq!(shown("Observation", "o", &format!(r#"{{"code":{code},{when}}}"#)), Ok(expected), "{code}");
    }
    let profile =
        format!(r#"{{"meta":{{"profile":["http://nictiz.nl/fhir/StructureDefinition/gp-JournalEntry"]}},{when}}}"#);
    assert_eq!(shown("Observation", "o", &profile), Ok(false));
}

#[test]
fn results_are_shown_since_their_own_date() {
    for (when, expected) in [
        (r#""effectiveDateTime":"2025-01-10""#, true),
        (r#""effectiveDateTime":"2025-01-09T23:59:59Z""#, false),
        (r#""effectiveDateTime":"2025""#, false),
        (r#""effectivePeriod":{"start":"2025-01-10","end":"2025-02-01"}"#, true),
        (r#""effectivePeriod":{"end":"2026-02-01"}"#, false),
        (r#""effectiveDateTime":"2026-01-01","effectivePeriod":{"start":"2020-01-10"}"#, false),
        (r#""effectiveDateTime":20260101"#, false),
        (r#""issued":"2026-01-01T00:00:00Z""#, false),
    ] {
        assert_eq!(shown("Observation", "o", &format!("{{{when}}}")), Ok(expected), "{when}");
    }
}

#[test]
fn codes_that_cannot_be_read_are_faults() {
    for code in
        [r#""S""#, r#"{"coding":{"code":"S"}}"#, r#"{"coding":["S"]}"#, r#"{"coding":[{"system":1,"code":"S"}]}"#]
    {
        let fault = Err(ShapeFault::Unreadable { element: "code" });
        assert_eq!(shown("Observation", "o", &format!(r#"{{"code":{code}}}"#)), fault, "{code}");
    }
}

#[test]
fn episodes_are_shown_while_current_or_flagged() {
    for (id, status, expected) in [
        ("e", r#""active""#, true),
        ("e", r#""planned""#, true),
        ("e", r#""waitlist""#, true),
        ("e", r#""onhold""#, true),
        ("e", r#""finished""#, false),
        ("e", r#""cancelled""#, false),
        ("e-flagged", r#""finished""#, true),
        ("e-flagged", r#""entered-in-error""#, false),
        ("e-flagged", "null", false),
    ] {
        assert_eq!(shown("EpisodeOfCare", id, &format!(r#"{{"status":{status}}}"#)), Ok(expected), "{id} {status}");
    }
}

#[test]
fn a_practice_may_show_all_closed_episodes_or_none() {
    let none = ShownEpisodes::Only(HashSet::new());
    for (closed, status, expected) in [
        (ShownEpisodes::All, "finished", true),
        (ShownEpisodes::All, "cancelled", true),
        (ShownEpisodes::All, "entered-in-error", false),
        (none.clone(), "finished", false),
        (none, "active", true),
    ] {
        let rules = Rules { closed_episodes: closed.clone(), ..rules() };
        let body = format!(r#"{{"status":"{status}"}}"#);
        let outline = scan(body.as_bytes()).unwrap();
        let shown = shows(outline.root().unwrap(), "EpisodeOfCare", "e-flagged", &rules);
        assert_eq!(shown, Ok(expected), "{closed:?} {status}");
    }
}

#[test]
fn what_the_catalogue_does_not_ask_is_not_withheld() {
    let cases = [
        (Rule::ResultsPeriod, "Observation", r#"{"code":{"text":"lengte"},"effectiveDateTime":"2001-01-01"}"#),
        (Rule::ResultsPeriod, "Observation", r#"{"code":{"text":"lengte"}}"#),
        (Rule::ClosedEpisodes, "EpisodeOfCare", r#"{"status":"finished"}"#),
        (Rule::MedicationInUse, "MedicationStatement", r#"{"effectivePeriod":{"end":"2001"}}"#),
        (Rule::MedicationIntolerances, "AllergyIntolerance", r#"{"category":["food"]}"#),
    ];
    for (rule, resource_type, body) in cases {
        let outline = scan(body.as_bytes()).unwrap();
        let others: Vec<Rule> = ALL.iter().copied().filter(|other| *other != rule).collect();
        for (applied, expected) in [(ALL.to_vec(), false), (others, true)] {
            let rules = Rules { applied, ..rules() };
            assert_eq!(shows(outline.root().unwrap(), resource_type, "r", &rules), Ok(expected), "{rule:?} {body}");
        }
    }
}

#[test]
fn lines_stay_hidden_without_any_rule() {
    let rules = Rules { applied: Vec::new(), ..rules() };
    let profile = r#"{"meta":{"profile":["http://nictiz.nl/fhir/StructureDefinition/gp-JournalEntry"]}}"#.to_owned();
    for body in [line_observation("S", "2026-01-01"), line_observation("E", "2024-02-29"), profile] {
        let outline = scan(body.as_bytes()).unwrap();
        assert_eq!(shows(outline.root().unwrap(), "Observation", "o", &rules), Ok(false), "{body}");
    }
}

#[test]
fn medication_is_shown_while_it_is_in_use() {
    let period = |end: &str| {
        let url = "http://nictiz.nl/fhir/StructureDefinition/zib-Medication-PeriodOfUse";
        format!(r#"{{"extension":[{{"url":"{url}","valuePeriod":{{"start":"2020-01-01"{end}}}}}]}}"#)
    };
    for (end, expected) in [
        ("", true),
        (r#","end":"2026-03-10""#, true),
        (r#","end":"2026-03""#, true),
        (r#","end":"2026""#, true),
        (r#","end":"2026-03-09""#, false),
        (r#","end":"2026-03-09T23:00:00+01:00""#, false),
        (r#","end":"2025""#, false),
        (r#","end":"soon""#, false),
        (r#","end":null"#, false),
    ] {
        assert_eq!(shown("MedicationRequest", "m", &period(end)), Ok(expected), "{end}");
    }
    for (end, expected) in [("2026-03-10", true), ("2026-03-09", false)] {
        let body = format!(r#"{{"effectivePeriod":{{"end":"{end}"}}}}"#);
        assert_eq!(shown("MedicationStatement", "m", &body), Ok(expected), "{end}");
    }
    assert_eq!(shown("MedicationDispense", "m", &period(r#","end":"2026-03-09""#)), Ok(false));
    assert_eq!(shown("MedicationRequest", "m", "{}"), Ok(true));
    let other = r#"{"extension":[{"url":"urn:x","valuePeriod":{"end":"2001-01-01"}}]}"#;
    assert_eq!(shown("MedicationRequest", "m", other), Ok(true));
    let unreadable = r#"{"extension":[{"url":"urn:zib-Medication-PeriodOfUse","valueDateTime":"2099"}]}"#;
    assert_eq!(shown("MedicationRequest", "m", unreadable), Ok(false));
}

#[test]
fn only_intolerances_for_medication_are_shown() {
    for (category, expected) in [
        (r#"["medication"]"#, true),
        (r#"["food","medication"]"#, true),
        (r#"["food"]"#, false),
        (r#""medication""#, false),
        ("[]", false),
    ] {
        let body = format!(r#"{{"category":{category}}}"#);
        assert_eq!(shown("AllergyIntolerance", "a", &body), Ok(expected), "{category}");
    }
    assert_eq!(shown("AllergyIntolerance", "a", "{}"), Ok(false));
}

#[test]
fn dates_are_read_strictly() {
    assert_eq!(earliest_day("2025"), Some(date(2025, 1, 1)));
    assert_eq!(earliest_day("2025-10"), Some(date(2025, 10, 1)));
    assert_eq!(earliest_day("2025-10-31T09:00:00.000+01:00"), Some(date(2025, 10, 31)));
    for text in [
        "",
        "25",
        "2025-1",
        "2025-13",
        "2025-02-30",
        "2025-10T10:00",
        "2025-10-31T",
        "2025-10-31 10:00",
        "+025",
        "2025-10-31-1",
    ] {
        assert_eq!(earliest_day(text), None, "{text}");
    }
}
