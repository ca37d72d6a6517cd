//! One connection and one exchange on it. A connection is used again only when its last answer was read to the end.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::Request;
use http::response::Parts;
use http_body::Body as _;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::runtime::{self, Handle};
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::TlsConnector;

use super::PoolConfig;
use super::breaker::Ticket;
use super::flow::{Flow, Patience};
use crate::clock::SharedClock;
use crate::his::{AnswerBody, HisError, HisStream};

/// Our end of a connection, and the runtime that drives it.
pub(super) struct Link {
    sender: SendRequest<Full<Bytes>>,
    home: runtime::Id,
}

/// Connections that wait for a request. Each is driven by the runtime that opened it, and mostly used there: over one of
/// another core each message would wake that core.
pub(super) struct Idle {
    timeout: Duration,
    most: usize,
    clock: SharedClock,
    /// The one that waits longest first.
    waiting: Mutex<VecDeque<Waiting>>,
}

struct Waiting {
    link: Link,
    since: Instant,
}

/// How much one system call reads: two records of TLS.
const READ_BYTES: usize = 32 * 1024;
/// How long a connection waits before other runtimes take it, too. A busy core opens its own; a HIS that is seldom asked keeps
/// the few connections that it has, whichever core asks.
const ITS_OWN: Duration = Duration::from_millis(100);

impl Waiting {
    fn serves(&self, runtime: runtime::Id, now: Instant) -> bool {
        self.link.home == runtime || now.saturating_duration_since(self.since) >= ITS_OWN
    }
}

impl Idle {
    /// Keeps at most `most` connections, each for `timeout`.
    pub(super) const fn new(timeout: Duration, most: usize, clock: SharedClock) -> Self {
        Self { timeout, most, clock, waiting: Mutex::new(VecDeque::new()) }
    }

    /// The one of this runtime that was used last, or one that nobody else uses; those that are too old or closed go.
    pub(super) fn take(&self) -> Option<Link> {
        let (now, runtime) = (self.clock.monotonic(), Handle::current().id());
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while waiting.front().is_some_and(|kept| now.saturating_duration_since(kept.since) >= self.timeout) {
            waiting.pop_front();
        }
        loop {
            let at = waiting.iter().rposition(|kept| kept.serves(runtime, now))?;
            let link = waiting.remove(at)?.link;
            if link.sender.is_ready() {
                return Some(link);
            }
        }
    }

    fn keep(&self, link: Link) {
        let since = self.clock.monotonic();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= self.most {
            waiting.pop_front();
        }
        waiting.push_back(Waiting { link, since });
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

/// Opens a connection.
///
/// # Errors
/// [`HisError::Refused`] when TLS fails, [`HisError::Unreachable`] when anything else does.
pub(super) async fn connect(config: &PoolConfig, tls: &TlsConnector) -> Result<Link, HisError> {
    let stream = match config.address {
        Some(address) => TcpStream::connect(address).await,
        None => TcpStream::connect((config.host.as_str(), config.port)).await,
    };
    let stream = stream.map_err(|_| HisError::Unreachable)?;
    stream.set_nodelay(true).map_err(|_| HisError::Unreachable)?;
    let name = ServerName::try_from(config.host.to_string()).map_err(|_| HisError::Refused)?;
    // rustls reads 4 KiB at a time from what it is given; a system call brings more.
    let stream = BufReader::with_capacity(READ_BYTES, stream);
    let stream = tls.connect(name, stream).await.map_err(|error| why_no_handshake(&error))?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| HisError::Unreachable)?;
    // The task ends with its connection, which ends when the sender is dropped.
    tokio::spawn(connection);
    Ok(Link { sender, home: Handle::current().id() })
}

/// A TLS alert or a certificate that does not pass is a refusal; anything else a broken connection.
fn why_no_handshake(error: &std::io::Error) -> HisError {
    let tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
    if tls { HisError::Refused } else { HisError::Unreachable }
}

/// Why an exchange failed.
#[derive(Debug)]
pub(super) enum Broken {
    /// The connection ended before anything of the request was sent.
    Unsent { kept: bool },
    /// The connection ended before a head was read. The HIS may have closed it just as we wrote, or may have acted.
    Closed { kept: bool },
    /// Anything else.
    Failed(HisError),
}

impl Broken {
    fn of(mut error: TrySendError<Request<Full<Bytes>>>, kept: bool) -> Self {
        if error.take_message().is_some() {
            return Self::Unsent { kept };
        }
        if error.error().is_parse() { Self::Failed(HisError::Nonsense) } else { Self::Closed { kept } }
    }
}

impl From<HisError> for Broken {
    fn from(error: HisError) -> Self {
        Self::Failed(error)
    }
}

impl From<Broken> for HisError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Unsent { .. } | Broken::Closed { .. } => Self::Unreachable,
            Broken::Failed(error) => error,
        }
    }
}

