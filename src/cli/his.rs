//! `inzage his`: whether the information system of a practice can serve.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;

use super::run::{EX_CONFIG, EX_UNAVAILABLE, give_up, load, refuse, refuse_start, runtime};
use super::{say, say_error};
use crate::app::{HIS_CHECK_LOG, HisCheck, Line, Report, Verdict, his_check};
use crate::clock::{SharedClock, SystemClock};
use crate::config::{Config, Instead};
use crate::medmij::Bsn;
use crate::secret::Secret;

/// Exit code for a file that does not hold what it should (sysexits.h, EX_DATAERR).
const EX_DATA: u8 = 65;
/// Most bytes of a file that holds one BSN.
const BSN_FILE_MAX: u64 = 64;

/// What to do with a HIS.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Ask a HIS step by step and say for each service whether it can serve
    #[command(after_help = "Exit code: 0 when all that was tried is well, 1 when something is not.\n\
        With --bsn-file every search of every collecting service is asked for that person. It is an access to a record: use \
        a test person. It is recorded in an audit log of its own, beside that of the node (its folder with -his-check).")]
    Check(CheckArguments),
}

#[derive(Debug, clap::Args)]
pub(super) struct CheckArguments {
    /// The id of the HIS in the configuration
    #[arg(value_name = "NAME")]
    name: String,
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "/etc/inzage/inzage.toml")]
    config: PathBuf,
    /// A file that holds the BSN of a test person; without one only what needs no person is tried
    #[arg(long, value_name = "FILE")]
    bsn_file: Option<PathBuf>,
    /// Print JSON, for tools
    #[arg(long)]
    json: bool,
}

pub(super) fn run(Command::Check(arguments): &Command) -> ExitCode {
    crate::tls::install();
    let built = loaded(&arguments.config).and_then(|config| {
        let bsn = arguments.bsn_file.as_deref().map(read_bsn).transpose()?;
        build(&config, &arguments.name, bsn)
    });
    let check = match built {
        Ok(check) => check,
        Err(code) => return code,
    };
    let report = match runtime() {
        Ok(runtime) => runtime.block_on(check.run()),
        Err(error) => return give_up(&error, EX_UNAVAILABLE),
    };
    match if arguments.json { serde_json::to_string_pretty(&report) } else { Ok(table(&report)) } {
        Ok(text) => say(text.trim_end()),
        Err(error) => return give_up(&error, EX_UNAVAILABLE),
    }
    if report.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The configuration, for a node with folders of its own.
fn loaded(file: &Path) -> Result<Config, ExitCode> {
    let config = load(file).map_err(|faults| refuse(&faults))?;
    let instead = Instead { node: Some(HIS_CHECK_LOG.to_owned()), ..Instead::default() };
    config.instead(&instead).map_err(|error| give_up(&error, EX_CONFIG))
}

fn build(config: &Config, name: &str, bsn: Option<Bsn>) -> Result<HisCheck, ExitCode> {
    let clock: SharedClock = Arc::new(SystemClock);
    let check = his_check(config, &clock, name, bsn).map_err(|error| refuse_start(&error))?;
    check.ok_or_else(|| {
        let known: Vec<_> = config.his.iter().map(|his| his.id.as_str()).collect();
        say_error(&format!("the configuration has no HIS of this name; it has {}", known.join(", ")));
        ExitCode::from(EX_CONFIG)
    })
}

/// The one BSN in a file. No message repeats any of it.
fn read_bsn(path: &Path) -> Result<Bsn, ExitCode> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(BSN_FILE_MAX).read_to_string(&mut text));
    let text = Secret::new(text);
    if let Err(error) = read {
        return Err(give_up(&error, EX_DATA));
    }
    Bsn::parse(text.reveal().trim()).map_err(|error| give_up(&error, EX_DATA))
}

/// For people.
fn table(report: &Report) -> String {
    let mut text = format!("{}\n\n", report.his);
    report.steps.iter().for_each(|line| row(&mut text, "", line));
    for service in &report.services {
        let head = Line::head(service);
        text.push('\n');
        row(&mut text, "", &head);
        service.searches.iter().for_each(|line| row(&mut text, "  ", line));
    }
    text
}

fn row(text: &mut String, indent: &str, line: &Line) {
    let Line { what, verdict, millis, pages, entries, withheld, note, who } = line;
    let verdict = match verdict {
        Verdict::Ok => "ok",
        Verdict::Not => "NOT",
        Verdict::Partly => "partly",
        Verdict::NotOffered => "absent",
        Verdict::NotTried => "not tried",
    };
    let took = millis.map(|millis| format!("{millis} ms")).unwrap_or_default();
    // Writing into a string does not fail.
    let _ = write!(text, "{verdict:<9} {took:>9}  {indent}{what}");
    if let (Some(pages), Some(entries), Some(withheld)) = (pages, entries, withheld) {
        let _ = write!(text, ": entries {entries}, withheld {withheld}, pages {pages}");
    }
    if !note.is_empty() {
        let _ = write!(text, ": {note}");
    }
    if let Some(who) = who {
        let _ = write!(text, " (to act: {who})");
    }
    text.push('\n');
}
