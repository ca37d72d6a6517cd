//! The front channel on the wire: the authorization endpoint and the pages of a visit. Every page is a plain form without
//! script; its headers allow nothing that it does not need.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next as Run, from_fn_with_state};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use tower_http::csrf::{CsrfLayer, ProtectionError};

use super::journey::{BackToClient, Journey, JourneyError, Next, Page, Presented};
use super::login::{LoginUnavailable, read_ticket};
use super::visit::BrowserKeys;
use crate::form::{decode_pairs, encode_pairs, single};
use crate::his::HisError;
use crate::medmij::LocalId;
use crate::oauth::authorize::NoClient;
use crate::pages::{ConsentPage, LandingPage, MessagePage};

/// Largest form that is read, in bytes.
const FORM_MAX_BYTES: usize = 16 * 1024;

type Shared = State<Arc<Journey>>;

/// The routes of the front channel.
pub fn router(journey: Arc<Journey>) -> Router {
    let router = Router::new()
        .route("/oauth/authorize", get(authorize))
        .route("/visit/{id}/landing", post(landing))
        .route("/visit/{id}/login", post(login))
        .route("/login/callback", get(callback))
        .route("/visit/{id}/consent", post(consent))
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
        .with_state(journey)
}

async fn explain_other_site(State(journey): Shared, request: Request, next: Run) -> Response {
    let response = next.run(request).await;
    if response.extensions().get::<ProtectionError>().is_none() {
        return response;
    }
    let id = LocalId::new(journey.clock.now());
    failed(journey.refuse(JourneyError::OtherSite, id).await, id)
}

async fn authorize(State(journey): Shared, RawQuery(query): RawQuery) -> Response {
    let id = LocalId::new(journey.clock.now());
    // A query that cannot be read names no client.
    let pairs = decode_pairs(&query.unwrap_or_default()).unwrap_or_default();
    shown(journey.arrive(&pairs, id).await, id)
}

async fn landing(State(journey): Shared, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let form = match Submitted::read(&journey, &id, &headers, &body).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let action = single(&form.pairs, "action").unwrap_or_default();
    shown(journey.land(form.presented("form"), action).await, form.visit)
}

async fn login(State(journey): Shared, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let form = match Submitted::read(&journey, &id, &headers, &body).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    shown(journey.return_from_login(form.presented("nonce"), &form.pairs).await, form.visit)
}

/// A login service of the outside world sends the browser back with one word of ours. It leads to the visit only together
/// with the cookie of the browser that left, so an answer cannot be moved to another browser.
async fn callback(State(journey): Shared, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let pairs = decode_pairs(&query.unwrap_or_default()).unwrap_or_default();
    let Some((visit, key)) = single(&pairs, "state").and_then(read_ticket) else {
        let reference = LocalId::new(journey.clock.now());
        return failed(journey.refuse(JourneyError::StalePage, reference).await, reference);
    };
    let cookie = cookie(&headers, &cookie_name(visit)).unwrap_or_default();
    let presented = Presented { visit, cookie: &cookie, form: key };
    shown(journey.return_from_login(presented, &pairs).await, visit)
}

async fn consent(State(journey): Shared, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let form = match Submitted::read(&journey, &id, &headers, &body).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let answer = single(&form.pairs, "answer").unwrap_or_default();
    shown(journey.answer(form.presented("form"), answer).await, form.visit)
}

/// A form that came in, as far as every page has it.
struct Submitted {
    visit: LocalId,
    cookie: String,
    pairs: Vec<(String, String)>,
}

impl Submitted {
    async fn read(journey: &Journey, id: &str, headers: &HeaderMap, body: &[u8]) -> Result<Self, Response> {
        match Self::parse(id, headers, body) {
            Ok(form) => Ok(form),
            Err(error) => {
                let reference = LocalId::new(journey.clock.now());
                Err(failed(journey.refuse(error, reference).await, reference))
            }
        }
    }

    fn parse(id: &str, headers: &HeaderMap, body: &[u8]) -> Result<Self, JourneyError> {
        let visit = LocalId::parse(id).ok_or(JourneyError::StalePage)?;
        let pairs = std::str::from_utf8(body).ok().and_then(|text| decode_pairs(text).ok());
        let pairs = pairs.ok_or(JourneyError::BadForm)?;
        let cookie = cookie(headers, &cookie_name(visit)).unwrap_or_default();
        Ok(Self { visit, cookie, pairs })
    }

    fn presented(&self, token: &str) -> Presented<'_> {
        Presented { visit: self.visit, cookie: &self.cookie, form: single(&self.pairs, token).unwrap_or_default() }
    }
}

