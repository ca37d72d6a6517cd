//! The front channel of a node, as somebody reaches it who writes what they please from the address that they please.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use inzage::tls::client::client_config;
use inzage::tls::identity::Roots;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::{Home, clock};

/// Something that is there for everybody.
pub(super) const MARKER: &str = "/assets/inzage.css";

/// The listener, by one protocol.
#[derive(Clone)]
pub(super) struct Door {
    host: String,
    port: u16,
    tls: TlsConnector,
}

impl Door {
    pub(super) fn new(home: &Home, origin: &str, alpn: &[u8]) -> Self {
        let roots = Roots::load(&home.path("ca.pem")).unwrap();
        let tls = Arc::new(client_config(&roots, None, &[alpn], &clock()).unwrap()).into();
        let (host, port) = origin.strip_prefix("https://").unwrap().split_once(':').unwrap();
        Self { host: host.to_owned(), port: port.parse().unwrap(), tls }
    }

    /// Host and port, as they stand in a `Host` header.
    pub(super) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// A TCP connection without TLS from an address of the loopback network.
    pub(super) async fn knock(&self, from: Ipv4Addr) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        socket.connect((Ipv4Addr::LOCALHOST, self.port).into()).await
    }

    /// A connection from an address of the loopback network.
    pub(super) async fn come(&self, from: Ipv4Addr) -> io::Result<TlsStream<TcpStream>> {
        let name = self.host.clone().try_into().unwrap();
        self.tls.connect(name, self.knock(from).await?).await
    }

    /// A connection.
    pub(super) async fn open(&self) -> TlsStream<TcpStream> {
        self.come(Ipv4Addr::LOCALHOST).await.unwrap()
    }

    /// A request that is as it should be.
    pub(super) fn get(&self, path: &str) -> String {
        format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.authority())
    }
}
