//! What is shown and what is not, element by element.

use std::collections::HashSet;

use jiff::civil::date;

use super::super::scan::scan;
use super::*;

fn rules() -> Rules {
    Rules {
        access_start: date(2024, 3, 1),
        results_since: date(2025, 1, 10),
        today: date(2026, 3, 10),
        flagged_episodes: HashSet::from(["e-flagged".to_owned()]),
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
