//! One process per folder: an exclusive lock on the opened directory itself, so that no lock file lies in it.

use std::fs::{File, Metadata, TryLockError};
use std::io;
use std::os::linux::fs::MetadataExt as _;
use std::path::Path;

/// Holds a folder until it is dropped or the process ends.
#[derive(Debug)]
pub struct FolderLock(File);

/// Why a folder could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another holder has it; its process id when the system tells.
    #[error("the folder is in use by {}", .holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}")))]
    Held {
        /// The process that holds the lock.
        holder: Option<u32>,
    },
    /// It is not there, not a folder, or locks do not work on it.
    #[error("the folder cannot be opened and locked")]
    Unusable(#[from] io::Error),
}

impl FolderLock {
    /// Locks the folder at `path`, which must exist. Never waits.
    ///
    /// # Errors
    /// See [`LockError`].
    pub fn take(path: &Path) -> Result<Self, LockError> {
        let folder = File::open(path)?;
        let metadata = folder.metadata()?;
        if !metadata.is_dir() {
            return Err(io::Error::from(io::ErrorKind::NotADirectory).into());
        }
        match folder.try_lock() {
            Ok(()) => Ok(Self(folder)),
            Err(TryLockError::WouldBlock) => Err(LockError::Held { holder: holder(&metadata) }),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Makes the names in the folder durable: files created or removed before.
    ///
    /// # Errors
    /// Those of fsync.
    pub fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}

fn holder(folder: &Metadata) -> Option<u32> {
    let table = std::fs::read_to_string("/proc/locks").ok()?;
    let locks: Vec<_> =
        table.lines().filter_map(parse_lock).filter(|lock| lock.inode == folder.st_ino() && lock.pid != 0).collect();
    // Some file systems show another device number here than in the metadata of the file; the inode alone must do then.
    let same_device = locks.iter().find(|lock| lock.device == device(folder.st_dev()));
    same_device.or(locks.first()).map(|lock| lock.pid)
}

#[derive(Debug, PartialEq, Eq)]
struct Lock {
    pid: u32,
    device: (u64, u64),
    inode: u64,
}

/// `1: FLOCK  ADVISORY  WRITE 13968 fe:00:10010633 0 EOF` (proc_locks(5)); lines of waiters have `->` after the number.
fn parse_lock(line: &str) -> Option<Lock> {
    let mut words = line.split_ascii_whitespace().skip(1);
    if words.next()? != "FLOCK" {
        return None;
    }
    let mut words = words.skip(2);
    let pid = words.next()?.parse().ok()?;
    let mut place = words.next()?.split(':');
    let mut hex = || u64::from_str_radix(place.next()?, 16).ok();
    let device = (hex()?, hex()?);
    Some(Lock { pid, device, inode: place.next()?.parse().ok()? })
}

/// Major and minor number, as the C library takes them from a device number.
const fn device(number: u64) -> (u64, u64) {
    (((number >> 8) & 0xfff) | ((number >> 32) & !0xfff), (number & 0xff) | ((number >> 12) & 0xfff_ff00))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing::Scratch;

    #[test]
    fn a_folder_has_one_holder() {
        let scratch = Scratch::new();
        let lock = FolderLock::take(scratch.path()).unwrap();
        lock.sync().unwrap();
        let error = FolderLock::take(scratch.path()).unwrap_err();
        assert!(matches!(error, LockError::Held { holder } if holder == Some(std::process::id())), "{error:?}");
        assert_eq!(error.to_string(), format!("the folder is in use by process {}", std::process::id()));
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
        drop(lock);
        FolderLock::take(scratch.path()).unwrap();
    }

    #[test]
    fn only_a_folder_can_be_held() {
        let scratch = Scratch::new();
        let file = scratch.path().join("file");
        assert!(matches!(FolderLock::take(&file), Err(LockError::Unusable(_))));
        std::fs::write(&file, "").unwrap();
        assert!(matches!(FolderLock::take(&file), Err(LockError::Unusable(_))));
    }

    #[test]
    fn lines_of_the_lock_table_parse() {
        let line = "1: FLOCK  ADVISORY  WRITE 13968 fe:00:10010633 0 EOF";
        assert_eq!(parse_lock(line), Some(Lock { pid: 13968, device: (0xfe, 0), inode: 10_010_633 }));
        for line in [
            "",
            "1: POSIX  ADVISORY  WRITE 13968 fe:00:10010633 0 EOF",
            "1: -> FLOCK  ADVISORY  WRITE 13968 fe:00:10010633 0 EOF",
            "1: FLOCK  ADVISORY  WRITE x fe:00:10010633 0 EOF",
            "1: FLOCK  ADVISORY  WRITE 7 fe:00",
        ] {
            assert_eq!(parse_lock(line), None, "{line}");
        }
        assert_eq!(device(65024), (0xfe, 0));
    }
}
