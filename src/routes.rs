//! All routes of every listener on one page.
//!
//! | listener | path | feature |
//! |---|---|---|
//! | front channel | `GET /oauth/authorize` | [`crate::session::http`]: a PGO sends a person here |
//! | front channel | `GET /smart/authorize` | the same for portals (SMART App Launch) |
//! | front channel | `POST /visit/{id}/landing`, `/login`, `/consent` | the pages of a visit |
//! | front channel | `GET /toestemmingen`, `POST`, `/visit/{id}/consents` | a person looks at their lasting consents and stops them |
//! | front channel | `GET /inzagelog`, `POST`, `/visit/{id}/log`, `/visit/{id}/log/{file}` | a person looks at who asked for their data, and keeps a copy |
//! | front channel | `GET /simulator` | the login simulator (feature `sandbox`) |
//! | front channel | `GET /practices` | [`crate::practices::http`]: find my practice |
//! | front channel | `GET /assets/inzage.css` | the stylesheet |
//! | front channel | `GET /open`, `/open/…`, `POST /open/logout` | [`crate::open_desk::http`]: how far online access is |
//! | both channels | `GET /.well-known/oauth-authorization-server` | [`crate::oauth::http`]: what is served (RFC 8414) |
//! | both channels | `GET /.well-known/oauth-authorization-server/smart`, `/.well-known/smart-configuration` | the same for portals; also under each FHIR base |
//! | back channel | `POST /oauth/token` | [`crate::oauth::http`]: a code or refresh token becomes a token |
//! | back channel | `POST /oauth/revoke` | [`crate::oauth::http`]: a token is given back, and its consent ends |
//! | back channel | `GET /.well-known/jwks.json` | our public keys, to which portals encrypt |
//! | back channel | `GET /fhir/{provider}/{service}/{version}/…` | [`crate::fhir::http`]: the record; not through a router, for speed |
//! | back channel | `GET /fhir/{provider}/{service}/{version}/metadata` | [`crate::fhir::capability`]: what is allowed there; no token |
//! | auditors | `GET /`, `POST /search`, `/page`, `/file`, `GET /requests`, `POST /requests/{id}` | [`crate::auditors::http`]: searching the access log |
//! | operators | `GET /api/v1/…`, `PUT`, `DELETE /api/v1/stops/{target}` | [`crate::operations::http`]: state of the node and emergency switch |
//! | operations | `GET /livez`, `/readyz`, `/startupz`, `/metrics` | [`crate::monitor::http`] |

mod admission;
mod refusals;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use http::{HeaderName, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::runtime::Handle;
use tower::ServiceExt as _;

pub use self::admission::{Admission, Served, Who};
pub use self::refusals::Refusals;
use crate::audit::Kind;
use crate::clock::SharedClock;
use crate::edge::{Body, Connection, Serve};
use crate::fhir::read::Reader;
use crate::medmij::{Hostname, LocalId};
use crate::monitor::metrics::{Metrics, Route};
use crate::telemetry::{Answered, Traces};
use crate::trace::{Passage, Step};

/// W3C Trace Context section 3.2.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What patients' browsers reach.
pub struct FrontFace {
    /// Its routes.
    pub router: Router,
    /// Who is served.
    pub admission: Admission,
    /// Where to count.
    pub watch: Watch,
}

/// What PGO servers reach, over mutual TLS.
pub struct BackFace {
    /// The token endpoint.
    pub router: Router,
    /// The resource server.
    pub reader: Arc<Reader>,
    /// Where everything runs that is no reading: the threads of this face serve requests for data.
    pub control: Handle,
    /// Who is served.
    pub admission: Admission,
    /// Where to count.
    pub watch: Watch,
}

/// What auditors reach, over mutual TLS.
pub struct AuditorFace {
    /// Its routes.
    pub router: Router,
    /// Where to count.
    pub watch: Watch,
}

/// What operators reach, over mutual TLS.
pub struct OperatorFace {
    /// Its routes.
    pub router: Router,
    /// Where to count.
    pub watch: Watch,
}

/// A face that can be replaced while it serves: each request takes the one in force, and keeps it to its end.
pub struct Current<S> {
    /// The one in force.
    pub face: Arc<ArcSwap<S>>,
    /// Whether an operator makes the node step aside.
    pub aside: Arc<AtomicBool>,
}

impl<S: Serve> Serve for Current<S> {
    async fn serve(&self, request: Request<Incoming>, connection: &Arc<Connection>) -> Response<Body> {
        self.face.load_full().serve(request, connection).await
    }

