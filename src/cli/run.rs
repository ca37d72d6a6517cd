//! `inzage serve`, `inzage migrate` and `inzage check-config`.

use std::convert::Infallible;
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use super::{dumps, say, say_error};
use crate::app::reload::Cause;
use crate::app::{App, Controls, ServiceManager, StartError, chain, check, migrate_store};
use crate::clock::{SharedClock, SystemClock};
use crate::config::{Config, ConfigFaults, Instead};
use crate::secret::Secret;

/// Exit code for input that is not what it should be (sysexits.h, EX_DATAERR).
pub(super) const EX_DATA: u8 = 65;
/// Exit code for faults in the configuration (sysexits.h, EX_CONFIG).
pub(super) const EX_CONFIG: u8 = 78;
/// Exit code when something around us is missing (sysexits.h, EX_UNAVAILABLE).
pub(super) const EX_UNAVAILABLE: u8 = 69;

/// What is said here holds in place of the configuration, so that several nodes run from one file.
#[derive(Debug, Args)]
pub(super) struct NodeArguments {
    /// Name of this node; another one than in the file gets folders of its own
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// Added to the port of each listener; links keep the addresses in the file
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    listen_offset: u16,
    /// PostgreSQL server to keep the store on, as postgres://user@host/database
    #[arg(long, value_name = "URL", value_parser = secret)]
    store: Option<Secret<String>>,
}

/// Takes any text, so that a fault in it is not answered by repeating it.
fn secret(text: &str) -> Result<Secret<String>, Infallible> {
    Ok(Secret::new(text.to_owned()))
}

impl From<NodeArguments> for Instead {
    fn from(NodeArguments { node, listen_offset, store }: NodeArguments) -> Self {
        Self { node, listen_offset, store }
    }
}

pub(super) fn check_config(file: &Path) -> ExitCode {
    let config = match load(file) {
        Ok(config) => config,
        Err(faults) => return refuse(&faults),
    };
    crate::tls::install();
    let clock: SharedClock = Arc::new(SystemClock);
    match check(&config, &clock) {
        Ok(()) => {
            say(&format!("{}: in order ({} practices)", file.display(), config.practices.len()));
            ExitCode::SUCCESS
        }
        Err(error) => refuse_start(&error),
    }
}

pub(super) fn load(file: &Path) -> Result<Config, ConfigFaults> {
    let config = Config::load(file)?;
    let faults = config.check_files();
    if faults.is_empty() { Ok(config) } else { Err(config.explain(faults)) }
}

pub(super) fn refuse(faults: &ConfigFaults) -> ExitCode {
    let faults = faults.render(std::io::stderr().is_terminal());
    say_error(&format!("the configuration has faults\n{}", faults.trim_end()));
    ExitCode::from(EX_CONFIG)
}

/// The configuration with what the command line says in its place, every file of it looked at.
pub(super) fn load_for(file: &Path, node: NodeArguments) -> Result<Config, ExitCode> {
    let config = Config::load(file).map_err(|faults| refuse(&faults))?;
    let config = config.instead(&node.into()).map_err(|error| give_up(&error, EX_CONFIG))?;
    let faults = config.check_files();
    if faults.is_empty() { Ok(config) } else { Err(refuse(&config.explain(faults))) }
}

pub(super) fn serve(file: &Path, node: NodeArguments, takeover: bool) -> ExitCode {
    let config = match load_for(file, node) {
        Ok(config) => config,
        Err(code) => return code,
    };
    // Until the gateway has ended, and its last lines are written.
    let _log = crate::telemetry::start(config.telemetry.log);
    dumps::forbid(config.environment);
    crate::tls::install();
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return give_up(&error, EX_UNAVAILABLE),
    };
    runtime.block_on(serve_until_signal(config, takeover))
}

