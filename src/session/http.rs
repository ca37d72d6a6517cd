//! The front channel on the wire: the authorization endpoint and the pages of a visit. Every page is a plain form without
//! script; its headers allow nothing that it does not need.

mod cookie;
mod form;
mod log;
mod page;
mod wish;

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::{Next as Run, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::csrf::{CsrfLayer, ProtectionError};

use self::form::{Sent, Submitted, VisitId};
use self::wish::Wish;
use super::journey::{Answer, Journey, JourneyError, OwnAnswer, Presented, coming_from};
use super::login::read_ticket;
use super::visit::Goal;
use crate::edge::Connection;
use crate::form::{decode_pairs, single};
#[cfg(feature = "sandbox")]
use crate::medmij::LocalId;
use crate::trace;

/// Largest form that is read, in bytes.
const FORM_MAX_BYTES: usize = 16 * 1024;

type Shared = State<Arc<Journey>>;

/// The routes of the front channel.
pub fn router(journey: Arc<Journey>) -> Router {
    let router = Router::new()
        .route("/oauth/authorize", get(authorize))
        .route("/smart/authorize", get(authorize_smart))
        .route("/visit/{id}/landing", get(look).post(landing))
        .route("/visit/{id}/login", post(login))
        .route("/login/callback", get(callback))
        .route("/visit/{id}/consent", get(look).post(consent))
        .route("/toestemmingen", get(own_start).post(own_depart))
        .route("/inzagelog", get(log_start).post(log_depart))
        .route("/visit/{id}/consents", get(look).post(manage))
        .route("/visit/{id}/log", get(log::page))
        .route("/visit/{id}/log/{file}", get(log::file))
        .route("/assets/inzage.css", get(stylesheet));
    #[cfg(feature = "sandbox")]
    let router = router.route("/simulator", get(simulator));
    router
        .fallback(no_such_page)
        .method_not_allowed_fallback(no_such_page)
        .layer(axum::extract::DefaultBodyLimit::max(FORM_MAX_BYTES))
        .layer(CsrfLayer::new())
        // Around the check, so that its refusals are recorded and explained like any other.
        .layer(from_fn_with_state(Arc::clone(&journey), explain_other_site))
        // Around everything that leaves a record.
        .layer(from_fn(remember_address))
        .with_state(journey)
}

async fn remember_address(request: Request, next: Run) -> Response {
    let connection = request.extensions().get::<Arc<Connection>>();
    let address = connection.map(|connection| connection.remote().ip());
    coming_from(address, next.run(request)).await
}

async fn explain_other_site(State(journey): Shared, wish: Wish, request: Request, next: Run) -> Response {
    let response = next.run(request).await;
    if response.extensions().get::<ProtectionError>().is_none() {
        return response;
    }
    refused(&journey, JourneyError::OtherSite, wish).await
}

/// A page for a request that leads to no visit, and the record of it.
async fn refused(journey: &Journey, error: JourneyError, wish: Wish) -> Response {
    let id = trace::id(&*journey.clock);
    journey.failed(&journey.refuse(error, id).await.into(), id, wish)
}

/// Only the browser says in which language it comes; whatever a client sends as `lang` is ignored (core.authint.200).
async fn authorize(State(journey): Shared, RawQuery(query): RawQuery, wish: Wish) -> Response {
    let id = trace::id(&*journey.clock);
    let wish = Wish { asked: None, ..wish };
    // A query that cannot be read names no client.
    let pairs = decode_pairs(&query.unwrap_or_default()).unwrap_or_default();
    journey.shown(journey.arrive(&pairs, id, wish.preferred).await, id, wish)
}

async fn authorize_smart(State(journey): Shared, RawQuery(query): RawQuery, wish: Wish) -> Response {
    let id = trace::id(&*journey.clock);
    let wish = Wish { asked: None, ..wish };
    let pairs = decode_pairs(&query.unwrap_or_default()).unwrap_or_default();
    journey.shown(journey.arrive_smart(&pairs, id, wish.preferred).await, id, wish)
}

async fn look(State(journey): Shared, VisitId(id): VisitId, wish: Wish, headers: HeaderMap) -> Response {
    let Some(visit) = id else { return refused(&journey, JourneyError::StalePage, wish).await };
    let cookie = cookie::read(&headers, visit);
    let presented = Presented { visit, cookie: &cookie, form: "", language: wish.asked };
    journey.seen(journey.look(presented).await, visit, wish)
}

async fn landing(State(journey): Shared, id: VisitId, wish: Wish, headers: HeaderMap, sent: Sent) -> Response {
    match Submitted::read(id, wish, &headers, &sent) {
        Ok(form) => {
            let action = single(&form.pairs, "action").unwrap_or_default();
            journey.shown(journey.land(form.presented("form"), action).await, form.visit, wish)
        }
        Err(error) => refused(&journey, error, wish).await,
    }
}

async fn login(State(journey): Shared, id: VisitId, wish: Wish, headers: HeaderMap, sent: Sent) -> Response {
    match Submitted::read(id, wish, &headers, &sent) {
        Ok(form) => {
            let next = journey.return_from_login(form.presented("nonce"), &form.pairs).await;
            journey.shown(next, form.visit, wish)
        }
        Err(error) => refused(&journey, error, wish).await,
    }
}

/// A login service of the outside world sends the browser back with one word of ours. It leads to the visit only together
/// with the cookie of the browser that left, so an answer cannot be moved to another browser.
async fn callback(State(journey): Shared, RawQuery(query): RawQuery, wish: Wish, headers: HeaderMap) -> Response {
    let wish = Wish { asked: None, ..wish };
    let pairs = decode_pairs(&query.unwrap_or_default()).unwrap_or_default();
    let Some((visit, key)) = single(&pairs, "state").and_then(read_ticket) else {
        return refused(&journey, JourneyError::StalePage, wish).await;
    };
    let cookie = cookie::read(&headers, visit);
    let presented = Presented { visit, cookie: &cookie, form: key, language: None };
    journey.shown(journey.return_from_login(presented, &pairs).await, visit, wish)
}

async fn consent(State(journey): Shared, id: VisitId, wish: Wish, headers: HeaderMap, sent: Sent) -> Response {
    match Submitted::read(id, wish, &headers, &sent) {
        Ok(form) => {
            let answer = Answer::read(&form.pairs);
            journey.shown(journey.answer(form.presented("form"), answer).await, form.visit, wish)
        }
        Err(error) => refused(&journey, error, wish).await,
    }
}

/// Where a person begins who comes by themself, to look at their lasting consents.
async fn own_start(State(journey): Shared, wish: Wish) -> Response {
    journey.own_start(wish, Goal::Consents)
}

async fn own_depart(State(journey): Shared, wish: Wish) -> Response {
    let id = trace::id(&*journey.clock);
    journey.shown(journey.come_alone(id, wish.language(), Goal::Consents).await, id, wish)
}

/// The same, to look at who asked for their data.
async fn log_start(State(journey): Shared, wish: Wish) -> Response {
    journey.own_start(wish, Goal::Log)
}

async fn log_depart(State(journey): Shared, wish: Wish) -> Response {
    let id = trace::id(&*journey.clock);
    journey.shown(journey.come_alone(id, wish.language(), Goal::Log).await, id, wish)
}

async fn manage(State(journey): Shared, id: VisitId, wish: Wish, headers: HeaderMap, sent: Sent) -> Response {
    match Submitted::read(id, wish, &headers, &sent) {
        Ok(form) => {
            let answer = OwnAnswer::read(&form.pairs);
            journey.shown(journey.manage(form.presented("form"), answer).await, form.visit, wish)
        }
        Err(error) => refused(&journey, error, wish).await,
    }
}

async fn no_such_page(State(journey): Shared, wish: Wish) -> Response {
    journey.not_found(wish)
}

async fn stylesheet() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")],
        crate::pages::STYLESHEET,
    )
}

#[cfg(feature = "sandbox")]
async fn simulator(State(journey): Shared, RawQuery(query): RawQuery, wish: Wish) -> Response {
    let pairs = decode_pairs(&query.unwrap_or_default()).unwrap_or_default();
    let visit = single(&pairs, "visit").and_then(LocalId::parse);
    let (Some(visit), Some(nonce)) = (visit, single(&pairs, "nonce")) else {
        return refused(&journey, JourneyError::BadForm, wish).await;
    };
    let text = crate::pages::Text::of(wish.language());
    let again = single(&pairs, "again").is_some();
    let page = crate::pages::SimulatorPage::new(text, visit, nonce, again).render_html();
    // The client's origin is not known on this page; its answers lead to a page of ours or through a redirect of ours.
    page::secured(axum::response::Html(page).into_response(), "https:")
}
