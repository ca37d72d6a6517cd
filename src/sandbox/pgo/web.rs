//! The app on the wire: routes, cookie, security headers. Handlers decode, call and encode.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use super::measurement::Measurement;
use super::pages::{BRAND, STYLESHEET, ServicesPage, SharePage, SharedPage, StartPage};
use super::trouble::Trouble;
use super::{Departure, Kept, Return, Zorgmap};
use crate::form::{decode_pairs, single};
use crate::sandbox::site::download;
use crate::sandbox::site::pages::{MessagePage, ProblemPage, RecordPage};
use crate::sandbox::site::search::Problem;
use crate::sandbox::site::web::{cookie, fenced, fields, page, stylesheet, with_cookie, without_cookie};

/// The `__Host-` prefix binds it to this host and to TLS.
const COOKIE: &str = "__Host-zorgmap";

type Shared = State<Arc<Zorgmap>>;

pub(super) fn router(zorgmap: Arc<Zorgmap>) -> Router {
    let routes = Router::new()
        .route("/", get(start))
        .route("/services", get(services))
        .route("/collect", post(collect))
        .route("/cb", get(come_back))
        .route("/record", get(record))
        .route("/documents/{number}", get(document))
        .route("/share", get(measure).post(share))
        .route("/shared", get(shared))
        .route("/forget", post(forget))
        .route(BRAND.stylesheet, get(async || stylesheet(STYLESHEET)))
        .fallback(async || in_trouble(Trouble::NoPage))
        .method_not_allowed_fallback(async || in_trouble(Trouble::NoPage));
    fenced(routes.with_state(zorgmap))
}

async fn start(State(zorgmap): Shared, headers: HeaderMap) -> Response {
    let kept = zorgmap.sessions.collected(cookie(&headers, COOKIE));
    let has_record = matches!(kept.as_deref(), Some(Kept::Collected(_)));
    let origin = zorgmap.gateway_origin().await;
    let today = crate::availability::dutch_today(zorgmap.clock.now());
    let start = StartPage::of(&zorgmap.directory, today, origin.as_ref(), has_record);
    page(start.render_html(), &[])
}

async fn services(State(zorgmap): Shared, RawQuery(query): RawQuery) -> Response {
    let pairs = decode_pairs(&query.unwrap_or_default()).unwrap_or_default();
    match zorgmap.offer(single(&pairs, "practice").unwrap_or_default()).await {
        Ok(offer) if offer.services.is_empty() => in_trouble(Trouble::NotOffered),
        Ok(offer) => page(ServicesPage::of(&offer).render_html(), &offer.origins()),
        Err(trouble) => in_trouble(trouble),
    }
}

async fn collect(State(zorgmap): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let fields = fields(&body);
    let chosen: Vec<_> = fields.iter().filter(|(name, _)| name == "service").map(|(_, id)| id.as_str()).collect();
    let departure = zorgmap.depart(single(&fields, "practice").unwrap_or_default(), &chosen).await;
    leave(&zorgmap, &headers, departure)
}

async fn measure(State(zorgmap): Shared, RawQuery(query): RawQuery) -> Response {
    let pairs = decode_pairs(&query.unwrap_or_default()).unwrap_or_default();
    match zorgmap.offer(single(&pairs, "practice").unwrap_or_default()).await {
        Ok(offer) if offer.takes_measurements() => page(SharePage::of(offer.practice).render_html(), &offer.origins()),
        Ok(_) => in_trouble(Trouble::NotOffered),
        Err(trouble) => in_trouble(trouble),
    }
}

async fn share(State(zorgmap): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let fields = fields(&body);
    let departure = match Measurement::read(&fields) {
        Ok(measured) => zorgmap.depart_to_share(single(&fields, "practice").unwrap_or_default(), measured).await,
        Err(trouble) => Err(trouble),
    };
    leave(&zorgmap, &headers, departure)
}

/// Off to the gateway; what the session held is forgotten.
fn leave(zorgmap: &Zorgmap, headers: &HeaderMap, departure: Result<Departure, Trouble>) -> Response {
    match departure {
        Ok(departure) => {
            zorgmap.sessions.forget(cookie(headers, COOKIE));
            with_cookie(Redirect::to(&departure.address).into_response(), COOKIE, &departure.cookie)
        }
        Err(trouble) => in_trouble(trouble),
    }
}

async fn shared(State(zorgmap): Shared, headers: HeaderMap) -> Response {
    let kept = zorgmap.sessions.collected(cookie(&headers, COOKIE));
    let Some(Kept::Shared(shared)) = kept.as_deref() else { return in_trouble(Trouble::NoRecord) };
    page(SharedPage::of(shared).render_html(), &[])
}

async fn come_back(State(zorgmap): Shared, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let pairs = decode_pairs(&query.unwrap_or_default()).unwrap_or_default();
    let with = match (single(&pairs, "code"), single(&pairs, "error")) {
        (Some(code), None) => Return::Code(code),
        (_, error) => Return::Error(error.unwrap_or_default()),
    };
    let state = single(&pairs, "state").unwrap_or_default();
    match zorgmap.come_back(cookie(&headers, COOKIE), state, with).await {
        Ok((cookie, page)) => with_cookie(Redirect::to(page).into_response(), COOKIE, &cookie),
        Err(trouble) => in_trouble(trouble),
    }
}

async fn record(State(zorgmap): Shared, headers: HeaderMap) -> Response {
    let kept = zorgmap.sessions.collected(cookie(&headers, COOKIE));
    let Some(Kept::Collected(collected)) = kept.as_deref() else { return in_trouble(Trouble::NoRecord) };
    let gateway = zorgmap.gateway_origin().await;
    page(RecordPage::of(&BRAND, collected, &zorgmap.client.client_id, gateway.as_ref()).render_html(), &[])
}

async fn document(State(zorgmap): Shared, headers: HeaderMap, Path(number): Path<String>) -> Response {
    let Ok(number) = number.parse() else { return in_trouble(Trouble::NoPage) };
    let kept = zorgmap.sessions.collected(cookie(&headers, COOKIE));
    let Some(Kept::Collected(collected)) = kept.as_deref() else { return in_trouble(Trouble::NoRecord) };
    match download(&zorgmap.client, collected, number).await {
        Ok(document) => document,
        Err(problem) => no_document(&problem),
    }
}

fn no_document(problem: &Problem) -> Response {
    (StatusCode::BAD_GATEWAY, page(ProblemPage { brand: &BRAND, problem }.render_html(), &[])).into_response()
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
