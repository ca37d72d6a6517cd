//! `inzage audit index`: what an operator does with the index of the log.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};

use crate::app::{StartError, prune_index, rebuild_index};
use crate::cli::run::{EX_UNAVAILABLE, NodeArguments, give_up, load_for, refuse_start, runtime};
use crate::cli::say;
use crate::clock::{SharedClock, SystemClock};
use crate::config::Config;

/// What to do with the index.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Take the log of this node out of the index, and add it anew
    Rebuild {
        /// The configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        #[command(flatten)]
        node: NodeArguments,
    },
    /// Drop from the index what is older than the retention
    Prune {
        /// The configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        #[command(flatten)]
        node: NodeArguments,
    },
}

pub(in crate::cli) fn run(command: Command) -> ExitCode {
    match command {
        Command::Rebuild { config, node } => with(load_for(&config, node), |config, clock| {
            let bar = bar();
            let rebuilt = rebuild_index(config, clock, |done, of| {
                bar.set_length(of);
                bar.set_position(done);
            })?;
            bar.finish_and_clear();
            say(&format!("the index holds {} records of log {}", rebuilt.records, rebuilt.log));
            Ok(())
        }),
        Command::Prune { config, node } => with(load_for(&config, node), |config, clock| {
            let pruned = prune_index(config, clock)?;
            say(&format!("dropped from the index: {} days, {} records", pruned.days, pruned.records));
            Ok(())
        }),
    }
}

/// On a thread that may block, with a runtime at hand.
pub(in crate::cli) fn with(
    config: Result<Config, ExitCode>,
    work: impl FnOnce(&Config, &SharedClock) -> Result<(), StartError>,
) -> ExitCode {
    let config = match config {
        Ok(config) => config,
        Err(code) => return code,
    };
    crate::tls::install();
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return give_up(&error, EX_UNAVAILABLE),
    };
    let clock: SharedClock = Arc::new(SystemClock);
    let _inside = runtime.enter();
    match work(&config, &clock) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse_start(&error),
    }
}

/// On a terminal a bar, elsewhere nothing.
fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let form = "{bar:40} {human_pos} of {human_len} records, {per_sec}, {eta} left";
    ProgressBar::new(0).with_style(ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar()))
}
