//! One connection of the load generator, and one request on it.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use inzage::sandbox::client::new_id;
use inzage::tls::{ALPN_H2, ALPN_HTTP1, provider};
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::kx_group::X25519;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::wire::{Asked, Peer, Protocol};

/// Windows that no answer here fills, so that none waits for leave to go on.
const WINDOW: u32 = 32 << 20;

/// A connection that is ready for requests.
pub(super) enum Line {
    Http1(http1::SendRequest<Empty<Bytes>>),
    Http2(http2::SendRequest<Empty<Bytes>>),
}

/// Everything to connect to a peer.
#[derive(Clone)]
pub(super) struct Dialler {
    peer: Peer,
    tls: TlsConnector,
    name: ServerName<'static>,
}

impl Dialler {
    pub(super) fn new(peer: &Peer, resume: bool) -> Self {
        let mut config = mutual_tls(peer);
        config.alpn_protocols = vec![alpn(peer.protocol).to_vec()];
        if !resume {
            config.resumption = Resumption::disabled();
        }
        let host = peer.authority.split(':').next().unwrap_or_default().to_owned();
        let name = ServerName::try_from(host).unwrap();
        Self { peer: peer.clone(), tls: TlsConnector::from(Arc::new(config)), name }
    }

    /// Connects; whether a session was resumed.
    pub(super) async fn dial(&self) -> Result<(Line, bool), String> {
        let tcp = TcpStream::connect(self.peer.address).await.map_err(text)?;
        tcp.set_nodelay(true).map_err(text)?;
        let tls = self.tls.connect(self.name.clone(), tcp).await.map_err(text)?;
        let (_, session) = tls.get_ref();
        let resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
        if session.alpn_protocol() != Some(alpn(self.peer.protocol)) {
            return Err("the other side does not speak this protocol".to_owned());
        }
        Ok((handshake(TokioIo::new(tls), self.peer.protocol).await.map_err(text)?, resumed))
    }
}

async fn handshake<I>(io: I, protocol: Protocol) -> hyper::Result<Line>
where
    I: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
{
    match protocol {
        Protocol::Http1 => {
            let (line, connection) = http1::handshake(io).await?;
            tokio::spawn(connection);
            Ok(Line::Http1(line))
        }
        Protocol::Http2 => {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder.initial_stream_window_size(WINDOW).initial_connection_window_size(WINDOW);
            let (line, connection) = builder.handshake(io).await?;
            tokio::spawn(connection);
            Ok(Line::Http2(line))
        }
    }
}

/// TLS 1.3 with X25519 alone and our certificate, so that every peer agrees on the same.
fn mutual_tls(peer: &Peer) -> ClientConfig {
    let file = |kind: &str| peer.folder.join(format!("{}.{kind}", peer.client));
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(peer.folder.join("ca.pem")).unwrap()).unwrap();
    let chain = CertificateDer::pem_file_iter(file("pem")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(file("key")).unwrap();
    let provider = CryptoProvider { kx_groups: vec![X25519], ..CryptoProvider::clone(&provider()) };
    let builder = ClientConfig::builder_with_provider(Arc::new(provider));
    let builder = builder.with_protocol_versions(&[&rustls::version::TLS13]).unwrap();
    builder.with_root_certificates(roots).with_client_auth_cert(chain, key).unwrap()
}

const fn alpn(protocol: Protocol) -> &'static [u8] {
    match protocol {
        Protocol::Http1 => ALPN_HTTP1,
        Protocol::Http2 => ALPN_H2,
    }
}

/// Requests, made once and sent again and again.
pub(super) struct Requests {
    made: Vec<(Uri, HeaderMap)>,
    bytes: (u64, u64),
}

impl Requests {
    pub(super) fn new(asked: &Asked, peer: &Peer) -> Self {
        // Each path goes with each token in turn.
        let count = asked.paths.len().max(asked.tokens.len());
        let path = |at: usize| asked.paths[at % asked.paths.len()].as_str();
        let token = |at: usize| asked.tokens.get(at % asked.tokens.len().max(1)).map(String::as_str);
        let made = (0..count).map(|at| (uri(path(at), peer), headers(asked, peer, token(at)))).collect();
        Self { made, bytes: asked.bytes }
    }

    fn request(&self, at: usize) -> Request<Empty<Bytes>> {
        let (uri, headers) = &self.made[at % self.made.len()];
        let mut request = Request::new(Empty::new());
        request.uri_mut().clone_from(uri);
        request.headers_mut().clone_from(headers);
        request
    }
}

fn uri(path: &str, peer: &Peer) -> Uri {
    match peer.protocol {
        Protocol::Http1 => path.parse().unwrap(),
        Protocol::Http2 => format!("https://{}{path}", peer.authority).parse().unwrap(),
    }
}

fn headers(asked: &Asked, peer: &Peer, token: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let value = |text: &str| HeaderValue::from_str(text).unwrap();
    if peer.protocol == Protocol::Http1 {
        headers.insert(header::HOST, value(&peer.authority));
    }
    headers.insert(header::ACCEPT, value(&asked.accept));
    headers.insert("medmij-request-id", value(&new_id()));
    headers.insert("x-correlation-id", value(&new_id()));
    if let Some(token) = token {
        headers.insert(header::AUTHORIZATION, value(&format!("Bearer {token}")));
    }
    headers
}

impl Line {
    /// Another user of the same connection; only HTTP/2 has more than one.
    pub(super) fn share(&self) -> Option<Self> {
        match self {
            Self::Http1(_) => None,
            Self::Http2(line) => Some(Self::Http2(line.clone())),
        }
    }

    /// Sends request number `at` and reads all of the answer; its bytes.
    pub(super) async fn ask(&mut self, requests: &Requests, at: usize) -> Result<u64, String> {
        let request = requests.request(at);
        let answer = match self {
            Self::Http1(line) => {
                line.ready().await.map_err(text)?;
                line.send_request(request).await
            }
            Self::Http2(line) => {
                line.ready().await.map_err(text)?;
                line.send_request(request).await
            }
        };
        let answer = answer.map_err(text)?;
        let status = answer.status();
        let (mut bytes, mut body, mut first) = (0, answer.into_body(), Bytes::new());
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.map_err(text)?.into_data() {
                bytes += data.len() as u64;
                if status != StatusCode::OK && first.is_empty() {
                    first = data;
                }
            }
        }
        let (least, most) = requests.bytes;
        match status {
            StatusCode::OK if (least..=most).contains(&bytes) => Ok(bytes),
            StatusCode::OK => Err(format!("{bytes} bytes instead of {least} to {most}")),
            _ => Err(format!("{status}: {}", String::from_utf8_lossy(&first[..first.len().min(300)]))),
        }
    }
}

fn text(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
