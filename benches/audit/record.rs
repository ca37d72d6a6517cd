//! The event that all parts write, and its place in the chain.

use inzage::audit::tree::TreeHash;
use inzage::audit::{AuditEvent, Kind, Outcome, Pseudonym, SealedBsn, Subject};
use inzage::medmij::{CorrelationId, Hostname, LocalId, ProviderName, RequestId, ServiceId};
use inzage::secret::sha256;
use jiff::Timestamp;

/// The intent of a disclosure with all that it carries: about half a kilobyte.
pub(crate) fn intent() -> AuditEvent {
    AuditEvent {
        local_id: LocalId::parse("0193515a-8a5c-7cc0-8a55-7d3b1f6f0a01"),
        request_id: RequestId::parse("5c0f6f0e-6a0b-4a43-9d2e-2f1f8a9e6b02"),
        correlation_id: CorrelationId::parse("b6f0f1de-3a0c-4d52-8a54-0d1f4b7a9c03"),
        client_id: Some(Hostname::parse("pgo.example.nl").unwrap()),
        peer: Some(Hostname::parse("node.pgo.example.nl").unwrap()),
        provider: Some(ProviderName::parse("huisarts.delinde@medmij").unwrap()),
        service: Some(ServiceId::parse("49").unwrap()),
        subject: Some(Subject {
            pseudonym: Pseudonym::new("2026", [0xab; 32]),
            sealed: SealedBsn::parse("2026:q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urqw").unwrap(),
        }),
        grant: LocalId::parse("0193515a-8a5c-7cc0-8a55-7d3b1f6f0a04"),
        query: Some("Observation?code=https://referentiemodel.nhg.org/tabellen/nhg-tabel-45%7C".into()),
        ..AuditEvent::new(Timestamp::UNIX_EPOCH, Kind::DisclosureIntent, Outcome::Intended)
    }
}

/// The hash of the chain as its format says: over the hash before and the leaf hash.
#[derive(Default)]
pub(crate) struct Chain([u8; 32]);

impl Chain {
    /// Goes on by one record.
    pub(crate) fn follow(&mut self, leaf: &TreeHash) {
        let mut input = [2; 65];
        input[1..33].copy_from_slice(&self.0);
        input[33..].copy_from_slice(leaf);
        self.0 = sha256(&input);
    }
}
