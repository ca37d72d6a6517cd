//! `inzage tls`: what the nodes of a service share for TLS.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::run::{EX_DATA, EX_UNAVAILABLE, give_up, refuse, runtime};
use super::say;
use crate::app::{FetchListError, FetchedList, WantedList, fetch_list};
use crate::clock::{SharedClock, SystemClock};
use crate::config::Config;
use crate::tls::tickets::{TicketKeyError, TicketKeys};

/// What to look after.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Keys of TLS tickets, for `keys.tickets`
    #[command(subcommand)]
    TicketKeys(Keys),
    /// Lists of revoked certificates, for `client_crls`
    #[command(subcommand)]
    Crl(Crl),
}

/// What to do with a list.
#[derive(Debug, Subcommand)]
pub(super) enum Crl {
    /// Put the newest edition into its file, when it is signed, in force and not older than what is there
    #[command(
        after_help = "Exit code: 0 when the file is current, 65 when what came is refused, 69 when nothing came. The file then stays."
    )]
    Fetch(FetchArguments),
}

/// Which list.
#[derive(Debug, Args)]
pub(super) struct FetchArguments {
    /// Where its issuer publishes it, http or https
    #[arg(value_name = "URL")]
    url: String,
    /// The certificate of who signs it, PEM
    #[arg(long, value_name = "FILE")]
    issuer: PathBuf,
    /// The file, as `client_crls` names it
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Roots of the server, for https
    #[arg(long, value_name = "FILE")]
    roots: Option<PathBuf>,
    /// The configuration of the node, for where calls may go
    #[arg(long, value_name = "FILE", default_value = "/etc/inzage/inzage.toml")]
    config: PathBuf,
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

pub(super) fn run(command: Command) -> ExitCode {
    match command {
        Command::TicketKeys(keys) => ticket_keys(&keys),
        Command::Crl(Crl::Fetch(arguments)) => fetch(arguments),
    }
}

fn fetch(FetchArguments { url, issuer, to, roots, config }: FetchArguments) -> ExitCode {
    let config = match Config::load(&config) {
        Ok(config) => config,
        Err(faults) => return refuse(&faults),
    };
    crate::tls::install();
    let (clock, wanted): (SharedClock, _) = (Arc::new(SystemClock), WantedList { url, issuer, roots, to });
    let fetched = match runtime() {
        Ok(runtime) => runtime.block_on(fetch_list(&config, &clock, &wanted)),
        Err(error) => return give_up(&error, EX_UNAVAILABLE),
    };
    let what = match fetched {
        Ok(FetchedList::Same) => "is current",
        Ok(FetchedList::Replaced) => "has a newer list",
        Err(error @ (FetchListError::Edition(_) | FetchListError::Certificate(_))) => return give_up(&error, EX_DATA),
        Err(error @ (FetchListError::Publisher(_) | FetchListError::File { .. })) => {
            return give_up(&error, EX_UNAVAILABLE);
        }
    };
    say(&format!("{}: {what}", wanted.to.display()));
    ExitCode::SUCCESS
}

fn ticket_keys(keys: &Keys) -> ExitCode {
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
