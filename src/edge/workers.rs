//! The data plane: threads with a single-threaded runtime each, which share one listening socket. A connection stays on the
//! thread that accepted it, so nothing of a request is handed from core to core.

use std::io;
use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::gate::Serve;
use super::listener::{Drained, Edge, Host, Listener};

/// Threads that serve.
#[must_use = "nobody else learns how they end"]
#[derive(Debug)]
pub struct Workers(Vec<oneshot::Receiver<io::Result<Drained>>>);

/// Why the data plane did not end in order.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// A thread panicked.
    #[error("a thread of the data plane ended before its time")]
    Lost,
    /// A thread has no runtime, or cannot use the socket.
    #[error("a thread of the data plane cannot serve")]
    Unable(#[from] io::Error),
}

impl Workers {
    /// Starts `count` threads, named `inzage-data-0` and on, that serve until `drain` is cancelled and then end as
    /// [`serve`](super::serve) does. The limits of the listener hold for all of them together. A thread that ends, however it
    /// does, cancels `drain`.
    ///
    /// # Errors
    /// When the socket cannot be shared, or a thread cannot be made; `drain` is cancelled then.
    pub fn start<S: Serve>(
        listener: TcpListener,
        edge: Edge<S>,
        count: NonZeroUsize,
        drain: &CancellationToken,
    ) -> io::Result<Self> {
        let unable = drain.clone().drop_guard();
        let first = Host::new(edge, drain.clone());
        let more = (1..count.get()).map(|number| spawn(number, listener.try_clone()?, first.beside()));
        let mut ends = more.collect::<io::Result<Vec<_>>>()?;
        ends.push(spawn(0, listener, first)?);
        unable.disarm();
        Ok(Self(ends))
    }

    /// Returns when all have ended.
    ///
    /// # Errors
    /// The first that is met, see [`WorkerError`].
    pub async fn ended(self) -> Result<Drained, WorkerError> {
        let (mut all, mut failed) = (Drained::default(), None);
        for end in self.0 {
            match end.await.map_err(|_dropped| WorkerError::Lost).and_then(|ended| Ok(ended?)) {
                Ok(Drained { finished, cut }) => {
                    all = Drained { finished: all.finished + finished, cut: all.cut + cut };
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(all), Err)
    }
}

fn spawn<S: Serve>(
    number: usize,
    socket: TcpListener,
    host: Host<S>,
) -> io::Result<oneshot::Receiver<io::Result<Drained>>> {
    let (told, end) = oneshot::channel();
    let serve = move || {
        let _ends_the_others = host.drain().clone().drop_guard();
        let ended = run(socket, host);
        // Whoever started it may be gone.
        let _ = told.send(ended);
    };
    thread::Builder::new().name(format!("inzage-data-{number}")).spawn(serve)?;
    Ok(end)
}

fn run<S: Serve>(socket: TcpListener, host: Host<S>) -> io::Result<Drained> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { Ok(host.run(Listener::from_std(socket)?).await) })
}
