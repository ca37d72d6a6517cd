//! The pages of the operations face: what the API shows, for people, and the forms of the emergency switch. No script.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::answer::{html, status};
use super::{Allowed, Wanted, part};
use crate::form::{decode_pairs, single};
use crate::operations::desk::{Desk, DeskError};
use crate::operations::operators::{Changes, Person, Reads, Reviews, Right};
use crate::pages::STYLESHEET;
use crate::pages::operations::{
    ClientsPage, FailedPage, Frame, HisPage, ListsPage, NodePage, PracticesPage, StopsPage,
};

/// Their routes.
pub(super) fn routes() -> Router<Arc<Desk>> {
    Router::new()
        .route("/", get(node))
        .route("/practices", get(practices))
        .route("/clients", get(clients))
        .route("/his", get(his))
        .route("/lists", get(lists))
        .route("/explain", get(super::explain::page))
        .route("/go-live", get(super::golive::pages::show).post(super::golive::pages::change))
        .route("/stops", get(stops).post(throw))
        .route("/duty", post(duty))
        .route("/log-level", post(log_level))
        .route("/reload", post(reload))
        .route("/assets/inzage.css", get(stylesheet))
}

/// A page that says why not.
pub(super) fn failed(error: DeskError) -> Response {
    html(status(error), FailedPage { frame: Frame::nobody(), error }.render_html())
}

async fn stylesheet() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLESHEET).into_response()
}

async fn node(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Reads>) -> Response {
    let page = NodePage { frame: Frame::of(who.person()), node: &desk.node(&who), level: &desk.log_level(&who) };
    html(StatusCode::OK, page.render_html())
}

async fn practices(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let part = match part(wanted) {
        Ok(part) => part,
        Err(error) => return failed(error),
    };
    let found = desk.practices(&who, &part);
    html(
        StatusCode::OK,
        PracticesPage { frame: Frame::of(who.person()), with: part.with(), found: &found }.render_html(),
    )
}

async fn clients(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let part = match part(wanted) {
        Ok(part) => part,
        Err(error) => return failed(error),
    };
    let found = desk.clients(&who, &part);
    html(StatusCode::OK, ClientsPage { frame: Frame::of(who.person()), with: part.with(), found: &found }.render_html())
}

async fn his(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Reads>) -> Response {
    let page = HisPage { frame: Frame::of(who.person()), installations: &desk.his(&who) };
    html(StatusCode::OK, page.render_html())
}

async fn lists(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Reads>) -> Response {
    html(StatusCode::OK, ListsPage { frame: Frame::of(who.person()), lists: &desk.lists(&who) }.render_html())
}

async fn duty(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Changes>, body: Bytes) -> Response {
    let done = match single(&pairs(&body), "action") {
        Some("drain") => desk.drain(&who, true).await,
        Some("serve") => desk.drain(&who, false).await,
        Some("end") => desk.end(&who).await,
        _ => Err(DeskError::Form),
    };
    done.map_or_else(failed, |_| Redirect::to("/").into_response())
}

/// What came of it stands on the page of the node: its configuration, or an alarm.
async fn reload(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Changes>) -> Response {
    desk.reload(&who).await.map_or_else(failed, |_| Redirect::to("/").into_response())
}

async fn log_level(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Changes>, body: Bytes) -> Response {
    let pairs = pairs(&body);
    let field = |name| single(&pairs, name).unwrap_or_default();
    let minutes = field("minutes").parse().unwrap_or_default();
    let done = desk.change_log_level(&who, field("level"), minutes).await;
    done.map_or_else(failed, |_| Redirect::to("/").into_response())
}

/// A form that cannot be read has no fields, and is refused by what it lacks.
pub(super) fn pairs(body: &[u8]) -> Vec<(String, String)> {
    std::str::from_utf8(body).ok().and_then(|text| decode_pairs(text).ok()).unwrap_or_default()
}

/// What a link fills in.
#[derive(Deserialize)]
struct Filled {
    #[serde(default)]
    target: String,
}

async fn stops(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    Query(Filled { target }): Query<Filled>,
) -> Response {
    switch_page(&desk, who, (&target, ""), None).await
}

async fn throw(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Changes>, body: Bytes) -> Response {
    let pairs = pairs(&body);
    let field = |name| single(&pairs, name).unwrap_or_default();
    let (target, reason) = (field("target"), field("reason"));
    let done = match field("action") {
        "stop" => desk.stop(&who, target, reason).await,
        "lift" => desk.lift(&who, target).await,
        _ => Err(DeskError::Form),
    };
    match done {
        Ok(_) => Redirect::to("/stops").into_response(),
        Err(wrong) => match reads(who.person()) {
            Some(who) => switch_page(&desk, who, (target, reason), Some(wrong)).await,
            None => failed(wrong),
        },
    }
}

/// Who changes also sees.
fn reads(person: &Person) -> Option<Reads> {
    Reads::of(person.clone()).ok()
}

async fn switch_page(desk: &Desk, who: Reads, typed: (&str, &str), wrong: Option<DeskError>) -> Response {
    let past = match Reviews::of(who.person().clone()) {
        Ok(reviewer) => desk.past_stops(&reviewer).await.ok(),
        Err(_) => None,
    };
    // What holds a BSN does not come back.
    let typed = if crate::medmij::holds_bsn(typed.1) { (typed.0, "") } else { typed };
    let stops = desk.stops(&who);
    let page = StopsPage { frame: Frame::of(who.person()), stops: &stops, past: past.as_deref(), typed, wrong };
    let status = match wrong {
        // The page is there; what was typed on it names nothing.
        Some(DeskError::Target) => StatusCode::BAD_REQUEST,
        Some(wrong) => status(wrong),
        None => StatusCode::OK,
    };
    html(status, page.render_html())
}
