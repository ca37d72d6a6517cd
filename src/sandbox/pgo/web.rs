//! The app on the wire: routes, cookie, security headers. Handlers decode, call and encode.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use super::pages::{RecordPage, STYLESHEET, StartPage, TroublePage};
use super::trouble::Trouble;
use super::{Return, Zorgmap};
use crate::form::{decode_pairs, single};
use crate::secret::Handle;

/// Largest form that is read, in bytes.
const FORM_MAX_BYTES: usize = 4 * 1024;
/// The `__Host-` prefix binds it to this host and to TLS.
const COOKIE: &str = "__Host-zorgmap";

type Shared = State<Arc<Zorgmap>>;

pub(super) fn router(zorgmap: Arc<Zorgmap>) -> Router {
    Router::new()
        .route("/", get(start))
        .route("/collect", post(collect))
        .route("/cb", get(come_back))
        .route("/record", get(record))
        .route("/forget", post(forget))
        .route("/assets/zorgmap.css", get(stylesheet))
        .fallback(async || in_trouble(Trouble::NoPage))
        .method_not_allowed_fallback(async || in_trouble(Trouble::NoPage))
        .layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
        .layer(tower_http::csrf::CsrfLayer::new())
        .with_state(zorgmap)
}

async fn start(State(zorgmap): Shared, headers: HeaderMap) -> Response {
    let has_record = zorgmap.sessions.collected(cookie(&headers)).is_some();
    let origins = zorgmap.gateway_origins().await;
    let today = crate::availability::dutch_today(zorgmap.clock.now());
    let page = StartPage::of(&zorgmap.directory, today, origins.first(), has_record);
    secured(Html(page.render_html()).into_response(), &origins)
}

async fn collect(State(zorgmap): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let pairs = std::str::from_utf8(&body).ok().and_then(|text| decode_pairs(text).ok()).unwrap_or_default();
    match zorgmap.depart(single(&pairs, "practice").unwrap_or_default()).await {
        Ok(departure) => {
            zorgmap.sessions.forget(cookie(&headers));
            with_cookie(Redirect::to(&departure.address).into_response(), &departure.cookie)
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
    match zorgmap.come_back(cookie(&headers), state, with).await {
        Ok(cookie) => with_cookie(Redirect::to("/record").into_response(), &cookie),
        Err(trouble) => in_trouble(trouble),
    }
}

async fn record(State(zorgmap): Shared, headers: HeaderMap) -> Response {
    let Some(collected) = zorgmap.sessions.collected(cookie(&headers)) else { return in_trouble(Trouble::NoRecord) };
    let page = RecordPage::of(&collected, &zorgmap.client.client_id);
    secured(Html(page.render_html()).into_response(), &[])
}

async fn forget(State(zorgmap): Shared, headers: HeaderMap) -> Response {
    zorgmap.sessions.forget(cookie(&headers));
    let mut response = Redirect::to("/").into_response();
    let over = HeaderValue::from_static("__Host-zorgmap=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    response.headers_mut().append(header::SET_COOKIE, over);
    response
}

async fn stylesheet() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=300")], STYLESHEET)
}

fn in_trouble(trouble: Trouble) -> Response {
    let page = TroublePage { words: trouble.words() };
    secured((page.words.status, Html(page.render_html())).into_response(), &[])
}

/// Allows what the pages need and nothing else; forms lead to this app and to `origins`.
fn secured(mut response: Response, origins: &[String]) -> Response {
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self' {}; base-uri 'none'; frame-ancestors 'none'",
        origins.join(" ")
    );
    let headers = response.headers_mut();
    let closed = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_str(&policy).unwrap_or(closed));
    // A form would be sent with `Origin: null` under "no-referrer".
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn cookie(headers: &HeaderMap) -> &str {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map_or("", |(_, value)| value)
}

/// Lax, because people come back from another site.
fn with_cookie(mut response: Response, cookie: &Handle) -> Response {
    let text = format!("{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax", cookie.reveal());
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}
