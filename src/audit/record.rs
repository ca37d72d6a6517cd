//! A record as it stands in the log, of every version of its form, read back into values.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use super::{Authorization, Counts, Kind, Outcome, Pseudonym, Relation, SealedBsn, Term, User};
use crate::medmij::{CorrelationId, Hostname, LocalId, ProviderName, RequestId, ServiceId};

/// A word of a closed set, or one that a later release put there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Word<T> {
    /// One that this release knows.
    Known(T),
    /// Another.
    Other(Arc<str>),
}

impl<T: Term> Word<T> {
    fn new(text: &str) -> Self {
        T::find(text).map_or_else(|| Self::Other(text.into()), Self::Known)
    }

    /// As it stands in the log.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(term) => term.as_str(),
            Self::Other(text) => text,
        }
    }

    /// The member of the set, if this release knows it.
    pub const fn known(&self) -> Option<T> {
        match self {
            Self::Known(term) => Some(*term),
            Self::Other(_) => None,
        }
    }
}

/// Why a payload is no record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Not a JSON object with the members that every record has.
    #[error("record {index} is not an object of the form of the log")]
    Form {
        /// Its index.
        index: u64,
        /// What the reader met.
        source: serde_json::Error,
    },
    /// A version that this release does not know: a later release reads it.
    #[error("record {index} has version {version} of the form, which this release does not know")]
    Version {
        /// Its index.
        index: u64,
        /// Its version.
        version: u64,
    },
    /// A member that is not what its name says.
    #[error("member {member} of record {index} is not of the form of the log")]
    Member {
        /// The index of the record.
        index: u64,
        /// The name of the member.
        member: &'static str,
    },
}

/// One record. Members that were absent, or that its version does not have, are `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in its log.
    pub index: u64,
    /// The version of its form: 1 or 2.
    pub version: u64,
    /// When it happened, to the microsecond.
    pub time: Timestamp,
    /// What happened.
    pub kind: Word<Kind>,
    /// How it ended.
    pub outcome: Word<Outcome>,
    /// Why, as a code of the catalogue of the release that wrote it.
    pub reason: Option<Arc<str>>,
    /// The id of the log (version 2).
    pub source: Option<Arc<str>>,
    /// Our id of the request.
    pub local_id: Option<LocalId>,
    /// The client's `MedMij-Request-ID`.
    pub request_id: Option<RequestId>,
    /// The client's `X-Correlation-ID`.
    pub correlation_id: Option<CorrelationId>,
    /// The person's visit to our pages (version 2).
    pub session: Option<LocalId>,
    /// The PGO or portal on whose behalf it happened.
    pub client_id: Option<Hostname>,
    /// The node at the other end of the mutual TLS connection.
    pub peer: Option<Hostname>,
    /// The address of the other end of the connection (version 2).
    pub access_point: Option<IpAddr>,
    /// The practice whose data it is about.
    pub provider: Option<ProviderName>,
    /// The data service.
    pub service: Option<ServiceId>,
    /// Who did it (version 2).
    pub user: Option<User>,
    /// On whose behalf (version 2).
    pub responsible: Option<User>,
    /// Under which rules it was allowed (version 2).
    pub authorization: Option<Word<Authorization>>,
    /// What ties the user to the person whose data it is (version 2).
    pub relation: Option<Word<Relation>>,
    /// The person whose data it is about.
    pub subject: Option<Pseudonym>,
    /// Their BSN, sealed (version 2).
    pub sealed: Option<SealedBsn>,
    /// The grant (consent) under which it happened.
    pub grant: Option<LocalId>,
    /// The FHIR request in the catalogue's own words, with no identifier in it.
    pub query: Option<Arc<str>>,
    /// For an outcome: the index of its intent.
    pub intent: Option<u64>,
    /// The HTTP status that was answered.
    pub status: Option<u16>,
    /// How much was disclosed.
    pub counts: Option<Counts>,
    /// Versions of lists and software, how somebody logged in, the extent of a consent.
    pub detail: Option<Arc<str>>,
    /// Whether a text was too long and stands here without its end.
    pub cut: bool,
}

impl Record {
    /// Reads the payload of record `index`.
    ///
    /// # Errors
    /// When it is not a record of a version that this release knows. The chain of the log vouches for payloads, so such a
    /// record was written by another release, or by another program.
    pub fn parse(index: u64, payload: &[u8]) -> Result<Self, RecordError> {
        let form = |source| RecordError::Form { index, source };
        let Version { v: version } = serde_json::from_slice(payload).map_err(form)?;
        if !(1..=2).contains(&version) {
            return Err(RecordError::Version { index, version });
        }
        let members: Members = serde_json::from_slice(payload).map_err(form)?;
        members.record(index, version).map_err(|member| RecordError::Member { index, member })
    }
}

