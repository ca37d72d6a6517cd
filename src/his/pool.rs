//! Connections to one HIS endpoint: HTTP/1.1 over hyper's connection API, kept alive, capped, each call under a deadline.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::clock::SharedClock;
use crate::his::HisError;
use crate::medmij::Hostname;

/// Where an endpoint is and how much it may get.
#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// The host of the endpoint; its certificate must name it.
    pub host: Hostname,
    /// Its port.
    pub port: u16,
    /// A fixed address; without one the host is resolved by DNS.
    pub address: Option<SocketAddr>,
    /// Requests under way at once.
    pub max_in_flight: usize,
    /// How long a request waits for its turn before it is refused.
    pub max_wait: Duration,
    /// How long connecting and the handshake may take together.
    pub connect_timeout: Duration,
    /// How long a connection may lie idle; shorter than the keep-alive of common servers (75 s, often 5 s behind proxies).
    pub idle_timeout: Duration,
    /// Largest body that is read, in bytes.
    pub max_body_bytes: usize,
}

/// The connections.
pub struct Pool {
    config: PoolConfig,
    tls: TlsConnector,
    clock: SharedClock,
    turns: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    sender: Sender,
    since: Instant,
}

type Sender = SendRequest<Full<Bytes>>;

/// A complete answer.
#[derive(Debug)]
pub struct Received {
    /// Status and headers.
    pub head: http::response::Parts,
    /// The whole body.
    pub body: Bytes,
}

impl Pool {
    /// A pool without connections.
    #[must_use]
    pub fn new(config: PoolConfig, tls: Arc<rustls::ClientConfig>, clock: SharedClock) -> Self {
        let turns = Arc::new(Semaphore::new(config.max_in_flight));
        Self { config, tls: TlsConnector::from(tls), clock, turns, idle: Mutex::new(Vec::new()) }
    }

    /// Sends a request and reads the whole answer before the deadline. A safe request on a kept connection that the HIS
    /// closed meanwhile is sent once more, on a fresh one.
    ///
    /// # Errors
    /// See [`HisError`].
    pub async fn exchange(&self, request: Request<Bytes>, deadline: Instant) -> Result<Received, HisError> {
        let left = deadline.saturating_duration_since(self.clock.monotonic());
        timeout(left, self.exchange_in_turn(request)).await.map_err(|_| HisError::TimedOut)?
    }

    async fn exchange_in_turn(&self, request: Request<Bytes>) -> Result<Received, HisError> {
        let _turn = self.turn().await?;
        if let Some(kept) = self.kept() {
            match self.exchange_on(kept, copy(&request)).await {
                Err(Broken::BeforeAnswer) => {}
                Err(Broken::Failed(error)) => return Err(error),
                Ok(received) => return Ok(received),
            }
        }
        let fresh = self.connect().await?;
        self.exchange_on(fresh, request).await.map_err(|broken| match broken {
            Broken::BeforeAnswer => HisError::Unreachable,
            Broken::Failed(error) => error,
        })
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, HisError> {
        let turn = timeout(self.config.max_wait, Arc::clone(&self.turns).acquire_owned()).await;
        turn.map_err(|_| HisError::Busy)?.map_err(|_| HisError::Busy)
    }

    async fn exchange_on(&self, mut sender: Sender, request: Request<Bytes>) -> Result<Received, Broken> {
        let response = sender.send_request(request.map(Full::new)).await.map_err(|_| Broken::BeforeAnswer)?;
        let received = self.receive(response).await.map_err(Broken::Failed)?;
        if sender.ready().await.is_ok() {
            self.keep(sender);
        }
        Ok(received)
    }

    async fn receive(&self, response: Response<Incoming>) -> Result<Received, HisError> {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, self.config.max_body_bytes).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() { HisError::TooLarge } else { HisError::Unreachable }
        })?;
        Ok(Received { head, body: body.to_bytes() })
    }

    fn kept(&self) -> Option<Sender> {
        let now = self.clock.monotonic();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|kept| {
            now.saturating_duration_since(kept.since) < self.config.idle_timeout && kept.sender.is_ready()
        });
        idle.pop().map(|kept| kept.sender)
    }

    fn keep(&self, sender: Sender) {
        let since = self.clock.monotonic();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(Idle { sender, since });
    }

    async fn connect(&self) -> Result<Sender, HisError> {
        timeout(self.config.connect_timeout, self.connect_untimed()).await.map_err(|_| HisError::Unreachable)?
    }

    async fn connect_untimed(&self) -> Result<Sender, HisError> {
        let stream = match self.config.address {
            Some(address) => TcpStream::connect(address).await,
            None => TcpStream::connect((self.config.host.as_str(), self.config.port)).await,
        };
        let stream = stream.map_err(|_| HisError::Unreachable)?;
        stream.set_nodelay(true).map_err(|_| HisError::Unreachable)?;
        let name = ServerName::try_from(self.config.host.to_string()).map_err(|_| HisError::Refused)?;
        let stream = self.tls.connect(name, stream).await.map_err(|error| why_no_handshake(&error))?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| HisError::Unreachable)?;
        // The task ends with its connection, which ends when the sender is dropped.
        tokio::spawn(connection);
        Ok(sender)
    }
}

enum Broken {
    /// The connection ended before a head was read; the HIS may have closed it just as we wrote.
    BeforeAnswer,
    Failed(HisError),
}

/// A TLS alert or a certificate that does not pass is a refusal; anything else a broken connection.
fn why_no_handshake(error: &std::io::Error) -> HisError {
    let tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
    if tls { HisError::Refused } else { HisError::Unreachable }
}

fn copy(request: &Request<Bytes>) -> Request<Bytes> {
    let mut copy = Request::new(request.body().clone());
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    copy
}
