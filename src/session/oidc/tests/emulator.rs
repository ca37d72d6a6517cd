//! A provider that answers what a test tells it to, over TLS, and remembers what it was asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::clock::SharedClock;
use crate::tls::identity::Roots;
use crate::tls::pki::Pki;
use crate::tls::server::front_channel;

pub(super) const HOST: &str = "login.localhost";

/// What a path gives.
#[derive(Debug, Clone)]
pub(super) enum Canned {
    /// A whole answer.
    Answer { status: u16, media_type: &'static str, body: String },
    /// A redirect to itself.
    Redirect(u16),
    /// Nothing, ever.
    Silence,
}

impl Canned {
    pub(super) fn json(body: &impl ToString) -> Self {
        Self::Answer { status: 200, media_type: "application/json; charset=utf-8", body: body.to_string() }
    }

    pub(super) fn jwt(body: &str) -> Self {
        Self::Answer { status: 200, media_type: "application/jwt", body: body.to_owned() }
    }

    pub(super) fn error(status: u16, body: &str) -> Self {
        Self::Answer { status, media_type: "application/json", body: body.to_owned() }
    }

    fn written(&self, path: &str) -> Option<String> {
        match self {
            Self::Answer { status, media_type, body } => Some(format!(
                "HTTP/1.1 {status} X\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            )),
            Self::Redirect(status) => Some(format!(
                "HTTP/1.1 {status} X\r\nLocation: {path}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )),
            Self::Silence => None,
        }
    }
}

/// A request as it came in.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) path: String,
    /// Request line and headers.
    pub(super) head: String,
    pub(super) body: String,
}

#[derive(Default)]
struct Script {
    answers: HashMap<&'static str, Canned>,
    seen: Vec<Seen>,
}

/// The provider.
pub(super) struct Emulator {
    pub(super) origin: String,
    pub(super) roots: Roots,
    script: Arc<Mutex<Script>>,
}

impl Emulator {
    pub(super) async fn start(clock: &SharedClock) -> Self {
        let pki = Pki::new();
        let tls = front_channel(&pki.identity(&[HOST]), clock).unwrap();
        let acceptor = TlsAcceptor::from(Arc::clone(tls.config()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("https://{HOST}:{}", listener.local_addr().unwrap().port());
        let script = Arc::new(Mutex::new(Script::default()));
        let served = Arc::clone(&script);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(acceptor.clone(), socket, Arc::clone(&served)));
            }
        });
        Self { origin, roots: pki.roots(), script }
    }

    pub(super) fn answer(&self, path: &'static str, canned: Canned) {
        self.script.lock().unwrap().answers.insert(path, canned);
    }

    /// What was asked at a path so far.
    pub(super) fn seen(&self, path: &str) -> Vec<Seen> {
        let script = self.script.lock().unwrap();
        script.seen.iter().filter(|seen| seen.path == path).cloned().collect()
    }
}

async fn serve(acceptor: TlsAcceptor, socket: TcpStream, script: Arc<Mutex<Script>>) {
    // A client that does not trust the certificate goes away.
    let Ok(mut socket) = acceptor.accept(socket).await else { return };
    let Some(seen) = read(&mut socket).await else { return };
    let answer = script.lock().unwrap().answers.get(seen.path.as_str()).cloned();
    let written = answer.unwrap_or_else(|| Canned::error(404, "")).written(&seen.path);
    script.lock().unwrap().seen.push(seen);
    match written {
        Some(written) => {
            // The client may have gone when it has seen enough.
            let _ = socket.write_all(written.as_bytes()).await;
            let _ = socket.shutdown().await;
        }
        None => std::future::pending().await,
    }
}

async fn read(socket: &mut (impl tokio::io::AsyncRead + Unpin)) -> Option<Seen> {
    let mut text = Vec::new();
    loop {
        let mut part = [0; 4096];
        let length = socket.read(&mut part).await.ok().filter(|length| *length > 0)?;
        text.extend_from_slice(&part[..length]);
        let so_far = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = so_far.split_once("\r\n\r\n") else { continue };
        let lower = head.to_ascii_lowercase();
        let announced = lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= announced.unwrap_or(0_usize) {
            let path = head.split(' ').nth(1)?.split('?').next()?.to_owned();
            return Some(Seen { path, head: head.to_owned(), body: body.to_owned() });
        }
    }
}
