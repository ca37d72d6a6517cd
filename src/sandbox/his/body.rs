//! The body of an answer on its way: whole, cut short, one byte at a time, or stopped for good.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::faults::{Fail, Faults};
use super::payload::{Payload, Pieces};

/// A body and how it goes out.
pub(super) struct AnswerBody {
    rest: Bytes,
    pieces: Pieces,
    length: Option<u64>,
    flow: Flow,
}

enum Flow {
    Regular,
    /// The body promises its whole length and breaks off after so many bytes.
    Break {
        left: usize,
        /// Once more round the loop first, so that what was given is flushed.
        flushed: bool,
    },
    /// Nothing comes after so many bytes; the connection stays.
    Stop(usize),
    Drip(Duration, Pin<Box<Sleep>>),
}

/// The body was cut on purpose.
#[derive(Debug, thiserror::Error)]
#[error("the body was cut on purpose")]
pub(super) struct CutShort;

impl AnswerBody {
    pub(super) fn new(payload: Payload, faults: &Faults) -> Self {
        let (rest, pieces, length) = match payload {
            Payload::Whole(bytes) => {
                let length = bytes.len() as u64;
                (bytes, Box::new(std::iter::empty()) as Pieces, Some(length))
            }
            Payload::Pieces(pieces, length) => (Bytes::new(), pieces, length),
        };
        let flow = Flow::of(faults, rest.len());
        Self { rest, pieces, length, flow }
    }

    /// Up to `most` bytes of what comes next; empty at the end.
    fn take(&mut self, most: usize) -> Bytes {
        while self.rest.is_empty() {
            match self.pieces.next() {
                Some(piece) => self.rest = piece,
                None => return Bytes::new(),
            }
        }
        self.rest.split_to(most.min(self.rest.len()))
    }

    /// What comes next, or the end.
    fn frame(&mut self, most: usize) -> Option<Result<Frame<Bytes>, CutShort>> {
        let bytes = self.take(most);
        (!bytes.is_empty()).then(|| Ok(Frame::data(bytes)))
    }
}

impl Flow {
    /// `at_hand` is the length of a body that is not made while it is sent.
    fn of(faults: &Faults, at_hand: usize) -> Self {
        let stop = usize::try_from(faults.stop_after_bytes).unwrap_or(usize::MAX);
        match (faults.fail, stop, faults.slow_drip) {
            (Fail::Cut, ..) => Self::Break { left: at_hand / 2, flushed: false },
            (_, 0, 0) => Self::Regular,
            (_, 0, pause) => {
                let pause = Duration::from_millis(pause.into());
                Self::Drip(pause, Box::pin(sleep(pause)))
            }
            (_, bytes, _) => Self::Stop(bytes),
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = CutShort;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CutShort>>> {
        let most = match &mut self.flow {
            Flow::Regular => usize::MAX,
            Flow::Stop(0) => return Poll::Pending,
            Flow::Break { left: 0, flushed: true } => return Poll::Ready(Some(Err(CutShort))),
            Flow::Break { left: 0, flushed } => {
                *flushed = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Flow::Stop(left) | Flow::Break { left, .. } => *left,
            Flow::Drip(pause, timer) => {
                if timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                timer.set(sleep(*pause));
                1
            }
        };
        let frame = self.frame(most);
        let taken = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
        if let Flow::Stop(left) | Flow::Break { left, .. } = &mut self.flow {
            *left = left.saturating_sub(taken);
        }
        Poll::Ready(frame)
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
