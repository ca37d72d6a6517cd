//! Real sockets and real TLS on loopback; deadlines of milliseconds, awaited and never slept for.

mod balancers;
mod behaviour;
mod deadlines;
mod draining;
mod handshakes;
mod resting;
mod workers;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use super::{Body, Connection, Counters, Drained, Edge, EdgeConfig, Ended, Listener, Serve, Workers, bind, serve};
use crate::clock::{SharedClock, TestClock};
use crate::tls::client::client_config;
use crate::tls::identity::Identity;
use crate::tls::pki::{Pki, now};
use crate::tls::revocation::Revocations;
use crate::tls::server::{ServerTls, back_channel, front_channel};
use crate::tls::{ALPN_H2, ALPN_HTTP1};

const HOST: &str = "gp.example.nl";
const BIG_BYTES: usize = 16 * 1024 * 1024;

/// Long enough for anything that should happen; reached only by a test that fails.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it happens")
}

/// A service with something for every test.
struct Desk {
    arrived: mpsc::UnboundedSender<()>,
    release: Arc<Notify>,
    ended: mpsc::UnboundedSender<Ended>,
    aside: Arc<AtomicBool>,
}

impl Serve for Desk {
    fn steps_aside(&self) -> bool {
        self.aside.load(Ordering::Relaxed)
    }

    async fn serve(&self, request: Request<Incoming>, connection: &Arc<Connection>) -> Response<Body> {
        let text = |text: String| Response::new(Body::full(text.into()));
        match request.uri().path() {
            "/who" => text(format!("{:?}", connection.peer().map(|peer| peer.names()[0].as_str().to_owned()))),
            "/from" => text(connection.remote().to_string()),
            "/echo" => text(format!("{:?}", request.into_body().collect().await.unwrap().to_bytes())),
            "/thread" => text(std::thread::current().name().unwrap_or_default().to_owned()),
            "/wait" => {
                self.arrived.send(()).unwrap();
                self.release.notified().await;
                text("waited".to_owned())
            }
            "/big" => {
                let ended = self.ended.clone();
                let on_end = Box::new(move |end| ended.send(end).unwrap());
                Response::new(Body::watched(vec![7; BIG_BYTES].into(), on_end))
            }
            "/away" => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = http::StatusCode::FOUND;
                response.headers_mut().insert("location", "/who".parse().unwrap());
                response
            }
            "/panic" => panic!("asked to"),
            "/panic-later" => Response::new(Body::axum(axum::body::Body::new(Panics))),
            _ => text("hello".to_owned()),
        }
    }
}

struct Panics;

impl http_body::Body for Panics {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, io::Error>>> {
        panic!("asked to")
    }
}

/// One listener with its authority, and the strings a test pulls.
struct World {
    pki: Pki,
    own: Identity,
    /// Of the server; the one of the clients stands still.
    time: Arc<TestClock>,
    clock: SharedClock,
    address: SocketAddr,
    tls: Arc<ArcSwap<ServerTls>>,
    counters: Arc<Counters>,
    drain: CancellationToken,
    serving: JoinHandle<Drained>,
    arrived: mpsc::UnboundedReceiver<()>,
    release: Arc<Notify>,
    ended: mpsc::UnboundedReceiver<Ended>,
    aside: Arc<AtomicBool>,
}

fn config() -> EdgeConfig {
    EdgeConfig { drain_linger: Duration::from_millis(20), ..EdgeConfig::new(vec![HOST.parse().unwrap()]) }
}

impl World {
    fn front(config: EdgeConfig) -> Self {
        Self::start(config, CancellationToken::new(), |_, own, clock| front_channel(own, clock).unwrap(), |_| ())
    }

    fn back() -> Self {
        let tls = |pki: &Pki, own: &Identity, clock: &SharedClock| {
            back_channel(own, &pki.roots(), &Revocations::default(), clock).unwrap()
        };
        Self::start(config(), CancellationToken::new(), tls, |_| ())
    }

    /// `before` sees the bound address before anything is accepted.
    fn start(
        config: EdgeConfig,
        drain: CancellationToken,
        tls: impl FnOnce(&Pki, &Identity, &SharedClock) -> ServerTls,
        before: impl FnOnce(SocketAddr),
    ) -> Self {
        let serving = |socket, edge, drain| tokio::spawn(serve(Listener::from_std(socket).unwrap(), edge, drain));
        Self::start_on(config, drain, tls, before, serving)
    }

