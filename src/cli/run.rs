//! `inzage serve` and `inzage check-config`.

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{say, say_error};
use crate::app::{App, StartError, chain};
use crate::clock::{SharedClock, SystemClock};
use crate::config::{Config, ConfigFaults};

/// Exit code for faults in the configuration (sysexits.h, EX_CONFIG).
const EX_CONFIG: u8 = 78;
/// Exit code when something around us is missing (sysexits.h, EX_UNAVAILABLE).
pub(super) const EX_UNAVAILABLE: u8 = 69;

pub(super) fn check_config(file: &Path) -> ExitCode {
    match load(file) {
        Ok(config) => {
            say(&format!("{}: in order ({} practices)", file.display(), config.practices.len()));
            ExitCode::SUCCESS
        }
        Err(faults) => refuse(&faults),
    }
}

fn load(file: &Path) -> Result<Config, ConfigFaults> {
    let config = Config::load(file)?;
    let faults = config.check_files();
    if faults.is_empty() { Ok(config) } else { Err(config.explain(faults)) }
}

pub(super) fn refuse(faults: &ConfigFaults) -> ExitCode {
    let faults = faults.render(std::io::stderr().is_terminal());
    say_error(&format!("the configuration has faults\n{}", faults.trim_end()));
    ExitCode::from(EX_CONFIG)
}

pub(super) fn serve(file: &Path) -> ExitCode {
    let config = match load(file) {
        Ok(config) => config,
        Err(faults) => return refuse(&faults),
    };
    crate::telemetry::start(config.telemetry.log);
    crate::tls::install();
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return give_up(&error, EX_UNAVAILABLE),
    };
    runtime.block_on(serve_until_signal(&config))
}

/// One runtime for everything; the data plane gets its own later.
pub(super) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

async fn serve_until_signal(config: &Config) -> ExitCode {
    for (key, value) in config.redacted_summary() {
        tracing::info!(key, value, "configuration");
    }
    let signal = match StopSignal::catch() {
        Ok(signal) => signal,
        Err(error) => return give_up(&error, EX_UNAVAILABLE),
    };
    let clock: SharedClock = Arc::new(SystemClock);
    let (app, listeners) = match App::build(config, clock).and_then(|app| Ok((app, App::bind(config)?))) {
        Ok(built) => built,
        Err(error) => return refuse_start(&error),
    };
    let controls = app.controls();
    let stop = controls.stop.clone();
    tokio::spawn(async move {
        signal.received().await;
        stop.cancel();
    });
    match app.run(listeners, controls).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => give_up(&error, EX_UNAVAILABLE),
    }
}

fn refuse_start(error: &StartError) -> ExitCode {
    if let StartError::Config(faults) = error {
        return refuse(faults);
    }
    give_up(error, error.exit_code())
}

pub(super) fn give_up(error: &dyn std::error::Error, code: u8) -> ExitCode {
    say_error(&chain(error));
    ExitCode::from(code)
}

/// SIGINT and SIGTERM, caught from the moment that this is made: a signal that comes during the start is not lost.
pub(super) struct StopSignal {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignal {
    /// Catches them. Must be called inside a runtime.
    pub(super) fn catch() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for one.
    pub(super) async fn received(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