#[derive(Deserialize)]
struct Version {
    v: u64,
}

/// The members by name, in the order of the form.
#[derive(Deserialize)]
struct Members {
    time: String,
    kind: String,
    outcome: String,
    reason: Option<String>,
    source: Option<String>,
    local_id: Option<String>,
    request_id: Option<String>,
    correlation_id: Option<String>,
    session: Option<String>,
    client_id: Option<String>,
    peer: Option<String>,
    access_point: Option<String>,
    provider: Option<String>,
    service: Option<String>,
    user: Option<String>,
    responsible: Option<String>,
    authorization: Option<String>,
    relation: Option<String>,
    subject: Option<String>,
    sealed: Option<String>,
    grant: Option<String>,
    query: Option<String>,
    intent: Option<u64>,
    status: Option<u16>,
    counts: Option<Amounts>,
    detail: Option<String>,
    #[serde(default)]
    cut: bool,
}

#[derive(Deserialize)]
struct Amounts {
    entries: u32,
    withheld: u32,
    bytes: u64,
}

impl Members {
    /// The record, or the name of the first member that is not what its name says.
    fn record(self, index: u64, version: u64) -> Result<Record, &'static str> {
        Ok(Record {
            index,
            version,
            time: self.time.parse().map_err(|_| "time")?,
            kind: Word::new(&self.kind),
            outcome: Word::new(&self.outcome),
            reason: self.reason.map(Into::into),
            source: self.source.map(Into::into),
            local_id: read("local_id", self.local_id, LocalId::parse)?,
            request_id: read("request_id", self.request_id, RequestId::parse)?,
            correlation_id: read("correlation_id", self.correlation_id, CorrelationId::parse)?,
            session: read("session", self.session, LocalId::parse)?,
            client_id: read("client_id", self.client_id, |text| Hostname::parse(text).ok())?,
            peer: read("peer", self.peer, |text| Hostname::parse(text).ok())?,
            access_point: read("access_point", self.access_point, |text| text.parse().ok())?,
            provider: read("provider", self.provider, |text| ProviderName::parse(text).ok())?,
            service: read("service", self.service, |text| ServiceId::parse(text).ok())?,
            user: read("user", self.user, User::parse)?,
            responsible: read("responsible", self.responsible, User::parse)?,
            authorization: self.authorization.as_deref().map(Word::new),
            relation: self.relation.as_deref().map(Word::new),
            subject: read("subject", self.subject, Pseudonym::parse)?,
            sealed: read("sealed", self.sealed, SealedBsn::parse)?,
            grant: read("grant", self.grant, LocalId::parse)?,
            query: self.query.map(Into::into),
            intent: self.intent,
            status: self.status,
            counts: self.counts.map(|Amounts { entries, withheld, bytes }| Counts { entries, withheld, bytes }),
            detail: self.detail.map(Into::into),
            cut: self.cut,
        })
    }
}

