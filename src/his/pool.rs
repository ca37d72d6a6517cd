//! Connections to one HIS endpoint: HTTP/1.1 over hyper's connection API, kept alive, capped, each call under a deadline.

mod ahead;
mod breaker;
mod budget;
mod counts;
mod flow;
mod idle;
mod line;
mod link;
#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

pub use self::breaker::BreakerRules;
use self::breaker::{Breaker, Ticket};
use self::budget::Budget;
use self::counts::Counts;
use self::flow::Patience;
use self::idle::Idle;
use self::line::{Broken, Line};
use self::link::Link;
use crate::bounds::{Memory, Places};
use crate::clock::SharedClock;
use crate::his::{AnswerBody, Figures, HisError};
use crate::medmij::Hostname;
use crate::outgoing::Outgoing;

/// Where an endpoint is and how much it may get.
#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// The id of the installation, for the log.
    pub name: String,
    /// The host of the endpoint; its certificate must name it.
    pub host: Hostname,
    /// Its port.
    pub port: u16,
    /// Where connections may go.
    pub outgoing: Outgoing,
    /// Requests under way at once, streams that are still being read among them.
    pub max_in_flight: usize,
    /// How long a request waits for its turn before it is refused. As many wait as may be under way; one more is refused at once,
    /// so that one HIS that hangs does not have all requests of the node.
    pub max_wait: Duration,
    /// How long connecting and the handshake may take together.
    pub connect_timeout: Duration,
    /// How long a connection may lie idle; shorter than the keep-alive of common servers (75 s, often 5 s behind proxies).
    pub idle_timeout: Duration,
    /// Largest body that is read into memory, in bytes.
    pub whole_limit: usize,
    /// What all such bodies together may take; without room a body is passed on as a stream.
    pub memory: Arc<Memory>,
    /// Largest body that is read at all, in bytes.
    pub stream_limit: u64,
    /// How long a stream may take from its head to its end, whoever is slow.
    pub stream_timeout: Duration,
    /// How long a stream may give no byte while it is asked for one.
    pub stall_timeout: Duration,
    /// When the endpoint is left alone.
    pub breaker: BreakerRules,
}

/// The connections.
pub struct Pool {
    config: PoolConfig,
    tls: TlsConnector,
    clock: SharedClock,
    turns: Arc<Semaphore>,
    waiting: Places,
    idle: Arc<Idle>,
    breaker: Arc<Breaker>,
    budget: Budget,
    counts: Counts,
}

/// How an answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// In memory when it is no larger than may be judged whole, else as a stream.
    Judged,
    /// As a stream.
    Streamed,
}

/// An answer. Without `Debug`: it may be a record.
pub struct Received {
    /// Status and headers.
    pub head: http::response::Parts,
    /// The body.
    pub body: AnswerBody,
    /// The length that was announced.
    pub length: Option<u64>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed {
    /// See [`HisError`].
    pub error: HisError,
    /// Whether the HIS may have got the request.
    pub sent: bool,
}

impl From<Failed> for HisError {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}

/// What a HIS is asked. Sending uses a request up and most are sent once, so it is made anew each time, and none is copied for
/// the case that it must be sent again.
pub trait Question: Sync {
    /// The request, the same each time.
    fn request(&self) -> Request<Bytes>;

    /// Whether it is safe (RFC 9110 section 9.2.1): it may be sent again when nobody knows whether it arrived.
    fn is_safe(&self) -> bool;
}

impl Question for Request<Bytes> {
    fn request(&self) -> Self {
        let mut copy = Self::new(self.body().clone());
        copy.method_mut().clone_from(self.method());
        copy.uri_mut().clone_from(self.uri());
        copy.headers_mut().clone_from(self.headers());
        copy
    }

    fn is_safe(&self) -> bool {
        self.method().is_safe()
    }
}

/// What was tried so far.
#[derive(Default)]
struct Tries {
    /// A kept connection failed, so the next one is fresh.
    fresh: bool,
    /// The HIS may have got the request.
    sent: bool,
    /// It was sent again.
    again: bool,
    /// What the breaker waits to hear.
    ticket: Option<Ticket>,
}

impl Pool {
    /// A pool without connections.
    #[must_use]
    pub fn new(config: PoolConfig, tls: Arc<rustls::ClientConfig>, clock: SharedClock) -> Self {
        let turns = Arc::new(Semaphore::new(config.max_in_flight));
        let idle = Arc::new(Idle::new(config.idle_timeout, config.max_in_flight, Arc::clone(&clock)));
        let breaker = Arc::new(Breaker::new(config.name.clone(), config.breaker, Arc::clone(&clock)));
        let (budget, counts, waiting) = (Budget::new(), Counts::default(), Places::new(config.max_in_flight));
        Self { config, tls: TlsConnector::from(tls), clock, turns, waiting, idle, breaker, budget, counts }
    }

    /// Sends a request and reads the answer before the deadline: all of it, or the head and the beginning of a stream. When a
    /// kept connection turns out to be closed, a request of which nothing was sent goes on a fresh one; so does a safe request
    /// (RFC 9110 section 9.2.1) that was sent. A safe request whose fresh connection failed, or whose answer broke off, is
    /// repeated when the budget has room. None is sent more than twice.
    ///
    /// # Errors
    /// See [`HisError`].
    pub async fn exchange(
        &self,
        question: &dyn Question,
        wanted: Wanted,
        deadline: Instant,
    ) -> Result<Received, Failed> {
        let begun = self.clock.monotonic();
        let left = deadline.saturating_duration_since(begun);
        let mut tries = Tries::default();
        self.budget.earn();
        let exchanged = timeout(left, self.exchange_untimed(question, wanted, &mut tries)).await;
        if exchanged.is_err() {
            tries.ticket.take().into_iter().for_each(Ticket::failed);
        }
        let exchanged = exchanged.unwrap_or(Err(HisError::TimedOut));
        let took = crate::trace::is_timed_now().then(|| self.clock.monotonic().saturating_duration_since(begun));
        self.counts.note(exchanged.as_ref().map(|received| received.head.status).map_err(|error| *error), took);
        exchanged.map_err(|error| Failed { error, sent: tries.sent })
    }

