//! A stream from a HIS under its limits: bytes, total time, and time without a byte.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Sleep, sleep};

use super::breaker::Ticket;
use super::line::Line;
use crate::his::{Chunks, HisError};

/// How much a stream may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Bytes in all.
    pub(super) bytes: u64,
    /// Time in all, from its head on.
    pub(super) total: Duration,
    /// Time without a byte, while one is asked for.
    pub(super) stall: Duration,
}

/// The stream.
pub(super) struct Flow {
    line: Line,
    bytes_left: u64,
    end: Pin<Box<Sleep>>,
    stall: Pin<Box<Sleep>>,
    stall_timeout: Duration,
    waiting: bool,
    ticket: Option<Ticket>,
}

impl Flow {
    /// The rest of an answer of which `read` bytes were read.
    pub(super) fn new(line: Line, read: usize, patience: Patience, ticket: Option<Ticket>) -> Self {
        Self {
            line,
            bytes_left: patience.bytes.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX)),
            end: Box::pin(sleep(patience.total)),
            stall: Box::pin(sleep(patience.stall)),
            stall_timeout: patience.stall,
            waiting: false,
            ticket,
        }
    }

    fn tell(&mut self, told: fn(Ticket)) {
        self.ticket.take().into_iter().for_each(told);
    }

    fn count(&mut self, bytes: &Bytes) -> Result<(), HisError> {
        let read = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.bytes_left = self.bytes_left.checked_sub(read).ok_or(HisError::TooLarge)?;
        Ok(())
    }

    /// The time that a slow reader lets pass is not the HIS's: the clock of a stall starts when a byte is asked for.
    fn poll_stall(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.waiting {
            self.waiting = true;
            self.stall.set(sleep(self.stall_timeout));
        }
        self.stall.as_mut().poll(cx)
    }
}

impl Chunks for Flow {
    fn poll_chunk(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, HisError>>> {
        if self.end.as_mut().poll(cx).is_ready() {
            // Nobody knows here who was slow, so it says nothing about the HIS.
            return Poll::Ready(Some(Err(HisError::TimedOut)));
        }
        match self.line.poll_bytes(cx) {
            Poll::Ready(Some(Ok(bytes))) => {
                self.waiting = false;
                let counted = self.count(&bytes);
                if self.line.is_done() {
                    self.tell(Ticket::succeeded);
                }
                Poll::Ready(Some(counted.map(|()| bytes)))
            }
            Poll::Ready(ended) => {
                self.tell(if ended.is_some() { Ticket::failed } else { Ticket::succeeded });
                Poll::Ready(ended)
            }
            Poll::Pending if self.poll_stall(cx).is_ready() => {
                self.tell(Ticket::failed);
                Poll::Ready(Some(Err(HisError::TimedOut)))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}
