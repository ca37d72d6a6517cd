//! `inzage tls`: what the nodes of a service share for TLS.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::run::{EX_DATA, EX_UNAVAILABLE, give_up};
use super::say;
use crate::tls::tickets::{TicketKeyError, TicketKeys};

/// What to look after.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Keys of TLS tickets, for `keys.tickets`
    #[command(subcommand)]
    TicketKeys(Keys),
}

/// What to do with the file.
#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Make it, with a first key
    Create {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Put a new key first; the two before it still open tickets
    Rotate {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

pub(super) fn run(command: &Command) -> ExitCode {
    let Command::TicketKeys(keys) = command;
    let (done, file, what) = match keys {
        Keys::Create { file } => (TicketKeys::create(file), file, "made"),
        Keys::Rotate { file } => (TicketKeys::rotate(file), file, "has a new key first"),
    };
    match done {
        Ok(()) => {
            say(&format!("{}: {what}; copy it to every node", file.display()));
            ExitCode::SUCCESS
        }
        Err(error @ TicketKeyError::File(_)) => give_up(&error, EX_UNAVAILABLE),
        Err(error @ (TicketKeyError::Exposed { .. } | TicketKeyError::NotKeys | TicketKeyError::Exists)) => {
            give_up(&error, EX_DATA)
        }
    }
}
