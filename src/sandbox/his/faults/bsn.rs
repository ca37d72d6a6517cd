//! A HIS that masks nothing.

use serde_json::{Value, json};

use crate::medmij::Bsn;

/// The resource with the BSN in its narrative and in an identifier by object identifier (`urn:oid:`), which stands in an
/// extension of a type without identifiers.
pub(in crate::sandbox::his) fn expose_bsn(resource: &Value, bsn: &Bsn) -> Value {
    const EMPTY: &str = "<div xmlns=\"http://www.w3.org/1999/xhtml\"></div>";
    let mut exposed = resource.as_object().cloned().unwrap_or_default();
    let div = resource.pointer("/text/div").and_then(Value::as_str).unwrap_or(EMPTY);
    let (inner, end) = div.rsplit_once("</div>").map_or((div, ""), |(inner, _)| (inner, "</div>"));
    let div = format!("{inner}<p>BSN {}</p>{end}", bsn.reveal());
    exposed.insert("text".to_owned(), json!({"status": "additional", "div": div}));

    let identifier = json!({"system": Bsn::OID, "value": bsn.reveal()});
    let beside = |name| resource.get(name).and_then(Value::as_array).into_iter().flatten().cloned();
    let (name, value) = match resource.get("resourceType").and_then(Value::as_str) {
        // In STU3 a Composition has one identifier, not a list, and a Medication none.
        Some("Composition") => ("identifier", identifier),
        Some("Medication") => {
            let extension = json!({"url": "http://praktijkbron.example/nummer", "valueIdentifier": identifier});
            ("extension", beside("extension").chain([extension]).collect())
        }
        _ => ("identifier", beside("identifier").chain([identifier]).collect()),
    };
    exposed.insert(name.to_owned(), value);
    Value::Object(exposed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bsn_comes_into_narrative_and_identifier_of_any_shape() {
        let bsn = Bsn::parse("999911132").unwrap();
        let cases = [
            json!({"resourceType": "Medication"}),
            json!({"resourceType": "Composition", "identifier": {"system": "urn:x", "value": "1"}}),
            json!({"resourceType": "Composition"}),
            json!({"resourceType": "Flag", "identifier": [], "text": {"div": "<div xmlns=\"x\">a</div>"}}),
        ];
        for resource in cases {
            let exposed = expose_bsn(&resource, &bsn);
            assert!(exposed["text"]["div"].as_str().unwrap().ends_with("<p>BSN 999911132</p></div>"), "{exposed}");
            let holder = if resource["resourceType"] == "Medication" { "extension" } else { "identifier" };
            assert!(exposed[holder].to_string().contains(Bsn::OID), "{exposed}");
            assert_eq!(exposed["identifier"].is_object(), resource["resourceType"] == "Composition");
        }
    }
}
