//! `inzage audit verify`: needs no configuration, and may run beside a live node.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::say;
use crate::app::chain;
use crate::audit::{ReadError, Verified, verify};

/// What to check.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The folder of the log
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match verify(&arguments.dir) {
        Ok(verified) => in_order(&verified),
        Err(error) => broken(&error),
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
