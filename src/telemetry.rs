//! The technical log: JSON, one event a line; and traces. The audit never goes through either, and no personal data does.

mod gather;
mod level;
mod line;
mod traces;

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Mutex;

use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use gather::Gathered;
use level::Levels;
pub use level::set as set_level;
use line::{Lines, Out};
pub use traces::{Answered, Sending, TraceCounts, Traces};

fn begin(out: impl Out, level: Level) {
    if tracing_subscriber::registry().with(Lines(out)).with(Levels).try_init().is_ok() {
        level::set(level);
    }
}

/// Lines that wait to be written, while it is there. Dropped, it writes them, and from then on each line is written at once.
#[must_use = "without it every line is written by itself"]
pub struct Gathering(Gathered<io::Stdout>);

impl Drop for Gathering {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Logs to standard output. A second call changes nothing.
pub fn start(level: Level) -> Gathering {
    let gathered = Gathered::start(io::stdout());
    begin(gathered.clone(), level);
    Gathering(gathered)
}

/// Each line to what `MakeWriter` makes for it.
struct Direct<W>(W);

impl<W> Out for Direct<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    fn put(&self, line: &[u8], _: Level) {
        // There is nobody to tell that it cannot be told.
        let _ = self.0.make_writer().write_all(line);
    }
}

/// Logs to what `writer` makes, one for each event; a test reads it back. A second call changes nothing.
pub fn start_with<W>(writer: W, level: Level)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    begin(Direct(writer), level);
}

/// Logs to a file, so that standard output stays for people. A second call changes nothing.
///
/// # Errors
/// When the file cannot be opened.
pub fn start_in_file(path: &Path, level: Level) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    begin(Direct(Mutex::new(file)), level);
    Ok(())
}
