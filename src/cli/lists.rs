//! `inzage lists`: look after the lists of a node.

mod accept;

use std::process::ExitCode;

use clap::Subcommand;

/// What to do with lists.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Accept a list that is held back because it lost many entries
    Accept(accept::AcceptArguments),
}

pub(super) fn run(command: Command) -> ExitCode {
    match command {
        Command::Accept(arguments) => accept::accept(&arguments),
    }
}
