//! The pages under `/open` of the front channel. Everything is read with GET; a form only logs out.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, Query, RawQuery, State};
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_DISPOSITION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde::Deserialize;
use tower_http::csrf::CsrfLayer;

use super::desk::{OpenDesk, OpenError, Visitor};
use super::reader::{Page, Reader};
use super::view::Seen;
use crate::edge::Connection;
use crate::edge::headers::{cookie_of, guard_page, set_cookie};
use crate::form::{decode_pairs, single};
use crate::language::Language;
use crate::medmij::ProviderName;
use crate::operations::state::Part;
use crate::pages::open::{
    CoalitionPage, DeclarationsPage, FailedPage, Frame, HomePage, LeafletPage, LoggedOutPage, PracticePage,
    ProgrammePage, TextsPage,
};
use crate::practices::programme::{Id, RegisterError};
use crate::signin::{AWAY, TooManyRefused};

/// Where somebody begins.
const HOME: &str = "/open";
/// The cookie of who is on their way to the provider.
const AWAY_COOKIE: &str = "__Host-open-login";
/// The cookie of who is logged in.
const SESSION_COOKIE: &str = "__Host-open";
/// Largest body that is read, in bytes: that of a form without fields.
const BODY_MAX_BYTES: usize = 1_024;

/// The routes of the desk.
pub fn router(desk: Arc<OpenDesk>) -> Router {
    Router::new()
        .route("/open", get(home))
        .route("/open/login", get(leave))
        .route("/open/login/callback", get(come_back))
        .route("/open/logout", post(log_out))
        .route("/open/practices/{provider}", get(practice))
        .route("/open/practices/{provider}/texts", get(texts))
        .route("/open/practices/{provider}/leaflet", get(leaflet))
        .route("/open/practices/{provider}/text", get(plain_text))
        .route("/open/coalitions/{id}", get(coalition))
        .route("/open/programme", get(programme))
        .route("/open/declarations", get(declarations))
        .route("/open/{*rest}", get(no_such_page))
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        // A session goes along with requests of a browser, whichever site made them.
        .layer(CsrfLayer::new())
        .with_state(desk)
}

/// Who asks, and in which language.
struct Caller {
    visitor: Visitor,
    speech: Speech,
}

/// The language of an answer, and the address that it answers.
#[derive(Clone)]
struct Speech {
    language: Language,
    path: String,
}

impl Speech {
    /// That of the address, or else of the browser.
    fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let mut pairs = uri.query().and_then(|query| decode_pairs(query).ok()).unwrap_or_default();
        let asked = single(&pairs, "lang").and_then(Language::parse);
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        pairs.retain(|(name, _)| name == "with" || name == "after");
        let query = if pairs.is_empty() { String::new() } else { format!("?{}", crate::form::encode_pairs(&pairs)) };
        let language = asked.unwrap_or_else(|| Language::preferred(accepted));
        Self { language, path: format!("{}{query}", uri.path()) }
    }

    fn frame(self, visitor: Option<&Visitor>) -> Frame<'_> {
        Frame::of(visitor, self.language, self.path)
    }

    fn failed(mut self, visitor: Option<&Visitor>, error: &OpenError) -> Response {
        if visitor.is_none() {
            // The way back from a provider is no page that could be looked at again.
            self.path = HOME.to_owned();
        }
        let mut response = page(status(error), FailedPage { frame: self.frame(visitor), error }.render_html());
        if let OpenError::TooManyRefused(TooManyRefused(seconds)) = error {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(*seconds));
        }
        response
    }
}

impl FromRequestParts<Arc<OpenDesk>> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<OpenDesk>) -> Result<Self, Response> {
        let speech = Speech::of(&parts.uri, &parts.headers);
        let connection = Extension::<Arc<Connection>>::from_request_parts(parts, desk).await;
        let Ok(Extension(connection)) = connection else { return Err(speech.failed(None, &OpenError::LogIn)) };
        let cookie = cookie_of(&parts.headers, SESSION_COOKIE);
        match desk.admit(cookie.as_deref(), connection.remote().ip()).await {
            Ok(visitor) => Ok(Self { visitor, speech }),
            Err(error) => Err(speech.failed(None, &error)),
        }
    }
}

