//! The receiving end of the chain log: a stand-in for the central log component. It takes batches from our node only, looks
//! at every line, and shows what it has.

mod shape;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response as AxumResponse};
use axum::routing::get;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::shape::check_batch;
use crate::edge::{Body, Connection, Serve};
use crate::medmij::Hostname;

/// Where batches are posted.
pub const PATH: &str = "/eagleeye/v1/logs";
/// Largest batch that is read, in bytes.
const BATCH_MAX_BYTES: usize = 8 * 1024 * 1024;
/// Lines that are kept to be shown; the oldest go first.
const LINES_KEPT: usize = 20_000;

/// The stand-in.
#[derive(Clone)]
pub struct Receiver {
    /// The only name that may deliver.
    sender: Hostname,
    state: Arc<watch::Sender<Received>>,
}

/// What came in so far.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Received {
    /// Batches that were taken.
    pub batches: u64,
    /// Batches that came again under an id that was taken; their lines are not taken twice.
    pub repeated: u64,
    /// Batches that were refused for their form.
    pub refused: u64,
    /// Deliveries that were turned away: wrong peer, or as the control asked.
    pub turned_away: u64,
    /// The lines.
    pub lines: VecDeque<Value>,
    #[serde(skip)]
    ids: HashSet<String>,
    #[serde(skip)]
    status: Option<u16>,
}

/// What the control may ask.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Answer every delivery with this status; `null` for a working component.
    status: Option<u16>,
}

impl Receiver {
    /// A stand-in that takes batches from the node with this name.
    #[must_use]
    pub fn new(sender: Hostname) -> Self {
        Self { sender, state: Arc::default() }
    }

    /// Answers every delivery with `status`; `None` for a working component.
    pub fn answer_with(&self, status: Option<u16>) {
        self.state.send_modify(|state| state.status = status);
    }

    /// What came in so far.
    #[must_use]
    pub fn received(&self) -> Received {
        self.state.borrow().clone()
    }

    /// Waits until what came in is as asked.
    pub async fn until(&self, wanted: impl FnMut(&Received) -> bool) -> Received {
        let mut changes = self.state.subscribe();
        // Ends early only without a sender, and the sender lives as long as `self`.
        let found = changes.wait_for(wanted).await.map(|received| received.clone());
        found.unwrap_or_default()
    }

    fn take(&self, body: &[u8]) -> StatusCode {
        let batch = check_batch(body);
        let mut status = StatusCode::ACCEPTED;
        self.state.send_modify(|state| match batch {
            Ok((id, _)) if state.ids.contains(&id) => state.repeated += 1,
            Ok((id, lines)) => state.keep(id, lines),
            Err(wrong) => {
                tracing::warn!(wrong, "a batch of the chain log is not of the right form");
                state.refused += 1;
                status = StatusCode::UNPROCESSABLE_ENTITY;
            }
        });
        status
    }

    /// Whether to look at the delivery at all.
    fn admits(&self, request: &Request<Incoming>, connection: &Connection) -> Result<(), StatusCode> {
        if request.uri().path() != PATH {
            return Err(StatusCode::NOT_FOUND);
        }
        if request.method() != Method::POST {
            return Err(StatusCode::METHOD_NOT_ALLOWED);
        }
        if !connection.caller().names.contains(&self.sender) {
            return Err(StatusCode::FORBIDDEN);
        }
        let wanted = self.state.borrow().status.and_then(|status| StatusCode::from_u16(status).ok());
        wanted.map_or(Ok(()), Err)
    }
}

impl Received {
    fn keep(&mut self, id: String, lines: Vec<Value>) {
        self.batches += 1;
        self.ids.insert(id);
        self.lines.extend(lines);
        let over = self.lines.len().saturating_sub(LINES_KEPT);
        self.lines.drain(..over);
    }
}

impl Serve for Receiver {
    async fn serve(&self, request: Request<Incoming>, connection: &Arc<Connection>) -> Response<Body> {
        let admitted = self.admits(&request, connection);
        let body = Limited::new(request.into_body(), BATCH_MAX_BYTES).collect().await;
        let status = match (admitted, body) {
            (Err(status), _) => {
                self.state.send_modify(|state| state.turned_away += 1);
                status
            }
            (Ok(()), Ok(body)) => self.take(&body.to_bytes()),
            (Ok(()), Err(_)) => StatusCode::PAYLOAD_TOO_LARGE,
        };
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        response
    }
}

/// Serves `/_control` until `stop`: `GET` shows what came in, `POST {"status": 503}` makes it fail, and `null` makes it work
/// again. For loopback only: it is plain HTTP.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve_control(
    listener: std::net::TcpListener,
    receiver: Receiver,
    stop: CancellationToken,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let router = axum::Router::new().route("/_control", get(show).post(set)).with_state(receiver);
    let serving = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    // Idle control connections do not hold up the end.
    let serving = std::pin::pin!(serving.into_future());
    stop.run_until_cancelled(serving).await.unwrap_or(Ok(()))
}

async fn show(State(receiver): State<Receiver>) -> Json<Received> {
    Json(receiver.received())
}

async fn set(State(receiver): State<Receiver>, body: Bytes) -> AxumResponse {
    match serde_json::from_slice::<Wanted>(&body) {
        Ok(wanted) => {
            receiver.answer_with(wanted.status);
            Json(wanted).into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}