pub(super) fn migrate(file: &Path, node: NodeArguments) -> ExitCode {
    let config = match load_for(file, node) {
        Ok(config) => config,
        Err(code) => return code,
    };
    crate::tls::install();
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return give_up(&error, EX_UNAVAILABLE),
    };
    let clock: SharedClock = Arc::new(SystemClock);
    // On a thread that may block, with the runtime at hand.
    let _inside = runtime.enter();
    match migrate_store(&config, &clock) {
        Ok(applied) if applied.is_empty() => say("the schema is that of this release; nothing was changed"),
        Ok(applied) => applied.iter().for_each(|name| say(&format!("applied {name}"))),
        Err(error) => return refuse_start(&error),
    }
    ExitCode::SUCCESS
}

/// Threads of the control plane: enough that one which is held up does not hold up the pages, and none that compete with the
/// data plane for every core.
const CONTROL_THREADS: usize = 2;

/// The runtime of the control plane, and of every other command.
pub(super) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(CONTROL_THREADS).thread_name("inzage-control").enable_all().build()
}

async fn serve_until_signal(config: Config, takeover: bool) -> ExitCode {
    for (key, value) in config.redacted_summary() {
        tracing::info!(key, value, "configuration");
    }
    let (signal, hangups) = match (StopSignal::catch(), signal(SignalKind::hangup())) {
        (Ok(stop), Ok(hangups)) => (stop, hangups),
        (Err(error), _) | (_, Err(error)) => return give_up(&error, EX_UNAVAILABLE),
    };
    let (told, built) = oneshot::channel();
    let manager = service_manager().map(Arc::new);
    if let Some(manager) = &manager {
        tokio::spawn(Arc::clone(manager).follow(built));
    }
    let clock: SharedClock = Arc::new(SystemClock);
    let ports = if takeover { App::take_over(&config, &clock).await.map(Some) } else { Ok(None) };
    let building = move || {
        let ports = ports?;
        let app = App::build(&config, clock)?;
        Ok((app, ports.map_or_else(|| App::bind(&config), Ok)?))
    };
    let (app, listeners) = match tokio::task::spawn_blocking(building).await {
        Ok(Ok(built)) => built,
        Ok(Err(error)) => return refuse_start(&error),
        Err(error) => return give_up(&error, EX_UNAVAILABLE),
    };
    let controls = app.controls();
    // Nobody waits for it without a service manager.
    let _ = told.send(controls.clone());
    let stop = controls.stop.clone();
    tokio::spawn(async move {
        signal.received().await;
        stop.cancel();
    });
    tokio::spawn(reload_at(hangups, controls.clone(), manager));
    match app.run(listeners, controls).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => give_up(&error, EX_UNAVAILABLE),
    }
}

/// Each SIGHUP reads the configuration again, and fetches the lists.
async fn reload_at(mut hangups: Signal, controls: Controls, manager: Option<Arc<ServiceManager>>) {
    while hangups.recv().await.is_some() {
        controls.refresh_lists.notify_one();
        match &manager {
            Some(manager) => manager.tell_reload(&controls, Cause::Signal).await,
            None => controls.reloads.ask(Cause::Signal),
        }
    }
}

/// The service manager that started this process, when it asks to be told (sd_notify(3), sd_watchdog_enabled(3)).
fn service_manager() -> Option<ServiceManager> {
    let socket = std::env::var_os("NOTIFY_SOCKET")?;
    let number = |name: &str| std::env::var_os(name)?.to_str()?.parse::<u64>().ok();
    let ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
    let watchdog = number("WATCHDOG_USEC").filter(|time| ours && *time > 0).map(Duration::from_micros);
    ServiceManager::reach(&socket, watchdog)
        .inspect_err(|error| tracing::warn!(%error, "the service manager cannot be told how the node is"))
        .ok()
}

pub(super) fn refuse_start(error: &StartError) -> ExitCode {
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
    /// Catches them, and from now on SIGXFSZ: by default it ends a process that writes over its limit of file sizes; caught,
    /// the write fails with EFBIG and whoever writes decides. Must be called inside a runtime.
    pub(super) fn catch() -> std::io::Result<Self> {
        const FILE_TOO_LARGE: i32 = 25; // signal(7)
        // Once caught it stays so; nobody needs to be told.
        drop(signal(SignalKind::from_raw(FILE_TOO_LARGE))?);
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
