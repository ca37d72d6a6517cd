//! The life of one connection: handshake, protocol by ALPN, requests, end. Runs in a task of its own.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::task::TaskTracker;

use super::arrivals::Arrivals;
use super::connection::Connection;
use super::counters::{HandshakeFailure, TimedOut, add_one};
use super::gate::{Serve, answer};
use super::gather::Gather;
use super::limits::EdgeConfig;
use super::listener::Edge;
use super::pace::{Look, Pace, PacedIo, Verdict};
use super::signal::Signal;
use super::turns::Turns;
use crate::medmij::Hostname;
use crate::tls::ALPN_H2;

/// The tasks of one accept loop, and how they learn that it ends.
#[derive(Debug, Clone)]
pub(super) struct Tasks {
    pub(super) connections: TaskTracker,
    pub(super) streams: TaskTracker,
    /// Finish what is open.
    pub(super) drain: Signal,
    /// Stop now.
    pub(super) abort: Signal,
    /// Who may go on with a handshake.
    pub(super) turns: Turns,
    /// Whose handshake is not at its end.
    pub(super) arrivals: Arc<Arrivals>,
}

impl Tasks {
    pub(super) fn new(arrivals: Arc<Arrivals>) -> Self {
        let (connections, streams) = (TaskTracker::new(), TaskTracker::new());
        let (drain, abort) = (Signal::default(), Signal::default());
        Self { connections, streams, drain, abort, turns: Turns::new(), arrivals }
    }
}

/// A connection after its handshake.
type Stream = Box<TlsStream<TcpStream>>;

/// Runs a connection to its end.
pub(super) async fn run<S: Serve>(edge: Arc<Edge<S>>, tcp: TcpStream, remote: SocketAddr, tasks: Tasks) {
    let (stream, connection) = match shake(&edge, tcp, remote, &tasks).await {
        Ok(shaken) => shaken,
        Err(failure) => {
            tracing::debug!(reason = failure.as_str(), "handshake failed");
            return edge.counters.count_handshake(failure);
        }
    };
    let http2 = stream.get_ref().1.alpn_protocol() == Some(ALPN_H2);
    let pace = Pace::start(http2);
    let mut service = service_fn({
        let (edge, pace, drain) = (Arc::clone(&edge), Arc::clone(&pace), tasks.drain.clone());
        move |request: Request<Incoming>| {
            let bodiless = request.body().is_end_stream();
            let last = drain.is_raised() || edge.service.steps_aside() || pace.is_old(&edge.config);
            let reply = answer(Arc::clone(&edge), Arc::clone(&connection), request, pace.begin(bodiless), last);
            async move { Ok::<_, Infallible>(reply.await) }
        }
    });
    let driver = Driver { edge: &edge, pace: &pace, drain: &tasks.drain };
    if http2 {
        let streams = Streams { edge: Arc::clone(&edge), tasks: tasks.clone() };
        let builder = http2_builder(&edge.config, streams);
        let io = PacedIo::new(Gather::new(*stream, Arc::clone(&pace)), Arc::clone(&pace));
        let mut serving = Box::pin(builder.serve_connection(TokioIo::new(io), service));
        driver.drive(serving.as_mut(), |serving| serving.graceful_shutdown()).await;
        return;
    }
    let builder = http1_builder(&edge.config);
    let mut io = PacedIo::new(stream, Arc::clone(&pace));
    loop {
        // In a box of its own, so that a connection that rests has none of it.
        let mut serving = Box::new(builder.serve_connection(TokioIo::new(io), service));
        if driver.drive(Pin::new(&mut *serving), |serving| serving.graceful_shutdown()).await == End::Over {
            return;
        }
        let parts = serving.into_parts();
        (io, service) = (parts.io.into_inner().after(parts.read_buf), parts.service);
        driver.rest(&io).await;
    }
}

