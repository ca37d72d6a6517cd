//! Sharing on the wire: the body that comes, and the answer.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

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
    if let Ok(receipt) = HeaderValue::from_str(&shared.receipt.to_string()) {
        headers.insert("inzage-audit-receipt", receipt);
    }
    response
}
