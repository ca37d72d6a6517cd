//! The pages of the matrix of combinations.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{OriginalUri, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;

use super::Allowed;
use super::answer::html;
use super::matrix::{Asked, status, wish};
use super::register_pages::frame;
use crate::operations::desk::{Desk, DeskMatrixError};
use crate::operations::operators::{Reads, Right};
use crate::pages::register::Frame;
use crate::pages::register::matrix::{FailedPage, MatrixPage, OnePage};

/// Their routes.
pub(super) fn routes() -> Router<Arc<Desk>> {
    Router::new().route("/matrix", get(list)).route("/matrix/{id}", get(one))
}

fn failed(frame: Frame<'_>, error: DeskMatrixError) -> Response {
    html(status(error), FailedPage { frame, error }.render_html())
}

async fn list(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let frame = frame(Some(who.person()), &uri, &headers);
    let wish = match wish(asked) {
        Ok(wish) => wish,
        Err(error) => return failed(frame, error),
    };
    match desk.matrix(&who, &wish).await {
        Ok(found) => html(StatusCode::OK, MatrixPage { frame, wish: &wish, found: &found }.render_html()),
        Err(error) => failed(frame, error),
    }
}

async fn one(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Path(id): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let frame = frame(Some(who.person()), &uri, &headers);
    let window = match wish(asked) {
        Ok(wish) => wish.window,
        Err(error) => return failed(frame, error),
    };
    match desk.combination(&who, &id, window).await {
        Ok(one) => html(StatusCode::OK, OnePage { frame, one: &one, window }.render_html()),
        Err(error) => failed(frame, error),
    }
}
