//! Sharing on the wire: the body that comes, and the answer.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::name_record;
use crate::edge::Body;
use crate::fhir::read::{BodyFault, Incoming, Shared};

/// How long a client may take over what it sends. With the deadline of the HIS it stays under the 60 s of core.rscint.202.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Whether a request may store something. Such a one is to be run to its end, also when the client goes away.
#[must_use]
pub fn may_store<B>(request: &Request<B>) -> bool {
    request.method() == Method::POST && !request.uri().path().ends_with("/_search")
}

/// A body that has not come yet.
pub(super) struct Coming<B>(Option<B>);

impl<B> Coming<B> {
    pub(super) const fn new(body: Option<B>) -> Self {
        Self(body)
    }
}

impl<B> Incoming for Coming<B>
where
    B: http_body::Body + Send + Unpin,
    B::Data: Send,
    B::Error: Into<axum::BoxError>,
{
    fn whole(&mut self, max_bytes: usize) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, BodyFault>> + Send + '_>> {
        let body = self.0.take();
        Box::pin(async move {
            let body = body.ok_or(BodyFault::Broken)?;
            // Who announces too much need not send it.
            if body.size_hint().lower() > u64::try_from(max_bytes).unwrap_or(u64::MAX) {
                return Err(BodyFault::TooLarge);
            }
            match tokio::time::timeout(BODY_TIME, Limited::new(body, max_bytes).collect()).await {
                Ok(Ok(whole)) => Ok(whole.to_bytes().into()),
                Ok(Err(error)) if error.is::<LengthLimitError>() => Err(BodyFault::TooLarge),
                Ok(Err(_)) => Err(BodyFault::Broken),
                Err(_) => Err(BodyFault::Slow),
            }
        })
    }
}

/// What was shared.
pub(super) fn shared(shared: Shared) -> Response<Body> {
    let mut response = Response::new(Body::full(Bytes::from(shared.body)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(shared.format.media_type()));
    name_record(headers, &shared.receipt);
    response
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll};

    use http_body::Frame;

    use super::*;

    /// A body that sends its pieces, and then ends, breaks off or says nothing more.
    struct Sending(Vec<&'static [u8]>, End);

    #[derive(Clone, Copy)]
    enum End {
        Well,
        Broken,
        Silent,
    }

    impl http_body::Body for Sending {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
            match (self.0.pop(), self.1) {
                (Some(piece), _) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(piece))))),
                (None, End::Well) => Poll::Ready(None),
                (None, End::Broken) => Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into()))),
                (None, End::Silent) => Poll::Pending,
            }
        }
    }

    async fn whole(pieces: &[&'static [u8]], end: End) -> Result<Vec<u8>, BodyFault> {
        Coming::new(Some(Sending(pieces.to_vec(), end))).whole(4).await
    }

    /// The clock of the runtime runs by itself, as nothing else is to be done.
    #[tokio::test(start_paused = true)]
    async fn a_body_comes_whole_in_time_and_no_larger_than_allowed() {
        assert_eq!(whole(&[b"cd", b"ab"], End::Well).await, Ok(b"abcd".to_vec()));
        assert_eq!(whole(&[b"e", b"abcd"], End::Silent).await, Err(BodyFault::TooLarge));
        assert_eq!(whole(&[b"ab"], End::Silent).await, Err(BodyFault::Slow));
        assert_eq!(whole(&[b"ab"], End::Broken).await, Err(BodyFault::Broken));
        let announced = http_body_util::Full::new(Bytes::from_static(b"abcde"));
        assert_eq!(Coming::new(Some(announced)).whole(4).await, Err(BodyFault::TooLarge));
        assert_eq!(Coming::new(None::<Sending>).whole(4).await, Err(BodyFault::Broken));
    }

    #[test]
    fn a_search_by_form_stores_nothing() {
        let request = |method: Method, uri: &str| Request::builder().method(method).uri(uri).body(()).unwrap();
        assert!(may_store(&request(Method::POST, "/fhir/linde/53/stu3")));
        assert!(!may_store(&request(Method::POST, "/fhir/linde/49/stu3/Encounter/_search")));
        assert!(!may_store(&request(Method::GET, "/fhir/linde/53/stu3")));
    }
}
