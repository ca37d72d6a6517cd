//! The pages of the operations face: what the API shows, for people, and the forms of the emergency switch. No script.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use super::answer::{html, status};
use super::{Allowed, Wanted};
use crate::form::{decode_pairs, single};
use crate::operations::desk::{Desk, DeskError};
use crate::operations::operators::{Changes, Person, Reads, Reviews, Right};
use crate::operations::state::Part;
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
        .route("/stops", get(stops).post(throw))
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
    let page = NodePage { frame: Frame::of(who.person()), node: &desk.node(&who) };
    html(StatusCode::OK, page.render_html())
}

async fn practices(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    Query(wanted): Query<Wanted>,
) -> Response {
    let part = Part::from(wanted);
    let found = desk.practices(&who, &part);
    html(
        StatusCode::OK,
        PracticesPage { frame: Frame::of(who.person()), with: part.with(), found: &found }.render_html(),
    )
}

async fn clients(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    Query(wanted): Query<Wanted>,
) -> Response {
    let part = Part::from(wanted);
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
    let text = std::str::from_utf8(&body).unwrap_or_default();
    let Ok(pairs) = decode_pairs(text) else { return failed(DeskError::Form) };
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
    html(wrong.map_or(StatusCode::OK, status), page.render_html())
}
