//! Reading a log: every record, oldest first, each checked against the chain before it is handed out.

use std::path::Path;

use super::broken::ReadError;
use super::scan::Scan;
use super::segment::LogId;

/// The records of a log: index and payload. Ends after the first error, and before an unfinished last record.
pub struct Records(Scan);

/// Opens the log in `dir`. May run beside a live writer; records that are added later may be missed.
///
/// # Errors
/// When there is no log, its first header is damaged, or the folder cannot be read.
pub fn read_dir(dir: &Path) -> Result<Records, ReadError> {
    Scan::open(dir).map(Records)
}

impl Records {
    /// The id of the log.
    #[must_use]
    pub const fn log(&self) -> &LogId {
        self.0.log()
    }
}

impl Iterator for Records {
    type Item = Result<(u64, Vec<u8>), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut payload = Vec::new();
        let index = self.0.next(&mut payload).transpose()?;
        Some(index.map(|index| (index, payload)))
    }
}
