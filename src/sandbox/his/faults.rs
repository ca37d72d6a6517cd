//! The faults an emulated HIS can be told to have, and the log of what it was asked.

mod bsn;
mod foreign;
mod garbage;
mod log;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::foreign::ForeignKind;
pub use self::garbage::Garbage;
pub use self::log::{LoggedRequest, RequestLog};
pub use super::format::Format;

pub(super) use self::bsn::expose_bsn;
pub(super) use self::foreign::{foreign, taint};
pub(super) use self::garbage::{garbage, vendor_page};

/// How requests go wrong. What a control request leaves out is off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// Waits this long before anything else happens to a request, in milliseconds.
    pub delay_ms: u32,
    /// What happens then.
    pub fail: Fail,
    /// Every searchset also holds something of another patient.
    pub foreign_patient: bool,
    /// What that is; an entry of its own when it says nothing.
    pub foreign_kind: ForeignKind,
    /// On which page of a searchset it stands, from 1. 0: on every one.
    pub foreign_page: u32,
    /// The BSN also stands in the narrative and in an extra identifier of every resource.
    pub unmasked_bsn: bool,
    /// The entry of a batch or transaction with this number, from 1, is refused. 0: none.
    pub fail_entry: u32,
    /// Matches on a page of a searchset. 0: all on one.
    pub page_size: u32,
    /// The page of a searchset with this number, from 1, and those after it fail with status 500. 0: none.
    pub fail_page: u32,
    /// Searchsets and documents go on until they are about this large, in MB of 1,000,000 bytes. 0: as they are.
    pub huge_mb: u32,
    /// Milliseconds before each byte of a body. 0: at once.
    pub slow_drip: u32,
    /// A body stops after this many bytes; the connection stays open. 0: it does not.
    pub stop_after_bytes: u32,
    /// The body is compressed, whatever was asked for; with `huge_mb`, white space of that size comes out of it.
    pub gzip: bool,
    /// Whether answers are JSON or XML.
    pub format: Format,
    /// Status 307 to another address of this HIS.
    pub redirect: bool,
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
    /// The same, of this kind.
    GarbageOf(Garbage),
    /// Never, until the faults change or the connection closes.
    Hang,
}

/// A status from 300 to 599.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusOfFault(StatusCode);

/// A word that is no fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "fail is one of none, refuse, reset, cut, status:300 to status:599, garbage, garbage:html, garbage:json, \
     garbage:duplicate, garbage:deep, garbage:utf8, garbage:type, garbage:doctype, garbage:entity and hang"
)]
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
            other if other.starts_with("garbage:") => {
                let named = |(word, _): &&(&str, Garbage)| other.strip_prefix("garbage:") == Some(*word);
                let kind = Garbage::WORDS.iter().find(named).ok_or(UnknownFault)?;
                Self::GarbageOf(kind.1)
            }
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
            Fail::GarbageOf(kind) => {
                let word = Garbage::WORDS.iter().find(|(_, known)| *known == kind).map_or("", |(word, _)| *word);
                format!("garbage:{word}")
            }
            Fail::Hang => "hang".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_fault_is_read_and_written_alike() {
        for word in ["none", "refuse", "reset", "cut", "status:503", "garbage", "garbage:deep", "hang"] {
            let faults: Faults = serde_json::from_value(json!({"fail": word})).unwrap();
            assert_eq!(serde_json::to_value(faults).unwrap()["fail"], word);
        }
    }

    #[test]
    fn what_is_left_out_is_off_and_what_is_unknown_is_refused() {
        let faults: Faults = Faults::parse(br#"{"delay_ms":250}"#).unwrap();
        assert_eq!(faults, Faults { delay_ms: 250, ..Faults::default() });
        for text in [
            r#"{"dealy_ms":1}"#,
            r#"{"fail":"explode"}"#,
            r#"{"fail":"status:200"}"#,
            r#"{"fail":"garbage:x"}"#,
            r#"{"delay_ms":-1}"#,
            "[7]",
        ] {
            assert!(Faults::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