async fn shake<S>(
    edge: &Edge<S>,
    mut tcp: TcpStream,
    remote: SocketAddr,
    tasks: &Tasks,
) -> Result<(Stream, Arc<Connection>), HandshakeFailure> {
    let end = Instant::now() + edge.config.handshake_timeout;
    let client = edge.config.balancers.client(&mut tcp, remote);
    let client = timeout_at(end, Box::pin(client)).await.map_err(|_elapsed| HandshakeFailure::TimedOut)?;
    let client = client.map_err(|fault| HandshakeFailure::of_header(&fault))?;
    let _arrival = tasks.arrivals.begin(client.ip()).ok_or(HandshakeFailure::Crowded)?;
    let tls = edge.tls.load_full();
    // In a box, as is what comes of it: the task of a connection stays as small as what it is when it rests.
    let handshake = Box::pin(TlsAcceptor::from(Arc::clone(tls.config())).accept(tcp));
    let stream = timeout_at(end, tasks.turns.take(handshake))
        .await
        .map_err(|_elapsed| HandshakeFailure::TimedOut)?
        .map_err(|error| HandshakeFailure::of(&error))?;
    let session = stream.get_ref().1;
    let server_name = session.server_name().and_then(|name| Hostname::parse_any_case(name).ok());
    let mut connection = Connection::anonymous(client, server_name);
    if let Some(chain) = session.peer_certificates() {
        // A session that was resumed brings a chain that nobody has judged in this handshake.
        let known = tls.recognise(chain, edge.clock.now()).map_err(|_error| HandshakeFailure::BadCertificate)?;
        connection = connection.with_peer(known, tls);
    }
    Ok((Box::new(stream), Arc::new(connection)))
}

fn http1_builder(config: &EdgeConfig) -> http1::Builder {
    const BUFFER_MIN_BYTES: usize = 8 * 1024;
    /// What hyper takes when nothing is said ([`http1::Builder::max_headers`]).
    const HYPER_HEADERS_MAX: usize = 100;
    let mut builder = http1::Builder::new();
    // With its own limit hyper leaves the room for headers as it is; with another it writes to all of it, twice a request.
    if config.headers_max != HYPER_HEADERS_MAX {
        builder.max_headers(config.headers_max);
    }
    builder
        // `Pace` has this deadline, and moves no timer with each request.
        .header_read_timeout(None)
        .max_header_size(usize::try_from(config.header_max_bytes).unwrap_or(usize::MAX))
        .max_buf_size(config.buffer_max_bytes.max(BUFFER_MIN_BYTES));
    builder
}

/// The limits on resets (CVE-2023-44487 and its kin) stay at the defaults of h2, which its maintainers tune.
fn http2_builder<S>(config: &EdgeConfig, streams: Streams<S>) -> http2::Builder<Streams<S>> {
    const SEND_BUFFER_BYTES: usize = 64 * 1024;
    let mut builder = http2::Builder::new(streams);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(config.h2_streams_max)
        .max_header_list_size(config.header_max_bytes)
        .initial_stream_window_size(config.h2_stream_window_bytes)
        .initial_connection_window_size(config.h2_connection_window_bytes)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .keep_alive_interval(config.h2_ping_interval)
        .keep_alive_timeout(config.h2_ping_timeout);
    builder
}

/// Where hyper puts the streams of HTTP/2: in tasks that end with the listener and with the time of a request.
struct Streams<S> {
    edge: Arc<Edge<S>>,
    tasks: Tasks,
}

impl<S> Clone for Streams<S> {
    fn clone(&self) -> Self {
        Self { edge: Arc::clone(&self.edge), tasks: self.tasks.clone() }
    }
}

impl<S: Serve, F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Streams<S> {
    fn execute(&self, stream: F) {
        let (edge, abort) = (Arc::clone(&self.edge), self.tasks.abort.clone());
        // In a box first, as it is large and goes through several hands on its way to its task.
        let stream = Box::pin(stream);
        self.tasks.streams.spawn(async move {
            let timed = timeout(edge.config.request_timeout, stream);
            // Dropping a stream that is not at its end resets it.
            if let Some(Err(_elapsed)) = abort.or(timed).await {
                edge.counters.count_timeout(TimedOut::Request);
            }
        });
    }
}

/// Polls a connection and holds it to its pace.
struct Driver<'a, S> {
    edge: &'a Edge<S>,
    pace: &'a Pace,
    drain: &'a Signal,
}

/// Where a connection is on its way to the end.
enum Stage {
    Open,
    /// The drain signal came; a request that is already on its way still counts.
    Lingering(Instant),
    /// hyper was told to finish, at this moment.
    Closing(Instant),
}

enum Step {
    WaitUntil(Instant),
    Rest,
    Finish,
    Cut,
}

/// How driving a connection ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// With the connection.
    Over,
    /// It has nothing in hand, and has had nothing for a moment.
    Rests,
}

