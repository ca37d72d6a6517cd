//! The accept loop: a socket in, a task out, and an orderly end in which no connection that was waiting is forgotten.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::arrivals::Arrivals;
use super::counters::{Counters, add_one};
use super::gate::Serve;
use super::limits::EdgeConfig;
use super::session::{Tasks, run};
use crate::clock::SharedClock;
use crate::tls::server::ServerTls;

/// Connections that the kernel keeps for us while we are busy, such as when all clients come back after a restart. Linux
/// makes it `net.core.somaxconn` at most.
const BACKLOG: i32 = 4096;
/// Idle time after which the kernel looks whether the other side still exists.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// Rest after a failed accept: with no descriptor left the next try would fail at once, and so on.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(50);

/// Binds an address; port 0 takes a free one.
///
/// # Errors
/// When the address is in use or not ours.
pub fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    if address.port() != 0 {
        // Who listens there already may share it, and would with [`bind_beside`] alone.
        drop(bound(address, false)?);
    }
    bind_beside(address)
}

/// The same beside another process of this user that listens there: from now on the kernel gives each of them some connections,
/// and all to the one that is left.
///
/// # Errors
/// As [`bind`], save that who was bound by this function or that one is no hindrance.
pub fn bind_beside(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = bound(address, true)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn bound(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Lets a restart take the port while old connections linger in TIME_WAIT; never lets two listen at once.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// A bound port, ready for a runtime.
#[derive(Debug)]
pub struct Listener(TcpListener);

impl Listener {
    /// Takes a socket that listens. Must be called inside a runtime.
    ///
    /// # Errors
    /// When the socket cannot be made non-blocking or registered.
    pub fn from_std(socket: std::net::TcpListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        TcpListener::from_std(socket).map(Self)
    }
}

/// Everything that the connections of one listener share.
pub struct Edge<S> {
    /// The limits and public names.
    pub config: EdgeConfig,
    /// The current TLS side; each handshake takes the current one, and each request of a client with a certificate looks
    /// whether it has changed.
    pub tls: Arc<ArcSwap<ServerTls>>,
    /// Who answers.
    pub service: S,
    /// Wall time, for the validity of client certificates.
    pub clock: SharedClock,
    /// Where to count.
    pub counters: Arc<Counters>,
}

/// How a listener ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were open at the drain signal, or waiting in the accept queue, and ended by themselves.
    pub finished: usize,
    /// Connections that were cut when the grace period was over.
    pub cut: usize,
}

/// Serves until `drain` is cancelled, then ends: accepts what the kernel has already accepted, closes the port, lets open
/// requests finish for up to the grace period, and cuts the rest.
pub async fn serve<S: Serve>(listener: Listener, edge: Edge<S>, drain: CancellationToken) -> Drained {
    Host::new(edge, drain).run(listener).await
}

/// One accept loop and the connections that it took in.
pub(super) struct Host<S> {
    edge: Arc<Edge<S>>,
    /// Ends all that belongs to the listener.
    drain: CancellationToken,
    tasks: Tasks,
    room: Arc<Semaphore>,
}

impl<S: Serve> Host<S> {
    pub(super) fn new(edge: Edge<S>, drain: CancellationToken) -> Self {
        let room = Arc::new(Semaphore::new(edge.config.connections_max));
        let arrivals = Arrivals::new(edge.config.handshakes_per_network_max);
        Self { edge: Arc::new(edge), tasks: Tasks::new(arrivals), drain, room }
    }

    /// Another loop for the same listener: what is limited is limited for both together.
    pub(super) fn beside(&self) -> Self {
        let (drain, edge, room) = (self.drain.clone(), Arc::clone(&self.edge), Arc::clone(&self.room));
        Self { drain, edge, tasks: Tasks::new(Arc::clone(&self.tasks.arrivals)), room }
    }

    pub(super) const fn drain(&self) -> &CancellationToken {
        &self.drain
    }

    pub(super) async fn run(self, listener: Listener) -> Drained {
        let (turns, runtime) = (self.tasks.turns.clone(), Handle::current());
        let at_once = runtime.metrics().num_workers();
        self.edge.counters.served_by(runtime);
        let giver = AbortOnDropHandle::new(tokio::spawn(async move { turns.give(at_once).await }));
        let drained = self.accept(listener).await;
        drop(giver);
        drained
    }

    async fn accept(self, listener: Listener) -> Drained {
        while let Some(accepted) = self.drain.run_until_cancelled(listener.0.accept()).await {
            match accepted {
                Ok((tcp, remote)) => self.take_in(tcp, remote),
                Err(error) => self.rest_after(&error).await,
            }
        }
        self.tasks.drain.raise();
        self.empty_queue(listener);
        self.end().await
    }

    fn take_in(&self, tcp: TcpStream, remote: SocketAddr) {
        let counters = &self.edge.counters;
        add_one(&counters.accepted);
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            return add_one(&counters.refused_over_cap);
        };
        // A socket that the client has closed already refuses options; its task will see the same.
        drop(tcp.set_nodelay(true));
        drop(SockRef::from(&tcp).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE)));
        let seat = Seat::take(Arc::clone(counters), place);
        let session = Box::pin(run(Arc::clone(&self.edge), tcp, remote, self.tasks.clone()));
        let abort = self.tasks.abort.clone();
        self.tasks.connections.spawn(async move {
            abort.or(session).await;
            drop(seat);
        });
    }

    async fn rest_after(&self, error: &io::Error) {
        add_one(&self.edge.counters.accept_failed);
        // The client went away while it waited; nothing is wrong with us.
        if !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
            tracing::warn!(%error, "accept failed");
            self.drain.run_until_cancelled(sleep(PAUSE_AFTER_FAILURE)).await;
        }
    }

    /// Asks the kernel itself and not the readiness that tokio knows of, which may be behind.
    fn empty_queue(&self, listener: Listener) {
        let Ok(listener) = listener.0.into_std() else { return };
        while let Ok((tcp, remote)) = listener.accept() {
            let tcp = tcp.set_nonblocking(true).and_then(|()| TcpStream::from_std(tcp));
            tcp.map_or_else(|_gone| add_one(&self.edge.counters.accept_failed), |tcp| self.take_in(tcp, remote));
        }
    }

    async fn end(self) -> Drained {
        let Tasks { connections, streams, abort, .. } = &self.tasks;
        let at_signal = connections.len();
        connections.close();
        streams.close();
        let in_time = timeout(self.edge.config.drain_grace, connections.wait()).await.is_ok();
        let cut = if in_time { 0 } else { connections.len() };
        abort.raise();
        connections.wait().await;
        streams.wait().await;
        Drained { finished: at_signal.saturating_sub(cut), cut }
    }
}

/// The place of one connection; given back on any way out, a panic included.
struct Seat {
    counters: Arc<Counters>,
    _place: OwnedSemaphorePermit,
}

impl Seat {
    fn take(counters: Arc<Counters>, place: OwnedSemaphorePermit) -> Self {
        add_one(&counters.open);
        Self { counters, _place: place }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.counters.open.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
        if std::thread::panicking() {
            add_one(&self.counters.panics);
        }
    }
}
