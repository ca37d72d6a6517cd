//! `inzage audit show`: needs no configuration, and may run beside a live node.

use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::say_error;
use crate::app::chain;
use crate::audit::{ShowError, show};

/// What to print.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The folder of the log
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// One JSON object a line; the only form there is
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let Arguments { dir, json: _ } = arguments;
    let mut out = BufWriter::new(std::io::stdout().lock());
    match show(dir, &mut out).and_then(|_| out.flush().map_err(ShowError::Write)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say_error(&chain(&error));
            ExitCode::FAILURE
        }
    }
}
