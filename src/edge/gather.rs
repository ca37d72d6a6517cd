//! Writes of HTTP/2 that leave together. h2 writes and flushes each frame of data by itself, which would be a system call, and a
//! way through the kernel, for each answer. Here a frame is sealed at once and sent when all who are ready have had their turn,
//! or when there is enough to send.

use std::io::{self, IoSlice, Write as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::pace::Pace;

/// What is held at most; rustls holds 64 KiB and no more.
const HELD_MOST: usize = 60 * 1024;

/// A connection of HTTP/2 under TLS.
#[derive(Debug)]
pub(super) struct Gather {
    stream: TlsStream<TcpStream>,
    pace: Arc<Pace>,
    /// Bytes that were sealed since everything was sent.
    held: usize,
    /// The turn of the connection in which that began.
    since: u64,
}

impl Gather {
    pub(super) const fn new(stream: TlsStream<TcpStream>, pace: Arc<Pace>) -> Self {
        Self { stream, pace, held: 0, since: 0 }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        self.held = 0;
        Poll::Ready(sent)
    }

    /// Seals as much as there is room for.
    fn seal(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let sealed = self.stream.get_mut().1.writer().write_vectored(bufs)?;
        if self.held == 0 {
            self.since = self.pace.turn();
        }
        self.held += sealed;
        Ok(sealed)
    }
}

impl AsyncRead for Gather {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Gather {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length: usize = bufs.iter().map(|buf| buf.len()).sum();
        // Together or not at all: what is cut in two is sealed in two records.
        if self.held > 0 && self.held.saturating_add(length) > HELD_MOST {
            ready!(self.poll_send(cx))?;
        }
        match self.seal(bufs)? {
            0 if length > 0 => {
                ready!(self.poll_send(cx))?;
                Poll::Ready(self.seal(bufs))
            }
            sealed => Poll::Ready(Ok(sealed)),
        }
    }

    /// In the turn in which something was sealed this only asks for another turn, which comes when all that is ready now has
    /// run, and adds to it; h2 flushes in each.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.held > 0 && self.since == self.pace.turn() && self.pace.has_served() {
            cx.waker().wake_by_ref();
            return Poll::Ready(Ok(()));
        }
        self.poll_send(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio_rustls::{TlsAcceptor, TlsConnector, client};

    use super::*;
    use crate::clock::{SharedClock, TestClock};
    use crate::tls::ALPN_H2;
    use crate::tls::client::client_config;
    use crate::tls::pki::{Pki, now};
    use crate::tls::server::front_channel;

    /// Both ends of a connection, ours first.
    async fn pair() -> (Gather, client::TlsStream<TcpStream>) {
        let (pki, clock): (_, SharedClock) = (Pki::new(), TestClock::at(now()));
        let ours = front_channel(&pki.identity(&["gp.example.nl"]), &clock).unwrap();
        let theirs = client_config(&pki.roots(), None, &[ALPN_H2], &clock).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let connecting = TlsConnector::from(Arc::new(theirs)).connect("gp.example.nl".try_into().unwrap(), tcp);
        let accepting = TlsAcceptor::from(Arc::clone(ours.config())).accept(listener.accept().await.unwrap().0);
        let (ours, theirs) = tokio::join!(accepting, connecting);
        (Gather::new(ours.unwrap(), Pace::start(true)), theirs.unwrap())
    }

    fn is_sent(ours: &Gather) -> bool {
        ours.held == 0 && !ours.stream.get_ref().1.wants_write()
    }

    #[tokio::test]
    async fn what_is_flushed_in_one_turn_leaves_together_in_the_next() {
        let (mut ours, mut theirs) = pair().await;
        let _open = ours.pace.begin(true);
        for answer in ["one ", "two"] {
            ours.write_all(answer.as_bytes()).await.unwrap();
            ours.flush().await.unwrap();
            assert!(!is_sent(&ours));
        }
        ours.pace.next_turn(tokio::time::Instant::now());
        ours.flush().await.unwrap();
        assert!(is_sent(&ours));
        let mut both = [0; 7];
        theirs.read_exact(&mut both).await.unwrap();
        assert_eq!(&both, b"one two");
    }

    #[tokio::test]
    async fn before_the_first_request_each_flush_sends() {
        let (mut ours, mut theirs) = pair().await;
        ours.write_all(b"settings").await.unwrap();
        ours.flush().await.unwrap();
        assert!(is_sent(&ours));
        theirs.read_exact(&mut [0; 8]).await.unwrap();
    }

    #[tokio::test]
    async fn more_than_is_held_leaves_at_once_and_the_end_sends_the_rest() {
        let (mut ours, mut theirs) = pair().await;
        let _open = ours.pace.begin(true);
        let sent: Vec<u8> = (0..4 * HELD_MOST).map(|at| (at % 251) as u8).collect();
        let reading = tokio::spawn(async move {
            let mut read = Vec::new();
            theirs.read_to_end(&mut read).await.map(|_| read)
        });
        for piece in sent.chunks(9000) {
            ours.write_all(piece).await.unwrap();
            ours.flush().await.unwrap();
            assert!(ours.held <= HELD_MOST, "{}", ours.held);
        }
        ours.shutdown().await.unwrap();
        assert!(reading.await.unwrap().unwrap() == sent);
    }
}
