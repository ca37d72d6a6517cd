//! One connection to a HIS. It has no task of its own: whoever waits for an answer drives it, so that an answer wakes one task
//! and not two, and nothing of it is handed over between them.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::runtime::{self, Handle};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::PoolConfig;
use super::ahead::ReadAhead;
use super::counts::Counts;
use crate::his::HisError;

type Stream = TokioIo<TlsStream<ReadAhead<TcpStream>>>;

/// A connection, and the runtime whose events it waits for.
pub(super) struct Link {
    sender: SendRequest<Full<Bytes>>,
    /// `None` when it has ended.
    connection: Option<Box<Connection<Stream, Full<Bytes>>>>,
    home: runtime::Id,
}

impl Link {
    /// Opens a connection.
    ///
    /// # Errors
    /// [`HisError::Refused`] when TLS fails, [`HisError::Unreachable`] when anything else does.
    pub(super) async fn open(config: &PoolConfig, tls: &TlsConnector, counts: &Counts) -> Result<Self, HisError> {
        let stream =
            config.outgoing.connect(&config.host, config.port).await.map_err(|error| unconnected(config, &error))?;
        stream.set_nodelay(true).map_err(|_| HisError::Unreachable)?;
        let name = ServerName::try_from(config.host.to_string()).map_err(|_| HisError::Refused)?;
        // In a box until it is done: it is large, and most requests need none.
        let stream =
            Box::pin(tls.connect(name, ReadAhead::new(stream))).await.map_err(|error| why_no_handshake(&error))?;
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        shown.into_iter().for_each(|certificate| counts.shown(certificate));
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| HisError::Unreachable)?;
        Ok(Self { sender, connection: Some(Box::new(connection)), home: Handle::current().id() })
    }

    /// Whether it was opened on this runtime.
    pub(super) fn is_of(&self, runtime: runtime::Id) -> bool {
        self.home == runtime
    }

    /// Whether it can take a request, as far as it was driven. When the HIS has closed it since, that is seen before anything of
    /// the next request is sent.
    pub(super) fn is_open(&self) -> bool {
        self.connection.is_some() && self.sender.is_ready()
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Bytes>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Full<Bytes>>>> {
        let mut answer = std::pin::pin!(self.sender.try_send_request(request.map(Full::new)));
        std::future::poll_fn(|cx| self.poll_through(cx, |_, cx| answer.as_mut().poll(cx))).await
    }

    /// Whether its last answer is at its end, so that it can take another request.
    pub(super) fn poll_free(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.poll_through(cx, |link, cx| link.sender.poll_ready(cx)).map(|ready| ready.is_ok())
    }

    /// Polls something that this connection brings. Only the socket wakes the task: what `poll` waits for comes about by driving
    /// the connection and in no other way.
    pub(super) fn poll_through<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Self, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let mut quiet = Context::from_waker(Waker::noop());
        let polled = poll(self, &mut quiet);
        if polled.is_ready() {
            return polled;
        }
        self.drive(cx);
        // A connection that has ended was dropped, and everything that waits for it learns so.
        poll(self, &mut quiet)
    }

    fn drive(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && Pin::new(&mut **connection).poll(cx).is_ready()
        {
            // What became of the request is told to whoever waits for it.
            self.connection = None;
        }
    }
}

/// A name that leads inside is a mistake in a configuration, or worse, and nobody would look for it.
fn unconnected(config: &PoolConfig, error: &std::io::Error) -> HisError {
    if error.kind() == std::io::ErrorKind::PermissionDenied {
        tracing::warn!(his = config.name, %error, "the HIS is not connected to");
    }
    HisError::Unreachable
}

/// A TLS alert or a certificate that does not pass is a refusal; anything else a broken connection.
fn why_no_handshake(error: &std::io::Error) -> HisError {
    let tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
    if tls { HisError::Refused } else { HisError::Unreachable }
}
