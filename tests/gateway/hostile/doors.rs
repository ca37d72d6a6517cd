//! The two public listeners as somebody reaches them who writes what they please.

use std::net::Ipv4Addr;
use std::sync::Arc;

use inzage::clock::SharedClock;
use inzage::tls::client::client_config;
use inzage::tls::identity::{Identity, Roots};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::Gateway;

/// Something that is there for everybody on the front channel: what a smuggled request would be answered with.
pub(super) const MARKER: &str = "/assets/inzage.css";

/// One listener, and who comes to it.
pub(super) struct Door {
    host: String,
    port: u16,
    tls: TlsConnector,
}

impl Door {
    /// The front channel.
    pub(super) fn front(gateway: &Gateway, alpn: &[u8]) -> Self {
        Self::new(gateway, &gateway.world.layout.front_origin(), None, alpn)
    }

    /// The back channel, with the certificate of the first PGO.
    pub(super) fn back(gateway: &Gateway, alpn: &[u8]) -> Self {
        let file = |name: &str| gateway.folder().join(name);
        let now = inzage::clock::Clock::now(&*gateway.clock);
        let own = Identity::load(&file("pgo.pem"), &file("pgo.key"), now).unwrap();
        Self::new(gateway, &gateway.world.layout.back_origin(), Some(&own), alpn)
    }

    fn new(gateway: &Gateway, origin: &str, own: Option<&Identity>, alpn: &[u8]) -> Self {
        let clock: SharedClock = Arc::clone(&gateway.clock) as _;
        let roots = Roots::load(&gateway.folder().join("ca.pem")).unwrap();
        let tls = Arc::new(client_config(&roots, own, &[alpn], &clock).unwrap()).into();
        let (host, port) = origin.strip_prefix("https://").unwrap().split_once(':').unwrap();
        Self { host: host.to_owned(), port: port.parse().unwrap(), tls }
    }

    /// Host and port, as they stand in a `Host` header.
    pub(super) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// A TCP connection without TLS.
    pub(super) async fn knock(&self) -> TcpStream {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.unwrap()
    }

    /// A connection.
    pub(super) async fn open(&self) -> TlsStream<TcpStream> {
        self.try_open().await.unwrap()
    }

    /// A connection, or why there is none.
    pub(super) async fn try_open(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let name = self.host.clone().try_into().unwrap();
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        stream.set_nodelay(true)?;
        self.tls.connect(name, stream).await
    }

    /// What comes back for these octets until the server closes.
    pub(super) async fn raw(&self, request: impl AsRef<[u8]>) -> String {
        let mut stream = self.open().await;
        stream.write_all(request.as_ref()).await.unwrap();
        read_to_close(&mut stream).await
    }

    /// A request that is as it should be; its connection closes after it.
    pub(super) fn get(&self, path: &str) -> String {
        format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.authority())
    }
}

/// A connection that is cut, and not closed, ends the text too.
pub(super) async fn read_to_close(stream: &mut TlsStream<TcpStream>) -> String {
    let (mut all, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(length @ 1..) = stream.read(&mut piece).await {
        all.extend_from_slice(&piece[..length]);
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// The status of an answer of HTTP/1.1.
pub(super) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no answer: {answer:?}"))
}
