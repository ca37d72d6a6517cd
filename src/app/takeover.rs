//! A new process in the place of a running one, on the same folders and ports, such as a new release: it reads and checks all that
//! a start reads, listens beside the other, tells it to stop, and waits for it to end. Nobody who connects meanwhile is refused:
//! they wait in the queue of the new one.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{sleep, timeout};

use super::assemble::{check, listeners, lock};
use super::start::StartError;
use super::{App, Listeners};
use crate::clock::SharedClock;
use crate::config::Config;

/// How often it is looked whether the other has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long the other may take beyond the grace of requests: its last records, its index, its store.
const CLOSING: Duration = Duration::from_secs(60);

impl App {
    /// The ports of a configuration, once the process that served them has ended. Without such a process they are bound as by
    /// [`App::bind`].
    ///
    /// # Errors
    /// When the configuration is not in order, the ports cannot be shared, or the process does not end. The first two leave it as
    /// it is.
    pub async fn take_over(config: &Config, clock: &SharedClock) -> Result<Listeners, StartError> {
        let (checked, now) = (config.clone(), SharedClock::clone(clock));
        let check = tokio::task::spawn_blocking(move || check(&checked, &now));
        check.await.unwrap_or(Err(StartError::Takeover))?;
        let holder = match holder_of(config)? {
            Holder::Nobody => return Self::bind(config),
            Holder::Process(pid) => pid,
            Holder::Untold => return Err(StartError::Takeover),
        };
        let listeners = listeners(config, crate::edge::bind_beside)?;
        kill_process(holder, Signal::TERM).map_err(|_| StartError::Takeover)?;
        let ended = async {
            while !matches!(holder_of(config)?, Holder::Nobody) {
                sleep(LOOK_EVERY).await;
            }
            Ok(listeners)
        };
        timeout(config.node.grace.saturating_add(CLOSING), ended).await.unwrap_or(Err(StartError::Takeover))
    }
}

/// Who holds a data folder.
enum Holder {
    Nobody,
    Process(Pid),
    /// A process of which the system does not tell the number.
    Untold,
}

fn holder_of(config: &Config) -> Result<Holder, StartError> {
    match lock(&config.node.data) {
        Ok(_free) => Ok(Holder::Nobody),
        Err(StartError::Locked { holder, .. }) => {
            let pid = holder.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
            Ok(pid.map_or(Holder::Untold, Holder::Process))
        }
        Err(error) => Err(error),
    }
}
