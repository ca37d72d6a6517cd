//! Tricks with the notation.

use super::super::super::ShapeFault;
use super::{Attack, Broken, FOREIGN, Kept, Refused, Withheld, encounter, observation};

pub(super) fn attacks() -> Vec<Attack> {
    let good = encounter(r#""status":"finished""#);
    vec![
        (
            "a subject twice, once escaped",
            "Encounter",
            encounter(r#""sub\u006aect":{"reference":"Patient/pat-2"}"#),
            Refused(ShapeFault::EscapedName),
        ),
        (
            "a subject twice",
            "Encounter",
            encounter(r#""subject":{"reference":"Patient/pat-2"}"#),
            Refused(ShapeFault::RepeatedName),
        ),
        (
            "an escaped reference name",
            "Encounter",
            encounter(r#""x":{"re\u0066erence":"Patient/pat-2"}"#),
            Refused(ShapeFault::EscapedName),
        ),
        ("an escaped foreign reference", "Encounter", encounter(r#""x":{"reference":"P\u0061tient\/pat-2"}"#), FOREIGN),
        (
            "an escaped S",
            "Observation",
            observation(
                r#""code":{"coding":[{"system":"http:\/\/fhir.nl\/x\/journaalregel\u0074ypen","code":"\u0053"}]}"#,
            ),
            Withheld,
        ),
        (
            "an escaped type",
            "Encounter",
            good.replace("Encounter", "Encount\\u0065r"),
            Refused(ShapeFault::NotASearchset),
        ),
        ("a byte order mark", "Encounter", format!("\u{feff}{good}"), Broken),
        ("a NUL in a string", "Encounter", encounter("\"x\":\"a\0b\""), Broken),
        ("half a surrogate pair", "Encounter", encounter(r#""x":"\ud83d""#), Broken),
        ("two documents", "Encounter", format!("{good}\n{good}"), Broken),
        ("a comment", "Encounter", encounter(r#""x":1/*y*/"#), Broken),
        ("a trailing comma", "Encounter", encounter(r#""x":[1,]"#), Broken),
        ("not a number", "Encounter", encounter(r#""x":NaN"#), Broken),
        ("a number over every float", "Encounter", encounter(r#""x":1e400"#), Kept(r#""x":1e400"#)),
        ("a number of 40 digits", "Encounter", encounter(&format!(r#""x":{}.50"#, "7".repeat(40))), Kept("777.50")),
        (
            "a deep nest",
            "Encounter",
            encounter(&format!(r#""x":{}{}"#, "[".repeat(65), "]".repeat(65))),
            Refused(ShapeFault::TooDeep),
        ),
        ("an escaped NUL inside the BSN", "Encounter", encounter(r#""x":"9999\u000011132""#), Kept("*********")),
        ("a line break inside the BSN", "Encounter", encounter(r#""x":"9999\n11\t132""#), Kept("*********")),
    ]
}