    fn steps_aside(&self) -> bool {
        self.aside.load(Ordering::Relaxed)
    }
}

/// Counts and logs every answer.
#[derive(Clone)]
pub struct Watch {
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// Time.
    pub clock: SharedClock,
    /// Where traces go, if anywhere.
    pub traces: Option<Arc<Traces>>,
}

impl Serve for FrontFace {
    async fn serve(&self, request: Request<Incoming>, connection: &Arc<Connection>) -> Response<Body> {
        let passage = self.watch.begin(&request, front_step(request.uri().path()));
        let response = match self.admission.admit(connection, Kind::AuthorizationRefused) {
            Ok(admitted) => {
                let form = |body| self.admission.form(body);
                let response = through(&self.router, &Handle::current(), request, form, connection, &passage).await;
                self.admission.answered(response, admitted, connection, None)
            }
            Err(shed) => shed.page(),
        };
        self.watch.answered(Route::Pages, &passage, response.status());
        response
    }
}

impl Serve for AuditorFace {
    async fn serve(&self, request: Request<Incoming>, connection: &Arc<Connection>) -> Response<Body> {
        let passage = self.watch.begin(&request, Step::Page);
        let response =
            through(&self.router, &Handle::current(), request, axum::body::Body::new, connection, &passage).await;
        self.watch.answered(Route::Desk, &passage, response.status());
        response
    }
}

impl Serve for OperatorFace {
    async fn serve(&self, request: Request<Incoming>, connection: &Arc<Connection>) -> Response<Body> {
        let passage = self.watch.begin(&request, Step::Page);
        let response =
            through(&self.router, &Handle::current(), request, axum::body::Body::new, connection, &passage).await;
        self.watch.answered(Route::Operations, &passage, response.status());
        response
    }
}

impl Serve for BackFace {
    async fn serve(&self, request: Request<Incoming>, connection: &Arc<Connection>) -> Response<Body> {
        let path = request.uri().path();
        let (resource, told) = (crate::fhir::http::is_resource_path(path), path.ends_with("/metadata"));
        let passage = self.watch.begin(&request, if resource { Step::Token } else { Step::Exchange });
        let kind = if resource { Kind::ResourceRefused } else { Kind::TokenRefused };
        let response = match self.admission.admit(connection, kind) {
            Ok(admitted) => {
                let form = |body| self.admission.form(body);
                // The usual way alone is not in a box, as its room is that of each request.
                let response = match (resource, crate::fhir::http::may_store(&request)) {
                    (true, false) => {
                        Arc::clone(&passage).along(crate::fhir::http::serve(&self.reader, request, connection)).await
                    }
                    (true, true) => Box::pin(storing_answer(self, request, connection, &passage)).await,
                    (false, _) => {
                        Box::pin(through(&self.router, &self.control, request, form, connection, &passage)).await
                    }
                };
                self.admission.answered(response, admitted, connection, passage.client())
            }
            Err(shed) if resource => shed.outcome(LocalId::new(self.watch.clock.now())),
            Err(shed) => shed.oauth(),
        };
        let route = match (resource, told) {
            (true, true) => Route::Metadata,
            (true, false) => Route::Fhir,
            (false, _) => Route::OAuth,
        };
        self.watch.answered(route, &passage, response.status());
        response
    }
}

/// An answer of the resource server to what may store something. It runs as a task of its own: when the client goes away, what
/// has begun is still finished and recorded.
async fn storing_answer(
    face: &BackFace,
    request: Request<Incoming>,
    connection: &Arc<Connection>,
    passage: &Arc<Passage>,
) -> Response<Body> {
    let (reader, connection) = (Arc::clone(&face.reader), Arc::clone(connection));
    let answer = async move { crate::fhir::http::serve(&reader, request, &connection).await };
    face.control.spawn(Arc::clone(passage).along(answer)).await.unwrap_or_else(unanswered)
}

/// A router's answer. It runs as a task of its own: when the client goes away, a half-made change is still finished.
async fn through(
    router: &Router,
    on: &Handle,
    request: Request<Incoming>,
    body: impl FnOnce(Incoming) -> axum::body::Body,
    connection: &Arc<Connection>,
    passage: &Arc<Passage>,
) -> Response<Body> {
    let mut request = request.map(body);
    request.extensions_mut().insert(Arc::clone(connection));
    let answer = on.spawn(Arc::clone(passage).along(router.clone().oneshot(request))).await;
    match answer {
        Ok(Ok(response)) => response.map(Body::axum),
        Ok(Err(never)) => match never {},
        Err(ended) => unanswered(ended),
    }
}

/// A panic goes on here, so that the edge counts it and closes the connection, as it does for a panic of its own.
fn unanswered(ended: tokio::task::JoinError) -> Response<Body> {
    if let Ok(panic) = ended.try_into_panic() {
        std::panic::resume_unwind(panic);
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

impl Watch {
    /// A request begins. A trace that its caller is in goes on.
    fn begin(&self, request: &Request<Incoming>, step: Step) -> Arc<Passage> {
        let mut headers = request.headers().get_all(TRACEPARENT).iter();
        let one = headers.next().filter(|_| headers.next().is_none()).and_then(|header| header.to_str().ok());
        Passage::begin(one, self.clock.now(), self.clock.monotonic(), step)
    }

    fn answered(&self, route: Route, passage: &Arc<Passage>, status: StatusCode) {
        let (took, status) = (passage.end(self.clock.monotonic()), status.as_u16());
        self.metrics.answered(route, status, took);
        self.metrics.passed(route, status, passage, took);
        let (face, route) = (route.face().as_str(), route.as_str());
        // No address, no path, no query: a path may be long, and a query may hold what it should not.
        tracing::info!(
            face,
            route,
            status,
            took_us = micros(took),
            his_us = passage.taken(Step::His).map(micros),
            audit_us = passage.taken(Step::Audit).map(micros),
            request = %passage.id(),
            trace = passage.context().parent().map(|_| tracing::field::display(passage.context().trace())),
            client = passage.client().map(Hostname::as_str),
            reason = passage.reason(),
            "answered"
        );
        if let Some(traces) = self.traces.as_ref().filter(|traces| traces.keeps(passage.context())) {
            traces.note(Answered { passage: Arc::clone(passage), face, route, status, took });
        }
    }
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

/// The step of an authorization that a page is.
fn front_step(path: &str) -> Step {
    match path {
        "/oauth/authorize" | "/smart/authorize" => Step::Authorize,
        "/login/callback" => Step::Login,
        visit if visit.starts_with("/visit/") => match visit.rsplit('/').next() {
            Some("landing" | "login") => Step::Login,
            Some("consent") => Step::Consent,
            Some(_) | None => Step::Page,
        },
        _ => Step::Page,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_of_a_task_is_not_swallowed() {
        let ended = tokio::spawn(async { panic!("on purpose") }).await.unwrap_err();
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| unanswered(ended))).is_err());
        let task = tokio::spawn(std::future::pending::<()>());
        task.abort();
        assert_eq!(unanswered(task.await.unwrap_err()).status(), 500);
    }
}
