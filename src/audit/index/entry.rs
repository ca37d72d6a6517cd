//! A record with what can be searched of it.

use std::borrow::Cow;

use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{IndexQuery, written};
use crate::audit::{Kind, Outcome, Pseudonym};
use crate::medmij::{Hostname, ProviderName, ServiceId};

/// A record as it goes into an index: its payload, and the members that are searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in its log.
    pub index: u64,
    /// When it happened.
    pub time: Timestamp,
    /// Whether this release knows its version and the form of what is searched.
    pub readable: bool,
    /// The payload, byte for byte.
    payload: Bytes,
    kind: Text,
    outcome: Text,
    subject: Option<Text>,
    provider: Option<Text>,
    client: Option<Text>,
    service: Option<Text>,
}

/// A text of a record. Nearly all stand in the payload as they are, and are not copied.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Text {
    /// So many bytes of the payload from there.
    Within { start: usize, length: usize },
    /// One with an escape in it, or none that stands there.
    Apart(Box<str>),
}

/// The members that are searched, as every version that this release knows has them.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Searched<'a> {
    pub(super) v: u64,
    #[serde(borrow)]
    pub(super) time: Borrowed<'a>,
    #[serde(borrow)]
    pub(super) kind: Borrowed<'a>,
    #[serde(borrow)]
    pub(super) outcome: Borrowed<'a>,
    #[serde(borrow)]
    pub(super) subject: Option<Borrowed<'a>>,
    #[serde(borrow)]
    pub(super) provider: Option<Borrowed<'a>>,
    #[serde(borrow)]
    pub(super) client_id: Option<Borrowed<'a>>,
    #[serde(borrow)]
    pub(super) service: Option<Borrowed<'a>>,
}

/// An option of a plain `Cow` would not borrow.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Borrowed<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// Stands for a kind or outcome that cannot be read.
const UNREADABLE: &str = "unreadable";
/// No text that is searched is longer; bytes.
const TEXT_MAX: usize = 512;

impl Entry {
    /// From the payload of record `index`. A record of a form that this release does not know is searched by the members that it
    /// shares with the known ones, and stands at `before`, the time of the record before it, when it has no time.
    #[must_use]
    pub fn of(index: u64, payload: impl Into<Bytes>, before: Timestamp) -> Self {
        let payload = payload.into();
        let found = written::searched(&payload).or_else(|| serde_json::from_slice(&payload).ok());
        let known = found.and_then(|found: Searched<'_>| found.known(&payload));
        let members = known.unwrap_or_else(|| Members::unknown(&payload, before));
        let Members { time, readable, kind, outcome, subject, provider, client, service } = members;
        Self { index, time, readable, payload, kind, outcome, subject, provider, client, service }
    }

    /// The payload, byte for byte.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// What happened, as the log says it.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text(&self.kind)
    }

    /// How it ended, as the log says it.
    #[must_use]
    pub fn outcome(&self) -> &str {
        self.text(&self.outcome)
    }

    /// The pseudonym of the person.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_ref().map(|text| self.text(text))
    }

    /// The practice.
    #[must_use]
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_ref().map(|text| self.text(text))
    }

    /// The PGO or portal.
    #[must_use]
    pub fn client(&self) -> Option<&str> {
        self.client.as_ref().map(|text| self.text(text))
    }

    /// The data service.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        self.service.as_ref().map(|text| self.text(text))
    }

    /// Whether everything that `query` gives holds of it, but for the end of the period.
    pub(crate) fn fits(&self, query: &IndexQuery) -> bool {
        let same = |wanted: Option<&str>, found: Option<&str>| wanted.is_none_or(|text| found == Some(text));
        let about = |subject: &str| query.subjects.iter().any(|wanted| Pseudonym::as_str(wanted) == subject);
        self.time >= query.from
            && (query.subjects.is_empty() || self.subject().is_some_and(about))
            && same(query.provider.as_ref().map(ProviderName::as_str), self.provider())
            && same(query.client.as_ref().map(Hostname::as_str), self.client())
            && same(query.service.as_ref().map(ServiceId::as_str), self.service())
            && (query.kinds.is_empty() || query.kinds.iter().any(|kind| Kind::as_str(*kind) == self.kind()))
            && (query.outcomes.is_empty() || query.outcomes.iter().any(|one| Outcome::as_str(*one) == self.outcome()))
    }

    fn text<'a>(&'a self, text: &'a Text) -> &'a str {
        match text {
            Text::Within { start, length } => {
                let bytes = self.payload.get(*start..start + length).unwrap_or_default();
                std::str::from_utf8(bytes).unwrap_or_default()
            }
            Text::Apart(text) => text,
        }
    }
}

