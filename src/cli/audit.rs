//! `inzage audit`: what can be done with a log from outside.

mod show;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;

use super::{say, say_error};

/// What to do with the log.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check every record and the chain that ties them together
    Verify(verify::Arguments),
    /// Print every record, oldest first
    Show(show::Arguments),
}

pub(super) fn run(command: Command) -> ExitCode {
    match command {
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Show(arguments) => show::run(&arguments),
    }
}
