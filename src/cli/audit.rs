//! `inzage audit verify` and `inzage audit show`: they need no configuration, and may run beside a live node.

use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::{say, say_error};
use crate::app::chain;
use crate::audit::{ReadError, ShowError, Verified, show, verify};

/// What to do with the log.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check every record and the chain that ties them together
    Verify {
        /// The folder of the log
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
    /// Print every record, oldest first
    Show {
        /// The folder of the log
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        /// One JSON object a line; the only form there is
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(command: Command) -> ExitCode {
    match command {
        Command::Verify { dir } => match verify(&dir) {
            Ok(verified) => in_order(&verified),
            Err(error) => broken(&error),
        },
        Command::Show { dir, json: _ } => {
            let mut out = BufWriter::new(std::io::stdout().lock());
            match show(&dir, &mut out).and_then(|_| out.flush().map_err(ShowError::Write)) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    say_error(&chain(&error));
                    ExitCode::FAILURE
                }
            }
        }
    }
}

fn in_order(verified: &Verified) -> ExitCode {
    let Verified { records, head, log, unfinished_bytes } = verified;
    let head: String = head.iter().map(|byte| format!("{byte:02x}")).collect();
    say(&format!("log {log}, head {head}"));
    if *unfinished_bytes > 0 {
        say(&format!(
            "an unfinished last record of {unfinished_bytes} bytes is left over from a crash or still being written"
        ));
    }
    say("no signed checkpoint was compared: keep the head elsewhere to notice that records were cut off");
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