/// An entry without its payload.
struct Members {
    time: Timestamp,
    readable: bool,
    kind: Text,
    outcome: Text,
    subject: Option<Text>,
    provider: Option<Text>,
    client: Option<Text>,
    service: Option<Text>,
}

impl Searched<'_> {
    /// `None` when something of it is not what its name says.
    fn known(self, payload: &[u8]) -> Option<Members> {
        let plain = |found: &Option<Borrowed<'_>>| found.as_ref().is_none_or(|text| is_searchable(&text.0));
        let all = [&self.subject, &self.provider, &self.client_id, &self.service];
        if !(1..=2).contains(&self.v) || !all.into_iter().all(plain) {
            return None;
        }
        let text = |found: Option<Borrowed<'_>>| found.map(|text| Text::of(text.0, payload));
        Some(Members {
            time: self.time.0.parse().ok()?,
            readable: true,
            kind: Text::word(self.kind.0, payload),
            outcome: Text::word(self.outcome.0, payload),
            subject: text(self.subject),
            provider: text(self.provider),
            client: text(self.client_id),
            service: text(self.service),
        })
    }
}

impl Members {
    fn unknown(payload: &[u8], before: Timestamp) -> Self {
        let members: Map<String, Value> = serde_json::from_slice(payload).unwrap_or_default();
        let text = |name: &str| members.get(name).and_then(Value::as_str).filter(|text| is_searchable(text));
        let kept = |name: &str| text(name).map(|text| Text::Apart(text.into()));
        let word = |name: &str| Text::word(Cow::Borrowed(text(name).unwrap_or(UNREADABLE)), &[]);
        Self {
            time: text("time").and_then(|text| text.parse().ok()).unwrap_or(before),
            readable: false,
            kind: word("kind"),
            outcome: word("outcome"),
            subject: kept("subject"),
            provider: kept("provider"),
            client: kept("client_id"),
            service: kept("service"),
        }
    }
}

impl Text {
    fn of(text: Cow<'_, str>, payload: &[u8]) -> Self {
        let start = text.as_ptr().addr().checked_sub(payload.as_ptr().addr());
        let within = |start: &usize| payload.get(*start..start + text.len()) == Some(text.as_bytes());
        match (&text, start.filter(within)) {
            (Cow::Borrowed(text), Some(start)) => Self::Within { start, length: text.len() },
            _ => Self::Apart(text.into()),
        }
    }

    /// A word of a closed set of this or a later release.
    fn word(text: Cow<'_, str>, payload: &[u8]) -> Self {
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
        let known = text.len() <= 64 && text.bytes().all(plain);
        if known { Self::of(text, payload) } else { Self::Apart(UNREADABLE.into()) }
    }
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
        assert_eq!((entry.kind(), entry.outcome()), ("disclosure_intent", "intended"));
        assert_eq!(entry.client(), Some("pgo.example.nl"));
        assert_eq!(entry.provider(), Some("huisarts.delinde@medmij"));
        assert_eq!((entry.service(), entry.subject()), (Some("49"), None));
        assert_eq!(entry.payload(), payload.as_bytes());
    }

    #[test]
    fn a_record_of_a_later_release_is_searched_by_what_it_shares() {
        let entry =
            entry(r#"{"v":900,"time":"2031-03-02T09:30:00Z","kind":"teleported","subject":"2031:ab","provider":7}"#);
        assert!(!entry.readable);
        assert_eq!(entry.time.to_string(), "2031-03-02T09:30:00Z");
        assert_eq!((entry.kind(), entry.outcome()), ("teleported", "unreadable"));
        assert_eq!((entry.subject(), entry.provider()), (Some("2031:ab"), None));
    }

    #[test]
    fn a_text_with_an_escape_is_searched_as_it_reads() {
        let entry = entry(
            r#"{"v":2,"time":"2026-03-02T09:30:00Z","kind":"disclosure_intent","outcome":"in\u0074ended","service":"4\u0039"}"#,
        );
        assert!(entry.readable);
        assert_eq!((entry.outcome(), entry.service()), ("intended", Some("49")));
    }

    proptest! {
        #[test]
        fn whatever_stands_in_the_log_can_be_indexed(payload: Vec<u8>) {
            let entry = Entry::of(7, payload.clone(), Timestamp::UNIX_EPOCH);
            prop_assert_eq!(entry.payload(), payload);
            prop_assert!(!entry.kind().contains('\0'));
        }
    }
}