impl<S: Serve> Driver<'_, S> {
    async fn drive<F>(&self, mut http: Pin<&mut F>, finish: impl Fn(Pin<&mut F>)) -> End
    where
        F: Future<Output = hyper::Result<()>>,
    {
        let mut stage = Stage::Open;
        let mut alarm = pin!(sleep_until(Instant::now()));
        let mut drained = pin!(self.drain.raised());
        let mut waits = false;
        poll_fn(|cx| {
            // It wakes this task, which then looks at the signal itself.
            if !std::mem::replace(&mut waits, true) {
                let _seen_below = drained.as_mut().poll(cx);
            }
            loop {
                let now = Instant::now();
                self.pace.next_turn(now);
                if let Poll::Ready(result) = http.as_mut().poll(cx) {
                    self.count_end(result.is_ok());
                    return Poll::Ready(End::Over);
                }
                if matches!(stage, Stage::Open) && self.drain.is_raised() {
                    stage = Stage::Lingering(now + self.edge.config.drain_linger);
                }
                match self.step(&stage, now) {
                    Step::WaitUntil(end) if is_before(&mut alarm, end, cx) => return Poll::Pending,
                    Step::WaitUntil(_) => {}
                    Step::Rest => return Poll::Ready(End::Rests),
                    Step::Cut => return Poll::Ready(End::Over),
                    Step::Finish => {
                        stage = Stage::Closing(now);
                        finish(http.as_mut());
                    }
                }
            }
        })
        .await
    }

    fn count_end(&self, in_order: bool) {
        if self.pace.is_flooded() {
            self.edge.counters.count_timeout(TimedOut::Flooding);
        } else if !in_order {
            add_one(&self.edge.counters.broken);
        }
    }

    /// Waits, with the buffers of HTTP/1.1 given back, for bytes or for a reason to end the connection in order. Of 1,000 idle
    /// connections each holds 30.0 kB so where it held 78.7 kB (glibc; 5.2 kB with the allocator of the binary).
    async fn rest(&self, io: &PacedIo<Stream>) {
        let Some(stream) = io.untouched() else { return };
        add_one(&self.edge.counters.rested);
        let wake = timeout_at(self.pace.idle_until(&self.edge.config), stream.get_ref().0.readable());
        // Whichever it was: HTTP finds out.
        let _ = self.drain.or(wake).await;
    }

    fn step(&self, stage: &Stage, now: Instant) -> Step {
        let config = &self.edge.config;
        let Look { verdict, busy, rests_from } = self.pace.look(config, now);
        match (stage, verdict) {
            // Between requests HTTP/2 and HTTP/1.1 both have a polite way to end.
            (Stage::Open, Verdict::Over(reason @ (TimedOut::Silent | TimedOut::Idle))) => {
                self.edge.counters.count_timeout(reason);
                Step::Finish
            }
            // What hyper still holds of the last answer has to leave before the cut.
            (Stage::Closing(since), _) if !busy => self.linger_after(self.pace.since().max(*since), now),
            (_, Verdict::Over(reason)) => {
                self.edge.counters.count_timeout(reason);
                Step::Cut
            }
            // HTTP/1.1 is told in the header of its next answer, see `last`.
            (Stage::Open, Verdict::Until(_)) if self.is_last_http2(now) => Step::Finish,
            (Stage::Lingering(end), Verdict::Until(_)) if busy || *end <= now => Step::Finish,
            (Stage::Lingering(end), Verdict::Until(until)) => Step::WaitUntil(until.min(*end)),
            (Stage::Open, Verdict::Until(until)) => match rests_from {
                Some(from) if from <= now => Step::Rest,
                Some(from) => Step::WaitUntil(until.min(from)),
                None => Step::WaitUntil(until),
            },
            (Stage::Closing(_), Verdict::Until(until)) => Step::WaitUntil(until),
        }
    }

    fn is_last_http2(&self, now: Instant) -> bool {
        (self.edge.service.steps_aside() && self.pace.has_served_http2())
            || self.pace.is_old_http2(&self.edge.config, now)
    }

    fn linger_after(&self, since: Instant, now: Instant) -> Step {
        let end = since + self.edge.config.stall_timeout;
        if end <= now { Step::Cut } else { Step::WaitUntil(end) }
    }
}

/// Sets the alarm when it would go off too late, and looks whether it has gone off. An alarm that is too early only leads to
/// another look; moving it with each request would cost more.
fn is_before(alarm: &mut Pin<&mut Sleep>, end: Instant, cx: &mut Context<'_>) -> bool {
    if alarm.deadline() > end || alarm.is_elapsed() {
        alarm.as_mut().reset(end);
    }
    alarm.as_mut().poll(cx).is_pending()
}
