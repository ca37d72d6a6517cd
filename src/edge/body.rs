//! The body of an answer. Can be watched: the audit learns whether the last byte was taken by the connection. Can be gated: it
//! breaks off visibly when it may not go on.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::bounds::{Held, Memory, Place};

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
    /// Its source failed.
    Failed {
        /// How many were taken before.
        bytes: u64,
    },
}

/// Whether a body may go on.
pub enum Leave {
    /// It is known.
    Known(bool),
    /// It is being asked for.
    Asked(Pin<Box<dyn Future<Output = bool> + Send>>),
}

/// Asked before each piece of a gated body; a `false` breaks it off.
pub type Gate = Box<dyn Fn() -> Leave + Send>;

/// A body was broken off because it may not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer may not go on")]
pub struct BrokenOff;

/// The source of a body failed. Why is its own affair; the client sees that the transfer is torn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the source of the answer failed")]
pub struct Torn;

/// Where the bytes of a body come from that is not in memory. Asked only as fast as the connection takes them.
pub trait Source: Send {
    /// The next bytes; `Ready(None)` when there are no more. Not asked again after that, or after a failure.
    fn poll_bytes(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Torn>>>;
}

/// Called once, when the body ends; may not block.
pub type OnEnd = Box<dyn FnOnce(Ended) + Send>;

/// Bytes in memory, nothing, a stream of ours, or one of the router.
pub struct Body {
    kind: Kind,
    watch: Option<Watch>,
    gate: Option<Gated>,
    /// What it takes until it has left.
    place: Option<Place>,
    held: Option<Held>,
}

struct Gated {
    gate: Gate,
    asking: Option<Pin<Box<dyn Future<Output = bool> + Send>>>,
}

enum Kind {
    Full(Bytes),
    Stream(Stream),
    Axum { body: axum::body::Body, rest: Bytes },
}

struct Stream {
    /// `None` when it has ended or failed.
    source: Option<Pin<Box<dyn Source>>>,
    rest: Bytes,
    /// How many bytes are still to come from the source, where that was announced.
    left: Option<u64>,
}

impl Stream {
    /// Holds the source to its word: a body shorter or longer than announced is torn.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Torn>>> {
        while self.rest.is_empty() {
            let Some(source) = &mut self.source else { return Poll::Ready(None) };
            let polled = ready!(source.as_mut().poll_bytes(cx));
            let ended = match polled {
                Some(Ok(bytes)) => match self.count(&bytes) {
                    Ok(()) => {
                        self.rest = bytes;
                        continue;
                    }
                    Err(torn) => Some(Err(torn)),
                },
                Some(Err(torn)) => Some(Err(torn)),
                None if self.left.is_some_and(|left| left > 0) => Some(Err(Torn)),
                None => None,
            };
            self.source = None;
            return Poll::Ready(ended);
        }
        Poll::Ready(piece(&mut self.rest).map(Ok))
    }

    fn count(&mut self, bytes: &Bytes) -> Result<(), Torn> {
        let Some(left) = &mut self.left else { return Ok(()) };
        let length = u64::try_from(bytes.len()).map_err(|_| Torn)?;
        *left = left.checked_sub(length).ok_or(Torn)?;
        Ok(())
    }

    fn is_end(&self) -> bool {
        self.rest.is_empty() && (self.source.is_none() || self.left == Some(0))
    }

    fn hint(&self) -> SizeHint {
        match self.left {
            Some(left) => SizeHint::with_exact(left),
            None if self.source.is_none() => SizeHint::with_exact(0),
            None => SizeHint::default(),
        }
    }
}

struct Watch {
    on_end: OnEnd,
    taken: u64,
}

impl Body {
    /// These bytes.
    #[must_use]
    pub const fn full(bytes: Bytes) -> Self {
        Self::of(Kind::Full(bytes))
    }

    /// No bytes.
    #[must_use]
    pub const fn empty() -> Self {
        Self::full(Bytes::new())
    }

    /// A body of axum.
    #[must_use]
    pub const fn axum(body: axum::body::Body) -> Self {
        Self::of(Kind::Axum { body, rest: Bytes::new() })
    }

    /// What this source gives, as it is asked for. With a `length` it is that long or torn.
    #[must_use]
    pub fn stream(source: impl Source + 'static, length: Option<u64>) -> Self {
        let stream = Stream { source: Some(Box::pin(source)), rest: Bytes::new(), left: length };
        Self::of(Kind::Stream(stream))
    }

    const fn of(kind: Kind) -> Self {
        Self { kind, watch: None, gate: None, place: None, held: None }
    }

    /// The same body; it keeps this place until it has left, and counts what of it lies in memory until then.
    #[must_use]
    pub fn occupying(mut self, place: Place, memory: &Arc<Memory>) -> Self {
        let bytes = match &self.kind {
            Kind::Full(bytes) => bytes.len(),
            Kind::Axum { body, .. } => body.size_hint().exact().and_then(|all| usize::try_from(all).ok()).unwrap_or(0),
            Kind::Stream(_) => 0,
        };
        self.place = Some(place);
        self.held = (bytes > Memory::SMALL_BYTES).then(|| Held::already(Arc::clone(memory), bytes));
        self
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
        let mut asked = match asking.take() {
            Some(asked) => asked,
            None => match gate() {
                Leave::Known(may) => return Poll::Ready(may),
                Leave::Asked(asked) => asked,
            },
        };
        let polled = asked.as_mut().poll(cx);
        if polled.is_pending() {
            *asking = Some(asked);
        }
        polled
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let (body, rest) = match &mut self.kind {
            Kind::Full(rest) => return Poll::Ready(piece(rest).map(|piece| Ok(Frame::data(piece)))),
            Kind::Stream(stream) => {
                let polled = ready!(stream.poll_piece(cx));
                return Poll::Ready(polled.map(|piece| piece.map(Frame::data).map_err(axum::Error::new)));
            }
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
            Some(Err(_)) if matches!(self.kind, Kind::Stream(_)) => self.end_as(|bytes| Ended::Failed { bytes }),
            Some(Err(_)) => self.end(false),
            None => self.end(true),
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Full(rest) => rest.is_empty(),
            Kind::Stream(stream) => stream.is_end(),
            Kind::Axum { body, rest } => rest.is_empty() && body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let (mut hint, rest) = match &self.kind {
            Kind::Full(rest) => (SizeHint::with_exact(0), rest),
            Kind::Stream(stream) => (stream.hint(), &stream.rest),
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
mod tests;
