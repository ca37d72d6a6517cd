//! How fast a client must be. One value per connection says at any moment by when something has to happen; hyper's own
//! timers know neither an idle connection from a slow head, nor an answer that nobody takes.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::body::Body;
use super::counters::TimedOut;
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
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
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
}

/// What [`Pace`] says at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All is well; ask again then at the latest.
    Until(Instant),
    /// The client was too slow.
    Over(TimedOut),
}

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
            open: 0,
            ready: 0,
            served_any: false,
            bodiless: false,
            since: now,
            first_byte: None,
            last_taken: now,
        };
        Arc::new(Self {
            born: now,
            http2,
            unflushed: AtomicBool::default(),
            read_dry: AtomicBool::default(),
            state: Mutex::new(state),
        })
    }

    /// A request has begun. It is open until the returned value, or the body it went into, is dropped.
    pub(super) fn begin(self: &Arc<Self>, bodiless: bool) -> OpenRequest {
        let mut state = self.state();
        if state.open == 0 {
            state.since = Instant::now();
        }
        state.open = state.open.saturating_add(1);
        state.served_any = true;
        state.bodiless = bodiless;
        state.first_byte = None;
        drop(state);
        OpenRequest { pace: Arc::clone(self), ready: false }
    }

    /// When the connection last went from busy to idle or back.
    pub(super) fn since(&self) -> Instant {
        self.state().since
    }

    /// Never before the first request: whoever connects may ask something.
    pub(super) fn is_old_http2(&self, limits: &EdgeConfig, now: Instant) -> bool {
        self.http2 && self.age(now) >= limits.connection_age_max && self.state().served_any
    }

    pub(super) fn age(&self, now: Instant) -> std::time::Duration {
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

    fn verdict(&self, state: &State, limits: &EdgeConfig, now: Instant) -> Verdict {
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

    fn note_bytes(&self) {
        let mut state = self.state();
        if state.open == 0 && state.first_byte.is_none() {
            state.first_byte = Some(Instant::now());
        }
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
}

impl OpenRequest {
    /// Ties the request to the body of its answer.
    pub(super) const fn answered_by(self, body: Body) -> PacedBody {
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
        state.last_taken = Instant::now();
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.asked();
        let mut state = self.pace.state();
        state.open = state.open.saturating_sub(1);
        if state.open == 0 {
            state.since = Instant::now();
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
        if buf.filled().len() > before {
            self.pace.note_bytes();
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
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::time::{advance, timeout};

    use super::*;

    fn look(pace: &Pace) -> Look {
        pace.look(&EdgeConfig::new(Vec::new()), Instant::now())
    }

    fn over(pace: &Pace) -> Option<TimedOut> {
        match look(pace).verdict {
            Verdict::Over(reason) => Some(reason),
            Verdict::Until(_) => None,
        }
    }

    /// Just before, then just after.
    async fn turns_over_after(pace: &Pace, seconds: u64, reason: TimedOut) {
        advance(Duration::from_secs(seconds) - Duration::from_millis(1)).await;
        assert_eq!(over(pace), None);
        advance(Duration::from_millis(1)).await;
        assert_eq!(over(pace), Some(reason));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_says_nothing_has_ten_seconds() {
        turns_over_after(&Pace::start(false), 10, TimedOut::Silent).await;
        turns_over_after(&Pace::start(true), 10, TimedOut::Silent).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_has_ten_seconds_from_its_first_byte() {
        let pace = Pace::start(false);
        advance(Duration::from_secs(9)).await;
        pace.note_bytes();
        advance(Duration::from_secs(5)).await;
        pace.note_bytes();
        turns_over_after(&pace, 5, TimedOut::Header).await;
    }

    #[tokio::test(start_paused = true)]
    async fn between_requests_a_client_has_a_minute() {
        let pace = Pace::start(false);
        advance(Duration::from_secs(8)).await;
        drop(pace.begin(true));
        turns_over_after(&pace, 60, TimedOut::Idle).await;
    }

    #[tokio::test(start_paused = true)]
    async fn frames_that_ask_nothing_do_not_keep_http2_open() {
        let pace = Pace::start(true);
        pace.note_bytes();
        advance(Duration::from_secs(59)).await;
        pace.note_bytes();
        turns_over_after(&pace, 1, TimedOut::Idle).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_has_five_minutes_while_the_answer_is_ours_to_give() {
        let pace = Pace::start(false);
        let _open = pace.begin(true);
        turns_over_after(&pace, 300, TimedOut::Request).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_taken_ends_unless_another_one_moves() {
        let pace = Pace::start(true);
        let mut stuck = pace.begin(true).answered_by(Body::full(vec![0; 100_000].into()));
        let other = pace.begin(true);
        drop(stuck.frame().await);
        advance(Duration::from_secs(40)).await;
        assert_eq!(over(&pace), None, "the other request is waiting for us, not for the client");
        drop(other);
        assert_eq!(over(&pace), Some(TimedOut::Stalled));
        drop(stuck.frame().await);
        turns_over_after(&pace, 30, TimedOut::Stalled).await;
        drop(stuck);
        assert!(!look(&pace).busy);
        assert_eq!(over(&pace), None);
    }

    const WARM: Duration = Duration::from_millis(500);

    fn rests(pace: &Pace) -> bool {
        look(pace).rests_from.is_some_and(|from| from <= Instant::now())
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_rests_when_all_that_was_asked_is_answered_and_out() {
        let (pace, (_client, io)) = (Pace::start(false), tokio::io::duplex(64));
        let mut io = PacedIo::new(io, Arc::clone(&pace));
        advance(WARM).await;
        assert!(!rests(&pace), "nothing was asked yet");
        let open = pace.begin(true);
        advance(WARM).await;
        assert!(!rests(&pace));
        drop(open);
        assert!(!rests(&pace), "the next request may follow at once");
        advance(WARM).await;
        assert!(!rests(&pace), "nobody looked whether more has come");
        timeout(Duration::ZERO, io.read_u8()).await.unwrap_err();
        assert!(rests(&pace));
        io.write_all(b"answer").await.unwrap();
        assert!(!rests(&pace), "it is not flushed");
        io.flush().await.unwrap();
        assert!(rests(&pace));
        pace.note_bytes();
        assert!(!rests(&pace), "a head is on its way");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_does_not_rest_after_a_body_nor_with_http2() {
        for (pace, bodiless) in [(Pace::start(false), false), (Pace::start(true), true)] {
            pace.read_dry.store(true, Ordering::Relaxed);
            drop(pace.begin(bodiless));
            advance(WARM).await;
            assert!(!rests(&pace));
        }
    }

    #[tokio::test]
    async fn what_was_read_before_comes_first() {
        let io = PacedIo::new(&b"third"[..], Pace::start(false)).after(Bytes::from_static(b"first second "));
        assert!(io.untouched().is_none());
        let mut text = String::new();
        BufReader::with_capacity(7, io).read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "first second third");
    }
}
