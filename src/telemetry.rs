//! The technical log: JSON, one event a line. The audit never goes through it, and no personal data does.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::Mutex;

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Our own events at `level`, those of the libraries at WARN.
fn targets(level: Level) -> Targets {
    Targets::new().with_default(LevelFilter::WARN).with_target("inzage", level)
}

/// Logs to standard output. A second call changes nothing.
pub fn start(level: Level) {
    let layer = fmt::layer().json().flatten_event(true);
    let _ = tracing_subscriber::registry().with(layer).with(targets(level)).try_init();
}

/// Logs to what `writer` makes, one for each event; a test reads it back. A second call changes nothing.
pub fn start_with<W>(writer: W, level: Level)
where
    W: for<'a> fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = fmt::layer().json().flatten_event(true).with_writer(writer);
    let _ = tracing_subscriber::registry().with(layer).with(targets(level)).try_init();
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
    let layer = fmt::layer().json().flatten_event(true).with_writer(Mutex::new(file));
    let _ = tracing_subscriber::registry().with(layer).with(targets(level)).try_init();
    Ok(())
}
