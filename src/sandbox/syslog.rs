//! An audit record repository (IHE ITI-20): takes syslog over mutual TLS, looks at every frame (RFC 5425), keeps the messages of
//! connections that ended in order, and misbehaves as it is told.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::sync::Arc;

use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::ports::port;
use super::world::{SandboxError, World};
use crate::clock::SharedClock;
use crate::tls::identity::{Identity, Roots};
use crate::tls::revocation::Revocations;
use crate::tls::server::back_channel;

/// Its host; the sandbox makes a certificate for it, and its gateway knows the address.
pub const HOST: &str = "archief.localhost";
/// Base name of its certificate and key.
pub const FILE: &str = "archief";
/// Messages that are kept to be looked at; the oldest go first.
const MESSAGES_KEPT: usize = 20_000;
/// Most that one connection may bring, in bytes.
const CONNECTION_MAX_BYTES: u64 = 128 * 1024 * 1024;
/// How much of a connection is read before it is cut.
const CUT_AFTER_BYTES: usize = 100;

/// How it treats a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Manner {
    /// Takes all of it, and ends it after the sender.
    #[default]
    Up,
    /// Ends it before TLS.
    Down,
    /// Ends it in the middle, without a word.
    Cuts,
    /// Reads it and never ends it.
    Stalls,
}

/// What came in so far.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Received {
    /// Connections that ended in order.
    pub connections: u64,
    /// Connections that did not, whoever was to blame.
    pub broken: u64,
    /// The messages.
    pub messages: VecDeque<String>,
    manner: Manner,
}

/// The repository, with its port.
pub struct Repository {
    listener: TcpListener,
    state: Arc<watch::Sender<Received>>,
}

/// What is left of it when it serves.
#[derive(Clone)]
pub struct Shelf(Arc<watch::Sender<Received>>);

impl Repository {
    /// Takes a port of loopback that the system gives. What connects from now on waits.
    ///
    /// # Errors
    /// When there is none.
    pub fn bind() -> std::io::Result<Self> {
        Ok(Self { listener: TcpListener::bind("127.0.0.1:0")?, state: Arc::default() })
    }

    /// The table of the configuration of a sandbox's gateway that sends here.
    #[must_use]
    pub fn settings(&self) -> String {
        let port = port(&self.listener);
        format!(
            "[audit.syslog]\nhost = \"{HOST}\"\nport = {port}\nroots = \"ca.pem\"\nevery_ms = 50\n\
             certificate = \"node.pem\"\nkey = \"node.key\"\n"
        )
    }

    /// Serves with the certificate that lies in the sandbox, until `stop`.
    ///
    /// # Errors
    /// When that or the port cannot be used.
    pub fn serve(self, world: &World, clock: &SharedClock, stop: CancellationToken) -> Result<Shelf, SandboxError> {
        let [certificate, key] = ["pem", "key"].map(|kind| world.layout.file(&format!("{FILE}.{kind}")));
        let own = Identity::load(&certificate, &key, clock.now())?;
        let tls = back_channel(&own, &Roots::load(&world.layout.file("ca.pem"))?, &Revocations::default(), clock)?;
        self.listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        let (acceptor, state) = (TlsAcceptor::from(Arc::clone(tls.config())), Arc::clone(&self.state));
        tokio::spawn(async move {
            while let Some(Ok((stream, _))) = stop.run_until_cancelled(listener.accept()).await {
                let manner = state.borrow().manner;
                let taken = stop.run_until_cancelled(take(&acceptor, stream, manner)).await.flatten();
                state.send_modify(|state| state.keep(taken));
            }
        });
        Ok(Shelf(self.state))
    }
}

impl Shelf {
    /// Treats connections from the next one on like this.
    pub fn behave(&self, manner: Manner) {
        self.0.send_modify(|state| state.manner = manner);
    }

    /// What came in so far.
    #[must_use]
    pub fn received(&self) -> Received {
        self.0.borrow().clone()
    }

    /// Waits until what came in is as asked.
    pub async fn until(&self, wanted: impl FnMut(&Received) -> bool) -> Received {
        let mut changes = self.0.subscribe();
        // Ends early only without a sender, and the sender lives as long as `self`.
        changes.wait_for(wanted).await.map(|received| received.clone()).unwrap_or_default()
    }
}

impl Received {
    fn keep(&mut self, taken: Option<Vec<String>>) {
        match taken {
            Some(messages) => {
                self.connections += 1;
                self.messages.extend(messages);
                let over = self.messages.len().saturating_sub(MESSAGES_KEPT);
                self.messages.drain(..over);
            }
            None => self.broken += 1,
        }
    }
}

/// The messages of a connection that ended in order.
async fn take(acceptor: &TlsAcceptor, stream: TcpStream, manner: Manner) -> Option<Vec<String>> {
    if manner == Manner::Down {
        return None;
    }
    let mut stream = acceptor.accept(stream).await.ok()?;
    if manner == Manner::Cuts {
        stream.read_exact(&mut [0; CUT_AFTER_BYTES]).await.ok()?;
        return None;
    }
    let mut bytes = Vec::new();
    // Without close_notify this is an error: RFC 5425 section 4.4.
    (&mut stream).take(CONNECTION_MAX_BYTES).read_to_end(&mut bytes).await.ok()?;
    if manner == Manner::Stalls {
        gone(stream).await;
        return None;
    }
    let messages = frames(&bytes)?;
    stream.shutdown().await.ok()?;
    Some(messages)
}

/// Waits until the sender gives up.
async fn gone(mut stream: TlsStream<TcpStream>) {
    while stream.get_mut().0.read(&mut [0; 512]).await.is_ok_and(|count| count > 0) {}
}

/// `MSG-LEN SP SYSLOG-MSG`, one after the other (RFC 5425 section 4.3); `None` when it is not that.
fn frames(mut bytes: &[u8]) -> Option<Vec<String>> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|byte| *byte == b' ')?;
        let (length, rest) = bytes.split_at_checked(space)?;
        let length = std::str::from_utf8(length).ok().filter(|length| !length.starts_with(['0', '+']))?;
        let (message, rest) = rest.get(1..)?.split_at_checked(length.parse().ok()?)?;
        all.push(String::from_utf8(message.to_vec()).ok()?);
        bytes = rest;
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_have_one_form() {
        assert_eq!(frames(b"3 abc1 x"), Some(vec!["abc".to_owned(), "x".to_owned()]));
        assert_eq!(frames(b""), Some(Vec::new()));
        for wrong in [&b"3 ab"[..], b"03 abc", b"+3 abc", b"abc", b"-1 x", b"3", b"1 \xff", b"99999999999999999999 x"] {
            assert_eq!(frames(wrong), None, "{wrong:?}");
        }
    }
}
