//! How fast a client must be. One value per connection says at any moment by when something has to happen; hyper's own
//! timers know neither an idle connection from a slow head, nor an answer that nobody takes.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::body::Body;
use super::counters::TimedOut;
use super::frames::{self, Frames};
use super::limits::EdgeConfig;

/// The clockwork of one connection.
#[derive(Debug)]
pub(super) struct Pace {
    born: Instant,
    http2: bool,
    /// Something was written and not yet flushed. Only the task of the connection looks at these two.
    unflushed: AtomicBool,
    /// The last read found nothing, so that only the socket can bring more.
    read_dry: AtomicBool,
    /// How often the connection was polled.
    turn: AtomicU64,
    /// The client sent frames of HTTP/2 for nothing, and too many of them.
    flooded: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the connection was polled last.
    polled: Instant,
    /// Requests whose answer is not yet out.
    open: u32,
    /// Answers among them that have a piece ready for the client, and wait for it to take the one before.
    ready: u32,
    served_any: bool,
    /// The last request came without a body, so that all of it was read.
    bodiless: bool,
    /// When the state last changed between idle and busy.
    since: Instant,
    /// When bytes first came while no request was open.
    first_byte: Option<Instant>,
    /// When a piece of an answer was last taken.
    last_taken: Instant,
    /// Requests, and pieces of answers that were handed over.
    useful: u64,
    /// Requests, and those among them that the client gave up before there was an answer.
    requests: u64,
    abandoned: u64,
    /// What came over HTTP/2.
    frames: Frames,
}

/// What [`Pace`] says at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All is well; ask again then at the latest.
    Until(Instant),
    /// The client was too slow.
    Over(TimedOut),
}

/// Requests that a client may give up on one connection of HTTP/2, however few it waits for. With more, and more than half of
/// all, it only keeps us busy (CVE-2023-44487). h2 has a limit too, for streams that were reset before we began with them.
const ABANDONED_MOST: u64 = 200;

/// The connection at one moment.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) verdict: Verdict,
    pub(super) busy: bool,
    /// From when on it need not keep the buffers of HTTP/1.1. `None` while it has something in hand.
    pub(super) rests_from: Option<Instant>,
}

impl State {
    /// All that came was read as requests, and all of them are answered.
    const fn is_at_rest(&self) -> bool {
        self.open == 0 && self.served_any && self.bodiless && self.first_byte.is_none()
    }
}

impl Pace {
    pub(super) fn start(http2: bool) -> Arc<Self> {
        let now = Instant::now();
        let state = State {
            polled: now,
            open: 0,
            ready: 0,
            served_any: false,
            bodiless: false,
            since: now,
            first_byte: None,
            last_taken: now,
            useful: 0,
            requests: 0,
            abandoned: 0,
            frames: Frames::new(),
        };
        Arc::new(Self {
            born: now,
            http2,
            unflushed: AtomicBool::default(),
            read_dry: AtomicBool::default(),
            turn: AtomicU64::default(),
            flooded: AtomicBool::default(),
            state: Mutex::new(state),
        })
    }

    /// A request has begun. It is open until the returned value, or the body it went into, is dropped.
    pub(super) fn begin(self: &Arc<Self>, bodiless: bool) -> OpenRequest {
        let mut state = self.state();
        if state.open == 0 {
            state.since = self.now(&state);
        }
        state.open = state.open.saturating_add(1);
        state.served_any = true;
        state.bodiless = bodiless;
        state.first_byte = None;
        state.requests = state.requests.saturating_add(1);
        state.useful = state.useful.saturating_add(1);
        drop(state);
        OpenRequest { pace: Arc::clone(self), ready: false, answered: false }
    }

    /// The connection is polled once more, at this moment.
    pub(super) fn next_turn(&self, now: Instant) {
        self.turn.fetch_add(1, Ordering::Relaxed);
        self.state().polled = now;
    }

    /// Now, as exactly as deadlines of seconds need it: what happens on a connection of HTTP/1.1 happens while it is polled, so
    /// the clock is read once for all of it. Streams of HTTP/2 are tasks of their own.
    fn now(&self, state: &State) -> Instant {
        if self.http2 { Instant::now() } else { state.polled }
    }

    /// Which turn of the connection it is.
    pub(super) fn turn(&self) -> u64 {
        self.turn.load(Ordering::Relaxed)
    }

    /// Whether a request has come: HTTP has begun.
    pub(super) fn has_served(&self) -> bool {
        self.state().served_any
    }

    /// When the connection last went from busy to idle or back.
    pub(super) fn since(&self) -> Instant {
        self.state().since
    }

    /// Whether the connection was made so long ago that the request that comes now is its last.
    pub(super) fn is_old(&self, limits: &EdgeConfig) -> bool {
        let now = self.now(&self.state());
        self.age(now) >= limits.connection_age_max
    }

    /// Whether a request has come over HTTP/2.
    pub(super) fn has_served_http2(&self) -> bool {
        self.http2 && self.has_served()
    }

    /// Never before the first request: whoever connects may ask something.
    pub(super) fn is_old_http2(&self, limits: &EdgeConfig, now: Instant) -> bool {
        self.http2 && self.age(now) >= limits.connection_age_max && self.state().served_any
    }

    fn age(&self, now: Instant) -> std::time::Duration {
        now.saturating_duration_since(self.born)
    }

    /// When an idle connection has been so for too long.
    pub(super) fn idle_until(&self, limits: &EdgeConfig) -> Instant {
        self.state().since + limits.idle_timeout
    }

