//! The portal on the wire: routes and cookie. Handlers decode, call and encode.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use super::pages::{BRAND, LEFT, STYLESHEET, StartPage};
use super::trouble::{Failure, Trouble};
use super::{Portal, Return};
use crate::availability::dutch_today;
use crate::form::{decode_pairs, single};
use crate::sandbox::site::download;
use crate::sandbox::site::pages::{MessagePage, ProblemPage, RecordPage, Words};
use crate::sandbox::site::search::Problem;
use crate::sandbox::site::web::{cookie, fenced, fields, page, stylesheet, with_cookie, without_cookie};
use crate::secret::Handle;

/// The `__Host-` prefix binds it to this host and to TLS.
const COOKIE: &str = "__Host-praktijk";

type Shared = State<Arc<Portal>>;

pub(super) fn router(portal: Arc<Portal>) -> Router {
    let routes = Router::new()
        .route("/", get(start))
        .route("/account", post(account))
        .route("/launch", post(launch))
        .route("/cb", get(come_back))
        .route("/record", get(record))
        .route("/documents/{number}", get(document))
        .route("/logout", post(log_out))
        .route("/left", get(async || said(LEFT, None, "Opnieuw inloggen")))
        .route(BRAND.stylesheet, get(async || stylesheet(STYLESHEET)))
        .fallback(async || in_trouble(&Trouble::NoPage.into()))
        .method_not_allowed_fallback(async || in_trouble(&Trouble::NoPage.into()));
    fenced(routes.with_state(portal))
}

async fn start(State(portal): Shared, headers: HeaderMap) -> Response {
    let logged_in = portal.sessions.collected(cookie(&headers, COOKIE)).is_some();
    let origins = portal.gateway_origins().await;
    let start = StartPage::of(&portal.directory, dutch_today(portal.clock.now()), logged_in);
    page(start.render_html(), &origins)
}

async fn account(State(portal): Shared, headers: HeaderMap, body: Bytes) -> Response {
    portal.log_out(cookie(&headers, COOKIE)).await;
    let number = single(&fields(&body), "person").and_then(|number| number.parse().ok());
    match portal.assert(number.unwrap_or(usize::MAX)).await {
        Ok(cookie) => let_in(&cookie),
        Err(failure) => in_trouble(&failure),
    }
}

async fn launch(State(portal): Shared, headers: HeaderMap, body: Bytes) -> Response {
    portal.log_out(cookie(&headers, COOKIE)).await;
    match portal.depart(single(&fields(&body), "practice").unwrap_or_default()).await {
        Ok(departure) => with_cookie(Redirect::to(&departure.address).into_response(), COOKIE, &departure.cookie),
        Err(failure) => in_trouble(&failure),
    }
}

async fn come_back(State(portal): Shared, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let pairs = decode_pairs(&query.unwrap_or_default()).unwrap_or_default();
    let outcome = match (single(&pairs, "code"), single(&pairs, "error")) {
        (Some(code), None) => Ok(code),
        (_, error) => Err(error.unwrap_or_default()),
    };
    let with = Return { issuer: single(&pairs, "iss").unwrap_or_default(), outcome };
    match portal.come_back(cookie(&headers, COOKIE), single(&pairs, "state").unwrap_or_default(), with).await {
        Ok(cookie) => let_in(&cookie),
        Err(failure) => in_trouble(&failure),
    }
}

async fn record(State(portal): Shared, headers: HeaderMap) -> Response {
    let Some(visit) = portal.sessions.collected(cookie(&headers, COOKIE)) else {
        return in_trouble(&Trouble::NoRecord.into());
    };
    let gateways = portal.gateway_origins().await;
    let client_id = &portal.client.back.client_id;
    page(RecordPage::of(&BRAND, &visit.collected, client_id, gateways.first()).render_html(), &[])
}

async fn document(State(portal): Shared, headers: HeaderMap, Path(number): Path<String>) -> Response {
    let Ok(number) = number.parse() else { return in_trouble(&Trouble::NoPage.into()) };
    let Some(visit) = portal.sessions.collected(cookie(&headers, COOKIE)) else {
        return in_trouble(&Trouble::NoRecord.into());
    };
    match download(&portal.client.back, &visit.collected, number).await {
        Ok(document) => document,
        Err(problem) => no_document(&problem),
    }
}

fn no_document(problem: &Problem) -> Response {
    (StatusCode::BAD_GATEWAY, page(ProblemPage { brand: &BRAND, problem }.render_html(), &[])).into_response()
}

async fn log_out(State(portal): Shared, headers: HeaderMap) -> Response {
    portal.log_out(cookie(&headers, COOKIE)).await;
    without_cookie(Redirect::to("/left").into_response(), COOKIE)
}

fn let_in(cookie: &Handle) -> Response {
    with_cookie(Redirect::to("/record").into_response(), COOKIE, cookie)
}

fn in_trouble(failure: &Failure) -> Response {
    said(failure.trouble.words(), failure.reference.as_deref(), "Opnieuw beginnen")
}

fn said(words: Words, reference: Option<&str>, next: &'static str) -> Response {
    let message = MessagePage { brand: &BRAND, words, reference, next };
    (words.status, page(message.render_html(), &[])).into_response()
}
