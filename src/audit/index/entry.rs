//! A record with what can be searched of it.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::audit::Record;

/// A record as it goes into an index: its payload, and the members that are searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in its log.
    pub index: u64,
    /// When it happened.
    pub time: Timestamp,
    /// What happened, as the log says it.
    pub kind: String,
    /// How it ended, as the log says it.
    pub outcome: String,
    /// The pseudonym of the person.
    pub subject: Option<String>,
    /// The practice.
    pub provider: Option<String>,
    /// The PGO or portal.
    pub client: Option<String>,
    /// The data service.
    pub service: Option<String>,
    /// The payload, byte for byte.
    pub payload: Vec<u8>,
    /// Whether this release knows its form.
    pub readable: bool,
}

/// Stands for a kind or outcome that cannot be read.
const UNREADABLE: &str = "unreadable";
/// No text that is searched is longer; bytes.
const TEXT_MAX: usize = 512;

impl Entry {
    /// From the payload of record `index`. A record of a form that this release does not know is searched by the members that it
    /// shares with the known ones, and stands at `before`, the time of the record before it, when it has no time.
    #[must_use]
    pub fn of(index: u64, payload: Vec<u8>, before: Timestamp) -> Self {
        match Record::parse(index, &payload) {
            Ok(record) => Self::known(&record, payload),
            Err(_) => Self::unknown(index, payload, before),
        }
    }

    fn known(record: &Record, payload: Vec<u8>) -> Self {
        Self {
            index: record.index,
            time: record.time,
            kind: word(record.kind.as_str()),
            outcome: word(record.outcome.as_str()),
            subject: record.subject.as_ref().map(|subject| subject.as_str().to_owned()),
            provider: record.provider.as_ref().map(ToString::to_string),
            client: record.client_id.as_ref().map(ToString::to_string),
            service: record.service.as_ref().map(ToString::to_string),
            payload,
            readable: true,
        }
    }

    fn unknown(index: u64, payload: Vec<u8>, before: Timestamp) -> Self {
        let members: Map<String, Value> = serde_json::from_slice(&payload).unwrap_or_default();
        let text = |name: &str| members.get(name).and_then(Value::as_str).filter(|text| is_searchable(text));
        let owned = |name: &str| text(name).map(str::to_owned);
        Self {
            index,
            time: text("time").and_then(|text| text.parse().ok()).unwrap_or(before),
            kind: text("kind").map_or_else(|| UNREADABLE.to_owned(), word),
            outcome: text("outcome").map_or_else(|| UNREADABLE.to_owned(), word),
            subject: owned("subject"),
            provider: owned("provider"),
            client: owned("client_id"),
            service: owned("service"),
            payload,
            readable: false,
        }
    }
}

/// A word of a closed set of this or a later release.
fn word(text: &str) -> String {
    let plain = text.len() <= 64 && text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_');
    if plain { text.to_owned() } else { UNREADABLE.to_owned() }
}

/// Databases refuse U+0000 in texts.
fn is_searchable(text: &str) -> bool {
    text.len() <= TEXT_MAX && !text.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(payload: &str) -> Entry {
        Entry::of(7, payload.as_bytes().to_vec(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_known_record_is_searched_by_its_members() {
        let payload = r#"{"v":1,"time":"2026-03-02T09:30:00.000001Z","kind":"disclosure_intent","outcome":"intended","client_id":"pgo.example.nl","provider":"huisarts.delinde@medmij","service":"49"}"#;
        let entry = entry(payload);
        assert!(entry.readable);
        assert_eq!(entry.time.to_string(), "2026-03-02T09:30:00.000001Z");
        assert_eq!((entry.kind.as_str(), entry.outcome.as_str()), ("disclosure_intent", "intended"));
        assert_eq!(entry.client.as_deref(), Some("pgo.example.nl"));
        assert_eq!(entry.provider.as_deref(), Some("huisarts.delinde@medmij"));
        assert_eq!((entry.service.as_deref(), entry.subject), (Some("49"), None));
        assert_eq!(entry.payload, payload.as_bytes());
    }

    #[test]
    fn a_record_of_a_later_release_is_searched_by_what_it_shares() {
        let entry =
            entry(r#"{"v":900,"time":"2031-03-02T09:30:00Z","kind":"teleported","subject":"2031:ab","provider":7}"#);
        assert!(!entry.readable);
        assert_eq!(entry.time.to_string(), "2031-03-02T09:30:00Z");
        assert_eq!((entry.kind.as_str(), entry.outcome.as_str()), ("teleported", "unreadable"));
        assert_eq!((entry.subject.as_deref(), entry.provider), (Some("2031:ab"), None));
    }

    proptest! {
        #[test]
        fn whatever_stands_in_the_log_can_be_indexed(payload: Vec<u8>) {
            let entry = Entry::of(7, payload.clone(), Timestamp::UNIX_EPOCH);
            prop_assert_eq!(entry.payload, payload);
            prop_assert!(!entry.kind.contains('\0'));
        }
    }
}
