//! What an installation says about itself. Words of the vendor, held short and plain before anybody prints them.

use serde::Deserialize;

/// Most characters of one word.
const WORD_MAX: usize = 64;
/// Most words of one list.
const WORDS_MAX: usize = 200;

/// What an installation says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The product and its release.
    pub software: Option<String>,
    /// The version of FHIR, or of the API, that it answers in.
    pub version: Option<String>,
    /// How it writes answers.
    pub formats: Vec<String>,
    /// The resource types, or lists, that it names.
    pub offers: Vec<String>,
    /// Whether this is the statement of a FHIR server.
    pub is_fhir: bool,
}

/// The parts of a CapabilityStatement that are read (FHIR STU3 and R4 capabilitystatement.html).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    resource_type: String,
    fhir_version: Option<String>,
    #[serde(default)]
    format: Vec<String>,
    software: Option<Software>,
    #[serde(default)]
    rest: Vec<Rest>,
}

#[derive(Deserialize)]
struct Software {
    name: String,
    version: Option<String>,
}

#[derive(Deserialize)]
struct Rest {
    #[serde(default)]
    resource: Vec<Offered>,
}

#[derive(Deserialize)]
struct Offered {
    #[serde(rename = "type")]
    kind: String,
}

impl About {
    /// Of the words that an installation uses; what is no plain text in them is left out.
    pub(super) fn of(software: Option<&str>, version: Option<&str>, formats: &[String], offers: &[String]) -> Self {
        let list = |words: &[String]| words.iter().take(WORDS_MAX).map(|text| word(text)).collect();
        Self {
            software: software.map(word),
            version: version.map(word),
            formats: list(formats),
            offers: list(offers),
            is_fhir: false,
        }
    }

    /// Reads a CapabilityStatement in JSON; `None` when it is none.
    pub(super) fn of_statement(json: &[u8]) -> Option<Self> {
        let read: Statement = serde_json::from_slice(json).ok()?;
        let Statement { resource_type, fhir_version, format, software, rest } = read;
        let software =
            software.map(|Software { name, version }| [Some(name), version].into_iter().flatten().collect::<Vec<_>>());
        let offers: Vec<_> = rest.into_iter().flat_map(|rest| rest.resource).map(|offered| offered.kind).collect();
        let software = software.map(|words| words.join(" "));
        (resource_type == "CapabilityStatement")
            .then(|| Self { is_fhir: true, ..Self::of(software.as_deref(), fhir_version.as_deref(), &format, &offers) })
    }
}

/// Without what a terminal would obey.
fn word(text: &str) -> String {
    text.chars().filter(|c| *c == ' ' || c.is_ascii_graphic()).take(WORD_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_says_what_it_is_in_plain_words() {
        let about = About::of_statement(
            br#"{"resourceType":"CapabilityStatement","fhirVersion":"3.0.2","format":["json","xml"],
                "software":{"name":"Een\u001b[31mHIS","version":"1"},"rest":[{"resource":[{"type":"Patient"}]}]}"#,
        );
        let about = about.unwrap();
        assert_eq!(about.software.as_deref(), Some("Een[31mHIS 1"), "no escape reaches a terminal");
        assert_eq!((about.version.as_deref(), about.formats.len()), (Some("3.0.2"), 2));
        assert_eq!(about.offers, ["Patient"]);
        assert_eq!(word(&"x".repeat(1000)).len(), WORD_MAX);
    }

    #[test]
    fn anything_else_is_no_statement() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"resourceType":"OperationOutcome"}"#,
            r#"{"resourceType":"CapabilityStatement","format":1}"#,
        ] {
            assert_eq!(About::of_statement(text.as_bytes()), None, "{text}");
        }
    }
}