    /// Opens a connection and closes it, to see whether that is possible. The breaker learns nothing of it.
    ///
    /// # Errors
    /// `Refused` when TLS fails, `Unreachable` when there is no connection.
    pub async fn try_connect(&self) -> Result<(), HisError> {
        self.connect().await.map(drop)
    }

    /// What operators see of it.
    pub fn figures(&self) -> Figures {
        let in_flight = self.config.max_in_flight.saturating_sub(self.turns.available_permits());
        self.counts.figures(in_flight, self.breaker.state())
    }

    async fn exchange_untimed(
        &self,
        question: &dyn Question,
        wanted: Wanted,
        tries: &mut Tries,
    ) -> Result<Received, HisError> {
        loop {
            match self.attempt(question, wanted, tries).await {
                Ok(received) => return Ok(received),
                Err(broken) if self.may_go_again(&broken, question, tries) => tries.fresh = true,
                Err(broken) => return Err(broken.into()),
            }
        }
    }

    async fn attempt(&self, question: &dyn Question, wanted: Wanted, tries: &mut Tries) -> Result<Received, Broken> {
        let turn = self.turn().await?;
        let now = self.clock.monotonic();
        tries.ticket = Some(self.breaker.admit(now)?);
        let received = self.attempt_in_turn(question, wanted, turn, now, tries).await;
        // A kept connection that was closed in the meantime says nothing about the HIS.
        let by_the_his = match &received {
            Ok(_) | Err(Broken::Unsent { kept: true } | Broken::Closed { kept: true }) => false,
            Err(Broken::Unsent { .. } | Broken::Closed { .. } | Broken::Failed(_)) => true,
        };
        let ticket = tries.ticket.take();
        if by_the_his {
            ticket.into_iter().for_each(Ticket::failed);
        }
        received
    }

    async fn attempt_in_turn(
        &self,
        question: &dyn Question,
        wanted: Wanted,
        turn: OwnedSemaphorePermit,
        now: Instant,
        tries: &mut Tries,
    ) -> Result<Received, Broken> {
        let kept = if tries.fresh { None } else { self.idle.take(now) };
        let is_kept = kept.is_some();
        let link = match kept {
            Some(link) => link,
            // In a box: it is large, and most requests find a connection.
            None => Box::pin(self.connect()).await?,
        };
        tries.sent = true;
        let (head, line) = Line::send(link, question.request(), turn, Arc::clone(&self.idle), is_kept).await?;
        Ok(self.receive(head, line, wanted, &mut tries.ticket).await?)
    }

    /// Whether a request may be sent on a fresh connection after this.
    fn may_go_again(&self, broken: &Broken, question: &dyn Question, tries: &mut Tries) -> bool {
        let again = match broken {
            Broken::Unsent { kept } => {
                tries.sent = tries.again;
                return *kept;
            }
            _ if tries.again || !question.is_safe() => false,
            Broken::Closed { kept: true } => true,
            Broken::Closed { kept: false } | Broken::Failed(HisError::Unreachable) => {
                !self.breaker.refuses(self.clock.monotonic()) && self.budget.spend()
            }
            Broken::Failed(_) => false,
        };
        if again {
            tries.again = true;
            self.counts.repeated();
        }
        again
    }

    /// Nobody waits for a turn at an endpoint that is left alone.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, HisError> {
        if let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() {
            return Ok(turn);
        }
        if self.breaker.refuses(self.clock.monotonic()) {
            return Err(HisError::Open);
        }
        let _waits = Places::take(&self.waiting).ok_or(HisError::Busy)?;
        let turn = Box::pin(timeout(self.config.max_wait, Arc::clone(&self.turns).acquire_owned())).await;
        turn.map_err(|_| HisError::Busy)?.map_err(|_| HisError::Busy)
    }

    async fn receive(
        &self,
        head: http::response::Parts,
        line: Line,
        wanted: Wanted,
        ticket: &mut Option<Ticket>,
    ) -> Result<Received, HisError> {
        let length = line.length();
        if head.status.is_server_error() {
            ticket.take().into_iter().for_each(Ticket::failed);
        }
        ticket.iter_mut().for_each(Ticket::answered);
        if length.is_some_and(|length| length > self.config.stream_limit) {
            // An answer, if not one that we take.
            ticket.take().into_iter().for_each(Ticket::succeeded);
            return Err(HisError::TooLarge);
        }
        let patience = Patience {
            bytes: self.config.stream_limit,
            total: self.config.stream_timeout,
            stall: self.config.stall_timeout,
        };
        let body = match wanted {
            Wanted::Judged => line.collect(self.config.whole_limit, &self.config.memory, patience, ticket).await?,
            Wanted::Streamed => AnswerBody::Large(line.stream(Bytes::new(), patience, ticket.take())),
        };
        Ok(Received { head, body, length })
    }

    async fn connect(&self) -> Result<Link, HisError> {
        let connecting = Link::open(&self.config, &self.tls, &self.counts);
        timeout(self.config.connect_timeout, connecting).await.map_err(|_| HisError::Unreachable)?
    }
}
