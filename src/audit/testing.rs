//! What the tests of the audit log share: folders that vanish, and events.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use proptest::option;
use proptest::prelude::*;

use super::{
    AuditEvent, Authorization, Counts, Kind, Outcome, Pseudonym, Relation, SealedBsn, Subject, Term as _, User,
};

/// The id of a log.
pub(crate) const LOG: &str = "inzage-a-00000000000000ff";

use crate::medmij::{CorrelationId, Hostname, LocalId, ProviderName, RequestId, ServiceId};

/// A folder of its own, removed when dropped.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// In memory where the system has such a place: for tests that open a log thousands of times.
    pub(crate) fn quick() -> Self {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Self::below(memory) } else { Self::new() }
    }

    fn below(parent: &Path) -> Self {
        let number = u128::from_le_bytes(crate::secret::random());
        let path = parent.join(format!("inzage-audit-test-{number:032x}"));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn bare(time: Timestamp) -> AuditEvent {
    AuditEvent::new(time, Kind::NodeStarted, Outcome::Done)
}

fn subject(key_id: &str, hash: [u8; 32]) -> Subject {
    Subject { pseudonym: Pseudonym::new(key_id, hash), sealed: SealedBsn::new(key_id, "c2VhbGVkIG5pbmUgZGlnaXRz") }
}

/// An event with every field.
pub(crate) fn full(time: Timestamp) -> AuditEvent {
    AuditEvent {
        time,
        kind: Kind::DisclosureOutcome,
        outcome: Outcome::Aborted,
        reason: Some("client_gone"),
        local_id: LocalId::parse("0193515a-8a5c-7cc0-8a55-7d3b1f6f0a01"),
        request_id: RequestId::parse("5c0f6f0e-6a0b-4a43-9d2e-2f1f8a9e6b02"),
        correlation_id: CorrelationId::parse("b6f0f1de-3a0c-4d52-8a54-0d1f4b7a9c03"),
        session: LocalId::parse("0193515a-8a5c-7cc0-8a55-7d3b1f6f0a05"),
        access_point: Some([192, 0, 2, 7].into()),
        user: User::operator("a \"b\""),
        authorization: Some(Authorization::LastingConsent),
        relation: Some(Relation::Practice),
        client_id: Some(Hostname::parse("pgo.example.nl").unwrap()),
        peer: Some(Hostname::parse("node.pgo.example.nl").unwrap()),
        provider: Some(ProviderName::parse("huisarts.delinde@medmij").unwrap()),
        service: Some(ServiceId::parse("49").unwrap()),
        subject: Some(subject("k1", [0xab; 32])),
        grant: LocalId::parse("0193515a-8a5c-7cc0-8a55-7d3b1f6f0a04"),
        query: Some("Observation?code=\"x\"\\".into()),
        intent: Some(41),
        status: Some(200),
        counts: Some(Counts { entries: 3, withheld: 1, bytes: 8_192 }),
        detail: Some("lists 12/9/4".into()),
    }
}

/// Any event whose texts are within their bounds.
pub(crate) fn any_event() -> impl Strategy<Value = AuditEvent> {
    let what = (
        0_i64..253_402_207_200_000_000,
        prop::sample::select(Kind::ALL),
        prop::sample::select(Outcome::ALL),
        option::of(prop::sample::select(&["no_consent", "wrong\n\"kind\"", ""])),
    );
    let ids = (option::of("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), any::<[bool; 8]>());
    let numbers = (
        option::of(any::<u64>()),
        option::of(any::<u16>()),
        option::of((any::<u32>(), any::<u32>(), any::<u64>())),
        any::<[u8; 32]>(),
    );
    let texts = (option::of(any::<String>()), option::of(any::<String>()));
    (what, ids, numbers, texts).prop_map(|((micros, kind, outcome, reason), (id, has), numbers, (query, detail))| {
        let (intent, status, counts, hash) = numbers;
        let id = id.as_deref();
        let all = full(Timestamp::from_microsecond(micros).unwrap());
        AuditEvent {
            kind,
            outcome,
            reason,
            local_id: id.filter(|_| has[0]).and_then(LocalId::parse),
            request_id: id.filter(|_| has[1]).and_then(RequestId::parse),
            correlation_id: id.filter(|_| has[2]).and_then(CorrelationId::parse),
            session: id.filter(|_| has[0]).and_then(LocalId::parse),
            access_point: all.access_point.filter(|_| has[1]),
            user: all.user.filter(|_| has[2]),
            authorization: all.authorization.filter(|_| has[3]),
            relation: all.relation.filter(|_| has[4]),
            client_id: all.client_id.filter(|_| has[3]),
            peer: all.peer.filter(|_| has[4]),
            provider: all.provider.filter(|_| has[5]),
            service: all.service.filter(|_| has[6]),
            subject: has[7].then(|| subject("k2", hash)),
            grant: id.and_then(LocalId::parse),
            query: query.map(Into::into),
            intent,
            status,
            counts: counts.map(|(entries, withheld, bytes)| Counts { entries, withheld, bytes }),
            detail: detail.map(Into::into),
            time: all.time,
        }
    })
}
