//! How far a receiver got, in a file of its own: the id of the log and the next record, on one line.

use std::io;
use std::path::Path;

use crate::audit::{LogId, notes};

/// Longer than any line that is written here.
const MAX_BYTES: usize = 1_024;

/// The next record to send. Starts at the beginning, and says so, when the file is of another log, beyond the end of this one or
/// not in order: to send twice loses nothing.
pub(super) fn read(file: &Path, log: &LogId, durable: u64) -> io::Result<u64> {
    let Some(text) = notes::read_one(file)? else { return Ok(0) };
    match parse(&text) {
        Some((of, next)) if of == log.to_string() && next <= durable => return Ok(next),
        Some((of, next)) => tracing::error!(
            kept = of,
            next,
            log = %log,
            durable,
            "the position of the audit repository is not of this log; all of it is sent"
        ),
        None => tracing::error!(file = %file.display(), "the position of the audit repository is damaged; all is sent"),
    }
    Ok(0)
}

/// Keeps it: after a crash the file has this position or the one before.
pub(super) fn write(file: &Path, log: &LogId, next: u64) -> io::Result<()> {
    notes::replace(file, &file.with_extension("tmp"), &format!("{log} {next}\n"))
}

fn parse(text: &str) -> Option<(&str, u64)> {
    let (log, next) = text.strip_suffix('\n').filter(|line| line.len() < MAX_BYTES)?.split_once(' ')?;
    next.bytes().all(|digit| digit.is_ascii_digit()).then(|| next.parse().ok()).flatten().map(|next| (log, next))
}
