//! JSON or XML: what a request asks for, or what the faults say it gets.

use http::request::Parts;
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};

use super::answer::{Answer, FHIR_JSON};
use super::faults::{Faults, ForeignKind};
use super::search::Query;
use crate::fhir::xml;
use crate::medmij::FhirVersion;

pub(super) const FHIR_XML: HeaderValue = HeaderValue::from_static("application/fhir+xml;charset=utf-8");

/// In which form a HIS answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// That which is asked for, else JSON.
    #[default]
    AsAsked,
    /// JSON, whatever is asked for.
    Json,
    /// XML, whatever is asked for.
    Xml,
}

/// Whether the answer is to be XML. `_format` goes before `Accept` (FHIR STU3 http.html, 2.21.0.6).
pub(super) fn is_xml(request: &Parts, faults: &Faults) -> bool {
    match faults.format {
        Format::Json => false,
        Format::Xml => true,
        Format::AsAsked => {
            let query = Query::parse(request.uri.query().unwrap_or_default()).unwrap_or_default();
            let accept = request.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let format = query.pairs().find(|(name, _)| *name == "_format").map(|(_, value)| value.to_owned());
            names_xml(&format.unwrap_or_else(|| accept.to_owned()))
        }
    }
}

/// The first media type named decides.
fn names_xml(text: &str) -> bool {
    let first = text.split([',', ';']).next().unwrap_or_default().trim();
    first.ends_with("xml")
}

/// An answer in JSON that is at hand, in XML; any other as it is.
pub(super) fn in_xml(answer: Answer, version: FhirVersion, faults: &Faults) -> Answer {
    if answer.media_type != FHIR_JSON {
        return answer;
    }
    match xml::to_xml(answer.body.at_hand(), version) {
        Ok(text) if faults.foreign_patient && faults.foreign_kind == ForeignKind::XmlEntity => {
            let text = String::from_utf8(text).unwrap_or_default();
            Answer { media_type: FHIR_XML, body: hidden(&text).into(), ..answer }
        }
        Ok(text) => Answer { media_type: FHIR_XML, body: text.into(), ..answer },
        Err(_) => answer,
    }
}

/// The last entry, which is the stranger's, comes out of an entity.
fn hidden(text: &str) -> String {
    let found = text.rfind("<entry>").and_then(|from| Some((from, from + text.get(from..)?.find("</entry>")? + 8)));
    let Some((from, to)) = found else { return text.to_owned() };
    let (before, entry, after) = (text.get(..from), text.get(from..to), text.get(to..));
    let [before, entry, after] = [before, entry, after].map(Option::unwrap_or_default);
    let literal = entry.replace('&', "&#38;").replace('%', "&#37;").replace('"', "&#34;");
    let declared = before.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").unwrap_or(before);
    format!("<!DOCTYPE Bundle [<!ENTITY ander \"{literal}\">]>{declared}&ander;{after}")
}
