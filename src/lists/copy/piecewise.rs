//! A file that reaches the disk piece by piece.

use std::fs::File;
use std::io::{self, Write};

/// How much may wait for the disk, in bytes.
const PIECE: usize = 256 * 1024;

/// Whoever flushes a file on ext4 waits for what others wrote into the same file system, too: beside 40 MB that were written and
/// flushed as one, a flush as that of the audit log took 4 to 9 ms, beside pieces of 256 KiB 0.1 ms as ever.
pub(super) struct Piecewise {
    file: File,
    /// Bytes since the last flush.
    waiting: usize,
}

impl Piecewise {
    pub(super) const fn new(file: File) -> Self {
        Self { file, waiting: 0 }
    }

    /// All of it is on the disk, and its length.
    pub(super) fn finish(self) -> io::Result<()> {
        self.file.sync_all()
    }
}

impl Write for Piecewise {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PIECE.saturating_sub(self.waiting);
        let written = self.file.write(bytes.get(..room).unwrap_or(bytes))?;
        self.waiting = self.waiting.saturating_add(written);
        if self.waiting >= PIECE {
            self.file.sync_data()?;
            self.waiting = 0;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
