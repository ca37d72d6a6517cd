//! `inzage login`: register at a login service, and see whether it can be reached.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;

use super::run::{EX_CONFIG, EX_UNAVAILABLE, give_up, load, refuse, refuse_start, runtime};
use super::{say, say_error};
use crate::app::{StartError, Whose, openid_party};
use crate::clock::{SharedClock, SystemClock};
use crate::session::oidc::RelyingParty;

/// What to do with the login service.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print our public keys as a JWKS, to register at the OpenID provider
    Keys {
        /// The configuration
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The provider through which operators log in, instead of patients
        #[arg(long)]
        operators: bool,
        /// That of practices, coalitions, the OPEN programme and insurers
        #[arg(long, conflicts_with = "operators")]
        open: bool,
    },
    /// Read the metadata and keys of the OpenID provider, and say whether they fit the configuration
    Check {
        /// The configuration
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The provider through which operators log in, instead of patients
        #[arg(long)]
        operators: bool,
        /// That of practices, coalitions, the OPEN programme and insurers
        #[arg(long, conflicts_with = "operators")]
        open: bool,
    },
}

pub(super) fn run(command: &Command) -> ExitCode {
    crate::tls::install();
    match command {
        Command::Keys { file, operators, open } => with_login(file, whose(*operators, *open), |login| {
            say(&format!("{:#}", login.published_keys()));
            ExitCode::SUCCESS
        }),
        Command::Check { file, operators, open } => with_login(file, whose(*operators, *open), check),
    }
}

const fn whose(operators: bool, open: bool) -> Whose {
    match (operators, open) {
        (true, _) => Whose::Operators,
        (false, true) => Whose::Open,
        (false, false) => Whose::Patients,
    }
}

fn with_login(file: &Path, whose: Whose, what: impl FnOnce(&RelyingParty) -> ExitCode) -> ExitCode {
    let config = match load(file) {
        Ok(config) => config,
        Err(faults) => return refuse(&faults),
    };
    let clock: SharedClock = Arc::new(SystemClock);
    match openid_party(&config, whose, &clock) {
        Ok(Some(login)) => what(&login),
        Ok(None) => {
            say_error(match whose {
                Whose::Patients => {
                    "the login of this configuration is the simulator: it has no keys, and nobody to ask"
                }
                Whose::Operators => "operators do not log in by this configuration: it has no [admin.login]",
                Whose::Open => "nobody sees the pages of OPEN by this configuration: it has no [open.login]",
            });
            ExitCode::from(EX_CONFIG)
        }
        Err(error) => refuse_start(&error),
    }
}

fn check(login: &RelyingParty) -> ExitCode {
    let asked = match runtime() {
        Ok(runtime) => runtime.block_on(login.look()),
        Err(error) => return give_up(&error, EX_UNAVAILABLE),
    };
    match asked {
        Ok(account) => {
            say(&account.to_string());
            ExitCode::SUCCESS
        }
        Err(error) => give_up(&StartError::Login(error), EX_UNAVAILABLE),
    }
}