/// One cookie a visit, so that several authorizations in one browser do not meet.
fn cookie_name(visit: LocalId) -> String {
    format!("__Host-visit-{visit}")
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

fn set_cookie(visit: LocalId, keys: &BrowserKeys) -> HeaderValue {
    let name = cookie_name(visit);
    let text = format!("{name}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=900", keys.cookie.reveal());
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn forget_cookie(visit: LocalId) -> HeaderValue {
    let text = format!("{}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0", cookie_name(visit));
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn shown(next: Result<Next, JourneyError>, id: LocalId) -> Response {
    match next {
        Ok(Next::Landing(page)) => visit_page(&page, LandingPage::of(&page).render_html()),
        Ok(Next::Consent(page)) => visit_page(&page, ConsentPage::of(&page).render_html()),
        Ok(Next::Login { address, page }) => {
            let mut response = Redirect::to(&address).into_response();
            response.headers_mut().append(header::SET_COOKIE, set_cookie(page.visit, &page.keys));
            response
        }
        Ok(Next::Client(back)) => back_to_client(&back, id),
        Err(error) => failed(error, id),
    }
}

fn visit_page(page: &Page, html: String) -> Response {
    let mut response = secured(Html(html).into_response(), &page.leads_to);
    response.headers_mut().append(header::SET_COOKIE, set_cookie(page.visit, &page.keys));
    response
}

fn back_to_client(back: &BackToClient, visit: LocalId) -> Response {
    let location = format!("{}?{}", back.redirect_uri.as_str(), encode_pairs(&back.answer));
    let mut response = Redirect::to(&location).into_response();
    response.headers_mut().append(header::SET_COOKIE, forget_cookie(visit));
    response
}

/// A form of ours leads to us, and from there to the client or the login service; browsers hold the whole chain against
/// `form-action`.
fn secured(mut response: Response, leads_to: &str) -> Response {
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self' {leads_to}; base-uri 'none'; frame-ancestors 'none'"
    );
    let headers = response.headers_mut();
    let fallback = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_str(policy.trim_end()).unwrap_or(fallback));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn failed(error: JourneyError, reference: LocalId) -> Response {
    let (what, who) = match error {
        JourneyError::NoClient(NoClient::UnknownClient) => (
            "De app die u hierheen stuurde, is niet bekend in het MedMij-netwerk. Wij sturen u daarom niet terug.",
            "Neem contact op met de maker van uw app.",
        ),
        JourneyError::NoClient(NoClient::BadRedirectUri) => (
            "De app die u hierheen stuurde, gaf geen geldig adres op om u naar terug te sturen.",
            "Neem contact op met de maker van uw app.",
        ),
        JourneyError::OtherSite => (
            "Dit formulier kwam niet van onze eigen pagina. Er is niets gedeeld.",
            "Ga terug naar uw app en begin opnieuw. Gebeurt het weer, vertel het dan de maker van uw app.",
        ),
        JourneyError::StalePage => (
            "Deze pagina is al gebruikt, is te oud, of hoort bij een ander venster. Er is niets gedeeld.",
            "Ga terug naar uw app en begin opnieuw.",
        ),
        JourneyError::BadForm => {
            ("Het formulier kwam niet goed aan. Er is niets gedeeld.", "Ga terug naar uw app en begin opnieuw.")
        }
        JourneyError::His(HisError::Unreachable | HisError::TimedOut | HisError::Busy) => (
            "Het systeem van uw praktijk geeft nu geen antwoord.",
            "Probeer het later nog eens. Blijft het misgaan, vertel het dan uw praktijk.",
        ),
        JourneyError::His(HisError::Refused | HisError::Nonsense | HisError::TooLarge) => (
            "Het systeem van uw praktijk gaf een antwoord dat wij niet begrijpen.",
            "Vertel het uw praktijk en noem het nummer hieronder.",
        ),
        JourneyError::Login(LoginUnavailable) => (
            "DigiD is nu niet bereikbaar. Er is niets gedeeld.",
            "Probeer het over een paar minuten nog eens vanuit uw app. Blijft het misgaan, kijk dan op digid.nl of er een storing is.",
        ),
        JourneyError::ListsTooOld | JourneyError::Ours => {
            ("Er is een storing bij ons. Er is niets gedeeld.", "Probeer het over een paar minuten nog eens.")
        }
    };
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    message(status, what, who, reference)
}

fn message(status: StatusCode, what: &'static str, who: &'static str, reference: LocalId) -> Response {
    let page = MessagePage { title: "Het is niet gelukt", what, who, reference: reference.to_string() };
    secured((status, Html(page.render_html())).into_response(), "")
}

async fn no_such_page(State(journey): Shared) -> Response {
    let reference = LocalId::new(journey.clock.now());
    message(StatusCode::NOT_FOUND, "Deze pagina bestaat niet.", "Ga terug naar uw app.", reference)
}

async fn stylesheet() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")],
        crate::pages::STYLESHEET,
    )
}

#[cfg(feature = "sandbox")]
async fn simulator(State(journey): Shared, RawQuery(query): RawQuery) -> Response {
    let reference = LocalId::new(journey.clock.now());
    let pairs = decode_pairs(&query.unwrap_or_default()).unwrap_or_default();
    let visit = single(&pairs, "visit").and_then(LocalId::parse);
    let (Some(visit), Some(nonce)) = (visit, single(&pairs, "nonce")) else {
        return failed(JourneyError::BadForm, reference);
    };
    let page = crate::pages::SimulatorPage {
        visit: visit.to_string(),
        nonce: nonce.to_owned(),
        again: single(&pairs, "again").is_some(),
    };
    // The client's origin is not known on this page; its answers lead to a page of ours or through a redirect of ours.
    secured(Html(page.render_html()).into_response(), "https:")
}
