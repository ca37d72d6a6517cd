//! The body of a request, held to a pace: one that is not whole in time ends with an error, so that nobody keeps a handler
//! waiting byte by byte, nor by asking for `100 Continue` and never going on.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// It took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body did not come in time")]
pub struct Late;

/// A body that must have come by a moment.
pub struct Timely<B> {
    body: B,
    within: Duration,
    /// Begins when it is first waited for.
    overdue: Option<Pin<Box<Sleep>>>,
}

impl<B> Timely<B> {
    /// All of it has to be there so long after it was first waited for.
    pub const fn within(body: B, within: Duration) -> Self {
        Self { body, within, overdue: None }
    }
}

impl<B> Body for Timely<B>
where
    B: Body + Unpin,
    B::Error: Into<axum::BoxError>,
{
    type Data = B::Data;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, axum::BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let within = self.within;
        let overdue = self.overdue.get_or_insert_with(|| Box::pin(sleep(within)));
        Future::poll(overdue.as_mut(), cx).map(|()| Some(Err(Late.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::{BodyExt as _, Full};

    use super::*;

    /// A byte whenever it is asked, with so much time between two.
    struct Drip(Pin<Box<Sleep>>, Duration, u32);

    impl Body for Drip {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            std::task::ready!(self.0.as_mut().poll(cx));
            (self.0, self.2) = (Box::pin(sleep(self.1)), self.2.saturating_sub(1));
            Poll::Ready((self.2 > 0).then(|| Ok(Frame::data(Bytes::from_static(b"x")))))
        }
    }

    fn drip(each_seconds: u64, times: u32) -> Timely<Drip> {
        let each = Duration::from_secs(each_seconds);
        Timely::within(Drip(Box::pin(sleep(each)), each, times), Duration::from_secs(10))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_whole_in_time_or_an_error() {
        assert_eq!(drip(1, 9).collect().await.unwrap().to_bytes().len(), 8);
        let late = drip(1, 12).collect().await.unwrap_err();
        assert_eq!(late.downcast_ref(), Some(&Late));
        let whole = Timely::within(Full::new(Bytes::from_static(b"all")), Duration::ZERO);
        assert_eq!((whole.size_hint().exact(), whole.is_end_stream()), (Some(3), false));
        assert_eq!(whole.collect().await.unwrap().to_bytes(), "all", "nothing is waited for");
    }
}
