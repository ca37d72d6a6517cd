//! Connections to one HIS endpoint: HTTP/1.1 over hyper's connection API, kept alive, capped, each call under a deadline.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
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

/// A complete answer. Without `Debug`: it may be a record.
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

    /// Sends a request and reads the whole answer before the deadline. When a kept connection turns out to be closed, a request
    /// of which nothing was sent goes on a fresh one; so does, once, a safe request (RFC 9110 section 9.2.1) that was sent.
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
                Err(Broken::Unsent) => {}
                Err(Broken::BeforeAnswer) if request.method().is_safe() => {}
                other => return other.map_err(HisError::from),
            }
        }
        let fresh = self.connect().await?;
        Ok(self.exchange_on(fresh, request).await?)
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, HisError> {
        let turn = timeout(self.config.max_wait, Arc::clone(&self.turns).acquire_owned()).await;
        turn.map_err(|_| HisError::Busy)?.map_err(|_| HisError::Busy)
    }

    async fn exchange_on(&self, mut sender: Sender, request: Request<Bytes>) -> Result<Received, Broken> {
        let response = sender.try_send_request(request.map(Full::new)).await.map_err(Broken::of)?;
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
    /// The connection ended before anything of the request was sent.
    Unsent,
    /// The connection ended before a head was read. The HIS may have closed it just as we wrote, or may have acted.
    BeforeAnswer,
    Failed(HisError),
}

impl Broken {
    fn of(mut error: TrySendError<Request<Full<Bytes>>>) -> Self {
        if error.take_message().is_some() {
            return Self::Unsent;
        }
        if error.error().is_parse() { Self::Failed(HisError::Nonsense) } else { Self::BeforeAnswer }
    }
}

impl From<Broken> for HisError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Unsent | Broken::BeforeAnswer => Self::Unreachable,
            Broken::Failed(error) => error,
        }
    }
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

#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http::Method;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::sync::Notify;
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::clock::TestClock;
    use crate::tls::client::client_config;
    use crate::tls::pki::{Pki, now};
    use crate::tls::server::front_channel;

    const ONE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none";
    const TWO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\ntwo";

    /// What the server saw.
    #[derive(Default)]
    struct Seen {
        requests: AtomicUsize,
        read: Notify,
    }

    /// A server that gives each connection its answers, one a request; it reads one request more and closes.
    async fn pool(script: &'static [&'static [&'static str]]) -> (Pool, Arc<Seen>) {
        let (pki, clock): (_, SharedClock) = (Pki::new(), TestClock::at(now()));
        let tls = front_channel(&pki.identity(&["his.example.nl"]), &clock).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        tokio::spawn(serve(listener, TlsAcceptor::from(Arc::clone(tls.config())), script, Arc::clone(&seen)));
        let config = PoolConfig {
            host: Hostname::parse("his.example.nl").unwrap(),
            port: address.port(),
            address: Some(address),
            max_in_flight: 1,
            max_wait: Duration::ZERO,
            connect_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(4),
            max_body_bytes: 8,
        };
        let client = client_config(&pki.roots(), None, &[crate::tls::ALPN_HTTP1], &clock).unwrap();
        (Pool::new(config, Arc::new(client), clock), seen)
    }

    async fn serve(listener: TcpListener, tls: TlsAcceptor, script: &[&'static [&'static str]], seen: Arc<Seen>) {
        for answers in script {
            let mut stream = tls.accept(listener.accept().await.unwrap().0).await.unwrap();
            for answer in answers.iter().copied().map(Some).chain([None]) {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { break };
                    head.push(byte);
                }
                if head.is_empty() {
                    break;
                }
                seen.requests.fetch_add(1, Ordering::Relaxed);
                seen.read.notify_one();
                let Some(answer) = answer else { break };
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    }

    async fn ask(pool: &Pool, method: Method) -> Result<Bytes, HisError> {
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = method;
        *request.uri_mut() = "/fhir/Patient".parse().unwrap();
        let deadline = pool.clock.monotonic() + Duration::from_secs(60);
        pool.exchange(request, deadline).await.map(|received| received.body)
    }

    #[tokio::test]
    async fn only_a_safe_request_is_sent_again() {
        let (pool, seen) = pool(&[&[ONE], &[TWO]]).await;
        assert_eq!(ask(&pool, Method::GET).await, Ok("one".into()));
        assert_eq!(ask(&pool, Method::GET).await, Ok("two".into()));
        assert_eq!(seen.requests.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn a_post_that_was_sent_is_not_sent_again() {
        let (pool, seen) = pool(&[&[ONE], &[TWO]]).await;
        assert_eq!(ask(&pool, Method::POST).await, Ok("one".into()));
        assert_eq!(ask(&pool, Method::POST).await, Err(HisError::Unreachable));
        assert_eq!(seen.requests.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn what_is_no_http_means_nothing() {
        let (pool, _) = pool(&[&["certainly not HTTP\r\n\r\n"]]).await;
        assert_eq!(ask(&pool, Method::GET).await, Err(HisError::Nonsense));
    }

    #[tokio::test]
    async fn a_connection_with_a_rest_of_an_answer_is_not_used_again() {
        const LARGE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nother one";
        let (pool, _) = pool(&[&[LARGE, ONE], &[TWO]]).await;
        assert_eq!(ask(&pool, Method::GET).await, Err(HisError::TooLarge));
        assert_eq!(ask(&pool, Method::GET).await, Ok("two".into()));
    }

    #[tokio::test]
    async fn a_connection_is_not_used_again_after_its_request_was_given_up() {
        // The first connection would give the answer of the request that was given up.
        let (pool, seen) = pool(&[&[ONE], &[TWO]]).await;
        tokio::select! {
            biased;
            () = seen.read.notified() => {}
            answer = ask(&pool, Method::GET) => panic!("{answer:?}"),
        }
        assert!(pool.idle.lock().unwrap().is_empty());
        assert_eq!(ask(&pool, Method::GET).await, Ok("two".into()), "its turn is free again too");
    }
}
