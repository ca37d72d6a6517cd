//! The pending durable write of one event, as whoever appended it holds it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::{AuditError, AuditReceipt};

/// What a log answers to one append.
pub type Answer = Result<AuditReceipt, AuditError>;

/// Records that a log makes durable together, and so answers together.
pub trait Answers: Send + Sync + 'static {
    /// The answer to the append that was given this place; who asks last is woken when there is one. `seat` is kept between
    /// calls for the same append.
    fn poll_answer(&self, place: usize, seat: &mut Option<Seat>, context: &mut Context<'_>) -> Poll<Answer>;
}

/// Where somebody sits who waits.
#[derive(Debug, Clone, Copy)]
pub struct Seat {
    pub(super) row: usize,
    pub(super) place: usize,
}

/// A future of the [`Answer`] to an append. Dropping it does not take the record back. It costs no allocation: it names the
/// records among which its own becomes durable.
#[must_use = "without the receipt nothing may be released"]
pub struct PendingReceipt(Inner);

enum Inner {
    Known(Answer),
    Awaited { answers: Arc<dyn Answers>, place: usize, seat: Option<Seat> },
}

impl PendingReceipt {
    /// The answer is known already.
    pub const fn known(answer: Answer) -> Self {
        Self(Inner::Known(answer))
    }

    /// `answers` will give it, under this number.
    pub const fn awaited(answers: Arc<dyn Answers>, place: usize) -> Self {
        Self(Inner::Awaited { answers, place, seat: None })
    }
}

impl Future for PendingReceipt {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        match &mut self.0 {
            Inner::Known(answer) => Poll::Ready(answer.clone()),
            Inner::Awaited { answers, place, seat } => answers.poll_answer(*place, seat, context),
        }
    }
}

impl fmt::Debug for PendingReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingReceipt").finish_non_exhaustive()
    }
}