    pub(super) fn look(&self, limits: &EdgeConfig, now: Instant) -> Look {
        let state = self.state();
        let still = self.read_dry.load(Ordering::Relaxed) && !self.unflushed.load(Ordering::Relaxed);
        let rests = !self.http2 && still && state.is_at_rest();
        Look {
            verdict: self.verdict(&state, limits, now),
            busy: state.open > 0,
            rests_from: rests.then(|| state.since + limits.warm),
        }
    }

    /// Whether the client only keeps us busy.
    pub(super) fn is_flooded(&self) -> bool {
        self.flooded.load(Ordering::Relaxed)
    }

    fn verdict(&self, state: &State, limits: &EdgeConfig, now: Instant) -> Verdict {
        if self.http2 && state.abandoned > ABANDONED_MOST && state.abandoned.saturating_mul(2) > state.requests {
            return Verdict::Over(TimedOut::Flooding);
        }
        let (end, reason) = match (state.open, state.first_byte) {
            (0, Some(first)) if !self.http2 => (first + limits.header_timeout, TimedOut::Header),
            (0, None) if !state.served_any => (state.since + limits.first_byte_timeout, TimedOut::Silent),
            (0, _) => (state.since + limits.idle_timeout, TimedOut::Idle),
            (open, _) if state.ready == open => (state.last_taken + limits.stall_timeout, TimedOut::Stalled),
            // A stream of HTTP/2 has a timer of its own, so that it does not take the others with it.
            _ if self.http2 => return Verdict::Until(now + limits.stall_timeout),
            _ => (state.since + limits.request_timeout, TimedOut::Request),
        };
        if end <= now { Verdict::Over(reason) } else { Verdict::Until(end.min(now + limits.stall_timeout)) }
    }

    fn note_bytes(&self, bytes: &[u8]) {
        let mut state = self.state();
        if state.open == 0 && state.first_byte.is_none() {
            state.first_byte = Some(self.now(&state));
        }
        if self.http2 {
            state.frames.read(bytes);
            if state.frames.idle() > frames::FREE && state.frames.idle() > self.idle_frames_max(&state) {
                self.flooded.store(true, Ordering::Relaxed);
            }
        }
    }

    /// How many frames may have been sent for nothing by now, see [`frames`].
    fn idle_frames_max(&self, state: &State) -> u64 {
        let useful = state.useful.saturating_mul(frames::EACH_USEFUL);
        let aged = self.age(Instant::now()).as_secs().saturating_mul(frames::EACH_SECOND);
        frames::FREE.saturating_add(useful).saturating_add(aged)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request in hand.
#[derive(Debug)]
pub(super) struct OpenRequest {
    pace: Arc<Pace>,
    ready: bool,
    answered: bool,
}

impl OpenRequest {
    /// Ties the request to the body of its answer. Over HTTP/2 that waits for the client from now on: hyper does not ask for its
    /// first piece before there is room for it in the window.
    pub(super) fn answered_by(mut self, body: Body) -> PacedBody {
        self.answered = true;
        if self.pace.http2 {
            self.handed_over();
        }
        PacedBody { body, open: self }
    }

    fn asked(&mut self) {
        if std::mem::take(&mut self.ready) {
            let mut state = self.pace.state();
            state.ready = state.ready.saturating_sub(1);
        }
    }

    fn handed_over(&mut self) {
        self.ready = true;
        let mut state = self.pace.state();
        state.ready = state.ready.saturating_add(1);
        state.useful = state.useful.saturating_add(1);
        state.last_taken = self.pace.now(&state);
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let mut state = self.pace.state();
        state.ready = state.ready.saturating_sub(u32::from(self.ready));
        state.open = state.open.saturating_sub(1);
        state.abandoned = state.abandoned.saturating_add(u64::from(!self.answered));
        if state.open == 0 {
            state.since = self.pace.now(&state);
        }
    }
}

/// A body that tells the clockwork when it is taken.
#[derive(Debug)]
pub(super) struct PacedBody {
    body: Body,
    open: OpenRequest,
}

impl HttpBody for PacedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.open.asked();
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(_))) = &polled {
            self.open.handed_over();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream that tells the clockwork when bytes come, and when they went.
#[derive(Debug)]
pub(super) struct PacedIo<I> {
    io: I,
    pace: Arc<Pace>,
    /// What was read before and comes first.
    unread: Bytes,
}

impl<I> PacedIo<I> {
    pub(super) const fn new(io: I, pace: Arc<Pace>) -> Self {
        Self { io, pace, unread: Bytes::new() }
    }

    /// The same stream; these bytes come first.
    pub(super) fn after(self, unread: Bytes) -> Self {
        Self { unread, ..self }
    }

    /// The stream, when there is nothing to be read before it.
    pub(super) fn untouched(&self) -> Option<&I> {
        self.unread.is_empty().then_some(&self.io)
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for PacedIo<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let polled = if self.unread.is_empty() {
            Pin::new(&mut self.io).poll_read(cx, buf)
        } else {
            let length = self.unread.len().min(buf.remaining());
            buf.put_slice(&self.unread.split_to(length));
            Poll::Ready(Ok(()))
        };
        self.pace.read_dry.store(polled.is_pending(), Ordering::Relaxed);
        if let Some(bytes) = buf.filled().get(before..).filter(|bytes| !bytes.is_empty()) {
            self.pace.note_bytes(bytes);
            if self.pace.is_flooded() {
                buf.set_filled(before);
                return Poll::Ready(Err(std::io::ErrorKind::ConnectionAborted.into()));
            }
        }
        polled
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for PacedIo<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        self.pace.unflushed.store(true, Ordering::Relaxed);
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.pace.unflushed.store(false, Ordering::Relaxed);
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        self.pace.unflushed.store(true, Ordering::Relaxed);
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }
}

#[cfg(test)]
mod tests;
