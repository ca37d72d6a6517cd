//! The operations face on the wire: `/api/v1` as the OpenAPI document beside it describes, and pages for people. A
//! route of the API is put there together with its description, so neither is without the other.

mod answer;
mod explain;
mod golive;
mod login;
mod matrix;
mod matrix_pages;
mod monitor;
mod pages;
mod register;
mod register_forms;
mod register_pages;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, FromRequestParts, MatchedPath, Path, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};
use serde::Deserialize;
use tower_http::csrf::CsrfLayer;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::answer::{Refusals, failed, json, no_such_page};
use super::desk::{Desk, DeskError, Shown};
use super::operators::{Changes, Reads, Reviews, Right};
use super::state::Part;
use super::view::{
    ClientsView, DoneView, ErrorView, HisView, LevelView, LevelWishView, ListView, NodeView, PastStopView,
    PracticesView, ReloadView, StopView, StopWish,
};
use crate::edge::Connection;

/// Largest body that is read, in bytes.
const BODY_MAX_BYTES: usize = 16 * 1024;

/// Where the API is.
const API: &str = "/api/v1";

/// Says what it is; routes and shapes come with the routes.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Inzage: operations",
        description = "State and emergency switch of a node, over mutual TLS. Who may what: a reader sees the state, an auditor also \
                       who stopped what, an operator also changes it. Each change, and each refused request, is on record."
    ),
    components(schemas(ErrorView)),
    security(("certificate" = [])),
    modifiers(&Certificate)
)]
struct About;

/// Callers are known by their certificate.
struct Certificate;

impl utoipa::Modify for Certificate {
    fn modify(&self, document: &mut OpenApi) {
        use utoipa::openapi::security::SecurityScheme;
        let scheme = SecurityScheme::MutualTls {
            description: Some("A certificate of an operator.".to_owned()),
            deprecated: None,
            extensions: None,
        };
        document.components.get_or_insert_default().add_security_scheme("certificate", scheme);
    }
}

/// Every route of the API, and its description.
fn api() -> (Router<Arc<Desk>>, OpenApi) {
    let routes = OpenApiRouter::new()
        .routes(routes!(node))
        .routes(routes!(practices))
        .routes(routes!(clients))
        .routes(routes!(his))
        .routes(routes!(lists))
        .routes(routes!(stops))
        .routes(routes!(stop, lift))
        .routes(routes!(past_stops))
        .routes(routes!(explain::explain))
        .routes(routes!(explain::look_back))
        .routes(routes!(golive::entrances))
        .routes(routes!(golive::changes, golive::set))
        .routes(routes!(golive::undo))
        .routes(routes!(golive::name_patient))
        .routes(routes!(drain, serve))
        .routes(routes!(end))
        .routes(routes!(reload))
        .routes(routes!(log_level, change_log_level, reset_log_level))
        .merge(register::api())
        .merge(matrix::api())
        .merge(monitor::api());
    OpenApiRouter::with_openapi(About::openapi()).nest(API, routes).split_for_parts()
}

/// The OpenAPI document.
#[must_use]
pub fn document() -> OpenApi {
    api().1
}

/// The routes of the desk.
pub fn router(desk: Arc<Desk>) -> Router {
    let (routes, document) = api();
    let document = Arc::new(document);
    let told = move |_: Allowed<Reads>| std::future::ready(json(&*document));
    routes
        .route(&format!("{API}/openapi.json"), get(told))
        .merge(pages::routes())
        .merge(login::routes())
        .merge(register_pages::routes())
        .merge(matrix_pages::routes())
        .merge(monitor::routes())
        .merge(register_forms::routes())
        .fallback(no_such_page)
        .method_not_allowed_fallback(answer::no_such_method)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        // A certificate and a session go along with requests of a browser, whichever site made them.
        .layer(CsrfLayer::new())
        .with_state(desk)
}

/// Somebody with the right that a handler asks for. The answer to who has it not is ready.
struct Allowed<R>(R);

