//! One exchange on a connection. It is used again only when its last answer was read to the end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::Request;
use http::response::Parts;
use http_body::Body as _;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use tokio::sync::OwnedSemaphorePermit;

use super::breaker::Ticket;
use super::flow::{Flow, Patience};
use super::idle::Idle;
use super::link::Link;
use crate::bounds::{Held, Memory};
use crate::his::{AnswerBody, HisError, HisStream};

/// Why an exchange failed.
#[derive(Debug)]
pub(super) enum Broken {
    /// The connection ended before anything of the request was sent.
    Unsent { kept: bool },
    /// The connection ended before a head was read. The HIS may have closed it just as we wrote, or may have acted.
    Closed { kept: bool },
    /// Anything else.
    Failed(HisError),
}

impl Broken {
    fn of(mut error: TrySendError<Request<Full<Bytes>>>, kept: bool) -> Self {
        if error.take_message().is_some() {
            return Self::Unsent { kept };
        }
        if error.error().is_parse() { Self::Failed(HisError::Nonsense) } else { Self::Closed { kept } }
    }
}

impl From<HisError> for Broken {
    fn from(error: HisError) -> Self {
        Self::Failed(error)
    }
}

impl From<Broken> for HisError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Unsent { .. } | Broken::Closed { .. } => Self::Unreachable,
            Broken::Failed(error) => error,
        }
    }
}

/// A body as it comes together. One that comes in one piece, as most do, is not copied.
#[derive(Default)]
enum Whole {
    #[default]
    Empty,
    One(Bytes),
    Joined(BytesMut),
}

impl Whole {
    /// `announced`: how long it will be, where that is known.
    fn push(&mut self, piece: Bytes, announced: Option<usize>) {
        *self = match std::mem::take(self) {
            Self::Empty => Self::One(piece),
            Self::One(first) => {
                let both = first.len().saturating_add(piece.len());
                let mut joined = BytesMut::with_capacity(announced.unwrap_or_default().max(both));
                joined.extend_from_slice(&first);
                joined.extend_from_slice(&piece);
                Self::Joined(joined)
            }
            Self::Joined(mut joined) => {
                joined.extend_from_slice(&piece);
                Self::Joined(joined)
            }
        };
    }

    fn len(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::One(piece) => piece.len(),
            Self::Joined(joined) => joined.len(),
        }
    }

    fn done(self) -> Bytes {
        match self {
            Self::Empty => Bytes::new(),
            Self::One(piece) => piece,
            Self::Joined(joined) => joined.freeze(),
        }
    }
}

/// An answer that is being read, with the connection that it comes over and its turn.
pub(super) struct Line {
    body: Incoming,
    /// `None` when the answer was read to its end, like the turn.
    link: Option<Link>,
    idle: Arc<Idle>,
    turn: Option<OwnedSemaphorePermit>,
}

impl Line {
    /// Sends a request and waits for the head of its answer. The connection was `kept` or is fresh.
    pub(super) async fn send(
        mut link: Link,
        request: Request<Bytes>,
        turn: OwnedSemaphorePermit,
        idle: Arc<Idle>,
        kept: bool,
    ) -> Result<(Parts, Self), Broken> {
        let response = link.send(request).await.map_err(|error| Broken::of(error, kept))?;
        let (head, body) = response.into_parts();
        Ok((head, Self { body, link: Some(link), idle, turn: Some(turn) }))
    }

    /// How many bytes the HIS announced.
    pub(super) fn length(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    /// Whether all of the answer was read.
    pub(super) const fn is_done(&self) -> bool {
        self.link.is_none()
    }

    /// The next bytes, never none of them. After the last the connection waits for another request.
    pub(super) fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, HisError>>> {
        loop {
            let Some(link) = &mut self.link else { return Poll::Ready(None) };
            let body = &mut self.body;
            match ready!(link.poll_through(cx, |_, cx| Pin::new(&mut *body).poll_frame(cx))) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) if !bytes.is_empty() => {
                        // Whoever knows the length asks for nothing after the last byte.
                        let _done_or_later = self.body.is_end_stream() && self.poll_end(cx).is_ready();
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                    Ok(_) | Err(_) => {}
                },
                Some(Err(_)) => return Poll::Ready(Some(Err(HisError::Unreachable))),
                None => break,
            }
        }
        self.poll_end(cx).map(|()| None)
    }

    /// Leaves the connection to others, once it can take another request.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(link) = &mut self.link
            && ready!(link.poll_free(cx))
            && let Some(link) = self.link.take()
        {
            self.idle.keep(link);
        }
        (self.link, self.turn) = (None, None);
        Poll::Ready(())
    }

    /// All of the body when it is no larger than `limit` bytes and there is room for it in memory, else a stream of it, which then
    /// has the ticket.
    pub(super) async fn collect(
        mut self,
        limit: usize,
        memory: &Memory,
        patience: Patience,
        ticket: &mut Option<Ticket>,
    ) -> Result<AnswerBody, HisError> {
        let announced = self.length().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        let mut held = Held::nothing(memory);
        if announced.is_some_and(|length| length > limit || !held.grows_to(length)) {
            return Ok(AnswerBody::Large(self.stream(Bytes::new(), patience, ticket.take())));
        }
        let mut whole = Whole::default();
        while let Some(bytes) = std::future::poll_fn(|cx| self.poll_bytes(cx)).await {
            whole.push(bytes?, announced);
            if whole.len() > limit || !held.grows_to(whole.len()) {
                return Ok(AnswerBody::Large(self.stream(whole.done(), patience, ticket.take())));
            }
        }
        ticket.take().into_iter().for_each(Ticket::succeeded);
        Ok(AnswerBody::Whole(whole.done()))
    }

    /// What was read before, and the rest as it comes.
    pub(super) fn stream(self, first: Bytes, patience: Patience, ticket: Option<Ticket>) -> HisStream {
        let flow = Flow::new(self, first.len(), patience, ticket);
        HisStream::new(first, flow)
    }
}
