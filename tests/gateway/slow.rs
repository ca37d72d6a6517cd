//! A reader that takes an answer in small parts.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use inzage::clock::SharedClock;
use inzage::tls::client::client_config;
use inzage::tls::identity::{Identity, Roots};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::harness::{Gateway, Session};

/// A connection whose reader takes 64 KiB at a time, so that the answer waits for it.
pub(crate) async fn slow_reader(
    gateway: &Gateway,
    session: &Session,
    request: &str,
) -> hyper::Response<hyper::body::Incoming> {
    let clock: SharedClock = Arc::clone(&gateway.clock) as _;
    let file = |name: &str| gateway.folder().join(name);
    let own = Identity::load(&file("pgo.pem"), &file("pgo.key"), clock.now()).unwrap();
    let tls = client_config(&Roots::load(&file("ca.pem")).unwrap(), Some(&own), &[b"h2"], &clock).unwrap();
    let url: http::Uri = format!("{}/{request}", session.base()).parse().unwrap();
    let tcp = TcpStream::connect(("127.0.0.1", url.port_u16().unwrap())).await.unwrap();
    let name = ServerName::try_from(url.host().unwrap().to_owned()).unwrap();
    let stream = TlsConnector::from(Arc::new(tls)).connect(name, tcp).await.unwrap();
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(65_535).initial_connection_window_size(65_535);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::get(url).header("authorization", format!("Bearer {}", session.token.access_token));
    let request = request.header("accept", "application/fhir+json").body(Empty::<Bytes>::new()).unwrap();
    sender.send_request(request).await.unwrap()
}
