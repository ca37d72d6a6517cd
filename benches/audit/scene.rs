//! Folders and logs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use inzage::audit::{FileLog, FileLogConfig, NodeName};
use inzage::clock::SystemClock;
use inzage::sandbox::client::new_id;

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
