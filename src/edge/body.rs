//! The body of an answer. Can be watched: the audit learns whether the last byte was taken by the connection. Can be gated: it
//! breaks off visibly when it may not go on.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

/// The largest piece handed over at once, so that what is taken has nearly left: a whole document in one piece would sit in
/// the buffers of HTTP/2 and count as sent.
const PIECE_MAX_BYTES: usize = 64 * 1024;

/// How a watched body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The connection took every byte.
    Complete {
        /// How many.
        bytes: u64,
    },
    /// The connection gave up, the body failed, or nobody asked for it (HEAD).
    Dropped {
        /// How many were taken before.
        bytes: u64,
    },
    /// Its gate closed.
    Stopped {
        /// How many were taken before.
        bytes: u64,
    },
}

/// Whether a body may go on.
pub type Leave = Pin<Box<dyn Future<Output = bool> + Send>>;

/// Asked before each piece of a gated body; a `false` breaks it off.
pub type Gate = Box<dyn Fn() -> Leave + Send>;

/// A body was broken off because it may not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer may not go on")]
pub struct BrokenOff;

/// Called once, when the body ends; may not block.
pub type OnEnd = Box<dyn FnOnce(Ended) + Send>;

/// Bytes in memory, nothing, or a stream of the router.
pub struct Body {
    kind: Kind,
    watch: Option<Watch>,
    gate: Option<Gated>,
}

struct Gated {
    gate: Gate,
    asking: Option<Leave>,
}

enum Kind {
    Full(Bytes),
    Axum { body: axum::body::Body, rest: Bytes },
}

struct Watch {
    on_end: OnEnd,
    taken: u64,
}

impl Body {
    /// These bytes.
    #[must_use]
    pub const fn full(bytes: Bytes) -> Self {
        Self { kind: Kind::Full(bytes), watch: None, gate: None }
    }

    /// No bytes.
    #[must_use]
    pub const fn empty() -> Self {
        Self::full(Bytes::new())
    }

    /// A body of axum.
    #[must_use]
    pub const fn axum(body: axum::body::Body) -> Self {
        Self { kind: Kind::Axum { body, rest: Bytes::new() }, watch: None, gate: None }
    }

    /// These bytes, watched.
    #[must_use]
    pub fn watched(bytes: Bytes, on_end: OnEnd) -> Self {
        Self::full(bytes).watch(on_end)
    }

    /// The same body; `on_end` is called once when it ends. A watch that was set before ends as dropped.
    #[must_use]
    pub fn watch(mut self, on_end: OnEnd) -> Self {
        self.end(false);
        self.watch = Some(Watch { on_end, taken: 0 });
        self
    }

    /// The same body; `gate` is asked before each piece of it.
    #[must_use]
    pub fn gated(mut self, gate: Gate) -> Self {
        self.gate = Some(Gated { gate, asking: None });
        self
    }

    fn poll_leave(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let Some(Gated { gate, asking }) = &mut self.gate else { return Poll::Ready(true) };
        let may = ready!(asking.get_or_insert_with(gate).as_mut().poll(cx));
        *asking = None;
        Poll::Ready(may)
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let (body, rest) = match &mut self.kind {
            Kind::Full(rest) => return Poll::Ready(piece(rest).map(|piece| Ok(Frame::data(piece)))),
            Kind::Axum { body, rest } => (body, rest),
        };
        if rest.is_empty() {
            match ready!(Pin::new(body).poll_frame(cx)?) {
                None => return Poll::Ready(None),
                Some(frame) => match frame.into_data() {
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                    Ok(data) => *rest = data,
                },
            }
        }
        Poll::Ready(Some(Ok(Frame::data(piece(rest).unwrap_or_default()))))
    }

    fn end(&mut self, complete: bool) {
        self.end_as(|bytes| if complete { Ended::Complete { bytes } } else { Ended::Dropped { bytes } });
    }

    fn end_as(&mut self, ended: impl FnOnce(u64) -> Ended) {
        if let Some(Watch { on_end, taken }) = self.watch.take() {
            on_end(ended(taken));
        }
    }
}

