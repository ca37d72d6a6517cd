//! Whether a node starts with another configuration than the last time. What it was is kept as a hash beside the data; that it
//! changed is on record before the hash is.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::audit::{AuditError, AuditEvent, AuditLog, Kind, Outcome, receipt};
use crate::clock::SharedClock;
use crate::config::Config;

/// The configuration of a start.
pub(super) struct Configured {
    hash: String,
    kept: PathBuf,
}

impl Configured {
    /// Of this configuration.
    pub(super) fn of(config: &Config) -> Self {
        Self { hash: config.hash(), kept: config.node.data.join("configuration.sha256") }
    }

    /// Records a change, with the hashes before and after. The first start of a node is one too.
    pub(super) async fn record(self, audit: &Arc<impl AuditLog>, clock: &SharedClock) -> Result<(), AuditError> {
        let before = match tokio::fs::read_to_string(&self.kept).await {
            Ok(before) if before == self.hash => return Ok(()),
            Ok(before) if before.len() == self.hash.len() => before,
            Ok(_) | Err(_) => "none".to_owned(),
        };
        let mut event = AuditEvent::new(clock.now(), Kind::ConfigurationChanged, Outcome::Done);
        event.detail = Some(format!("configuration {} after {before}", self.hash).into());
        receipt(audit.append(&event)?).await?;
        if let Err(error) = self.keep().await {
            tracing::warn!(%error, "the hash of the configuration cannot be kept; the next start records it again");
        }
        Ok(())
    }

    async fn keep(&self) -> io::Result<()> {
        tokio::fs::write(&self.kept, &self.hash).await
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
            let start = Configured { hash: hash.to_owned(), kept: folder.join("kept") };
            start.record(&log, &clock).await.unwrap();
            assert_eq!(log.events().len(), events);
        }
        let details: Vec<_> = log.events().iter().filter_map(|event| event.detail.clone()).collect();
        assert_eq!(details, ["configuration aa after none".into(), "configuration bb after aa".into()]);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
