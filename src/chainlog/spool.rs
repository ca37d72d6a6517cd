//! Lines on disk until they are delivered: one file a batch, named by its id. The thread of the queue fills the newest; the
//! delivery takes the oldest away.
//!
//! `<id>.open` is being filled, `<id>.batch` is whole, `<id>.refused` was refused by the central log component: it stays for
//! who wants to know why, and is tried once more after the next start. Lines that came together are one write, so a killed process
//! loses none that was written; a whole batch is also safe against a crash of the machine.

mod batches;

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use batches::{Batch, Batches};

use super::counts::{Counts, add};
use crate::audit::{FolderLock, LockError};
use crate::clock::SharedClock;
use crate::medmij::LocalId;

/// Where the spool is and how large it may get.
#[derive(Debug, Clone)]
pub struct SpoolConfig {
    /// The folder; made when it is absent.
    pub dir: PathBuf,
    /// Most bytes of all batches together. When there are more, the oldest batch is lost: of a long outage the newest lines
    /// tell the most.
    pub bytes_max: u64,
    /// Most lines of a batch.
    pub lines_max: u64,
}

/// Why there is no spool.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Another process has it.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The folder or a file in it cannot be used.
    #[error("the spool of the chain log cannot be used")]
    Io(#[from] io::Error),
}

/// The end at which lines come in.
pub struct Filling {
    config: SpoolConfig,
    open: Option<Open>,
    batches: Arc<Batches>,
    clock: SharedClock,
    counts: Arc<Counts>,
    /// Whether the last write failed, so that a full disk is logged once.
    failing: bool,
}

struct Open {
    batch: Batch,
    file: File,
}

/// Opens the spool; what an earlier process left in it is delivered first.
///
/// # Errors
/// See [`SpoolError`].
pub fn open(
    config: SpoolConfig,
    clock: SharedClock,
    counts: Arc<Counts>,
) -> Result<(Filling, Arc<Batches>), SpoolError> {
    std::fs::create_dir_all(&config.dir)?;
    let lock = FolderLock::take(&config.dir)?;
    let left = batches::left_behind(&config.dir)?;
    let batches = Arc::new(Batches::new(config.dir.clone(), lock, left));
    let filling = Filling { config, open: None, batches: Arc::clone(&batches), clock, counts, failing: false };
    filling.shed();
    Ok((filling, batches))
}

impl Filling {
    /// How many lines fit in the batch that is being filled; at least one.
    pub(super) fn room(&self) -> u64 {
        let filled = self.open.as_ref().map_or(0, |open| open.batch.lines);
        self.config.lines_max.saturating_sub(filled).max(1)
    }

    /// Adds so many lines, no more than there is room for; says whether they filled the batch, which is then handed over.
    pub(super) fn append(&mut self, text: &[u8], lines: u64) -> bool {
        match self.write(text, lines) {
            Ok(()) => self.failing = false,
            Err(error) => self.lose(lines, &error),
        }
        let full = self.open.as_ref().is_some_and(|open| open.batch.lines >= self.config.lines_max);
        if full {
            self.hand_over();
        }
        self.shed();
        full
    }

    fn write(&mut self, text: &[u8], lines: u64) -> io::Result<()> {
        let open = match &mut self.open {
            Some(open) => open,
            None => self.open.insert(Open::new(&self.config.dir, &self.clock)?),
        };
        open.file.write_all(text)?;
        open.batch.lines += lines;
        open.batch.bytes += text.len() as u64;
        self.batches.filling(open.batch.bytes, Some(open.batch.since));
        Ok(())
    }

    /// The lines are lost, and part of them may stand in the file: that is cut off, and the batch ends here.
    fn lose(&mut self, lines: u64, error: &io::Error) {
        add(&self.counts.dropped_at_spool, lines);
        if !self.failing {
            tracing::error!(%error, "lines of the chain log are lost: the spool cannot be written");
        }
        self.failing = true;
        if let Some(open) = &self.open
            && open.file.set_len(open.batch.bytes).is_ok()
        {
            self.hand_over();
        }
        self.open = None;
    }

    /// Ends the batch that is being filled and gives it to the delivery.
    pub(super) fn hand_over(&mut self) {
        let Some(open) = self.open.take() else { return };
        self.batches.filling(0, None);
        let lines = open.batch.lines;
        if let Err(error) = open.finish(&self.config.dir).map(|batch| self.batches.push(batch)) {
            // The file keeps its name and is found at the next start.
            tracing::error!(%error, lines, "a batch of the chain log waits for the next start");
        }
    }

    /// Drops the oldest batches while there are too many bytes.
    fn shed(&self) {
        while let Some(batch) = self.batches.shed(self.config.bytes_max) {
            add(&self.counts.dropped_at_spool, batch.lines);
            tracing::error!(batch = %batch.id, lines = batch.lines, "lines of the chain log are lost: the spool is full");
        }
    }
}

impl Open {
    fn new(dir: &Path, clock: &SharedClock) -> io::Result<Self> {
        let now = clock.now();
        let batch = Batch { id: LocalId::new(now), lines: 0, bytes: 0, since: now, refused: false, sound: false };
        let file = OpenOptions::new().append(true).create_new(true).open(dir.join(batch.name("open")))?;
        Ok(Self { batch, file })
    }

    fn finish(self, dir: &Path) -> io::Result<Batch> {
        self.file.sync_data()?;
        std::fs::rename(dir.join(self.batch.name("open")), dir.join(self.batch.name("batch")))?;
        Ok(Batch { sound: true, ..self.batch })
    }
}

#[cfg(test)]
mod tests;
