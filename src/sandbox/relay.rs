//! A relay for TCP on loopback, as a load balancer or a network is one: it passes bytes on, can say by PROXY protocol from where
//! they come, and can be cut, held up, or cut at the worst moment.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

/// What becomes of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passage {
    Open,
    Held,
    Cut,
}

/// A relay that runs until it is dropped.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    line: Arc<Line>,
    _stop: DropGuard,
}

#[derive(Debug)]
struct Line {
    to: SocketAddr,
    passage: watch::Sender<Passage>,
    announcement: Mutex<Arc<[u8]>>,
    scissors: Mutex<Option<Vec<u8>>>,
}

impl Relay {
    /// Listens on an address, where port 0 is any that is free, and passes on to another.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(listen: SocketAddr, to: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let line = Line {
            to,
            passage: watch::Sender::new(Passage::Open),
            announcement: Mutex::new([].into()),
            scissors: Mutex::default(),
        };
        let (line, stop) = (Arc::new(line), CancellationToken::new());
        tokio::spawn(stop.clone().run_until_cancelled_owned(take_in(listener, Arc::clone(&line), stop.clone())));
        Ok(Self { address, line, _stop: stop.drop_guard() })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends these bytes before those of each new connection, such as a header of the PROXY protocol.
    pub fn announce(&self, header: &[u8]) {
        *self.line.announcement.lock().unwrap_or_else(PoisonError::into_inner) = header.into();
    }

    /// Ends every connection, and each new one at once.
    pub fn cut(&self) {
        self.line.passage.send_replace(Passage::Cut);
    }

    /// Passes nothing on, and tells nobody.
    pub fn hold(&self) {
        self.line.passage.send_replace(Passage::Held);
    }

    /// Passes everything on again, also what was held up.
    pub fn open(&self) {
        self.line.passage.send_replace(Passage::Open);
    }

    /// Once these bytes have passed on, the connection that they came over is cut before any answer comes back. Once only.
    pub fn cut_after(&self, sent: &[u8]) {
        *self.line.scissors.lock().unwrap_or_else(PoisonError::into_inner) = Some(sent.to_vec());
    }

    /// Whether what [`Self::cut_after`] waits for has not come yet.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.line.scissors.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

async fn take_in(listener: TcpListener, line: Arc<Line>, stop: CancellationToken) {
    while let Ok((near, _)) = listener.accept().await {
        let passing = Arc::clone(&line).pass(near);
        tokio::spawn(stop.clone().run_until_cancelled_owned(passing));
    }
}

impl Line {
    async fn pass(self: Arc<Self>, near: TcpStream) {
        let mut passage = self.passage.subscribe();
        // However it ends, both sides are closed.
        tokio::select! {
            _ = self.carry(near) => {}
            _ = passage.wait_for(|passage| *passage == Passage::Cut) => {}
        }
    }

    async fn carry(&self, near: TcpStream) -> io::Result<()> {
        let mut far = TcpStream::connect(self.to).await?;
        for side in [&near, &far] {
            side.set_nodelay(true)?;
        }
        let announcement = Arc::clone(&self.announcement.lock().unwrap_or_else(PoisonError::into_inner));
        far.write_all(&announcement).await?;
        let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
        let swallows = AtomicBool::new(false);
        let there = self.direction(from_near, to_far, |sent| {
            if self.meets(sent) {
                swallows.store(true, Ordering::SeqCst);
            }
            Ok(())
        });
        let back = self.direction(from_far, to_near, |_| {
            if swallows.load(Ordering::SeqCst) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
        });
        tokio::try_join!(there, back).map(|_| ())
    }

    /// One direction to its end, which is passed on as well. `look` sees each piece before the other side does.
    async fn direction(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        look: impl Fn(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut passage = self.passage.subscribe();
        let mut piece = Vec::with_capacity(64 * 1024);
        while from.read_buf(&mut piece).await? > 0 {
            may_pass(&mut passage).await;
            look(&piece)?;
            to.write_all(&piece).await?;
            piece.clear();
        }
        may_pass(&mut passage).await;
        to.shutdown().await
    }

    fn meets(&self, sent: &[u8]) -> bool {
        let mut scissors = self.scissors.lock().unwrap_or_else(PoisonError::into_inner);
        let met = scissors.as_ref().is_some_and(|waited| sent.windows(waited.len()).any(|part| part == waited));
        if met {
            *scissors = None;
        }
        met
    }
}

async fn may_pass(passage: &mut watch::Receiver<Passage>) {
    // The sender lives as long as the line.
    let _open = passage.wait_for(|passage| *passage != Passage::Held).await.is_ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers each piece with itself.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        address
    }

    async fn relay() -> (Relay, TcpStream) {
        let relay = Relay::start("127.0.0.1:0".parse().unwrap(), echo().await).await.unwrap();
        let stream = TcpStream::connect(relay.address()).await.unwrap();
        (relay, stream)
    }

    async fn says(stream: &mut TcpStream, text: &[u8]) -> io::Result<Vec<u8>> {
        stream.write_all(text).await?;
        let mut answer = vec![0; text.len()];
        stream.read_exact(&mut answer).await.map(|_| answer)
    }

    #[tokio::test]
    async fn bytes_and_ends_pass_and_an_announcement_comes_first() {
        let (relay, mut stream) = relay().await;
        assert_eq!(says(&mut stream, b"hello").await.unwrap(), b"hello");
        relay.announce(b"PROXY ");
        let mut stream = TcpStream::connect(relay.address()).await.unwrap();
        stream.write_all(b"next").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"PROXY next");
    }

    #[tokio::test]
    async fn a_cut_ends_what_is_open_and_what_comes() {
        let (relay, mut stream) = relay().await;
        says(&mut stream, b"hello").await.unwrap();
        relay.cut();
        assert!(says(&mut stream, b"hello").await.is_err());
        let mut next = TcpStream::connect(relay.address()).await.unwrap();
        assert!(says(&mut next, b"hello").await.is_err());
        relay.open();
        let mut next = TcpStream::connect(relay.address()).await.unwrap();
        assert!(says(&mut next, b"hello").await.is_ok());
    }

    #[tokio::test]
    async fn what_is_held_up_comes_when_it_may() {
        let (relay, mut stream) = relay().await;
        says(&mut stream, b"hello").await.unwrap();
        relay.hold();
        let held = tokio::spawn(async move { says(&mut stream, b"later").await });
        tokio::task::yield_now().await;
        assert!(!held.is_finished());
        relay.open();
        assert_eq!(held.await.unwrap().unwrap(), b"later");
    }

    #[tokio::test]
    async fn an_answer_is_swallowed_once() {
        let (relay, mut stream) = relay().await;
        relay.cut_after(b"code");
        says(&mut stream, b"first").await.unwrap();
        assert!(relay.waits());
        assert!(says(&mut stream, b"the code is").await.is_err());
        assert!(!relay.waits());
        let mut next = TcpStream::connect(relay.address()).await.unwrap();
        assert!(says(&mut next, b"the code is").await.is_ok());
    }
}
