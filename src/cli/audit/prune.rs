//! `inzage audit prune`: removes records after their retention from the log of a node that is stopped.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::index::with;
use crate::app::{LetGo, prune_audit};
use crate::cli::run::{NodeArguments, load_for};
use crate::cli::say;

/// The configuration of the node, and whether to remove anything.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Remove them; without this it is only said what would be
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    node: NodeArguments,
}

pub(super) fn run(Arguments { config, yes, node }: Arguments) -> ExitCode {
    with(load_for(&config, node), |config, clock| {
        let days = config.audit.retention_days;
        match prune_audit(config, clock, yes)? {
            None => say(&format!("no whole file of the log is older than {days} days: nothing to remove")),
            Some(LetGo { first_kept, segments }) => {
                let done = if yes { "were removed" } else { "would be removed; --yes does it" };
                say(&format!(
                    "the records before {first_kept}, in {segments} files, are older than {days} days and {done}"
                ));
            }
        }
        Ok(())
    })
}
