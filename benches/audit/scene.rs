//! Folders, logs and the event that all parts write.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use inzage::audit::{AuditEvent, FileLog, FileLogConfig, Kind, NodeName, Outcome, Pseudonym, SealedBsn, Subject};
use inzage::clock::SystemClock;
use inzage::medmij::{CorrelationId, Hostname, LocalId, ProviderName, RequestId, ServiceId};
use inzage::sandbox::client::new_id;
use jiff::Timestamp;

/// A folder on the disk of temporary files (`TMPDIR`), removed at the end.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes it.
    pub(crate) fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// Makes it in another folder.
    pub(crate) fn below(folder: &Path) -> Self {
        let path = folder.join(format!("inzage-bench-{}", new_id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// Opens a log as the gateway does.
pub(crate) fn open(dir: &Path, segment_bytes: u64) -> FileLog {
    let node = NodeName::parse("bench").unwrap();
    let config = FileLogConfig { segment_bytes, ..FileLogConfig::new(dir.to_owned(), node) };
    FileLog::open(config, Arc::new(SystemClock)).unwrap().0
}

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