    fn start_on(
        mut config: EdgeConfig,
        drain: CancellationToken,
        tls: impl FnOnce(&Pki, &Identity, &SharedClock) -> ServerTls,
        before: impl FnOnce(SocketAddr),
        serving: impl FnOnce(std::net::TcpListener, Edge<Desk>, CancellationToken) -> JoinHandle<Drained>,
    ) -> Self {
        let (pki, time) = (Pki::new(), TestClock::at(now()));
        let clock: SharedClock = TestClock::at(now());
        let server_clock: SharedClock = time.clone();
        let own = pki.identity(&[HOST]);
        let tls = Arc::new(ArcSwap::from_pointee(tls(&pki, &own, &server_clock)));
        let listener = bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        config.authorities.push(format!("{HOST}:{}", address.port()).parse().unwrap());
        before(address);
        let (counters, release) = (Arc::new(Counters::default()), Arc::new(Notify::new()));
        let (arriving, arrived) = mpsc::unbounded_channel();
        let (ending, ended) = mpsc::unbounded_channel();
        let aside = Arc::<AtomicBool>::default();
        let service =
            Desk { arrived: arriving, release: Arc::clone(&release), ended: ending, aside: Arc::clone(&aside) };
        let edge =
            Edge { config, tls: Arc::clone(&tls), service, clock: server_clock, counters: Arc::clone(&counters) };
        let serving = serving(listener, edge, drain.clone());
        Self { pki, own, time, clock, address, tls, counters, drain, serving, arrived, release, ended, aside }
    }

    fn connector(&self, identity: Option<&Identity>, alpn: &[&[u8]]) -> TlsConnector {
        Arc::new(client_config(&self.pki.roots(), identity, alpn, &self.clock).unwrap()).into()
    }

    /// A TLS connection as a client of no protocol in particular.
    async fn connect(&self) -> TlsStream<TcpStream> {
        let tcp = TcpStream::connect(self.address).await.unwrap();
        shake(&self.connector(None, &[ALPN_HTTP1]), tcp).await.unwrap()
    }

    async fn http1(&self, identity: Option<&Identity>) -> http1::SendRequest<Empty<Bytes>> {
        let tcp = TcpStream::connect(self.address).await.unwrap();
        let stream = shake(&self.connector(identity, &[ALPN_HTTP1]), tcp).await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender
    }

    async fn http2(&self, identity: Option<&Identity>) -> http2::SendRequest<Empty<Bytes>> {
        self.http2_to_its_end(identity).await.0
    }

    /// With how the connection ends, as the client sees it.
    async fn http2_to_its_end(
        &self,
        identity: Option<&Identity>,
    ) -> (http2::SendRequest<Empty<Bytes>>, JoinHandle<hyper::Result<()>>) {
        let tcp = TcpStream::connect(self.address).await.unwrap();
        let stream = shake(&self.connector(identity, &[ALPN_H2]), tcp).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(ALPN_H2));
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        (sender, tokio::spawn(connection))
    }

    /// What comes back for these bytes, until the server closes.
    async fn raw(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        read_to_close(&mut stream).await
    }

    async fn end(self) -> Drained {
        self.drain.cancel();
        soon(self.serving).await.unwrap()
    }
}

async fn shake(connector: &TlsConnector, tcp: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    connector.connect(ServerName::try_from(HOST).unwrap(), tcp).await
}

/// A connection that is cut, and not closed, ends the text too.
async fn read_to_close(stream: &mut TlsStream<TcpStream>) -> String {
    let (mut text, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(length @ 1..) = soon(stream.read(&mut piece)).await {
        text.extend_from_slice(&piece[..length]);
    }
    String::from_utf8(text).unwrap()
}

fn get(path: &str) -> Request<Empty<Bytes>> {
    Request::get(path).header("host", HOST).body(Empty::new()).unwrap()
}

fn get2(path: &str) -> Request<Empty<Bytes>> {
    Request::get(format!("https://{HOST}{path}")).body(Empty::new()).unwrap()
}

async fn text(response: Response<Incoming>) -> String {
    String::from_utf8(soon(response.into_body().collect()).await.unwrap().to_bytes().to_vec()).unwrap()
}
