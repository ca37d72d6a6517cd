//! `inzage lists accept`: an operator's leave for a list that lost many entries. It works beside a running node.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::cli::run::{EX_CONFIG, EX_UNAVAILABLE, give_up, refuse};
use crate::cli::say;
use crate::config::{Config, Instead};
use crate::lists::{AcceptError, CopyFolder, ListKind};

/// Which list of which node.
#[derive(Debug, Args)]
pub(in crate::cli) struct AcceptArguments {
    /// The configuration of the node
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Name of the node, when it is started with another one than that in the file
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// Which list
    list: List,
    /// Its Volgnummer, as the alarm list_held_back names it
    #[arg(value_name = "NUMBER")]
    sequence: u64,
}

/// A list on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum List {
    /// Zorgaanbiederslijst
    Zal,
    /// OAuth client list
    Ocl,
    /// Whitelist
    Whl,
    /// Gegevensdienstnamenlijst
    Gnl,
}

impl From<List> for ListKind {
    fn from(list: List) -> Self {
        match list {
            List::Zal => Self::Zal,
            List::Ocl => Self::Ocl,
            List::Whl => Self::Whl,
            List::Gnl => Self::Gnl,
        }
    }
}

pub(in crate::cli) fn accept(arguments: &AcceptArguments) -> ExitCode {
    let config = match Config::load(&arguments.config) {
        Ok(config) => config,
        Err(faults) => return refuse(&faults),
    };
    let config = match config.instead(&Instead { node: arguments.node.clone(), ..Instead::default() }) {
        Ok(config) => config,
        Err(error) => return give_up(&error, EX_CONFIG),
    };
    match CopyFolder::new(config.lists.copy.clone()).accept(arguments.list.into(), arguments.sequence) {
        Ok(loss) => {
            say(&format!("accepted: {loss}; the node takes it within seconds, when nothing else is held back"));
            ExitCode::SUCCESS
        }
        Err(error @ (AcceptError::Nothing | AcceptError::Other { .. })) => give_up(&error, 1),
        Err(error @ AcceptError::Folder(_)) => give_up(&error, EX_UNAVAILABLE),
    }
}
