//! Whether a node starts with another configuration than the last time, or gets another one. What it was is kept as a hash beside
//! the data; that it changed is on record before the hash is.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::reload::some_of;
use crate::audit::{AuditError, AuditEvent, AuditLog, Kind, Outcome, receipt};
use crate::clock::SharedClock;
use crate::config::Config;

/// Where the hash of the configuration is kept.
pub(super) struct Configured {
    kept: PathBuf,
}

impl Configured {
    /// In the data folder of a node.
    pub(super) fn beside(config: &Config) -> Self {
        Self { kept: config.node.data.join("configuration.sha256") }
    }

    /// Records a change, with the hashes before and after, and the keys that have other values or other files. The first start of
    /// a node is one too.
    pub(super) async fn record(
        &self,
        hash: &str,
        keys: &BTreeSet<String>,
        audit: &Arc<impl AuditLog>,
        clock: &SharedClock,
    ) -> Result<(), AuditError> {
        let before = match tokio::fs::read_to_string(&self.kept).await {
            Ok(before) if before.len() == hash.len() => before,
            Ok(_) | Err(_) => "none".to_owned(),
        };
        let mut said = Vec::new();
        said.extend((before != hash).then(|| format!(" after {before}")));
        said.extend((!keys.is_empty()).then(|| format!(": {}", some_of(keys))));
        if said.is_empty() {
            return Ok(());
        }
        let mut event = AuditEvent::new(clock.now(), Kind::ConfigurationChanged, Outcome::Done);
        event.detail = Some(format!("configuration {hash}{}", said.concat()).into());
        receipt(audit.append(&event)?).await?;
        if let Err(error) = self.keep(hash).await {
            tracing::warn!(%error, "the hash of the configuration cannot be kept; the next start records it again");
        }
        Ok(())
    }

    async fn keep(&self, hash: &str) -> io::Result<()> {
        tokio::fs::write(&self.kept, hash).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::MemoryLog;
    use crate::clock::TestClock;

    #[tokio::test]
    async fn a_change_is_recorded_once() {
        let number = u128::from_le_bytes(crate::secret::random());
        let folder = std::env::temp_dir().join(format!("inzage-configured-{number:032x}"));
        std::fs::create_dir(&folder).unwrap();
        let clock: SharedClock = TestClock::at("2026-11-22T12:00:00Z".parse().unwrap());
        let log = Arc::new(MemoryLog::new());
        for (hash, events) in [("aa", 1), ("aa", 1), ("bb", 2), ("bb", 2)] {
            let configured = Configured { kept: folder.join("kept") };
            configured.record(hash, &BTreeSet::new(), &log, &clock).await.unwrap();
            assert_eq!(log.events().len(), events);
        }
        let keys = BTreeSet::from(["front.key".to_owned()]);
        Configured { kept: folder.join("kept") }.record("bb", &keys, &log, &clock).await.unwrap();
        let details: Vec<_> = log.events().iter().filter_map(|event| event.detail.clone()).collect();
        assert_eq!(
            details,
            [
                "configuration aa after none".into(),
                "configuration bb after aa".into(),
                "configuration bb: front.key".into()
            ]
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
