//! Tricks with the Bundle and its entries.

use super::super::super::ShapeFault;
use super::{Attack, Kept, Refused, Withheld, bundle, encounter, resource};

fn with_member(member: &str) -> String {
    encounter(r#""status":"finished""#).replacen('{', &format!("{{{member},"), 1)
}

fn outcome(issue: &str) -> String {
    let outcome = format!(r#"{{"resource":{{"resourceType":"OperationOutcome","issue":[{{{issue}}}]}}}}"#);
    bundle(&format!("{},{outcome}", resource("Encounter", r#""status":"finished""#)))
}

fn entry(members: &str) -> String {
    encounter(r#""status":"finished""#).replacen("{\"resource\":", &format!("{{{members},\"resource\":"), 1)
}

pub(super) fn attacks() -> Vec<Attack> {
    [pages(), other_pages(), members(), entries(), episodes()].into_iter().flatten().collect()
}

fn pages() -> Vec<Attack> {
    let internal = || Refused(ShapeFault::InternalAddress);
    let next = |url: &str| with_member(&format!(r#""link":[{{"relation":"next","url":"{url}"}}],"total":9"#));
    vec![
        ("a next page", "Encounter", next("https://his.praktijk.internal/fhir?c=1"), Kept("_page=")),
        ("a next page elsewhere", "Encounter", next("https://elsewhere.example/fhir?c=1"), internal()),
        ("a next page on another path", "Encounter", next("https://his.praktijk.internal/fhirs?c=1"), internal()),
        ("a next page at another port", "Encounter", next("https://his.praktijk.internal:1/fhir?c=1"), internal()),
        ("a next page that climbs", "Encounter", next("https://his.praktijk.internal/fhir/../admin"), internal()),
        ("a next page without host", "Encounter", next("/fhir?c=1"), internal()),
        (
            "a next page with the BSN",
            "Encounter",
            next("https://his.praktijk.internal/fhir?patient=999911132"),
            Refused(ShapeFault::UnmaskableBsn),
        ),
        (
            "two next pages",
            "Encounter",
            with_member(
                r#""link":[{"relation":"next","url":"https://his.praktijk.internal/fhir?a"},
                {"relation":"next","url":"https://his.praktijk.internal/fhir?b"}]"#,
            ),
            not_a_searchset(),
        ),
        (
            "a next page by its URI, at no address",
            "Encounter",
            with_member(r#""link":[{"relation":"http://www.iana.org/assignments/relation/next"}]"#),
            not_a_searchset(),
        ),
        (
            "a previous page",
            "Encounter",
            with_member(r#""link":[{"relation":"previous","url":"https://his.praktijk.internal/fhir?KANARIE"}]"#),
            Kept("finished"),
        ),
    ]
}

fn other_pages() -> Vec<Attack> {
    vec![
        (
            "first and last page",
            "Encounter",
            with_member(r#""link":[{"relation":"first","url":"x"},{"relation":"last","url":"x"}]"#),
            Kept("finished"),
        ),
        ("an escaped relation", "Encounter", with_member(r#""link":[{"relation":"n\u0065xt"}]"#), not_a_searchset()),
        ("a total of more", "Encounter", with_member(r#""total":2"#), Refused(ShapeFault::Incomplete)),
        ("a total without end", "Encounter", with_member(r#""total":1e400"#), not_a_searchset()),
        ("a total of less", "Encounter", with_member(r#""total":0"#), Kept(r#""total":1"#)),
        (
            "a search that failed in part",
            "Encounter",
            outcome(r#""severity":"error","code":"exception","diagnostics":"KANARIE""#),
            Refused(ShapeFault::Incomplete),
        ),
        (
            "a warning that a part is missing",
            "Encounter",
            outcome(r#""severity":"warning","code":"incomplete""#),
            Refused(ShapeFault::Incomplete),
        ),
        (
            "a remark that names others",
            "Encounter",
            outcome(r#""severity":"information","code":"informational","diagnostics":"KANARIE 999911132""#),
            Kept("finished"),
        ),
    ]
}

fn members() -> Vec<Attack> {
    let unreadable = |element| Refused(ShapeFault::Unreadable { element });
    vec![
        (
            "names in the meta of the Bundle",
            "Encounter",
            with_member(r#""meta":{"tag":[{"display":"KANARIE"}]}"#),
            Kept("r"),
        ),
        (
            "an extension of the Bundle",
            "Encounter",
            with_member(r#""extension":[{"url":"urn:x","valueString":"KANARIE"}]"#),
            Kept("finished"),
        ),
        (
            "resources beside the entries",
            "Encounter",
            with_member(r#""contained":[{"resourceType":"Patient","id":"pat-2","name":"KANARIE"}]"#),
            Kept("finished"),
        ),
        (
            "an outcome in an entry's response",
            "Encounter",
            entry(r#""response":{"outcome":{"resourceType":"Patient","id":"KANARIE"}},"link":[{"url":"KANARIE"}]"#),
            Kept("finished"),
        ),
        ("an unknown search mode", "Encounter", entry(r#""search":{"mode":"Match"}"#), unreadable("search.mode")),
        (
            "a search mode for outcomes",
            "Encounter",
            entry(r#""search":{"mode":"outcome"}"#),
            Refused(ShapeFault::UnexpectedType),
        ),
        ("an entry without resource", "Encounter", bundle(r#"{"fullUrl":"urn:x"}"#), not_a_searchset()),
        (
            "a resource without id",
            "Encounter",
            bundle(r#"{"resource":{"resourceType":"Encounter","subject":{"reference":"Patient/pat-1"}}}"#),
            unreadable("id"),
        ),
    ]
}

fn entries() -> Vec<Attack> {
    let own = resource("Encounter", r#""status":"finished""#);
    vec![
        ("a match of another type", "Condition", bundle(&own), Refused(ShapeFault::UnexpectedType)),
        (
            "an include that nobody refers to",
            "Encounter",
            bundle(&format!(
                r#"{own},{{"resource":{{"resourceType":"Practitioner","id":"KANARIE"}},"search":{{"mode":"include"}}}}"#
            )),
            Kept("finished"),
        ),
        (
            "an include without search mode",
            "Encounter",
            bundle(&format!(
                r#"{},{{"resource":{{"resourceType":"Practitioner","id":"arts"}}}}"#,
                resource("Encounter", r#""participant":[{"individual":{"reference":"Practitioner/arts"}}]"#)
            )),
            Kept(r#"Practitioner/arts","#),
        ),
    ]
}

fn episodes() -> Vec<Attack> {
    vec![
        (
            "a closed episode",
            "EpisodeOfCare",
            bundle(&resource("EpisodeOfCare", r#""status":"finished","statusHistory":[{"status":"active"}]"#)),
            Withheld,
        ),
        (
            "an episode without status",
            "EpisodeOfCare",
            bundle(&resource("EpisodeOfCare", r#""_status":{"id":"active"}"#)),
            Withheld,
        ),
        (
            "an episode with an escaped status",
            "EpisodeOfCare",
            bundle(&resource("EpisodeOfCare", r#""status":"acti\u0076e""#)),
            Withheld,
        ),
    ]
}

fn not_a_searchset() -> super::Fate {
    Refused(ShapeFault::NotASearchset)
}
