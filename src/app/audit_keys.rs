//! The yearly keys of the audit: those of this year are there when the node starts, those of the next are asked for in time,
//! and what an operator adds or drops is noticed while the node runs.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::chain;
use super::start::StartError;
use crate::audit::{KeyFolder, Keyring, key_year};
use crate::clock::SharedClock;
use crate::config::Config;
use crate::monitor::alarms::{Alarm, Alarms};

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// How long before a year its keys are asked for: from the first of December on.
const AHEAD: Duration = Duration::from_hours(31 * 24);

/// The folder, and what was last read of it.
#[derive(Clone)]
pub(super) struct AuditKeys {
    folder: KeyFolder,
    keyring: Arc<Keyring>,
    clock: SharedClock,
}

impl AuditKeys {
    /// Reads the folder; the keys of this year must be there.
    pub(super) fn open(config: &Config, clock: &SharedClock) -> Result<Self, StartError> {
        let folder = KeyFolder::new(&config.keys.audit);
        let named = || folder.path().display().to_string();
        let keyring =
            Keyring::load(folder.path()).map_err(|source| StartError::AuditKeys { folder: named(), source })?;
        keyring.check(key_year(clock.now())).map_err(|missing| StartError::NoAuditKey { folder: named(), missing })?;
        Ok(Self { folder, keyring: Arc::new(keyring), clock: Arc::clone(clock) })
    }

    pub(super) fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.keyring)
    }

    /// Looks at the folder every minute until `stop`.
    pub(super) async fn keep(self, alarms: Arc<Alarms>, stop: CancellationToken) {
        loop {
            let (keys, told) = (self.clone(), Arc::clone(&alarms));
            // Reading files may wait for the disk.
            if let Err(error) = tokio::task::spawn_blocking(move || keys.look(&told)).await {
                tracing::error!(%error, "the audit keys were not looked at");
            }
            if stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_none() {
                return;
            }
        }
    }

    /// Takes over what the folder holds. Keys that can no longer be read stay in use, so that one wrong file does not end
    /// all disclosure; the alarm says so.
    fn look(&self, alarms: &Alarms) {
        let wrong = match self.folder.load() {
            Ok(years) => {
                self.keyring.replace(years);
                self.missing()
            }
            Err(error) => Some(chain(&error)),
        };
        alarms.set(Alarm::AuditKeys, wrong.as_deref());
    }

    fn missing(&self) -> Option<String> {
        let now = self.clock.now();
        let soon = now.saturating_add(AHEAD).unwrap_or(now);
        let missing = [now, soon].into_iter().find_map(|moment| self.keyring.check(key_year(moment)).err())?;
        let (year, folder) = (missing.year, self.folder.path().display());
        Some(format!("{missing}: inzage audit keys create --from {year} --to {year} {folder}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;
    use std::fs;
    use std::path::PathBuf;

    struct Scratch(PathBuf);

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn raised(alarms: &Alarms) -> Option<String> {
        alarms.raised().into_iter().find(|raised| raised.alarm == "audit_keys").map(|raised| raised.detail)
    }

    #[test]
    fn the_keys_of_the_next_year_are_asked_for_in_december() {
        let number = u128::from_le_bytes(crate::secret::random());
        let scratch = Scratch(std::env::temp_dir().join(format!("inzage-keys-{number:032x}")));
        let folder = KeyFolder::new(&scratch.0);
        folder.create(2026..=2026).unwrap();
        let clock = TestClock::at("2026-11-30T23:59:00Z".parse().unwrap());
        let keyring = Arc::new(Keyring::load(&scratch.0).unwrap());
        let keys = AuditKeys { folder: folder.clone(), keyring: Arc::clone(&keyring), clock: Arc::clone(&clock) as _ };
        let alarms = Alarms::default();
        keys.look(&alarms);
        assert_eq!(raised(&alarms), None);
        clock.advance(Duration::from_secs(120));
        keys.look(&alarms);
        assert!(raised(&alarms).unwrap().contains("--from 2027 --to 2027"));
        folder.create(2027..=2027).unwrap();
        keys.look(&alarms);
        assert_eq!(raised(&alarms), None);
        assert!(keyring.check(2027).is_ok(), "without a restart");
        fs::write(scratch.0.join("2027.sealing"), "not a key").unwrap();
        keys.look(&alarms);
        assert!(raised(&alarms).unwrap().contains("2027.sealing"));
        assert!(keyring.check(2027).is_ok(), "what was read before stays in use");
    }
}
