//! Tells the service manager how the node is: sd_notify(3) of systemd, which other managers speak too.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::Controls;
use super::reload::Cause;

/// How often a start or an end that goes on asks for more time.
const EVERY: Duration = Duration::from_secs(10);
/// How much it asks for, in microseconds: what a manager waits that hears no more of us.
const PATIENCE: &str = "EXTEND_TIMEOUT_USEC=60000000";
const SERVING: &str = "STATUS=serving";

/// The manager that started this process, and waits to hear from it.
#[derive(Debug)]
pub struct ServiceManager {
    socket: UnixDatagram,
    /// How often it is told that the process is alive; half of the time after which it would restart it.
    alive_every: Option<Duration>,
}

impl ServiceManager {
    /// Reaches the manager at `NOTIFY_SOCKET`, a path or (with `@` in front) an abstract name. With `watchdog` it wants a sign of
    /// life in each such time.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn reach(socket: &OsStr, watchdog: Option<Duration>) -> io::Result<Self> {
        let address = match socket.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            _ => SocketAddr::from_pathname(socket)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        // A manager that does not read holds up nobody.
        socket.set_nonblocking(true)?;
        Ok(Self { socket, alive_every: watchdog.map(|time| time / 2) })
    }

    /// Tells it of the start, of being ready, of being alive, and of the end. A start and an end may take as long as they go on:
    /// lists may be away, and a large log takes time to read. Signs of life come from the runtime of the control plane.
    pub async fn follow(self: Arc<Self>, mut built: oneshot::Receiver<Controls>) {
        let controls = loop {
            self.say(&["STATUS=opening log and store", PATIENCE]);
            match tokio::time::timeout(EVERY, &mut built).await {
                Ok(Ok(controls)) => break controls,
                // The start was refused; who started us sees the exit code.
                Ok(Err(_)) => return,
                Err(_elapsed) => {}
            }
        };
        while !controls.serving.is_cancelled() && !controls.stop.is_cancelled() {
            self.say(&["STATUS=waiting for the lists of MedMij", PATIENCE]);
            tokio::select! {
                () = controls.serving.cancelled() => {}
                () = controls.stop.cancelled() => {}
                () = tokio::time::sleep(EVERY) => {}
            }
        }
        if !controls.stop.is_cancelled() {
            self.say(&["READY=1", SERVING]);
            controls.stop.run_until_cancelled(self.stay_alive(&["WATCHDOG=1"])).await;
        }
        self.say(&["STOPPING=1", "STATUS=finishing what is under way"]);
        self.stay_alive(&["WATCHDOG=1", PATIENCE]).await;
    }

    /// Reloads, and tells it when that begins and ends. A reload that was refused leaves the node serving as before: the log and
    /// `/readyz` say why. Before the node serves and when it ends there is nothing to tell.
    pub async fn tell_reload(&self, controls: &Controls, cause: Cause) {
        let serves = || controls.serving.is_cancelled() && !controls.stop.is_cancelled();
        if !serves() {
            return controls.reloads.ask(cause);
        }
        self.say(&["RELOADING=1", "STATUS=reloading"]);
        let reloaded = controls.reloads.reload(cause).await;
        if serves() {
            let status = if reloaded.is_ok() {
                SERVING
            } else {
                "STATUS=serving with the configuration of before: the newest is refused"
            };
            self.say(&["READY=1", status]);
        }
    }

    /// Says so until nobody waits for it any more.
    async fn stay_alive(&self, lines: &[&str]) {
        loop {
            tokio::time::sleep(self.alive_every.unwrap_or(EVERY).min(EVERY)).await;
            self.say(lines);
        }
    }

    /// What cannot be said now is not said: it comes again, or the manager is gone.
    fn say(&self, lines: &[&str]) {
        if let Err(error) = self.socket.send(lines.join("\n").as_bytes()) {
            tracing::debug!(%error, "the service manager could not be told");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(manager: &UnixDatagram) -> String {
        let mut message = [0; 256];
        let length = manager.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    }

    #[test]
    fn a_manager_is_reached_by_path_and_by_abstract_name() {
        let name = format!("inzage-notify-{:x}", u64::from_le_bytes(crate::secret::random()));
        let path = std::env::temp_dir().join(&name);
        let by_path = UnixDatagram::bind(&path).unwrap();
        let by_name = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        for (listener, address) in [(by_path, path.clone().into_os_string()), (by_name, format!("@{name}").into())] {
            ServiceManager::reach(&address, None).unwrap().say(&["READY=1", "STATUS=serving"]);
            assert_eq!(heard(&listener), "READY=1\nSTATUS=serving");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(ServiceManager::reach(path.as_os_str(), None).is_err());
        assert!(ServiceManager::reach(OsStr::new(""), None).is_err());
    }

    #[test]
    fn a_manager_that_does_not_read_holds_up_nobody() {
        let name = format!("inzage-notify-{:x}", u64::from_le_bytes(crate::secret::random()));
        let _listener = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let manager = ServiceManager::reach(OsStr::new(&format!("@{name}")), None).unwrap();
        (0..10_000).for_each(|_| manager.say(&["WATCHDOG=1"]));
    }
}
