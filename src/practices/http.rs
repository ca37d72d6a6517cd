//! "Find my practice" on the wire: `GET /practices?q=`, a page for people and the same as JSON for programs. It asks nothing of
//! who asks: which practices there are is public.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::find::{Finder, Found, Question, QuestionError, Reach};
use crate::form::{decode_pairs, single};
use crate::language::Language;
use crate::pages::{FindAnswer, FindPage};
use crate::routing::SharedSnapshot;

/// Searches at a time; a further one is asked to come back. Each takes some milliseconds of one processor.
const AT_ONCE: usize = 4;

/// What a page may do: show itself, and send its form to us.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What the search needs.
pub struct SearchDesk {
    finder: Arc<Finder>,
    snapshot: SharedSnapshot,
    turns: Arc<Semaphore>,
}

impl SearchDesk {
    /// A desk over this register and the lists in force.
    #[must_use]
    pub fn new(finder: Finder, snapshot: SharedSnapshot) -> Self {
        Self { finder: Arc::new(finder), snapshot, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Answers a question; the work is done away from the async threads.
    async fn answer(&self, text: &str) -> FindAnswer {
        let question = match Question::parse(text) {
            Ok(question) => question,
            Err(error) => return FindAnswer::NoQuestion(error),
        };
        let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() else { return FindAnswer::Busy };
        let (finder, snapshot) = (Arc::clone(&self.finder), self.snapshot.load_full());
        let search = tokio::task::spawn_blocking(move || {
            let found = finder.find(&question, &snapshot.lists, &snapshot.stages);
            drop(turn);
            found
        });
        search.await.map_or(FindAnswer::Busy, FindAnswer::Found)
    }
}

/// The routes of the search, on the front channel.
pub fn router(desk: Arc<SearchDesk>) -> Router {
    Router::new().route("/practices", get(find)).with_state(desk)
}

async fn find(State(desk): State<Arc<SearchDesk>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let pairs = decode_pairs(&query.unwrap_or_default()).unwrap_or_default();
    let text = single(&pairs, "q").unwrap_or_default();
    let json = wants_json(&headers);
    let language = single(&pairs, "lang").and_then(Language::parse).unwrap_or_else(|| preferred(&headers));
    let answer = match single(&pairs, "wrong") {
        Some("bsn") => FindAnswer::NoQuestion(QuestionError::HoldsBsn),
        Some(_) | None if text.is_empty() && !json => FindAnswer::NotAsked,
        Some(_) | None => desk.answer(text).await,
    };
    if !json && !text.is_empty() && answer == FindAnswer::NoQuestion(QuestionError::HoldsBsn) {
        return (guarded(), Redirect::to(&without_question(language))).into_response();
    }
    let status = status(&answer);
    let body = if json {
        Json(written(&answer)).into_response()
    } else {
        Html(FindPage::new(language, text, &answer).render_html()).into_response()
    };
    let busy = (answer == FindAnswer::Busy).then_some([(header::RETRY_AFTER, HeaderValue::from_static("1"))]);
    (status, busy.map_or_else(HeaderMap::new, HeaderMap::from_iter), guarded(), body).into_response()
}

/// Where the page says that a BSN was typed, without it in the address that a browser shows and remembers.
fn without_question(language: Language) -> String {
    format!("/practices?lang={}&wrong=bsn", language.tag())
}

const fn status(answer: &FindAnswer) -> StatusCode {
    match answer {
        FindAnswer::NotAsked | FindAnswer::Found(_) => StatusCode::OK,
        FindAnswer::NoQuestion(_) => StatusCode::BAD_REQUEST,
        FindAnswer::Busy => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// A browser asks for HTML before anything else; a program that wants JSON says so.
fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.contains("application/json") && !accept.contains("text/html")
}

fn preferred(headers: &HeaderMap) -> Language {
    let wishes = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    wishes.map_or_else(Language::default, Language::preferred)
}

/// A question may say more than a person means to leave behind, so no answer is kept.
fn guarded() -> [(HeaderName, HeaderValue); 5] {
    [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::VARY, HeaderValue::from_static("accept, accept-language")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ]
}

fn written(answer: &FindAnswer) -> Value {
    match answer {
        FindAnswer::NotAsked | FindAnswer::NoQuestion(QuestionError::TooShort) => json!({"error": "too-short"}),
        FindAnswer::NoQuestion(QuestionError::TooLong) => json!({"error": "too-long"}),
        FindAnswer::NoQuestion(QuestionError::HoldsBsn) => json!({"error": "holds-bsn"}),
        FindAnswer::Busy => json!({"error": "busy"}),
        FindAnswer::Found(found) => json!({"practices": found.iter().map(one).collect::<Vec<_>>()}),
    }
}

fn one(found: &Found) -> Value {
    let state = match found.reach {
        Reach::Open => "open",
        Reach::Known => "known",
    };
    json!({"provider": found.provider.as_str(), "name": found.name, "place": found.place, "state": state})
}
