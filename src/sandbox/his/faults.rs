//! The faults an emulated HIS can be told to have, and the log of what it was asked.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::answer::{Answer, FHIR_JSON};
use crate::medmij::Bsn;

/// How requests go wrong. What a control request leaves out is off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// Waits this long before anything else happens to a request, in milliseconds.
    pub delay_ms: u32,
    /// What happens then.
    pub fail: Fail,
    /// Every searchset also holds one entry of another patient.
    pub foreign_patient: bool,
    /// The BSN also stands in the narrative and in an extra identifier of every resource.
    pub unmasked_bsn: bool,
    /// The entry of a batch or transaction with this number, from 1, is refused. 0: none.
    pub fail_entry: u32,
}

impl Faults {
    /// Reads the JSON object of a control request.
    ///
    /// # Errors
    /// When it is no object, names a member that does not exist, or a value does not fit.
    pub fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        // A struct would also be read from a list of its values.
        let members: Map<String, Value> = serde_json::from_slice(text)?;
        serde_json::from_value(Value::Object(members))
    }
}

/// How a request ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Fail {
    /// With its answer.
    #[default]
    None,
    /// Connections are closed before the TLS handshake; those that are open break.
    Refuse,
    /// The connection is reset after the request.
    Reset,
    /// A correct head, half the body, and the connection closes.
    Cut,
    /// This status, with a page of the vendor that names an internal host and a BSN.
    Status(StatusOfFault),
    /// Status 200 with a body that is no FHIR: in turn a page of HTML and broken JSON.
    Garbage,
    /// Never, until the faults change or the connection closes.
    Hang,
}

/// A status from 300 to 599.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusOfFault(StatusCode);

/// A word that is no fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("fail is one of none, refuse, reset, cut, status:300 to status:599, garbage and hang")]
pub struct UnknownFault;

impl TryFrom<String> for Fail {
    type Error = UnknownFault;

    fn try_from(word: String) -> Result<Self, UnknownFault> {
        Ok(match word.as_str() {
            "none" => Self::None,
            "refuse" => Self::Refuse,
            "reset" => Self::Reset,
            "cut" => Self::Cut,
            "garbage" => Self::Garbage,
            "hang" => Self::Hang,
            other => {
                let status =
                    other.strip_prefix("status:").and_then(|code| StatusCode::from_bytes(code.as_bytes()).ok());
                let status = status.filter(|status| (300..600).contains(&status.as_u16())).ok_or(UnknownFault)?;
                Self::Status(StatusOfFault(status))
            }
        })
    }
}

impl From<Fail> for String {
    fn from(fail: Fail) -> Self {
        match fail {
            Fail::None => "none".to_owned(),
            Fail::Refuse => "refuse".to_owned(),
            Fail::Reset => "reset".to_owned(),
            Fail::Cut => "cut".to_owned(),
            Fail::Status(StatusOfFault(status)) => format!("status:{}", status.as_u16()),
            Fail::Garbage => "garbage".to_owned(),
            Fail::Hang => "hang".to_owned(),
        }
    }
}

const HTML: HeaderValue = HeaderValue::from_static("text/html;charset=utf-8");

/// The error page of an invented vendor, with what a patient may never see.
pub(super) fn vendor_page(StatusOfFault(status): StatusOfFault, bsn: Option<&Bsn>) -> Answer {
    let page = format!(
        "<html><head><title>{status}</title></head><body><h1>Praktijkbron Server Error</h1>\
         <p>Worker pb-app03.intern.praktijkbron.example:9443 failed for subject {bsn}.</p>\
         <pre>at praktijkbron.fhir.Dispatcher.invoke(Dispatcher.java:217)</pre></body></html>",
        bsn = bsn.map_or("unknown", Bsn::reveal),
    );
    Answer { status, media_type: HTML, body: page.into() }
}

/// Status 200 and no FHIR; which of the two kinds depends on `turn`.
pub(super) fn garbage(turn: u64) -> Answer {
    let (media_type, body) = if turn.is_multiple_of(2) {
        (HTML, "<html><body>Welkom bij Praktijkbron. Meld u aan.</body></html>")
    } else {
        (FHIR_JSON, "{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"entry\":[{\"resource\":{,}}]")
    };
    Answer { status: StatusCode::OK, media_type, body: Bytes::from_static(body.as_bytes()) }
}

/// The resource with the BSN in its narrative and in an identifier by object identifier (`urn:oid:`).
pub(super) fn expose_bsn(resource: &Value, bsn: &Bsn) -> Value {
    const EMPTY: &str = "<div xmlns=\"http://www.w3.org/1999/xhtml\"></div>";
    let mut exposed = resource.as_object().cloned().unwrap_or_default();
    let div = resource.pointer("/text/div").and_then(Value::as_str).unwrap_or(EMPTY);
    let (inner, end) = div.rsplit_once("</div>").map_or((div, ""), |(inner, _)| (inner, "</div>"));
    let div = format!("{inner}<p>BSN {}</p>{end}", bsn.reveal());
    exposed.insert("text".to_owned(), json!({"status": "additional", "div": div}));

    let identifier = json!({"system": Bsn::OID, "value": bsn.reveal()});
    let stands = resource.get("identifier").and_then(Value::as_array);
    let identifier = if resource.get("resourceType").is_some_and(|kind| kind == "Composition") {
        // In STU3 a Composition has one identifier, not a list.
        identifier
    } else {
        stands.into_iter().flatten().cloned().chain([identifier]).collect()
    };
    exposed.insert("identifier".to_owned(), identifier);
    Value::Object(exposed)
}

/// What came in: how many requests, and the last of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RequestLog {
    /// Requests so far, refused ones included; connections that sent none do not count.
    pub count: u64,
    /// The last one.
    pub last: Option<LoggedRequest>,
}

/// One request as it came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoggedRequest {
    /// The method.
    pub method: String,
    /// The path, as sent.
    pub path: String,
    /// The query, as sent; empty when there is none.
    pub query: String,
    /// Header names in lower case; values of repeated ones are joined by a comma.
    pub headers: BTreeMap<String, String>,
}

impl RequestLog {
    /// Counts a request and keeps it as the last.
    pub(super) fn note(&mut self, request: &Parts) {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &request.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|all| *all = format!("{all}, {value}"))
                .or_insert_with(|| value.into_owned());
        }
        self.count = self.count.saturating_add(1);
        self.last = Some(LoggedRequest {
            method: request.method.to_string(),
            path: request.uri.path().to_owned(),
            query: request.uri.query().unwrap_or_default().to_owned(),
            headers,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_read_and_written_alike() {
        for word in ["none", "refuse", "reset", "cut", "status:503", "garbage", "hang"] {
            let faults: Faults = serde_json::from_value(json!({"fail": word})).unwrap();
            assert_eq!(serde_json::to_value(faults).unwrap()["fail"], word);
        }
    }

    #[test]
    fn what_is_left_out_is_off_and_what_is_unknown_is_refused() {
        let faults: Faults = Faults::parse(br#"{"delay_ms":250}"#).unwrap();
        assert_eq!(faults, Faults { delay_ms: 250, ..Faults::default() });
        for text in
            [r#"{"dealy_ms":1}"#, r#"{"fail":"explode"}"#, r#"{"fail":"status:200"}"#, r#"{"delay_ms":-1}"#, "[7]"]
        {
            assert!(Faults::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

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
            assert!(exposed["identifier"].to_string().contains(Bsn::OID), "{exposed}");
            assert_eq!(exposed["identifier"].is_object(), resource["resourceType"] == "Composition");
        }
    }
}