fn piece(rest: &mut Bytes) -> Option<Bytes> {
    (!rest.is_empty()).then(|| rest.split_to(rest.len().min(PIECE_MAX_BYTES)))
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if !ready!(self.poll_leave(cx)) {
            self.end_as(|bytes| Ended::Stopped { bytes });
            return Poll::Ready(Some(Err(axum::Error::new(BrokenOff))));
        }
        let polled = ready!(self.poll_piece(cx));
        match &polled {
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, |data| u64::try_from(data.len()).unwrap_or(u64::MAX));
                if let Some(watch) = &mut self.watch {
                    watch.taken = watch.taken.saturating_add(length);
                }
                // A connection that knows the length does not ask for more after the last byte.
                if self.is_end_stream() {
                    self.end(true);
                }
            }
            Some(Err(_)) => self.end(false),
            None => self.end(true),
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Full(rest) => rest.is_empty(),
            Kind::Axum { body, rest } => rest.is_empty() && body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let (mut hint, rest) = match &self.kind {
            Kind::Full(rest) => (SizeHint::with_exact(0), rest),
            Kind::Axum { body, rest } => (body.size_hint(), rest),
        };
        let rest = u64::try_from(rest.len()).unwrap_or(u64::MAX);
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(hint.lower().saturating_add(rest));
        hint
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        // An empty body is complete without being asked for.
        let complete = self.is_end_stream();
        self.end(complete);
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("size_hint", &self.size_hint()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use http_body_util::BodyExt as _;

    use super::*;

    fn watch() -> (OnEnd, mpsc::Receiver<Ended>) {
        let (sender, receiver) = mpsc::channel();
        (Box::new(move |ended| sender.send(ended).unwrap()), receiver)
    }

    #[tokio::test]
    async fn a_body_taken_to_its_last_byte_is_complete_before_anybody_asks_for_more() {
        let (on_end, ended) = watch();
        let mut body = Body::watched(Bytes::from_static(b"abc"), on_end);
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "abc");
        assert_eq!(ended.try_recv(), Ok(Ended::Complete { bytes: 3 }));
        assert!(body.frame().await.is_none());
        drop(body);
        assert!(ended.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_body_left_half_way_is_dropped_with_the_bytes_taken() {
        let (on_end, ended) = watch();
        let mut body = Body::watched(Bytes::from(vec![7; PIECE_MAX_BYTES + 1]), on_end);
        assert_eq!(body.size_hint().exact(), Some(65_537));
        drop(body.frame().await.unwrap().unwrap());
        assert_eq!(body.size_hint().exact(), Some(1));
        drop(body);
        assert_eq!(ended.try_recv(), Ok(Ended::Dropped { bytes: 65_536 }));
    }

    #[test]
    fn an_empty_body_is_complete_and_an_unasked_one_is_not() {
        let (on_end, ended) = watch();
        drop(Body::watched(Bytes::new(), on_end));
        assert_eq!(ended.try_recv(), Ok(Ended::Complete { bytes: 0 }));
        let (on_end, ended) = watch();
        drop(Body::watched(Bytes::from_static(b"abc"), on_end));
        assert_eq!(ended.try_recv(), Ok(Ended::Dropped { bytes: 0 }));
    }

    #[tokio::test]
    async fn a_gate_that_closes_breaks_the_body_off_before_its_next_piece() {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicU8, Ordering};
        let (on_end, ended) = watch();
        let asked = Arc::new(AtomicU8::new(0));
        let gate: Gate = Box::new({
            let asked = Arc::clone(&asked);
            move || {
                let may = asked.fetch_add(1, Ordering::Relaxed) < 1;
                // Not known at once, as when a store is asked.
                Box::pin(async move {
                    tokio::task::yield_now().await;
                    may
                })
            }
        });
        let mut body = Body::watched(Bytes::from(vec![7; 2 * PIECE_MAX_BYTES]), on_end).gated(gate);
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().len(), 65_536);
        assert!(ended.try_recv().is_err());
        assert!(body.frame().await.unwrap().is_err());
        assert_eq!(ended.try_recv(), Ok(Ended::Stopped { bytes: 65_536 }));
        assert_eq!(asked.load(Ordering::Relaxed), 2, "once for each piece");
    }

    #[tokio::test]
    async fn a_stream_of_the_router_is_cut_in_pieces_and_can_be_watched() {
        let (on_end, ended) = watch();
        let body = Body::axum(axum::body::Body::from(vec![7; 2 * PIECE_MAX_BYTES])).watch(on_end);
        assert_eq!(body.size_hint().exact(), Some(131_072));
        assert_eq!(body.collect().await.unwrap().to_bytes().len(), 131_072);
        assert_eq!(ended.try_recv(), Ok(Ended::Complete { bytes: 131_072 }));
    }

    #[tokio::test]
    async fn a_stream_that_fails_is_dropped() {
        let (on_end, ended) = watch();
        let result = Body::axum(axum::body::Body::new(FailsSecond(0))).watch(on_end).collect().await;
        assert!(result.is_err());
        assert_eq!(ended.try_recv(), Ok(Ended::Dropped { bytes: 2 }));
    }

    struct FailsSecond(u8);

    impl HttpBody for FailsSecond {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
            self.0 += 1;
            let first = self.0 == 1;
            let frame =
                if first { Ok(Frame::data(Bytes::from_static(b"ab"))) } else { Err(std::io::ErrorKind::Other.into()) };
            Poll::Ready(Some(frame))
        }
    }
}
