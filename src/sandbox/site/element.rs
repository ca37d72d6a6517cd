//! A tolerant reader of STU3 JSON: whatever is absent or of another shape reads as nothing, at any depth.

use serde_json::{Number, Value};

/// Stands in for every member that is not there.
const NOTHING: &Value = &Value::Null;

/// An element of a resource, or nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'a>(&'a Value);

impl<'a> Element<'a> {
    pub(super) const fn new(value: &'a Value) -> Self {
        Self(value)
    }

    /// A member.
    pub(super) fn child(self, name: &str) -> Self {
        Self(self.0.get(name).unwrap_or(NOTHING))
    }

    /// The elements of a repeating member.
    pub(super) fn items(self, name: &str) -> impl Iterator<Item = Self> + use<'a> {
        self.child(name).0.as_array().into_iter().flatten().map(Self)
    }

    /// A text with something in it.
    pub(super) fn as_text(self) -> Option<&'a str> {
        self.0.as_str().map(str::trim).filter(|text| !text.is_empty())
    }

    /// A member that is a text with something in it.
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.child(name).as_text()
    }

    /// A member that is a number.
    pub(super) fn number(self, name: &str) -> Option<&'a Number> {
        self.child(name).0.as_number()
    }

    /// A member that is true or false.
    pub(super) fn boolean(self, name: &str) -> Option<bool> {
        self.child(name).0.as_bool()
    }

    pub(super) fn is_a(self, resource_type: &str) -> bool {
        self.text("resourceType") == Some(resource_type)
    }

    /// The extension whose address ends in this name.
    pub(super) fn extension(self, name: &str) -> Self {
        let named = |extension: &Self| extension.text("url").and_then(|url| url.rsplit('/').next()) == Some(name);
        self.items("extension").find(named).unwrap_or(Self(NOTHING))
    }

    /// What a CodeableConcept says to people: its text, else the first display, else the first code.
    pub(super) fn concept(self) -> Option<&'a str> {
        let of_codings = |name| self.items("coding").find_map(|coding| coding.text(name));
        self.text("text").or_else(|| of_codings("display")).or_else(|| of_codings("code"))
    }

    /// The code in this system, of a CodeableConcept.
    pub(super) fn code_in(self, system: &str) -> Option<&'a str> {
        self.items("coding").find(|coding| coding.text("system") == Some(system)).and_then(|coding| coding.text("code"))
    }

    /// `Type/id` of a Reference, whether it was written relative or absolute.
    pub(super) fn target(self) -> Option<&'a str> {
        let reference = self.text("reference")?;
        let start = reference.rmatch_indices('/').nth(1).map_or(0, |(at, _)| at + 1);
        reference.get(start..)
    }

    /// Whether a Reference points at this type.
    pub(super) fn points_at(self, resource_type: &str) -> bool {
        self.target().and_then(|target| target.split('/').next()) == Some(resource_type)
    }

    /// The text of the XHTML narrative in `text.div`, without markup.
    pub(super) fn narrative(self) -> Option<String> {
        let text = plain(self.child("text").text("div")?);
        (!text.is_empty()).then_some(text)
    }
}

/// What people would read of XHTML; for display only, where it is escaped again.
fn plain(markup: &str) -> String {
    let mut text = String::with_capacity(markup.len());
    for (number, piece) in markup.split('<').enumerate() {
        let after_tag = if number == 0 { Some(piece) } else { piece.split_once('>').map(|(_, after)| after) };
        if number > 0 {
            text.push(' ');
        }
        text.push_str(after_tag.unwrap_or_default());
    }
    for (entity, character) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")] {
        text = text.replace(entity, character);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_there_reads_as_nothing() {
        for value in [json!(null), json!(7), json!("a"), json!([1]), json!({"a": {"b": 1}})] {
            let element = Element::new(&value).child("a").child("b").child("c");
            assert!(element.as_text().is_none() && element.concept().is_none() && element.items("d").next().is_none());
        }
    }

    #[test]
    fn a_concept_prefers_its_text_then_a_display_then_a_code() {
        let concept = |value| Element::new(&value).concept().map(str::to_owned);
        let codings = json!([{"system": "s", "code": "c"}, {"display": "d"}]);
        assert_eq!(concept(json!({"text": "t", "coding": codings})).as_deref(), Some("t"));
        assert_eq!(concept(json!({"text": " ", "coding": codings})).as_deref(), Some("d"));
        assert_eq!(concept(json!({"coding": [{"code": "c"}]})).as_deref(), Some("c"));
        assert_eq!(concept(json!({"coding": "c"})), None);
        assert_eq!(Element::new(&json!({"coding": codings})).code_in("s"), Some("c"));
    }

    #[test]
    fn a_reference_is_known_by_its_last_two_parts() {
        for text in ["Encounter/7", "https://gp.example/fhir/x/Encounter/7"] {
            let reference = json!({"reference": text});
            assert_eq!(Element::new(&reference).target(), Some("Encounter/7"));
            assert!(Element::new(&reference).points_at("Encounter"));
            assert!(!Element::new(&reference).points_at("Patient"));
        }
        assert_eq!(Element::new(&json!({"reference": "urn:uuid:1"})).target(), Some("urn:uuid:1"));
    }

    #[test]
    fn a_narrative_loses_its_markup_and_nothing_else() {
        let section = json!({"text": {"div": "<div>Rust &amp; <b>water</b>,<br/> 38 &lt; 39</div>"}});
        assert_eq!(Element::new(&section).narrative().as_deref(), Some("Rust & water , 38 < 39"));
        assert_eq!(Element::new(&json!({"text": {"div": "<div> </div>"}})).narrative(), None);
        assert_eq!(plain("a <unfinished"), "a");
    }
}