impl<R: Right> FromRequestParts<Arc<Desk>> for Allowed<R> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Response> {
        let connection = Extension::<Arc<Connection>>::from_request_parts(parts, desk).await;
        let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let failed: fn(DeskError) -> Response = if route.starts_with(API) { failed } else { pages::failed };
        let Ok(Extension(connection)) = connection else { return Err(failed(DeskError::Nobody)) };
        let asked = format!("{} {route}", parts.method);
        let names = connection.peer().map(|peer| peer.names()).unwrap_or_default();
        let cookie = login::session_of(&parts.headers);
        let shown = Shown { names, cookie: cookie.as_deref(), address: connection.remote().ip() };
        desk.admit(shown, &asked).await.map(Self).map_err(failed)
    }
}

/// Which entries of many.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Those after this name: `next` of the answer before.
    after: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<usize>,
    /// Those with this text in name or id, in any case.
    with: Option<String>,
}

impl Wanted {
    fn part(self) -> Result<Part, DeskError> {
        Part::of(self.after, self.limit, self.with.as_deref()).ok_or(DeskError::Form)
    }
}

/// What a query asks for, when it can be read.
fn part(wanted: Result<Query<Wanted>, QueryRejection>) -> Result<Part, DeskError> {
    wanted.map_err(|_| DeskError::Form)?.0.part()
}

/// The node as a whole.
#[utoipa::path(get, path = "/node", responses((status = 200, description = "The node.", body = NodeView), Refusals))]
async fn node(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Reads>) -> Response {
    json(&desk.node(&who))
}

/// Our practices, by name in the network.
#[utoipa::path(get, path = "/practices", params(Wanted),
    responses((status = 200, description = "Practices.", body = PracticesView), Refusals))]
async fn practices(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    part(wanted).map_or_else(failed, |part| json(&desk.practices(&who, &part)))
}

/// The clients that may ask: the PGOs of the OAuth client list, and our portals.
#[utoipa::path(get, path = "/clients", params(Wanted),
    responses((status = 200, description = "Clients.", body = ClientsView), Refusals))]
async fn clients(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    part(wanted).map_or_else(failed, |part| json(&desk.clients(&who, &part)))
}

/// The installations of information systems of practices, as this node sees them.
#[utoipa::path(get, path = "/his", responses((status = 200, description = "Installations.", body = [HisView]), Refusals))]
async fn his(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Reads>) -> Response {
    json(&desk.his(&who))
}

/// The four MedMij lists: age, and what changed against the copy before.
#[utoipa::path(get, path = "/lists", responses((status = 200, description = "Lists.", body = [ListView]), Refusals))]
async fn lists(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Reads>) -> Response {
    json(&desk.lists(&who))
}

/// What is stopped, as this node knows it.
#[utoipa::path(get, path = "/stops", responses((status = 200, description = "Stops in force.", body = [StopView]), Refusals))]
async fn stops(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Reads>) -> Response {
    json(&desk.stops(&who))
}

/// Stops something: here at once, on every other node within two seconds.
#[utoipa::path(put, path = "/stops/{target}", request_body = StopWish,
    params(("target" = String, Path, pattern = "^(everything|client:[a-z0-9.-]+|his:[^/]+|practice:[a-z0-9.@-]+)$",
        description = "`everything`, `client:<client_id>`, `his:<id>` or `practice:<name>`.")),
    responses(
        (status = 200, description = "It is stopped.", body = DoneView),
        (status = 404, description = "There is nothing of this name.", body = ErrorView),
        (status = 409, description = "So many stops are in force that everything should be.", body = ErrorView),
        Refusals))]
async fn stop(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Changes>,
    Path(target): Path<String>,
    body: Bytes,
) -> Response {
    let Ok(StopWish { reason }) = serde_json::from_slice(&body) else { return failed(DeskError::Form) };
    desk.stop(&who, &target, &reason).await.map_or_else(failed, |done| json(&done))
}