fn read<T>(
    member: &'static str,
    text: Option<String>,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, &'static str> {
    text.map(|text| parse(&text).ok_or(member)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::encode;
    use crate::audit::testing::{LOG, any_event};
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::path::Path;

    /// The record as the object it was read from.
    fn object(record: &Record) -> Value {
        let text = |value: Option<&str>| value.map(str::to_owned);
        let counts = |c: Counts| json!({"entries": c.entries, "withheld": c.withheld, "bytes": c.bytes});
        let mut all = json!({
            "v": record.version,
            "time": format!("{:.6}", record.time),
            "kind": record.kind.as_str(),
            "outcome": record.outcome.as_str(),
            "reason": text(record.reason.as_deref()),
            "source": text(record.source.as_deref()),
            "local_id": record.local_id.map(|id| id.to_string()),
            "request_id": record.request_id.map(|id| id.to_string()),
            "correlation_id": record.correlation_id.map(|id| id.to_string()),
            "session": record.session.map(|id| id.to_string()),
            "client_id": text(record.client_id.as_ref().map(Hostname::as_str)),
            "peer": text(record.peer.as_ref().map(Hostname::as_str)),
            "access_point": record.access_point.map(|address| address.to_string()),
            "provider": text(record.provider.as_ref().map(ProviderName::as_str)),
            "service": text(record.service.as_ref().map(ServiceId::as_str)),
            "user": record.user.as_ref().map(ToString::to_string),
            "responsible": record.responsible.as_ref().map(ToString::to_string),
            "authorization": text(record.authorization.as_ref().map(Word::as_str)),
            "relation": text(record.relation.as_ref().map(Word::as_str)),
            "subject": text(record.subject.as_ref().map(Pseudonym::as_str)),
            "sealed": text(record.sealed.as_ref().map(SealedBsn::as_str)),
            "grant": record.grant.map(|id| id.to_string()),
            "query": text(record.query.as_deref()),
            "intent": record.intent,
            "status": record.status,
            "counts": record.counts.map(counts),
            "detail": text(record.detail.as_deref()),
            "cut": record.cut.then_some(true),
        });
        all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        all
    }

    /// Every line of the fixtures of a version, with the record it gives.
    fn fixtures(version: u64) -> Vec<(Value, Record)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/audit/v{version}"));
        let text = std::fs::read_to_string(folder.join("records.ndjson")).unwrap();
        let lines = text.lines().enumerate();
        lines
            .map(|(index, line)| {
                let record = Record::parse(index as u64, line.as_bytes()).unwrap();
                assert_eq!((record.index, record.version), (index as u64, version));
                (serde_json::from_str(line).unwrap(), record)
            })
            .collect()
    }

    /// What the first releases wrote stays readable, to the last member.
    #[test]
    fn records_of_version_1_are_read_whole() {
        let fixtures = fixtures(1);
        for (line, record) in &fixtures {
            assert_eq!(object(record), *line);
            assert!(record.kind.known().is_some() && record.outcome.known().is_some(), "{line}");
            assert!(record.user.is_none() && record.source.is_none() && record.sealed.is_none());
        }
        let later = [
            Kind::AccessStopped,
            Kind::AccessRestored,
            Kind::GoLiveChanged,
            Kind::OverviewRead,
            Kind::ConfigurationChanged,
            Kind::Administration,
            Kind::ConsentWithdrawn,
            Kind::LogRead,
            Kind::LogExported,
        ];
        for kind in Kind::ALL.iter().filter(|kind| !later.contains(kind)) {
            assert!(fixtures.iter().any(|(_, record)| record.kind == Word::Known(*kind)), "{kind:?}");
        }
    }

    #[test]
    fn records_of_version_2_name_users_and_seal_the_bsn() {
        let fixtures = fixtures(2);
        for (line, record) in &fixtures {
            assert_eq!(object(record), *line);
            assert!(record.kind.known().is_some() && record.user.is_some() && record.responsible.is_some());
            assert_eq!(record.subject.is_some(), record.sealed.is_some(), "{line}");
        }
        let later = [Kind::AccessStopped, Kind::AccessRestored, Kind::GoLiveChanged, Kind::OverviewRead];
        for kind in Kind::ALL.iter().filter(|kind| !later.contains(kind)) {
            assert!(fixtures.iter().any(|(_, record)| record.kind == Word::Known(*kind)), "{kind:?}");
        }
    }

    #[test]
    fn a_word_of_a_later_release_is_kept_as_it_is() {
        let line = br#"{"v":2,"time":"2031-01-01T00:00:00.000000Z","kind":"dossier_merged","outcome":"done","relation":"kin"}"#;
        let record = Record::parse(7, line).unwrap();
        assert_eq!(record.kind, Word::Other("dossier_merged".into()));
        assert_eq!(record.relation.as_ref().map(Word::as_str), Some("kin"));
    }

    #[test]
    fn what_is_no_record_is_refused_and_named() {
        let parse = |text: &str| Record::parse(7, text.as_bytes()).unwrap_err().to_string();
        for text in ["", "[]", "{}", "null", r#"{"v":1}"#, r#"{"v":1,"v":1}"#, r#"{"v":1,"time":7}"#, "{\"v\":1} x"] {
            assert_eq!(parse(text), "record 7 is not an object of the form of the log", "{text}");
        }
        let with = |member: &str| {
            parse(&format!(r#"{{"v":1,"time":"2026-11-21T09:30:00Z","kind":"k","outcome":"o",{member}}}"#))
        };
        assert_eq!(with(r#""subject":"999911132""#), "member subject of record 7 is not of the form of the log");
        assert_eq!(with(r#""client_id":"A b""#), "member client_id of record 7 is not of the form of the log");
        assert!(parse(r#"{"v":3,"anything":1}"#).contains("has version 3"));
    }

    proptest! {
        #[test]
        fn every_event_is_read_back(event in any_event(), index: u64) {
            let mut payload = Vec::new();
            encode(&event, LOG, &mut payload);
            let record = Record::parse(index, &payload).unwrap();
            prop_assert_eq!(object(&record), serde_json::from_slice::<Value>(&payload).unwrap());
        }

        #[test]
        fn garbage_is_refused(payload: Vec<u8>) {
            prop_assert!(Record::parse(0, &payload).is_err());
        }
    }
}
