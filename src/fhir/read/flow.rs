//! An answer on its way: bytes come from the HIS as fast as the client takes them, and leave once they are judged.

mod entries;
mod paper;
mod xml;

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

pub(super) use self::entries::Entries;
pub(super) use self::paper::{PDF, Paper, Wrap};
pub(super) use self::xml::written;
use super::ReadError;
use crate::audit::Counts;
use crate::fhir::request::Format;
use crate::his::{HisError, HisStream};

/// How much is judged in one go, so that no other request waits long.
const MOST_AT_ONCE: usize = 64 * 1024;

/// What stands between the HIS and the client.
pub(super) trait Filter: Send {
    /// Takes bytes of the HIS and gives those that may leave, if any.
    fn push(&mut self, bytes: Bytes) -> Result<Bytes, ReadError>;

    /// The HIS has given all: what remains to leave.
    fn finish(&mut self) -> Result<Bytes, ReadError>;

    /// Entries that left, and those that were withheld.
    fn counts(&self) -> Counts;
}

/// What leaves.
pub enum Outgoing {
    /// All of it, judged.
    Whole(Vec<u8>),
    /// What is judged on its way.
    Stream(Flow),
    /// A document, judged by its first bytes.
    Document {
        /// Its bytes.
        flow: Flow,
        /// How many there will be, where that is known.
        length: Option<u64>,
        /// The format of the resource that holds it; without one it is the document itself.
        wrapped: Option<Format>,
    },
}

/// An answer on its way. Once it failed, it fails: it never looks complete.
pub struct Flow {
    /// `None` when the HIS has given all.
    source: Option<HisStream>,
    filter: Box<dyn Filter>,
    /// What came and is not judged.
    unjudged: Bytes,
    /// What is judged and has not left.
    judged: Bytes,
    told: Arc<Told>,
}

/// What a flow tells to whoever records its end.
#[derive(Debug, Default)]
pub struct Told(Mutex<(Counts, Option<ReadError>)>);

impl Told {
    /// How much was let go, without its bytes, and what broke it off.
    #[must_use]
    pub fn now(&self) -> (Counts, Option<ReadError>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, counts: Counts, error: Option<ReadError>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (counts, error);
    }
}

impl Flow {
    /// Begins one, and waits for the first bytes that may leave: until then an answer that may not is refused as a whole.
    /// `left` is the time that remains for the answer to begin.
    ///
    /// # Errors
    /// When the HIS fails or sends what may not leave before anything did, or nothing does in time.
    pub(super) async fn open(source: HisStream, filter: Box<dyn Filter>, left: Duration) -> Result<Self, ReadError> {
        let (unjudged, judged, told) = (Bytes::new(), Bytes::new(), Arc::default());
        let mut flow = Self { source: Some(source), filter, unjudged, judged, told };
        let first = timeout(left, poll_fn(|cx| flow.poll_bytes(cx))).await;
        if let Some(first) = first.map_err(|_| ReadError::His(HisError::TimedOut))? {
            flow.judged = first?;
        }
        Ok(flow)
    }

    /// Where it tells how it goes.
    #[must_use]
    pub fn told(&self) -> Arc<Told> {
        Arc::clone(&self.told)
    }

    /// The next bytes that may leave, never none of them. `Ready(None)` when the answer is complete.
    ///
    /// # Errors
    /// When the rest may not leave, or does not come.
    pub fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ReadError>>> {
        if let (_, Some(error)) = self.told.now() {
            return Poll::Ready(Some(Err(error)));
        }
        while self.judged.is_empty() {
            let Some(judged) = ready!(self.poll_judged(cx)) else { return Poll::Ready(None) };
            let (judged, error) = judged.map_or_else(|error| (Bytes::new(), Some(error)), |judged| (judged, None));
            self.told.set(self.filter.counts(), error);
            if let Some(error) = error {
                (self.source, self.unjudged) = (None, Bytes::new());
                return Poll::Ready(Some(Err(error)));
            }
            self.judged = judged;
        }
        Poll::Ready(Some(Ok(std::mem::take(&mut self.judged))))
    }

    /// The next step of judging, which may let nothing go.
    fn poll_judged(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ReadError>>> {
        let Some(source) = &mut self.source else { return Poll::Ready(None) };
        if self.unjudged.is_empty() {
            match ready!(source.poll_chunk(cx)) {
                Some(Ok(bytes)) => self.unjudged = bytes,
                Some(Err(error)) => return Poll::Ready(Some(Err(ReadError::His(error)))),
                None => {
                    self.source = None;
                    return Poll::Ready(Some(self.filter.finish()));
                }
            }
        }
        let part = self.unjudged.split_to(self.unjudged.len().min(MOST_AT_ONCE));
        Poll::Ready(Some(self.filter.push(part)))
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::Pin;

    use super::*;
    use crate::his::Chunks;

    /// A HIS that goes on sending, and nothing that may leave.
    struct Drip(Pin<Box<tokio::time::Sleep>>);

    impl Chunks for Drip {
        fn poll_chunk(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, HisError>>> {
            ready!(self.0.as_mut().poll(cx));
            self.0 = Box::pin(tokio::time::sleep(Duration::from_secs(1)));
            Poll::Ready(Some(Ok(Bytes::from_static(b" "))))
        }
    }

    struct Nothing;

    impl Filter for Nothing {
        fn push(&mut self, _: Bytes) -> Result<Bytes, ReadError> {
            Ok(Bytes::new())
        }

        fn finish(&mut self) -> Result<Bytes, ReadError> {
            Ok(Bytes::new())
        }

        fn counts(&self) -> Counts {
            Counts::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_of_which_nothing_may_leave_in_time_is_given_up() {
        let drip = Drip(Box::pin(tokio::time::sleep(Duration::from_secs(1))));
        let source = HisStream::new(Bytes::new(), drip);
        let left = Duration::from_secs(20);
        let opened = timeout(Duration::from_secs(21), Flow::open(source, Box::new(Nothing), left)).await;
        assert_eq!(opened.unwrap().err(), Some(ReadError::His(HisError::TimedOut)));
    }
}
