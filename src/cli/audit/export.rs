//! `inzage audit export`: needs no configuration, and may run beside a live node.

use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

use super::{say, say_error};
use crate::app::chain;
use crate::audit::checkpoint::Checkpoint;
use crate::audit::export::{Choice, ExportError, Exported, Filter, Format, OutputError, export, export_to};
use crate::audit::note::{KeyName, SigningKey};
use crate::audit::read_dir;
use crate::audit::render::Site;
use crate::medmij::ProviderName;
use crate::seal::KeyFile;

/// Where days begin and end.
const DUTCH: &str = "Europe/Amsterdam";

/// What to copy, and where to.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The folder of the log
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The form of the records
    #[arg(long, value_enum)]
    format: Form,
    /// With `--format fhir`: Bundles of type collection instead of an AuditEvent a line
    #[arg(long)]
    bundle: bool,
    /// From this moment on: 2026-11-21T09:30:00Z, or a day of the Netherlands, 2026-11-21
    #[arg(long, value_name = "TIME", value_parser = since)]
    from: Option<Timestamp>,
    /// Before this moment; a day of the Netherlands counts until its end
    #[arg(long, value_name = "TIME", value_parser = until)]
    to: Option<Timestamp>,
    /// Of this practice only, by its name in the list: huisarts.delinde@medmij
    #[arg(long, value_name = "NAME", value_parser = provider)]
    provider: Option<ProviderName>,
    /// The host name of the gateway, to stand in the records
    #[arg(long, value_name = "NAME", value_parser = line)]
    host: Option<String>,
    /// The organisation that runs the gateway, to stand in the records
    #[arg(long, value_name = "NAME", value_parser = line)]
    operator: Option<String>,
    /// A folder for the parts and a signed manifest; an export that was interrupted there goes on. Without it everything up to
    /// now goes to standard output
    #[arg(long, value_name = "FOLDER", requires = "key")]
    out: Option<PathBuf>,
    /// The key of the log that signs its checkpoints, to sign the manifest with
    #[arg(long, value_name = "FILE", requires = "out")]
    key: Option<PathBuf>,
    /// The checkpoint to rest on, in place of the newest in the folder of the log
    #[arg(long, value_name = "FILE", requires = "out")]
    checkpoint: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A JSON object a line, by the names of the log
    Ndjson,
    /// A table for spreadsheets
    Csv,
    /// FHIR R4 AuditEvents after IHE BALP
    Fhir,
    /// The lines of NEN 7513
    Nen7513,
}

fn since(text: &str) -> Result<Timestamp, String> {
    moment(text, 0)
}

fn until(text: &str) -> Result<Timestamp, String> {
    moment(text, 1)
}

/// A moment, or midnight so many days after a day.
fn moment(text: &str, days: i64) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse() {
        return Ok(moment);
    }
    let midnight = |day: Date| day.checked_add(days.days())?.in_tz(DUTCH);
    let found = text.parse().and_then(midnight);
    found
        .map(|zoned| zoned.timestamp())
        .map_err(|_| "give a time as 2026-11-21T09:30:00Z or a day as 2026-11-21".to_owned())
}

fn provider(text: &str) -> Result<ProviderName, String> {
    ProviderName::parse(text).map_err(|error| error.to_string())
}

/// What may stand on one line of a manifest.
fn line(text: &str) -> Result<String, &'static str> {
    let plain = !text.trim().is_empty() && !text.chars().any(char::is_control);
    plain.then(|| text.to_owned()).ok_or("give one line of text")
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match &arguments.out {
        None => to_standard_output(arguments),
        Some(folder) => to_folder(arguments, folder),
    }
}

fn to_standard_output(arguments: &Arguments) -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = choice(arguments).and_then(|choice| export_to(&arguments.dir, &choice, &mut out));
    match written {
        Ok(_) => ExitCode::SUCCESS,
        // Whoever reads has seen enough.
        Err(ExportError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => refuse(&error),
    }
}

fn choice(arguments: &Arguments) -> Result<Choice, ExportError> {
    let format = match (arguments.format, arguments.bundle) {
        (Form::Fhir, true) => Format::FhirBundle,
        (Form::Fhir, false) => Format::Fhir,
        (Form::Ndjson, _) => Format::Ndjson,
        (Form::Csv, _) => Format::Csv,
        (Form::Nen7513, _) => Format::Nen7513,
    };
    let name = |name: &Option<String>| name.as_deref().map(Arc::from);
    let log = read_dir(&arguments.dir)?.log().shared();
    let site = Site { log, operator: name(&arguments.operator), host: name(&arguments.host) };
    let filter = Filter { from: arguments.from, to: arguments.to, provider: arguments.provider.clone() };
    Ok(Choice { format, filter, site })
}

fn to_folder(arguments: &Arguments, folder: &Path) -> ExitCode {
    let choice = match choice(arguments) {
        Ok(choice) => choice,
        Err(error) => return refuse(&error),
    };
    match signed(arguments, &choice.site.log) {
        Ok((key, checkpoint)) => {
            let bar = progress_bar(checkpoint.size);
            let exported = export(&arguments.dir, &choice, &checkpoint, &key, folder, &mut |_| bar.inc(1));
            bar.finish_and_clear();
            finished(folder, exported)
        }
        Err(text) => {
            say_error(&text);
            ExitCode::FAILURE
        }
    }
}

/// The key, and the checkpoint that it signed.
fn signed(arguments: &Arguments, log: &str) -> Result<(SigningKey, Checkpoint), String> {
    let (Some(key), newest) = (&arguments.key, arguments.dir.join("checkpoint")) else {
        return Err("an export to a folder needs the key of the log".to_owned());
    };
    let seed = KeyFile::load(key).map_err(|error| format!("{}: {}", key.display(), chain(&error)))?;
    let name = KeyName::parse(log).map_err(|error| error.to_string())?;
    let key = SigningKey::from_seed(&seed, name);
    let path = arguments.checkpoint.as_ref().unwrap_or(&newest);
    let note = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let opened = Checkpoint::open(&note, &[key.verifier()]);
    let checkpoint = opened.map_err(|error| format!("{}: {}", path.display(), chain(&error)))?;
    Ok((key, checkpoint))
}

/// On a terminal: records, rate and the time that is left.
fn progress_bar(records: u64) -> ProgressBar {
    let form = "{wide_bar} {pos}/{len} records, {per_sec}, {eta} left";
    let style = ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(records).with_style(style)
}

fn finished(folder: &Path, exported: Result<Exported, OutputError>) -> ExitCode {
    match exported {
        Ok(Exported { records, parts, read }) => {
            let folder = folder.display();
            say(&format!("export: {records} of {read} records in {parts} parts, manifest signed, in {folder}"));
            ExitCode::SUCCESS
        }
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &(dyn std::error::Error + 'static)) -> ExitCode {
    say_error(&chain(error));
    ExitCode::FAILURE
}