/// A body as it comes together. One that comes in one piece, as most do, is not copied.
#[derive(Default)]
enum Whole {
    #[default]
    Empty,
    One(Bytes),
    Joined(BytesMut),
}

impl Whole {
    /// `announced`: how long it will be, where that is known.
    fn push(&mut self, piece: Bytes, announced: Option<usize>) {
        *self = match std::mem::take(self) {
            Self::Empty => Self::One(piece),
            Self::One(first) => {
                let both = first.len().saturating_add(piece.len());
                let mut joined = BytesMut::with_capacity(announced.unwrap_or_default().max(both));
                joined.extend_from_slice(&first);
                joined.extend_from_slice(&piece);
                Self::Joined(joined)
            }
            Self::Joined(mut joined) => {
                joined.extend_from_slice(&piece);
                Self::Joined(joined)
            }
        };
    }

    fn len(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::One(piece) => piece.len(),
            Self::Joined(joined) => joined.len(),
        }
    }

    fn done(self) -> Bytes {
        match self {
            Self::Empty => Bytes::new(),
            Self::One(piece) => piece,
            Self::Joined(joined) => joined.freeze(),
        }
    }
}

/// An answer that is being read, with the connection that it comes over and its turn.
pub(super) struct Line {
    body: Incoming,
    link: Option<Link>,
    idle: Arc<Idle>,
    _turn: OwnedSemaphorePermit,
}

impl Line {
    /// Sends a request and waits for the head of its answer. The connection was `kept` or is fresh.
    pub(super) async fn send(
        mut link: Link,
        request: Request<Bytes>,
        turn: OwnedSemaphorePermit,
        idle: Arc<Idle>,
        kept: bool,
    ) -> Result<(Parts, Self), Broken> {
        let sent = link.sender.try_send_request(request.map(Full::new)).await;
        let response = sent.map_err(|error| Broken::of(error, kept))?;
        let (head, body) = response.into_parts();
        Ok((head, Self { body, link: Some(link), idle, _turn: turn }))
    }

    /// How many bytes the HIS announced.
    pub(super) fn length(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    /// The next bytes, never none of them. After the last the connection waits for another request.
    pub(super) fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, HisError>>> {
        loop {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) if !bytes.is_empty() => return Poll::Ready(Some(Ok(bytes))),
                    Ok(_) | Err(_) => {}
                },
                Some(Err(_)) => return Poll::Ready(Some(Err(HisError::Unreachable))),
                None => break,
            }
        }
        let Some(link) = &mut self.link else { return Poll::Ready(None) };
        if ready!(link.sender.poll_ready(cx)).is_ok()
            && let Some(link) = self.link.take()
        {
            self.idle.keep(link);
        }
        Poll::Ready(None)
    }

    /// All of the body when it is no larger than `limit` bytes, else a stream of it, which then has the ticket.
    pub(super) async fn collect(
        mut self,
        limit: usize,
        patience: Patience,
        ticket: &mut Option<Ticket>,
    ) -> Result<AnswerBody, HisError> {
        let announced = self.length().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        if announced.is_some_and(|length| length > limit) {
            return Ok(AnswerBody::Large(self.stream(Bytes::new(), patience, ticket.take())));
        }
        let mut whole = Whole::default();
        while let Some(bytes) = std::future::poll_fn(|cx| self.poll_bytes(cx)).await {
            whole.push(bytes?, announced);
            if whole.len() > limit {
                return Ok(AnswerBody::Large(self.stream(whole.done(), patience, ticket.take())));
            }
        }
        ticket.take().into_iter().for_each(Ticket::succeeded);
        Ok(AnswerBody::Whole(whole.done()))
    }

    /// What was read before, and the rest as it comes.
    pub(super) fn stream(self, first: Bytes, patience: Patience, ticket: Option<Ticket>) -> HisStream {
        let flow = Flow::new(self, first.len(), patience, ticket);
        HisStream::new(first, flow)
    }
}
