//! `inzage lists`: reads lists as the gateway does, from files or from their publisher, and says what is in them. Apart from
//! `fetch` and `accept` it needs no configuration.

mod accept;

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;

use super::run::{EX_UNAVAILABLE, give_up, load, refuse, refuse_start, runtime};
use super::{say, say_error};
use crate::app::lists::list_source;
use crate::clock::{SharedClock, SystemClock};
use crate::config::Config;
use crate::lists::{AnyList, Difference, Fetched, ListError, ListKind, ListSource as _, MAX_LIST_BYTES, Reading};

/// Most entries that are printed when none is named.
const ENTRIES_MAX: usize = 50;

/// What to do with lists.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check files: exit code 1 when one is not a valid list, with file, line, column and element on standard error
    Validate {
        /// Lists of any kind; the root element says which
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// Take front-channel URIs with a port, as the lists of a sandbox have them
        #[arg(long)]
        allow_ports: bool,
    },
    /// Say what is in a list
    Show {
        /// A list of any kind
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Provider, host or service of which to show everything
        #[arg(value_name = "ENTRY")]
        entry: Option<String>,
        /// Take front-channel URIs with a port
        #[arg(long)]
        allow_ports: bool,
    },
    /// Say what came, went and changed between two lists of one kind
    Diff {
        /// The older list
        #[arg(value_name = "OLD")]
        old: PathBuf,
        /// The newer list
        #[arg(value_name = "NEW")]
        new: PathBuf,
        /// Take front-channel URIs with a port
        #[arg(long)]
        allow_ports: bool,
    },
    /// Fetch the four lists as a gateway with this configuration would, and check them
    Fetch {
        /// The configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Folder to write them to; one that is refused gets `.refused` after its name
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
    /// Accept a list that is held back because it lost many entries
    Accept(accept::AcceptArguments),
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
enum Unread {
    /// The file cannot be read.
    #[error("{file}: cannot be read: {error}")]
    File { file: String, error: io::Error },
    /// It is not a valid list: a line as compilers write them.
    #[error("{file}:{}:{}: {}", error.position.line, error.position.column, fault(error))]
    Refused { file: String, error: ListError },
}

pub(super) fn run(command: Command) -> ExitCode {
    match command {
        Command::Validate { files, allow_ports } => validate(&files, of_files(allow_ports)),
        Command::Show { file, entry, allow_ports } => {
            answer(read(&file, of_files(allow_ports)).map(|list| show(&list, entry.as_deref())))
        }
        Command::Diff { old, new, allow_ports } => answer(diff(&old, &new, of_files(allow_ports))),
        Command::Fetch { config, to } => fetch(&config, to.as_deref()),
        Command::Accept(arguments) => accept::accept(&arguments),
    }
}

/// Files are read in every form that is known; what one gateway accepts is a matter of its configuration.
fn of_files(allow_ports: bool) -> Reading {
    Reading { allow_ports, ..Reading::default() }
}

fn validate(files: &[PathBuf], reading: Reading) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for file in files {
        match read(file, reading) {
            Ok(list) => say(&format!("{}: in order: {}", file.display(), headline(&list))),
            Err(unread) => {
                say_error(&unread.to_string());
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

fn read(path: &Path, reading: Reading) -> Result<AnyList, Unread> {
    let file = path.display().to_string();
    match read_bytes(path) {
        Ok(bytes) => AnyList::parse(&bytes, reading).map_err(|error| Unread::Refused { file, error }),
        Err(error) => Err(Unread::File { file, error }),
    }
}

/// One byte more than a list may have, so that the reader sees that it has too many.
fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(MAX_LIST_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What is wrong and in which element; the place stands before it.
fn fault(error: &ListError) -> String {
    error.within.map_or_else(|| error.defect.to_string(), |element| format!("in <{element}>: {}", error.defect))
}

fn headline(list: &AnyList) -> String {
    let header = list.header();
    let entries = list.entries().len();
    format!("{}, number {}, published {}, {entries} entries", list.name(), header.sequence, header.timestamp)
}

fn show(list: &AnyList, entry: Option<&str>) -> String {
    let mut text = format!("{}\n", headline(list));
    let all = list.entries();
    let asked = all.iter().filter(|(key, _)| entry.is_none_or(|entry| entry == key));
    if entry.is_none() {
        list.summary().iter().for_each(|line| add(&mut text, "", line));
    }
    for (key, facts) in asked.take(ENTRIES_MAX) {
        add(&mut text, "", key);
        facts.iter().for_each(|fact| add(&mut text, "    ", fact));
    }
    match (entry, all.len().checked_sub(ENTRIES_MAX)) {
        (None, Some(more @ 1..)) => add(&mut text, "", &format!("and {more} more; name one to see it")),
        (Some(entry), _) if all.iter().all(|(key, _)| key != entry) => add(&mut text, "", &format!("no {entry} in it")),
        (Some(_) | None, _) => {}
    }
    text
}

fn diff(old: &Path, new: &Path, reading: Reading) -> Result<String, Unread> {
    let (older, newer) = (read(old, reading)?, read(new, reading)?);
    let mut text = format!("- {}\n+ {}\n", headline(&older), headline(&newer));
    let Some(differences) = newer.since(&older) else {
        return Ok(format!("{text}lists of two kinds have nothing to compare\n"));
    };
    for difference in &differences {
        match difference {
            Difference::Came(entry) => add(&mut text, "came     ", entry),
            Difference::Went(entry) => add(&mut text, "went     ", entry),
            Difference::Changed { entry, before, after } => {
                add(&mut text, "changed  ", entry);
                before.iter().for_each(|fact| add(&mut text, "    - ", fact));
                after.iter().for_each(|fact| add(&mut text, "    + ", fact));
            }
        }
    }
    add(&mut text, "", &format!("differences: {}", differences.len()));
    Ok(text)
}

fn add(text: &mut String, indent: &str, line: &str) {
    // Writing into a string does not fail.
    let _ = writeln!(text, "{indent}{line}");
}

/// Prints a text that may be long; who reads only its head ends it without a complaint.
fn answer(text: Result<String, Unread>) -> ExitCode {
    let text = match text {
        Ok(text) => text,
        Err(unread) => {
            say_error(&unread.to_string());
            return ExitCode::FAILURE;
        }
    };
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => give_up(&error, EX_UNAVAILABLE),
        Ok(()) | Err(_) => ExitCode::SUCCESS,
    }
}

fn fetch(file: &Path, to: Option<&Path>) -> ExitCode {
    let config = match load(file) {
        Ok(config) => config,
        Err(faults) => return refuse(&faults),
    };
    crate::tls::install();
    match runtime() {
        Ok(runtime) => runtime.block_on(fetch_all(&config, to)),
        Err(error) => give_up(&error, EX_UNAVAILABLE),
    }
}

async fn fetch_all(config: &Config, to: Option<&Path>) -> ExitCode {
    let clock: SharedClock = Arc::new(SystemClock);
    let source = match list_source(config, &clock) {
        Ok(source) => source,
        Err(error) => return refuse_start(&error),
    };
    let mut code = ExitCode::SUCCESS;
    for kind in ListKind::ALL {
        let fetched = match source.fetch(kind, None).await {
            Ok(Fetched::List { bytes, .. }) => take(kind, &bytes, config.lists.reading, to),
            Ok(Fetched::NotModified) => {
                say_error(&format!("{kind}: the publisher answered that nothing changed, and was not asked that"));
                code = ExitCode::from(EX_UNAVAILABLE);
                continue;
            }
            Err(error) => {
                say_error(&format!("{kind}: {error}"));
                code = ExitCode::from(EX_UNAVAILABLE);
                continue;
            }
        };
        match fetched {
            Ok(line) => say(&line),
            Err(unread) => {
                say_error(&unread.to_string());
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

/// Checks a list as one of its kind and writes it down.
fn take(kind: ListKind, bytes: &[u8], reading: Reading, to: Option<&Path>) -> Result<String, Unread> {
    let list = AnyList::parse_as(kind, bytes, reading);
    let suffix = if list.is_ok() { "" } else { ".refused" };
    let name = format!("{}{suffix}", kind.file_name());
    let file = match to {
        Some(dir) => write(dir, &name, bytes).map_err(|error| Unread::File { file: name, error })?,
        None => kind.file_name().to_owned(),
    };
    match list {
        Ok(list) => Ok(format!("{file}: {}", headline(&list))),
        Err(error) => Err(Unread::Refused { file, error }),
    }
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<String> {
    std::fs::create_dir_all(dir)?;
    let path = dir.join(name);
    std::fs::write(&path, bytes)?;
    Ok(path.display().to_string())
}
