//! The matrix of combinations on the wire.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Allowed;
use super::answer::{self, Refusals, guarded, json};
use crate::operations::desk::{Desk, DeskError, DeskMatrixError};
use crate::operations::matrix::{CombinationView, MatrixView, PAGE, PAGE_MAX, Wish, csv};
use crate::operations::operators::Reads;
use crate::operations::view::ErrorView;
use crate::report::matrix::board::Window;

/// Longest text of a filter, in bytes.
const FILTER_MAX_BYTES: usize = 200;

/// Its routes.
pub(super) fn api() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::new().routes(routes!(matrix)).routes(routes!(table)).routes(routes!(combination))
}

/// Which combinations, of which days.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// `today`, `7-days` (when nothing is said), `30-days` or `quarter`.
    window: Option<String>,
    /// Those of this installation.
    installation: Option<String>,
    /// Those of this client.
    client: Option<String>,
    /// Those of this service.
    service: Option<String>,
    /// Those of installations that practices of this coalition have.
    coalition: Option<String>,
    /// `true`: only those on which somebody must act.
    failing: Option<String>,
    /// How many to pass over: `next` of the answer before.
    after: Option<String>,
    /// How many at most.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500, default = 100)]
    limit: Option<String>,
}

impl Asked {
    /// What is wished, if it can be read. An empty field of a form asks for nothing.
    pub(super) fn wish(self) -> Option<Wish> {
        let text = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let window = text(self.window).map_or(Some(Window::Week), |word| Window::find(&word))?;
        let number = |given: Option<String>, default| text(given).map_or(Some(default), |text| text.parse().ok());
        let limit: usize = number(self.limit, PAGE)?;
        let failing = match text(self.failing).as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return None,
        };
        let wish = Wish {
            window,
            installation: text(self.installation),
            client: text(self.client),
            service: text(self.service),
            coalition: text(self.coalition),
            failing,
            after: number(self.after, 0)?,
            limit,
        };
        let filters = [&wish.installation, &wish.client, &wish.service, &wish.coalition];
        let fits = filters.into_iter().flatten().all(|text| text.len() <= FILTER_MAX_BYTES);
        (fits && (1..=PAGE_MAX).contains(&limit)).then_some(wish)
    }
}

pub(super) fn wish(asked: Result<Query<Asked>, QueryRejection>) -> Result<Wish, DeskMatrixError> {
    let wish = asked.ok().and_then(|Query(asked)| asked.wish());
    wish.ok_or(DeskMatrixError::Desk(DeskError::Form))
}

pub(super) const fn status(error: DeskMatrixError) -> StatusCode {
    match error {
        DeskMatrixError::Store => StatusCode::SERVICE_UNAVAILABLE,
        DeskMatrixError::Absent => StatusCode::NOT_FOUND,
        DeskMatrixError::Desk(error) => answer::status(error),
    }
}

fn failed(error: DeskMatrixError) -> Response {
    let code = match error {
        DeskMatrixError::Store => "store-down",
        DeskMatrixError::Absent => "no-such-combination",
        DeskMatrixError::Desk(error) => return answer::failed(error),
    };
    (status(error), json(&ErrorView { error: code, text: error.to_string() })).into_response()
}

/// The matrix of combinations: installation in a version, client and service; how many came how far, what fails first, and who
/// must act.
#[utoipa::path(get, path = "/matrix", params(Asked),
    responses((status = 200, description = "Combinations, the failing ones first.", body = MatrixView), Refusals))]
async fn matrix(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let found = async { desk.matrix(&who, &wish(asked)?).await };
    found.await.map_or_else(failed, |found| json(&found))
}

/// The same as a table (RFC 4180): a line for each step of each combination.
#[utoipa::path(get, path = "/matrix.csv", params(Asked),
    responses((status = 200, description = "The table.", body = String, content_type = "text/csv"), Refusals))]
async fn table(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let found = async { desk.matrix(&who, &wish(asked)?).await };
    found.await.map_or_else(failed, |found| {
        guarded(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], csv(&found)).into_response())
    })
}

/// One combination, with the requests that failed last.
#[utoipa::path(get, path = "/matrix/{id}",
    params(
        ("id" = String, Path, pattern = "^[0-9a-f]{16}$", description = "Its `id` in the matrix."),
        ("window" = Option<String>, Query, description = "`today`, `7-days`, `30-days` or `quarter`.")),
    responses(
        (status = 200, description = "The combination.", body = CombinationView),
        (status = 404, description = "There is none, or nobody tried it in these days.", body = ErrorView),
        Refusals))]
async fn combination(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    Path(id): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let found = async { desk.combination(&who, &id, wish(asked)?.window).await };
    found.await.map_or_else(failed, |one| json(&one))
}
