//! The desk on the wire, over mutual TLS: pages for people, and the same as JSON for programs. Every question is a POST, so that
//! nothing of it stands in an address.

mod answer;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use tower_http::csrf::CsrfLayer;

use self::answer::Speech;
use super::desk::{Answer, Desk, DeskError, Visitor};
use super::question::Wrong;
use crate::edge::Connection;
use crate::form::{decode_pairs, single};

/// Largest form that is read, in bytes.
const FORM_MAX_BYTES: usize = 16 * 1024;

/// The routes of the desk.
pub fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/", get(start))
        .route("/search", post(search))
        .route("/page", post(turn))
        .route("/file", post(copy))
        .route("/requests", get(requests))
        .route("/requests/{id}", post(judge))
        .route("/assets/inzage.css", get(answer::stylesheet))
        .fallback(answer::no_such_page)
        .method_not_allowed_fallback(answer::no_such_page)
        .layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
        // A certificate goes along with every request of a browser, whichever site made it.
        .layer(CsrfLayer::new())
        .with_state(desk)
}

/// Who asks, and in which form they want the answer. The answer to nobody is ready.
struct Caller {
    visitor: Visitor,
    speech: Speech,
}

impl FromRequestParts<Arc<Desk>> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Response> {
        let speech = Speech::of(&parts.headers, parts.uri.query());
        let connection = Extension::<Arc<Connection>>::from_request_parts(parts, desk).await;
        let Ok(Extension(connection)) = connection else { return Err(speech.failed(DeskError::Nobody)) };
        let names = connection.peer().map(|peer| peer.names()).unwrap_or_default();
        let admitted = desk.admit(names, connection.remote().ip()).await;
        admitted.map(|visitor| Self { visitor, speech }).map_err(|error| speech.failed(error))
    }
}

async fn start(State(desk): State<Arc<Desk>>, caller: Caller) -> Response {
    caller.speech.start(&desk, &caller.visitor)
}

async fn search(State(desk): State<Arc<Desk>>, caller: Caller, body: Bytes) -> Response {
    let Caller { visitor, speech } = caller;
    let Some(pairs) = pairs(&body) else { return speech.failed(Wrong::Form.into()) };
    match desk.ask(&visitor, &pairs).await {
        Ok(Answer::Found(results)) => speech.found(&desk, &visitor, &results),
        Ok(Answer::Waits(id)) => speech.waits(id),
        Err(DeskError::Wrong(wrong)) => speech.wrong(&desk, &visitor, &pairs, wrong),
        Err(error) => speech.failed(error),
    }
}

async fn turn(State(desk): State<Arc<Desk>>, caller: Caller, body: Bytes) -> Response {
    let Caller { visitor, speech } = caller;
    let pairs = pairs(&body).unwrap_or_default();
    match desk.turn(&visitor, single(&pairs, "ticket").unwrap_or_default()).await {
        Ok(results) => speech.found(&desk, &visitor, &results),
        Err(error) => speech.failed(error),
    }
}

async fn copy(State(desk): State<Arc<Desk>>, caller: Caller, body: Bytes) -> Response {
    let Caller { visitor, speech } = caller;
    let pairs = pairs(&body).unwrap_or_default();
    let Some(form) = single(&pairs, "form").and_then(answer::FileForm::find) else {
        return speech.failed(DeskError::Ticket);
    };
    match desk.copy(&visitor, single(&pairs, "ticket").unwrap_or_default()).await {
        Ok(results) => answer::file(desk, form, results),
        Err(error) => speech.failed(error),
    }
}

async fn requests(State(desk): State<Arc<Desk>>, caller: Caller) -> Response {
    caller.speech.requests(&desk, &caller.visitor)
}

async fn judge(State(desk): State<Arc<Desk>>, caller: Caller, Path(id): Path<String>, body: Bytes) -> Response {
    let Caller { visitor, speech } = caller;
    let pairs = pairs(&body).unwrap_or_default();
    let done = match single(&pairs, "action") {
        Some("approve") => desk.approve(&visitor, &id).await,
        Some("refuse") => desk.refuse(&visitor, &id).await,
        Some("run") => {
            return match desk.run(&visitor, &id).await {
                Ok(results) => speech.found(&desk, &visitor, &results),
                Err(error) => speech.failed(error),
            };
        }
        _ => Err(Wrong::Form.into()),
    };
    match done {
        Ok(()) => speech.requests(&desk, &visitor),
        Err(error) => speech.failed(error),
    }
}

fn pairs(body: &[u8]) -> Option<Vec<(String, String)>> {
    decode_pairs(std::str::from_utf8(body).ok()?).ok()
}

/// The language of an answer is asked for in the address, so that every form keeps it.
fn asked_language(query: Option<&str>, headers: &HeaderMap) -> crate::language::Language {
    use crate::language::Language;
    let pairs = query.and_then(|query| decode_pairs(query).ok()).unwrap_or_default();
    let asked = single(&pairs, "lang").and_then(Language::parse);
    let wishes = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    asked.unwrap_or_else(|| wishes.map_or_else(Language::default, Language::preferred))
}
