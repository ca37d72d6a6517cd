//! Says in a searchset that it is not all there is. Only an adapter that joins several pages of a HIS comes to that: a page
//! after the first one did not come, and what came is true.

use super::outline::{Kind, Value};
use super::{ShapeFault, scan};

/// The entry that says so (FHIR STU3 search.html, 3.1.1.3; bundle.html, `search.mode`). Its words are ours.
const ENTRY: &str = concat!(
    r#"{"fullUrl":"urn:uuid:5f0f6a52-9c1e-4d0b-8a53-2f4b8b0f7c31","resource":{"resourceType":"OperationOutcome","#,
    r#""id":"5f0f6a52-9c1e-4d0b-8a53-2f4b8b0f7c31","issue":[{"severity":"warning","code":"incomplete","details":{"text":"#,
    r#""Het systeem van de praktijk gaf niet alles. Wat hier staat klopt, maar er ontbreekt iets. Probeer het later opnieuw."}}]},"#,
    r#""search":{"mode":"outcome"}}"#
);

/// Adds the entry at the end of a shaped searchset. Its matches are as many as before: `total` does not count this entry.
///
/// # Errors
/// When it is no Bundle with a list of entries or none.
pub fn say_incomplete(searchset: &[u8]) -> Result<Vec<u8>, ShapeFault> {
    let outline = scan::scan(searchset)?;
    let root = outline.root().filter(|root| root.kind() == Kind::Object).ok_or(ShapeFault::NotASearchset)?;
    let (at, added) = match root.member("entry") {
        Some(list) => {
            let end = list.span().end.checked_sub(1).ok_or(ShapeFault::NotASearchset)?;
            let comma = if Value::items(list).next().is_some() { "," } else { "" };
            (end, format!("{comma}{ENTRY}"))
        }
        None => {
            let comma = if root.members().next().is_some() { "," } else { "" };
            (root.start() + 1, format!(r#""entry":[{ENTRY}]{comma}"#))
        }
    };
    let (before, after) = searchset.split_at_checked(at).ok_or(ShapeFault::NotASearchset)?;
    Ok([before, added.as_bytes(), after].concat())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_entry_comes_last_and_the_rest_stays_byte_for_byte() {
        let head = r#"{"resourceType":"Bundle","type":"searchset""#;
        let cases = [
            (format!("{head}}}"), 0),
            (format!(r#"{head},"entry":[]}}"#), 0),
            (format!(r#"{head},"entry":[{{"resource":{{"id":"a","value":5.60}}}} ] , "total":1}}"#), 1),
        ];
        for (searchset, matches) in cases {
            let said = String::from_utf8(say_incomplete(searchset.as_bytes()).unwrap()).unwrap();
            let bundle: Value = serde_json::from_str(&said).unwrap();
            let entries = bundle["entry"].as_array().unwrap();
            assert_eq!(entries.len(), matches + 1, "{said}");
            let issue = &entries[matches]["resource"]["issue"][0];
            assert_eq!((&issue["severity"], &issue["code"]), (&"warning".into(), &"incomplete".into()));
            assert_eq!(said.contains("5.60"), searchset.contains("5.60"));
        }
    }

    #[test]
    fn what_is_no_bundle_is_refused() {
        for text in ["", "[]", "7", r#"{"entry":"#] {
            assert!(say_incomplete(text.as_bytes()).is_err(), "{text}");
        }
    }
}
