//! The app on the wire: routes, cookie, security headers. Handlers decode, call and encode.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use super::pages::{BRAND, STYLESHEET, StartPage};
use super::trouble::Trouble;
use super::{Return, Zorgmap};
use crate::form::{decode_pairs, single};
use crate::sandbox::site::pages::{MessagePage, RecordPage};
use crate::sandbox::site::web::{cookie, fenced, fields, page, stylesheet, with_cookie, without_cookie};

/// The `__Host-` prefix binds it to this host and to TLS.
const COOKIE: &str = "__Host-zorgmap";

type Shared = State<Arc<Zorgmap>>;

pub(super) fn router(zorgmap: Arc<Zorgmap>) -> Router {
    let routes = Router::new()
        .route("/", get(start))
        .route("/collect", post(collect))
        .route("/cb", get(come_back))
        .route("/record", get(record))
        .route("/forget", post(forget))
        .route(BRAND.stylesheet, get(async || stylesheet(STYLESHEET)))
        .fallback(async || in_trouble(Trouble::NoPage))
        .method_not_allowed_fallback(async || in_trouble(Trouble::NoPage));
    fenced(routes.with_state(zorgmap))
}

async fn start(State(zorgmap): Shared, headers: HeaderMap) -> Response {
    let has_record = zorgmap.sessions.collected(cookie(&headers, COOKIE)).is_some();
    let origins = zorgmap.gateway_origins().await;
    let today = crate::availability::dutch_today(zorgmap.clock.now());
    let start = StartPage::of(&zorgmap.directory, today, origins.first(), has_record);
    page(start.render_html(), &origins)
}

async fn collect(State(zorgmap): Shared, headers: HeaderMap, body: Bytes) -> Response {
    match zorgmap.depart(single(&fields(&body), "practice").unwrap_or_default()).await {
        Ok(departure) => {
            zorgmap.sessions.forget(cookie(&headers, COOKIE));
            with_cookie(Redirect::to(&departure.address).into_response(), COOKIE, &departure.cookie)
        }
        Err(trouble) => in_trouble(trouble),
    }
}

async fn come_back(State(zorgmap): Shared, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let pairs = decode_pairs(&query.unwrap_or_default()).unwrap_or_default();
    let with = match (single(&pairs, "code"), single(&pairs, "error")) {
        (Some(code), None) => Return::Code(code),
        (_, error) => Return::Error(error.unwrap_or_default()),
    };
    let state = single(&pairs, "state").unwrap_or_default();
    match zorgmap.come_back(cookie(&headers, COOKIE), state, with).await {
        Ok(cookie) => with_cookie(Redirect::to("/record").into_response(), COOKIE, &cookie),
        Err(trouble) => in_trouble(trouble),
    }
}

async fn record(State(zorgmap): Shared, headers: HeaderMap) -> Response {
    let Some(collected) = zorgmap.sessions.collected(cookie(&headers, COOKIE)) else {
        return in_trouble(Trouble::NoRecord);
    };
    page(RecordPage::of(&BRAND, &collected, &zorgmap.client.client_id).render_html(), &[])
}

async fn forget(State(zorgmap): Shared, headers: HeaderMap) -> Response {
    zorgmap.sessions.forget(cookie(&headers, COOKIE));
    without_cookie(Redirect::to("/").into_response(), COOKIE)
}

fn in_trouble(trouble: Trouble) -> Response {
    let words = trouble.words();
    let message = MessagePage { brand: &BRAND, words, reference: None, next: "Opnieuw beginnen" };
    (words.status, page(message.render_html(), &[])).into_response()
}
