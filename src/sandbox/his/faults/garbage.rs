//! Answers that mean nothing: the error page of a vendor, and bodies that are no FHIR.

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use super::StatusOfFault;
use crate::medmij::Bsn;
use crate::sandbox::his::answer::{Answer, FHIR_JSON};
use crate::sandbox::his::format::FHIR_XML;

const HTML: HeaderValue = HeaderValue::from_static("text/html;charset=utf-8");
/// Levels of [`Garbage::Deep`].
const DEPTH: usize = 10_000;

/// Kinds of bodies that are no FHIR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Garbage {
    /// A page for people.
    Html,
    /// JSON that ends in the middle of nothing.
    Json,
    /// A searchset in which a member stands twice.
    Duplicate,
    /// A searchset of 10,000 levels.
    Deep,
    /// A searchset with bytes that are no UTF-8.
    Utf8,
    /// An empty searchset that calls itself plain text.
    Type,
    /// A searchset in XML whose document type declares an entity that grows.
    Doctype,
    /// A searchset in XML with an entity that nobody declared.
    Entity,
}

impl Garbage {
    pub(super) const WORDS: [(&'static str, Self); 8] = [
        ("html", Self::Html),
        ("json", Self::Json),
        ("duplicate", Self::Duplicate),
        ("deep", Self::Deep),
        ("utf8", Self::Utf8),
        ("type", Self::Type),
        ("doctype", Self::Doctype),
        ("entity", Self::Entity),
    ];
}

/// The error page of an invented vendor, with what a patient may never see.
pub(in crate::sandbox::his) fn vendor_page(StatusOfFault(status): StatusOfFault, bsn: Option<&Bsn>) -> Answer {
    let page = format!(
        "<html><head><title>{status}</title></head><body><h1>Praktijkbron Server Error</h1>\
         <p>Worker pb-app03.intern.praktijkbron.example:9443 failed for subject {bsn}.</p>\
         <pre>at praktijkbron.fhir.Dispatcher.invoke(Dispatcher.java:217)</pre></body></html>",
        bsn = bsn.map_or("unknown", Bsn::reveal),
    );
    Answer { status, media_type: HTML, body: page.into() }
}

/// Status 200 and no FHIR; without a kind, `turn` decides between a page and broken JSON.
pub(in crate::sandbox::his) fn garbage(kind: Option<Garbage>, turn: u64) -> Answer {
    let kind = kind.unwrap_or(if turn.is_multiple_of(2) { Garbage::Html } else { Garbage::Json });
    let media_type = match kind {
        Garbage::Html => HTML,
        Garbage::Type => HeaderValue::from_static("text/plain"),
        Garbage::Doctype | Garbage::Entity => FHIR_XML,
        Garbage::Json | Garbage::Duplicate | Garbage::Deep | Garbage::Utf8 => FHIR_JSON,
    };
    let body = match kind {
        Garbage::Html => Bytes::from_static(b"<html><body>Welkom bij Praktijkbron. Meld u aan.</body></html>"),
        Garbage::Json => {
            Bytes::from_static(br#"{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{,}}]"#)
        }
        Garbage::Duplicate => {
            Bytes::from_static(br#"{"resourceType":"Bundle","type":"searchset","total":0,"total":1,"entry":[]}"#)
        }
        Garbage::Deep => deep().into(),
        Garbage::Utf8 => {
            Bytes::from_static(b"{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"id\":\"\xC3\x28\"}")
        }
        Garbage::Doctype => Bytes::from_static(
            b"<!DOCTYPE Bundle [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]>\
              <Bundle xmlns=\"http://hl7.org/fhir\"><id value=\"&b;\"/><type value=\"searchset\"/></Bundle>",
        ),
        Garbage::Entity => Bytes::from_static(
            b"<Bundle xmlns=\"http://hl7.org/fhir\"><id value=\"&intern;\"/><type value=\"searchset\"/></Bundle>",
        ),
        Garbage::Type => Bytes::from_static(br#"{"resourceType":"Bundle","type":"searchset"}"#),
    };
    Answer { status: StatusCode::OK, media_type, body: body.into() }
}

fn deep() -> String {
    let (open, close) = (r#"{"a":["#.repeat(DEPTH / 2), "]}".repeat(DEPTH / 2));
    format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":[{open}{close}]}}"#)
}
