//! `inzage audit key` and `inzage audit rotate-key`: the public key of a log, and what to write into the configuration when its
//! key is replaced. Neither changes anything.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::app::{StartError, checkpoint_key, retirement};
use crate::cli::run::{load, refuse, refuse_start};
use crate::cli::say;
use crate::config::Config;

/// The configuration of a node.
#[derive(Debug, Args)]
pub(in crate::cli) struct OfNode {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Prints the public key that checks the checkpoints of the log.
pub(super) fn key(of: &OfNode) -> ExitCode {
    with(of, |config| {
        say(&checkpoint_key(config)?);
        Ok(())
    })
}

/// Prints what to write into the configuration.
pub(super) fn rotate(of: &OfNode) -> ExitCode {
    with(of, |config| {
        let retired = retirement(config)?;
        say(&format!(
            "The node is stopped and all of its log is signed. To replace the key:\n\n\
             1. Make a new one, for the user of the service only: (umask 077; openssl rand -base64 32 > NEW)\n\
             2. In [audit] of the configuration, add to retired_keys, and name the new file:\n\n\
             \x20  checkpoint_key = \"NEW\"\n\
             \x20  retired_keys = [\"{retired}\"]\n\n\
             3. Start the node. It signs the same tree with the new key and goes on.\n\
             4. Give the new public key (inzage audit key) to all who check the log, and to its witnesses. Destroy the old key file:\n\
             \x20  from now on the old key is believed for these {size} records and no more.",
            size = retired.size,
        ));
        Ok(())
    })
}

fn with(of: &OfNode, act: impl FnOnce(&Config) -> Result<(), StartError>) -> ExitCode {
    let config = match load(&of.config) {
        Ok(config) => config,
        Err(faults) => return refuse(&faults),
    };
    match act(&config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse_start(&error),
    }
}
