//! A request written by hand, for what a client library would not send as it is.

use std::net::Ipv4Addr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use inzage::clock::SharedClock;
use inzage::sandbox::client::Reply;
use inzage::tls::ALPN_HTTP1;
use inzage::tls::client::client_config;
use inzage::tls::identity::{Identity, Roots};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::harness::Gateway;

/// The back channel as the first PGO reaches it.
pub(crate) struct Raw {
    authority: String,
    tls: TlsConnector,
}

impl Raw {
    pub(crate) fn of(gateway: &Gateway) -> Self {
        let clock: SharedClock = Arc::clone(&gateway.clock) as _;
        let file = |name: &str| gateway.folder().join(name);
        let own = Identity::load(&file("pgo.pem"), &file("pgo.key"), clock.now()).unwrap();
        let roots = Roots::load(&file("ca.pem")).unwrap();
        let tls = client_config(&roots, Some(&own), &[ALPN_HTTP1], &clock).unwrap();
        let origin = gateway.world.layout.back_origin();
        Self { authority: origin.strip_prefix("https://").unwrap().to_owned(), tls: Arc::new(tls).into() }
    }

    /// Asks for exactly this target.
    pub(crate) async fn get(&self, target: &str, token: &str) -> Reply {
        parse(&self.bytes(target, token).await)
    }

    /// The same, as it came over HTTP/1.1 until the connection closed, whether the answer was complete or not.
    pub(crate) async fn bytes(&self, target: &str, token: &str) -> Vec<u8> {
        let (host, port) = self.authority.split_once(':').unwrap();
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port.parse().unwrap())).await.unwrap();
        let mut stream = self.tls.connect(host.to_owned().try_into().unwrap(), stream).await.unwrap();
        let head = format!(
            "GET {target} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n",
            self.authority
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A connection that is broken off ends without the good-bye of TLS.
        let _ = stream.read_to_end(&mut answer).await;
        answer
    }
}

/// An answer of known length; one that ends with its connection is as good here.
fn parse(answer: &[u8]) -> Reply {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    let (first, lines) = head.split_once("\r\n").unwrap();
    let status = first.split(' ').nth(1).unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())
    };
    let headers: HeaderMap = lines.split("\r\n").map(header).collect();
    let body = Bytes::copy_from_slice(&answer[end + 4..]);
    assert!(headers.get("content-length").is_none_or(|length| *length == body.len().to_string().as_str()));
    Reply { status: status.parse::<StatusCode>().unwrap(), headers, body }
}
