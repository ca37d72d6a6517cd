//! The log as text for people and tools: one JSON object a line, oldest first.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Map, Value};

use super::broken::ReadError;
use super::read::read_dir;

/// These come first and are `null` when the record has none.
const ALWAYS: [&str; 8] =
    ["time", "kind", "request_id", "correlation_id", "client_id", "provider", "service", "outcome"];

/// Why a log could not be shown to its end. What was written before is sound.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// The log is damaged or unreadable.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A record that the chain vouches for is not a JSON object: some other program wrote it.
    #[error("record {index} is not a JSON object")]
    Form {
        /// Its index.
        index: u64,
    },
    /// The reader of the text went away, or has no room.
    #[error("the text cannot be written")]
    Write(#[from] io::Error),
}

/// Writes every record of the log in `dir` to `out` and says how many there were.
///
/// # Errors
/// See [`ShowError`].
pub fn show(dir: &Path, out: &mut impl Write) -> Result<u64, ShowError> {
    let mut shown = 0;
    for record in read_dir(dir)? {
        let (index, payload) = record?;
        let members = serde_json::from_slice(&payload).map_err(|_| ShowError::Form { index })?;
        write_line(index, &members, out)?;
        shown += 1;
    }
    out.flush()?;
    Ok(shown)
}

fn write_line(index: u64, members: &Map<String, Value>, out: &mut impl Write) -> io::Result<()> {
    write!(out, "{{\"index\":{index}")?;
    for name in ALWAYS {
        write!(out, ",\"{name}\":{}", members.get(name).unwrap_or(&Value::Null))?;
    }
    for (name, value) in members.iter().filter(|(name, _)| !ALWAYS.contains(&name.as_str())) {
        write!(out, ",{}:{value}", Value::from(name.as_str()))?;
    }
    writeln!(out, "}}")
}