/// Lets something go on: here at once, on every other node within two seconds.
#[utoipa::path(delete, path = "/stops/{target}",
    params(("target" = String, Path, pattern = "^(everything|client:[a-z0-9.-]+|his:[^/]+|practice:[a-z0-9.@-]+)$",
        description = "As for stopping it.")),
    responses(
        (status = 200, description = "It goes on.", body = DoneView),
        (status = 404, description = "Nothing can have this name.", body = ErrorView),
        Refusals))]
async fn lift(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Changes>, Path(target): Path<String>) -> Response {
    desk.lift(&who, &target).await.map_or_else(failed, |done| json(&done))
}

/// The newest 200 stops, who was behind them, and how they ended. For auditors and operators.
#[utoipa::path(get, path = "/past-stops",
    responses((status = 200, description = "Stops, newest first.", body = [PastStopView]), Refusals))]
async fn past_stops(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Reviews>) -> Response {
    desk.past_stops(&who).await.map_or_else(failed, |past| json(&past))
}

/// Makes the node step aside: `/readyz` says 503, so that a load balancer sends its requests elsewhere. What still comes is
/// served, so that nothing fails before the load balancer has noticed, and each answer is the last of its connection.
#[utoipa::path(put, path = "/drain", responses((status = 200, description = "It steps aside.", body = DoneView), Refusals))]
async fn drain(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Changes>) -> Response {
    desk.drain(&who, true).await.map_or_else(failed, |done| json(&done))
}

/// Makes the node come back.
#[utoipa::path(delete, path = "/drain", responses((status = 200, description = "It serves.", body = DoneView), Refusals))]
async fn serve(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Changes>) -> Response {
    desk.drain(&who, false).await.map_or_else(failed, |done| json(&done))
}

/// Ends the node in order, as SIGTERM does. Only while it steps aside.
#[utoipa::path(post, path = "/end", responses(
    (status = 200, description = "It ends.", body = DoneView),
    (status = 409, description = "It serves: make it step aside first.", body = ErrorView),
    Refusals))]
async fn end(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Changes>) -> Response {
    desk.end(&who).await.map_or_else(failed, |done| json(&done))
}

/// Reads the configuration and every file that it names again: taken over whole, or refused with the reason.
#[utoipa::path(post, path = "/reload", responses(
    (status = 200, description = "It is in force.", body = ReloadView),
    (status = 422, description = "Something is not in order; what was in force stays.", body = ReloadView),
    Refusals))]
async fn reload(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Changes>) -> Response {
    match desk.reload(&who).await {
        Ok(done) if done.refused.is_none() => json(&done),
        Ok(refused) => (StatusCode::UNPROCESSABLE_ENTITY, json(&refused)).into_response(),
        Err(error) => failed(error),
    }
}

/// What the technical log tells of our own events.
#[utoipa::path(get, path = "/log-level", responses((status = 200, description = "The level.", body = LevelView), Refusals))]
async fn log_level(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Reads>) -> Response {
    json(&desk.log_level(&who))
}

/// Makes the technical log tell more or less for a while. It holds no personal data at any level.
#[utoipa::path(put, path = "/log-level", request_body = LevelWishView,
    responses((status = 200, description = "It does.", body = DoneView), Refusals))]
async fn change_log_level(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Changes>, body: Bytes) -> Response {
    let Ok(LevelWishView { level, minutes }) = serde_json::from_slice(&body) else { return failed(DeskError::Form) };
    desk.change_log_level(&who, &level, minutes).await.map_or_else(failed, |done| json(&done))
}

/// Brings the technical log back to what is configured.
#[utoipa::path(delete, path = "/log-level", responses((status = 200, description = "It is.", body = DoneView), Refusals))]
async fn reset_log_level(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Changes>) -> Response {
    desk.reset_log_level(&who).await.map_or_else(failed, |done| json(&done))
}