impl FromRequestParts<Arc<OpenDesk>> for Speech {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<OpenDesk>) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.uri, &parts.headers))
    }
}

const fn status(error: &OpenError) -> StatusCode {
    match error {
        OpenError::LogIn | OpenError::NotIn | OpenError::NoRole => StatusCode::FORBIDDEN,
        OpenError::NoPage => StatusCode::NOT_FOUND,
        OpenError::TooManyRefused(_) => StatusCode::TOO_MANY_REQUESTS,
        OpenError::NoProvider
        | OpenError::Audit(_)
        | OpenError::Store(_)
        | OpenError::Register(
            RegisterError::Stale(_)
            | RegisterError::Breaches(_)
            | RegisterError::Absent(_)
            | RegisterError::Twice(_)
            | RegisterError::Busy
            | RegisterError::Unreadable(_)
            | RegisterError::Store,
        ) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn page(status: StatusCode, html: String) -> Response {
    guarded((status, Html(html)))
}

fn guarded(response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    guard_page(response.headers_mut());
    response
}

fn with_cookies(response: impl IntoResponse, cookies: &[(&str, &str, Duration)]) -> Response {
    let mut response = guarded(response);
    cookies.iter().for_each(|cookie| set_cookie(response.headers_mut(), *cookie));
    response
}

async fn leave(State(desk): State<Arc<OpenDesk>>, speech: Speech) -> Response {
    match desk.leave(speech.language).await {
        Ok(leaving) => with_cookies(Redirect::to(&leaving.address), &[(AWAY_COOKIE, &leaving.carries, AWAY)]),
        Err(error) => speech.failed(None, &error),
    }
}

async fn come_back(
    State(desk): State<Arc<OpenDesk>>,
    Extension(connection): Extension<Arc<Connection>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    speech: Speech,
) -> Response {
    let carries = cookie_of(&headers, AWAY_COOKIE).unwrap_or_default();
    let before = cookie_of(&headers, SESSION_COOKIE);
    // A query that cannot be read has no fields, and is refused by what it lacks.
    let fields = decode_pairs(&query.unwrap_or_default()).unwrap_or_default();
    match desk.come_back((&carries, before.as_deref()), &fields, connection.remote().ip()).await {
        Ok((session, lasts)) => {
            let cookies = [(SESSION_COOKIE, session.as_str(), lasts), (AWAY_COOKIE, "", Duration::ZERO)];
            with_cookies(Redirect::to(HOME), &cookies)
        }
        Err(error) => speech.failed(None, &error),
    }
}

async fn log_out(
    State(desk): State<Arc<OpenDesk>>,
    Extension(connection): Extension<Arc<Connection>>,
    headers: HeaderMap,
    speech: Speech,
) -> Response {
    let cookie = cookie_of(&headers, SESSION_COOKIE).unwrap_or_default();
    if let Err(error) = desk.log_out(&cookie, connection.remote().ip()).await {
        return speech.failed(None, &error);
    }
    let frame = Frame::of(None, speech.language, HOME.to_owned());
    let html = LoggedOutPage { frame }.render_html();
    with_cookies(page(StatusCode::OK, html), &[(SESSION_COOKIE, "", Duration::ZERO)])
}

/// Where somebody begins: the one page that is theirs, or a choice.
async fn home(Caller { visitor, speech }: Caller) -> Response {
    let to = |path: String| guarded(Redirect::to(&format!("{HOME}/{path}?lang={}", speech.language.tag())));
    match visitor.reader() {
        Reader::Programme => to("programme".to_owned()),
        Reader::Insurer => to("declarations".to_owned()),
        Reader::Practices(own) => match (own.first(), own.len()) {
            (Some(only), 1) => to(format!("practices/{only}")),
            (_, _) => page(StatusCode::OK, HomePage { frame: speech.frame(Some(&visitor)) }.render_html()),
        },
        Reader::Coalitions(own) => match (own.first(), own.len()) {
            (Some(only), 1) => to(format!("coalitions/{only}")),
            (_, _) => page(StatusCode::OK, HomePage { frame: speech.frame(Some(&visitor)) }.render_html()),
        },
    }
}

/// What somebody sees of a page, as an answer.
async fn show(
    desk: &OpenDesk,
    Caller { visitor, speech }: Caller,
    wanted: Option<Page>,
    render: impl FnOnce(Frame<'_>, Seen) -> Option<Response>,
) -> Response {
    let seen = match wanted {
        Some(wanted) => desk.see(&visitor, wanted).await,
        None => Err(OpenError::NoPage),
    };
    let answer = match seen {
        Ok(seen) => render(speech.clone().frame(Some(&visitor)), seen).ok_or(OpenError::NoPage),
        Err(error) => Err(error),
    };
    answer.unwrap_or_else(|error| speech.failed(Some(&visitor), &error))
}

fn of_practice(provider: &str, of: fn(ProviderName) -> Page) -> Option<Page> {
    ProviderName::parse(provider).ok().map(of)
}

async fn practice(State(desk): State<Arc<OpenDesk>>, caller: Caller, Path(provider): Path<String>) -> Response {
    show(&desk, caller, of_practice(&provider, Page::Practice), |frame, seen| {
        let Seen::Practice(practice) = seen else { return None };
        Some(page(StatusCode::OK, PracticePage { frame, practice: &practice }.render_html()))
    })
    .await
}

async fn texts(State(desk): State<Arc<OpenDesk>>, caller: Caller, Path(provider): Path<String>) -> Response {
    show(&desk, caller, of_practice(&provider, Page::Texts), |frame, seen| {
        let Seen::Texts(practice, leaflet) = seen else { return None };
        let leaflet = leaflet.as_deref();
        Some(page(StatusCode::OK, TextsPage { frame, practice: &practice, leaflet }.render_html()))
    })
    .await
}

/// To print on both sides of a sheet.
async fn leaflet(State(desk): State<Arc<OpenDesk>>, caller: Caller, Path(provider): Path<String>) -> Response {
    show(&desk, caller, of_practice(&provider, Page::Texts), |_, seen| {
        let Seen::Texts(practice, Some(leaflet)) = seen else { return None };
        Some(page(StatusCode::OK, LeafletPage { practice: &practice, leaflet: &leaflet }.render_html()))
    })
    .await
}

async fn plain_text(State(desk): State<Arc<OpenDesk>>, caller: Caller, Path(provider): Path<String>) -> Response {
    show(&desk, caller, of_practice(&provider, Page::Texts), |_, seen| {
        let Seen::Texts(_, Some(leaflet)) = seen else { return None };
        let headers = [
            (CONTENT_TYPE, "text/plain; charset=utf-8"),
            (CONTENT_DISPOSITION, "attachment; filename=\"online-inzage.txt\""),
        ];
        Some(guarded((headers, leaflet.plain_text())))
    })
    .await
}

async fn coalition(State(desk): State<Arc<OpenDesk>>, caller: Caller, Path(id): Path<String>) -> Response {
    show(&desk, caller, Id::parse(&id).ok().map(Page::Coalition), |frame, seen| {
        let Seen::Coalition(coalition) = seen else { return None };
        Some(page(StatusCode::OK, CoalitionPage { frame, coalition: &coalition }.render_html()))
    })
    .await
}

async fn programme(State(desk): State<Arc<OpenDesk>>, caller: Caller) -> Response {
    show(&desk, caller, Some(Page::Programme), |frame, seen| {
        let Seen::Programme(programme) = seen else { return None };
        Some(page(StatusCode::OK, ProgrammePage { frame, programme: &programme }.render_html()))
    })
    .await
}

/// Which entries of many.
#[derive(Deserialize)]
struct Wanted {
    after: Option<String>,
    with: Option<String>,
}

async fn declarations(
    State(desk): State<Arc<OpenDesk>>,
    caller: Caller,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let part = wanted.ok().and_then(|Query(wanted)| Part::of(wanted.after, None, wanted.with.as_deref()));
    show(&desk, caller, part.map(Page::Declarations), |frame, seen| {
        let Seen::Declarations(found) = seen else { return None };
        Some(page(StatusCode::OK, DeclarationsPage { frame, found: &found }.render_html()))
    })
    .await
}

async fn no_such_page(Caller { visitor, speech }: Caller) -> Response {
    speech.failed(Some(&visitor), &OpenError::NoPage)
}
