//! The file operations of the writer, behind a trait so that tests can make any of them fail.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::audit::lock::FolderLock;

/// One segment open for appending, in a folder.
pub(super) trait Disk: Send + 'static {
    /// Makes a new, empty segment and goes on with that. Without success the current one stays.
    fn create(&mut self, name: &str) -> io::Result<()>;

    /// Writes all of `bytes` at the end; after an error a part of them may stand there.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes the content and length of the segment durable (fdatasync).
    fn sync(&mut self) -> io::Result<()>;

    /// Makes the name of a new segment durable (fsync of the folder).
    fn sync_names(&mut self) -> io::Result<()>;

    /// Writes the last `most` bytes of the segment again, each in its place. What a flush failed to write in an earlier run
    /// may stand in the cache as if it were written; this makes the next flush write it.
    fn rewrite_end(&mut self, most: u64) -> io::Result<()>;

    /// Cuts the segment back to `length` bytes.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
}

/// The real one. Holds the lock as long as it lives.
pub(super) struct Folder {
    lock: FolderLock,
    dir: PathBuf,
    name: String,
    segment: File,
}

impl Folder {
    /// Opens the segment `name`, or makes it.
    pub(super) fn open(lock: FolderLock, dir: &Path, name: &str) -> io::Result<Self> {
        let segment = options().create(true).open(dir.join(name))?;
        Ok(Self { lock, dir: dir.into(), name: name.to_owned(), segment })
    }
}

impl Disk for Folder {
    fn create(&mut self, name: &str) -> io::Result<()> {
        self.segment = options().create_new(true).open(self.dir.join(name))?;
        name.clone_into(&mut self.name);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.segment.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.segment.sync_data()
    }

    fn sync_names(&mut self) -> io::Result<()> {
        self.lock.sync()
    }

    fn rewrite_end(&mut self, most: u64) -> io::Result<()> {
        // One that appends writes at the end only, whatever place is named.
        let file = OpenOptions::new().read(true).write(true).open(self.dir.join(&self.name))?;
        let from = file.metadata()?.len().saturating_sub(most);
        let mut bytes = Vec::new();
        (&file).seek(SeekFrom::Start(from))?;
        (&file).take(most).read_to_end(&mut bytes)?;
        file.write_all_at(&bytes, from)
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        // A device that became read-only refuses this, and has nothing to cut.
        if self.segment.metadata()?.len() == length { Ok(()) } else { self.segment.set_len(length) }
    }
}

/// Appending writes go to the end wherever a cut put it.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true).mode(0o600);
    options
}
