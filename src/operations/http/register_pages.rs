//! The pages of the register of the OPEN programme.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{OriginalUri, Path, Query, State};
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{Redirect, Response};
use axum::routing::get;

use super::answer::{html, no_such_page};
use super::register::{key, status};
use super::{Allowed, Wanted, part};
use crate::form::{decode_pairs, encode_pairs, single};
use crate::language::Language;
use crate::operations::desk::{Desk, DeskRegisterError};
use crate::operations::operators::{Person, Reads, Reviews, Right};
use crate::pages::register::{EntryPage, FailedPage, Frame, ListPage};
use crate::practices::programme::EntryKind;

/// Their routes.
pub(super) fn routes() -> Router<Arc<Desk>> {
    Router::new()
        .route("/register", get(|| std::future::ready(Redirect::to("/register/coalition"))))
        .route("/register/{kind}", get(list))
        .route("/register/{kind}/{id}", get(entry))
}

/// The frame of a page, in the language of its address or else of the browser.
pub(super) fn frame<'a>(person: Option<&'a Person>, uri: &Uri, headers: &HeaderMap) -> Frame<'a> {
    let mut pairs = uri.query().and_then(|query| decode_pairs(query).ok()).unwrap_or_default();
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let asked = single(&pairs, "lang").and_then(Language::parse);
    pairs.retain(|(name, _)| name != "lang");
    let query = if pairs.is_empty() { String::new() } else { format!("?{}", encode_pairs(&pairs)) };
    let path = format!("{}{query}", uri.path());
    Frame::of(person, asked.unwrap_or_else(|| Language::preferred(accepted)), path)
}

pub(super) fn failed(frame: Frame<'_>, error: &DeskRegisterError) -> Response {
    html(status(error), FailedPage { frame, error }.render_html())
}

async fn list(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Path(kind): Path<String>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let frame = frame(Some(who.person()), &uri, &headers);
    let Some(kind) = EntryKind::find(&kind) else { return no_such_page().await };
    let part = match part(wanted) {
        Ok(part) => part,
        Err(error) => return failed(frame, &error.into()),
    };
    match desk.register(&who, kind, &part).await {
        Ok(found) => html(StatusCode::OK, ListPage { frame, kind, with: part.with(), found: &found }.render_html()),
        Err(error) => failed(frame, &error),
    }
}

async fn entry(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Path((kind, id)): Path<(String, String)>,
) -> Response {
    let frame = frame(Some(who.person()), &uri, &headers);
    let shown = async {
        let key = key(&kind, &id)?;
        let one = desk.register_entry(&who, &key).await?;
        let versions = match Reviews::of(who.person().clone()) {
            Ok(reviewer) => Some(desk.register_versions(&reviewer, &key).await?),
            Err(_) => None,
        };
        Ok((one, versions))
    };
    match shown.await {
        Ok((one, versions)) => {
            html(StatusCode::OK, EntryPage { frame, one: &one, versions: versions.as_deref() }.render_html())
        }
        Err(error) => failed(frame, &error),
    }
}
