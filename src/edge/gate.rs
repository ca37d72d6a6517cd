//! Between hyper and the service: turns away what may not reach a route, survives a panic, hardens every answer.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;

use super::authority::admit;
use super::body::Body;
use super::connection::Connection;
use super::counters::add_one;
use super::headers::harden;
use super::listener::Edge;
use super::pace::{OpenRequest, PacedBody};

/// What answers requests. Dropping the future means that the client went away; work that must be finished is a task of the
/// implementation.
pub trait Serve: Send + Sync + 'static {
    /// Answers one request. Security headers are set afterwards; a panic is answered with 500 and counted.
    fn serve(
        &self,
        request: Request<Incoming>,
        connection: &Arc<Connection>,
    ) -> impl Future<Output = Response<Body>> + Send;

    /// Whether clients should go elsewhere: the answer in hand is then the last one of its connection, and says so. Connections
    /// are still accepted, for those who have not noticed. Asked often, so it has to be quick.
    fn steps_aside(&self) -> bool {
        false
    }
}

/// Answers one request of a connection; the last one of an HTTP/1.1 connection when `last`.
pub(super) async fn answer<S: Serve>(
    edge: Arc<Edge<S>>,
    connection: Arc<Connection>,
    request: Request<Incoming>,
    open: OpenRequest,
    last: bool,
) -> Response<PacedBody> {
    add_one(&edge.counters.requests);
    let http1 = request.version() < Version::HTTP_2;
    let head = request.method() == Method::HEAD;
    let (mut response, broken) = match check(&edge, &connection, request) {
        Err(status) => (turned_away(status), true),
        // In a box, so that what is large is not moved on its way to the task of the connection or stream.
        Ok(request) => match survive(Box::pin(edge.service.serve(request, &connection))).await {
            Some(response) => (response, false),
            None => {
                add_one(&edge.counters.panics);
                (bare(StatusCode::INTERNAL_SERVER_ERROR), true)
            }
        },
    };
    if head {
        response = without_body(response);
    }
    harden(response.headers_mut());
    if http1 && (broken || last) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response.map(|body| open.answered_by(body))
}

fn check<S>(
    edge: &Edge<S>,
    connection: &Connection,
    request: Request<Incoming>,
) -> Result<Request<Incoming>, StatusCode> {
    let (parts, body) = request.into_parts();
    let config = &edge.config;
    if let Err(refusal) = admit(&parts, connection.server_name(), &config.authorities, config.headers_max) {
        add_one(&edge.counters.refused_requests);
        return Err(refusal.status());
    }
    if !connection.is_trusted(&edge.tls.load(), edge.clock.now()) {
        add_one(&edge.counters.distrusted_peers);
        return Err(StatusCode::FORBIDDEN);
    }
    Ok(Request::from_parts(parts, body))
}

/// The answer to a HEAD: that to a GET, length included, without its body (RFC 9110 section 9.3.2). Over HTTP/2 hyper leaves
/// this to us, and a client would end the stream as malformed (RFC 9113 section 8.1.1).
fn without_body(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts.headers.entry(CONTENT_LENGTH).or_insert(HeaderValue::from(length));
    }
    Response::from_parts(parts, Body::empty())
}

/// Every method that some route has; no other is let on to a route (RFC 9110 section 15.5.6 wants them with a 405).
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE");

fn turned_away(status: StatusCode) -> Response<Body> {
    let mut response = bare(status);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, METHODS);
    }
    response
}

fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// `None` when the future panicked; it is not polled again then, so no broken state is seen.
async fn survive<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut future).poll(cx))) {
        Ok(poll) => poll.map(Some),
        Err(_reported_by_the_panic_hook) => Poll::Ready(None),
    })
    .await
}
