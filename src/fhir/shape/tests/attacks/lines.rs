//! Tricks to get a line S or O, or a line from before access began, past the guideline.

use super::super::super::ShapeFault;
use super::{
    Attack, Kept, LINES, Refused, Undetected, Withheld, bundle, composition, e_line, observation, resource, section,
    shown,
};

fn coded(coding: &str) -> String {
    observation(&format!(r#""code":{{"coding":[{coding}]}}"#))
}

fn dated(effective: &str) -> String {
    bundle(&resource("Observation", &format!(r#""code":{{"coding":[{{"system":"{LINES}","code":"E"}}]}},{effective}"#)))
}

pub(super) fn attacks() -> Vec<Attack> {
    let mut all = codes();
    all.extend(places());
    all.extend(neighbours());
    all.extend(sections());
    all.extend(dates());
    all
}

fn codes() -> Vec<Attack> {
    [
        ("E and S in one code", format!(r#"{{"system":"{LINES}","code":"E"}},{{"system":"{LINES}","code":"S"}}"#)),
        (
            "S behind a result",
            format!(r#"{{"system":"http://loinc.org","code":"1"}},{{"system":"{LINES}","code":"S"}}"#),
        ),
        ("a small s", format!(r#"{{"system":"{LINES}","code":"s"}}"#)),
        ("a system with a slash", format!(r#"{{"system":"{LINES}/","code":"S"}}"#)),
        ("a system in capitals", format!(r#"{{"system":"{}","code":"S"}}"#, LINES.to_uppercase())),
        ("a system over https", format!(r#"{{"system":"{}","code":"S"}}"#, LINES.replace("http", "https"))),
        ("a system as OID", r#"{"system":"urn:oid:2.999.7","code":"S"}"#.to_owned()),
        ("a percent-encoded system", format!(r#"{{"system":"{}","code":"O"}}"#, LINES.replace("jour", "%6aour"))),
        ("S without system", r#"{"code":"S"}"#.to_owned()),
        ("S with a zero-width space", r#"{"code":"S\u200b"}"#.to_owned()),
        ("a line type without code", format!(r#"{{"system":"{LINES}","display":"x"}}"#)),
        ("an unknown line type", format!(r#"{{"system":"{LINES}","code":"N"}}"#)),
        ("a name in place of a code", r#"{"system":"urn:x","code":"1","display":"Subjectief"}"#.to_owned()),
        ("the LOINC code of S", r#"{"system":"http://loinc.org","code":"61150-9"}"#.to_owned()),
    ]
    .map(|(name, coding)| (name, "Observation", coded(&coding), Withheld))
    .into()
}

fn places() -> Vec<Attack> {
    let hidden = || Refused(ShapeFault::HiddenLine);
    let s = format!(r#"{{"system":"{LINES}","code":"S"}}"#);
    vec![
        ("a code in words", "Observation", observation(r#""code":{"text":"Objectief:"}"#), Withheld),
        (
            "S as category",
            "Observation",
            observation(&format!(r#""code":{{"text":"klacht"}},"category":[{{"coding":[{s}]}}]"#)),
            Withheld,
        ),
        (
            "S as component of E",
            "Observation",
            e_line(&format!(r#""component":[{{"code":{{"coding":[{s}]}}}}]"#)),
            hidden(),
        ),
        (
            "S in words as component of E",
            "Observation",
            e_line(r#""component":[{"code":{"text":"subjectief"}}]"#),
            hidden(),
        ),
        (
            "S as coding in an extension",
            "Observation",
            e_line(&format!(r#""extension":[{{"url":"urn:x","extension":[{{"url":"t","valueCoding":{s}}}]}}]"#)),
            hidden(),
        ),
        (
            "S as a condition",
            "Condition",
            bundle(&resource("Condition", &format!(r#""code":{{"coding":[{s}]}}"#))),
            hidden(),
        ),
    ]
}

fn neighbours() -> Vec<Attack> {
    let s = format!(r#"{{"system":"{LINES}","code":"S"}}"#);
    vec![
        (
            "E that refers to S with its text",
            "Observation",
            bundle(&format!(
                r#"{},{}"#,
                resource(
                    "Observation",
                    &format!(
                        r#""code":{{"coding":[{{"system":"{LINES}","code":"E"}}]}},"effectiveDateTime":"2026-01-01",
                        "related":[{{"target":{{"reference":"Observation/s","display":"KANARIE"}}}}]"#
                    )
                ),
                resource("Observation", &format!(r#""code":{{"coding":[{s}]}},"comment":"KANARIE""#))
                    .replace(r#""id":"r""#, r#""id":"s""#)
            )),
            Kept(r#"{"reference":"Observation/s"}"#),
        ),
        (
            "E that contains S",
            "Observation",
            e_line(&format!(
                r##""contained":[{{"resourceType":"Observation","id":"s","subject":{{"reference":"Patient/pat-1"}},
                "code":{{"coding":[{s}]}},"comment":"KANARIE"}}],"x":{{"reference":"#s","display":"KANARIE"}}"##
            )),
            Kept("beleid"),
        ),
        (
            "E that refers to an S that is not there",
            "Observation",
            e_line(r#""related":[{"target":{"reference":"Observation/s","display":"woorden van S"}}]"#),
            Undetected("woorden van S"),
        ),
        ("the text of S in E", "Observation", e_line(r#""comment":"S: hoest""#), Undetected("S: hoest")),
        (
            "S in a code system of one's own",
            "Observation",
            shown(r#""code":{"coding":[{"system":"urn:eigen","code":"17"}]}"#),
            Undetected("beleid"),
        ),
    ]
}

fn sections() -> Vec<Attack> {
    let e = section("E", "beleid");
    let nested = |inner: &str| composition(&e.replacen('{', &format!(r#"{{"section":[{inner}],"#), 1));
    let inner = section("E", "x").replacen('{', &format!(r#"{{"section":[{}],"#, section("S", "KANARIE")), 1);
    let uncoded = r#"{"text":{"div":"KANARIE"},"entry":[{"reference":"Observation/s"}]}"#;
    let kept = || Kept("beleid");
    vec![
        ("a section S beside E", "Composition", composition(&format!("{},{e}", section("S", "KANARIE"))), kept()),
        ("a section S in E in E", "Composition", nested(&inner), kept()),
        ("a section O in E", "Composition", nested(&section("o", "KANARIE")), kept()),
        ("a section without code", "Composition", composition(&format!("{uncoded},{e}")), kept()),
        (
            "a section of another system",
            "Composition",
            composition(&section("1", "KANARIE").replace(LINES, "urn:x")),
            Withheld,
        ),
        (
            "a section E that is called S",
            "Composition",
            composition(&section("E", "KANARIE").replacen('{', r#"{"title":"Subjectief","#, 1)),
            Withheld,
        ),
        ("nothing but S", "Composition", composition(&section("S", "KANARIE")), Withheld),
        (
            "the narrative of the whole",
            "Composition",
            composition(&e).replace(r#""date":"#, r#""text":{"div":"KANARIE"},"date":"#),
            kept(),
        ),
        ("a section E with the text of S", "Composition", composition(&section("E", "hoest")), Undetected("hoest")),
        ("a Composition without date", "Composition", composition(&e).replace("\"date\"", "\"_date\""), Withheld),
        ("a Composition from before", "Composition", composition(&e).replace("2026-01-01", "2024-02-29"), Withheld),
    ]
}

fn dates() -> Vec<Attack> {
    let mut all: Vec<Attack> = [
        ("no date", r#""issued":"2026-01-01T00:00:00Z""#),
        ("a year that may be before", r#""effectiveDateTime":"2024""#),
        ("a period without start", r#""effectivePeriod":{"end":"2026-01-01"}"#),
        ("a period that began before", r#""effectivePeriod":{"start":"2024-02-01","end":"2026-01-01"}"#),
        ("two dates of which one is before", r#""effectiveDateTime":"2026-01-01","effectivePeriod":{"start":"2020"}"#),
        ("a timing beside a date", r#""effectiveDateTime":"2026-01-01","effectiveTiming":{"event":["2020-01-01"]}"#),
        ("a timing only", r#""effectiveTiming":{"event":["2026-01-01"]}"#),
        ("the last minute before, in UTC", r#""effectiveDateTime":"2024-02-29T23:30:00Z""#),
        ("a date that is none", r#""effectiveDateTime":"2024-02-30""#),
        ("a date as number", r#""effectiveDateTime":20260101"#),
        ("a date in a sibling", r#""_effectiveDateTime":{"extension":[{"url":"urn:x","valueDate":"2026-01-01"}]}"#),
    ]
    .map(|(name, effective)| (name, "Observation", dated(effective), Withheld))
    .into();
    let far = dated(r#""effectiveDateTime":"9999-12-31""#);
    all.push(("the year 9999", "Observation", far, Kept("9999-12-31")));
    let zone = dated(r#""effectiveDateTime":"2024-03-01T00:30:00+14:00""#);
    all.push(("midnight on the other side of the world", "Observation", zone, Undetected("+14:00")));
    all
}
