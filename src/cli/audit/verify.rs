//! `inzage audit verify`: needs no configuration, and may run beside a live node.

use std::io::IsTerminal as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{say, say_error};
use crate::app::chain;
use crate::audit::keys::LogKeys;
use crate::audit::{OutsideCopy, Progress, ReadError, Verification, Verified, VerifyError};
use crate::clock::{Clock as _, SystemClock};

/// The input cannot be used (sysexits.h: EX_DATAERR).
const DATA: u8 = 65;

/// What to check, and against what.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The folder of the log
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The public keys of the log, as `verifier-keys` in its folder has them: a line each, the present one first
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Checkpoints of the log that were kept elsewhere: a file with one or more signed notes; may be given more than once
    #[arg(long, value_name = "FILE", num_args = 1..)]
    checkpoint: Vec<PathBuf>,
    /// Threads that read and hash; as many as there are processors without it
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Keep the state here after each segment, and go on from there when it is run again
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let inputs = keys(arguments.key.as_deref()).and_then(|keys| Ok((keys, copies(&arguments.checkpoint)?)));
    let (keys, outside) = match inputs {
        Ok(inputs) => inputs,
        Err(text) => return unusable(&text),
    };
    let bar = bar();
    let progress = |progress| match progress {
        Progress::Total(bytes) => bar.set_length(bytes),
        Progress::Read(bytes) => bar.inc(bytes),
    };
    let jobs = arguments.jobs.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let state = arguments.resume.clone();
    let begun = SystemClock.monotonic();
    let outcome = Verification { keys, outside, jobs, state, progress: &progress }.run(&arguments.dir);
    let took = SystemClock.monotonic().saturating_duration_since(begun);
    bar.finish_and_clear();
    match outcome {
        Ok(verified) => {
            rate(verified.records.saturating_sub(verified.resumed), took.as_secs_f64());
            in_order(&verified, arguments.key.is_some())
        }
        Err(VerifyError::Read(error)) => broken(&error),
        Err(VerifyError::State(error)) => unusable(&chain(&error)),
    }
}

fn keys(path: Option<&Path>) -> Result<Option<LogKeys>, String> {
    let Some(path) = path else { return Ok(None) };
    let keys = LogKeys::parse(&text(path)?).map_err(|error| format!("{}: {}", path.display(), chain(&error)))?;
    Ok(Some(keys))
}

fn copies(paths: &[PathBuf]) -> Result<Vec<OutsideCopy>, String> {
    paths.iter().map(|path| Ok(OutsideCopy { name: path.display().to_string(), text: text(path)? })).collect()
}

fn text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

fn unusable(text: &str) -> ExitCode {
    say_error(text);
    ExitCode::from(DATA)
}

/// On a terminal only.
fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(5));
    let form = "{wide_bar} {bytes}/{total_bytes}, {binary_bytes_per_sec}, {eta} left";
    bar.with_style(ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn rate(records: u64, seconds: f64) {
    let a_second = records as f64 / seconds.max(1e-6);
    say_error(&format!("{records} records in {seconds:.1} s, {a_second:.0} records/s"));
}

fn in_order(verified: &Verified, key: bool) -> ExitCode {
    let Verified { records, head, log, unfinished_bytes, signed, compared, outside, own_keys, removed, resumed } =
        verified;
    let head: String = head.iter().map(|byte| format!("{byte:02x}")).collect();
    say(&format!("log {log}, head {head}"));
    if *resumed > 0 {
        say(&format!("the first {resumed} records were read by an earlier run, and their files are as they were then"));
    }
    if *removed > 0 {
        say(&format!("the first {removed} records were removed after their retention; their hashes are there"));
    }
    if *unfinished_bytes > 0 {
        say(&format!(
            "an unfinished last record of {unfinished_bytes} bytes is left over from a crash or still being written"
        ));
    }
    if *compared == 0 {
        say("no signed checkpoint was compared: keep the head elsewhere to notice that records were cut off");
    } else {
        say(&format!(
            "{signed} records are signed for; {compared} statements were compared, {outside} of them from elsewhere"
        ));
    }
    if *own_keys && !key {
        say("the public key in the folder was used: whoever changed the log may have changed it too (see --key)");
    }
    say(&format!("audit: {records} records, tree size {records}, ok"));
    ExitCode::SUCCESS
}

fn broken(error: &ReadError) -> ExitCode {
    let last = match error {
        ReadError::Broken(broken) => {
            format!("audit: broken at index {}, in {}: {}", broken.index, broken.segment, broken.why)
        }
        ReadError::Io { .. } => format!("audit: broken, cannot be read: {}", chain(error)),
    };
    say(&last);
    ExitCode::FAILURE
}
