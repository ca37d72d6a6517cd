//! Reading more than TLS asks for: rustls reads 4 KiB at a time, which would be a system call for each quarter of a record.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much one system call reads: four records of TLS.
const READ_BYTES: usize = 64 * 1024;
/// Buffers that a thread keeps for the next read.
const SPARE_MOST: usize = 4;

thread_local! {
    /// A connection has a buffer only while there is something in it, so that those that wait for a request hold none, and the
    /// one that is used next is still in the caches of the core.
    static SPARE: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

fn take_spare() -> Box<[u8]> {
    SPARE.with_borrow_mut(Vec::pop).unwrap_or_else(|| vec![0; READ_BYTES].into_boxed_slice())
}

fn give_back(bytes: Box<[u8]>) {
    SPARE.with_borrow_mut(|spare| {
        if spare.len() < SPARE_MOST {
            spare.push(bytes);
        }
    });
}

/// A stream that is read ahead; writes pass as they are.
#[derive(Debug)]
pub(super) struct ReadAhead<I> {
    io: I,
    ahead: Option<Ahead>,
}

/// What was read and not yet asked for; never empty.
#[derive(Debug)]
struct Ahead {
    bytes: Box<[u8]>,
    from: usize,
    to: usize,
}

impl<I> ReadAhead<I> {
    pub(super) const fn new(io: I) -> Self {
        Self { io, ahead: None }
    }
}

impl<I: AsyncRead + Unpin> ReadAhead<I> {
    /// `None` at the end of the stream.
    fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Ahead>>> {
        if let Some(ahead) = self.ahead.take() {
            return Poll::Ready(Ok(Some(ahead)));
        }
        let mut bytes = take_spare();
        let mut read = ReadBuf::new(&mut bytes);
        let polled = Pin::new(&mut self.io).poll_read(cx, &mut read);
        let to = read.filled().len();
        if to > 0 {
            return Poll::Ready(Ok(Some(Ahead { bytes, from: 0, to })));
        }
        give_back(bytes);
        polled.map_ok(|()| None)
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for ReadAhead<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Some(mut ahead) = ready!(self.poll_ahead(cx))? else { return Poll::Ready(Ok(())) };
        let rest = ahead.bytes.get(ahead.from..ahead.to).unwrap_or_default();
        let taken = rest.get(..buf.remaining()).unwrap_or(rest);
        buf.put_slice(taken);
        ahead.from += taken.len();
        if ahead.from < ahead.to {
            self.ahead = Some(ahead);
        } else {
            give_back(ahead.bytes);
        }
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for ReadAhead<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn bytes_come_in_order_whatever_is_asked_for_at_a_time() {
        let (mut far, near) = tokio::io::duplex(4 * READ_BYTES);
        let mut stream = ReadAhead::new(near);
        let sent: Vec<u8> = (0..3 * READ_BYTES).map(|at| (at % 251) as u8).collect();
        far.write_all(&sent).await.unwrap();
        drop(far);
        let mut read = Vec::new();
        for most in [1, 5, 4096, 70_000, 100].into_iter().cycle() {
            let mut part = vec![0; most];
            let length = stream.read(&mut part).await.unwrap();
            assert!(length > 0 || read.len() == sent.len(), "only the end is empty");
            if length == 0 {
                break;
            }
            read.extend_from_slice(&part[..length]);
        }
        assert!(read == sent);
    }

    #[tokio::test]
    async fn a_stream_of_which_all_was_read_holds_no_buffer() {
        let (mut far, near) = tokio::io::duplex(64);
        let mut stream = ReadAhead::new(near);
        far.write_all(b"answer").await.unwrap();
        stream.read_exact(&mut [0; 4]).await.unwrap();
        assert!(stream.ahead.is_some());
        stream.read_exact(&mut [0; 2]).await.unwrap();
        assert!(stream.ahead.is_none());
        let waiting = stream.read_u8();
        far.write_all(b"x").await.unwrap();
        assert_eq!(waiting.await.unwrap(), b'x');
        assert_eq!(SPARE.with_borrow(Vec::len), 1, "one buffer served all of it");
    }
}
