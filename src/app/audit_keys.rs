//! The yearly keys of the audit: those of this year are there when the node starts, those of the next are asked for in time,
//! and what an operator adds or drops is noticed while the node runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::chain;
use super::start::StartError;
use crate::audit::{KeyFolder, KeyFolderError, Keyring, key_year};
use crate::clock::SharedClock;
use crate::config::Config;
use crate::monitor::alarms::{Alarm, Alarms};
use crate::seal::Key32;

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
    /// When the folder was last read with success.
    read: Arc<Mutex<Instant>>,
}

impl AuditKeys {
    /// Reads the folder; the keys of this year must be there.
    pub(super) fn open(config: &Config, clock: &SharedClock) -> Result<Self, StartError> {
        let folder = KeyFolder::new(&config.keys.audit);
        let named = || folder.path().display().to_string();
        let keyring =
            Keyring::load(folder.path()).map_err(|source| StartError::AuditKeys { folder: named(), source })?;
        keyring.check(key_year(clock.now())).map_err(|missing| StartError::NoAuditKey { folder: named(), missing })?;
        let read = Arc::new(Mutex::new(clock.monotonic()));
        Ok(Self { folder, keyring: Arc::new(keyring), clock: Arc::clone(clock), read })
    }

    pub(super) fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.keyring)
    }

    /// The key for counting; `None` when there is none. Waits for the disk.
    pub(super) fn counting(&self) -> Result<Option<Key32>, KeyFolderError> {
        self.folder.counting()
    }

    /// Whether anybody can be named in a record of now.
    pub(super) fn health(&self) -> Result<(), String> {
        self.keyring.check(key_year(self.clock.now())).map_err(|missing| missing.to_string())
    }

    /// Since the folder was last read with success.
    pub(super) fn age(&self) -> Duration {
        self.clock.monotonic().saturating_duration_since(*self.read())
    }

    fn read(&self) -> MutexGuard<'_, Instant> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
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
                *self.read() = self.clock.monotonic();
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

/// Keys in a folder of their own, for tests.
#[cfg(test)]
pub(super) mod testing {
    use super::*;
    use std::path::{Path, PathBuf};

    pub(in crate::app) struct Scratch(PathBuf);

    impl Scratch {
        pub(in crate::app) fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    /// Those of one year.
    pub(in crate::app) fn keys_of(year: i16, clock: &SharedClock) -> (AuditKeys, Scratch) {
        let number = u128::from_le_bytes(crate::secret::random());
        let scratch = Scratch(std::env::temp_dir().join(format!("inzage-keys-{number:032x}")));
        let folder = KeyFolder::new(scratch.path());
        folder.create(year..=year).unwrap();
        let keyring = Arc::new(Keyring::load(scratch.path()).unwrap());
        let read = Arc::new(Mutex::new(clock.monotonic()));
        (AuditKeys { folder, keyring, clock: Arc::clone(clock), read }, scratch)
    }
}

#[cfg(test)]
mod tests {
    use super::testing::keys_of;
    use super::*;
    use crate::clock::TestClock;

    fn raised(alarms: &Alarms) -> Option<String> {
        alarms.raised().into_iter().find(|raised| raised.alarm == "audit_keys").map(|raised| raised.detail)
    }

    #[test]
    fn the_keys_of_the_next_year_are_asked_for_in_december() {
        let clock = TestClock::at("2026-11-30T23:59:00Z".parse().unwrap());
        let (keys, scratch) = keys_of(2026, &(Arc::clone(&clock) as SharedClock));
        let alarms = Alarms::default();
        keys.look(&alarms);
        assert_eq!(raised(&alarms), None);
        clock.advance(Duration::from_secs(120));
        assert_eq!((keys.health(), keys.age()), (Ok(()), Duration::from_secs(120)));
        keys.look(&alarms);
        assert!(raised(&alarms).unwrap().contains("--from 2027 --to 2027"));
        keys.folder.create(2027..=2027).unwrap();
        keys.look(&alarms);
        assert_eq!((raised(&alarms), keys.age()), (None, Duration::ZERO));
        assert!(keys.keyring.check(2027).is_ok(), "without a restart");
        std::fs::write(scratch.path().join("2027.sealing"), "not a key").unwrap();
        keys.look(&alarms);
        assert!(raised(&alarms).unwrap().contains("2027.sealing"));
        assert!(keys.keyring.check(2027).is_ok(), "what was read before stays in use");
        clock.advance(Duration::from_hours(2 * 365 * 24));
        assert_eq!(keys.health(), Err("the audit keys of 2028 are missing".to_owned()));
    }
}
