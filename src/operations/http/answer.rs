//! Answers of the operations face, and what goes with each of them: nothing is kept by whoever asks.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;

use crate::edge::headers::guard_page;
use crate::operations::desk::DeskError;
use crate::operations::switch::SwitchError;
use crate::operations::view::ErrorView;
use crate::signin::TooManyRefused;

/// What each route may answer instead.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) enum Refusals {
    /// What was sent cannot be used.
    #[response(status = 400)]
    Wrong(ErrorView),
    /// The certificate names no operator, or their role does not allow it.
    #[response(status = 403)]
    NotAllowed(ErrorView),
    /// The body is larger than any that is needed.
    #[response(status = 413)]
    TooLarge,
    /// Too many requests were refused.
    #[response(status = 429)]
    TooManyRefused(ErrorView),
    /// The store does not answer, or it cannot be recorded.
    #[response(status = 503)]
    Unavailable(ErrorView),
}

pub(super) fn json(view: &impl Serialize) -> Response {
    guarded(Json(view).into_response())
}

pub(super) fn html(status: StatusCode, html: String) -> Response {
    guarded((status, Html(html)).into_response())
}

pub(super) fn failed(error: DeskError) -> Response {
    let view = ErrorView { error: code(error), text: error.to_string() };
    let mut response = guarded((status(error), Json(view)).into_response());
    if let DeskError::TooManyRefused(TooManyRefused(seconds)) = error {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

pub(super) async fn no_such_page() -> Response {
    guarded(StatusCode::NOT_FOUND.into_response())
}

pub(super) async fn no_such_method() -> Response {
    guarded(StatusCode::METHOD_NOT_ALLOWED.into_response())
}

pub(super) const fn status(error: DeskError) -> StatusCode {
    match error {
        DeskError::Nobody | DeskError::LogIn | DeskError::NotIn | DeskError::NoRole | DeskError::NotAllowed => {
            StatusCode::FORBIDDEN
        }
        DeskError::TooManyRefused(_) => StatusCode::TOO_MANY_REQUESTS,
        DeskError::Target | DeskError::Entrance => StatusCode::NOT_FOUND,
        DeskError::Reason
        | DeskError::Level
        | DeskError::Stage
        | DeskError::Bsn
        | DeskError::Question(_)
        | DeskError::Form => StatusCode::BAD_REQUEST,
        DeskError::Switch(SwitchError::TooMany) | DeskError::OnDuty(_) | DeskError::SeenOther => StatusCode::CONFLICT,
        DeskError::Switch(SwitchError::Store) | DeskError::Audit(_) | DeskError::NoProvider => {
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

const fn code(error: DeskError) -> &'static str {
    match error {
        DeskError::Nobody => "no-operator",
        DeskError::LogIn => "log-in",
        DeskError::NotIn => "not-logged-in",
        DeskError::NoRole => "no-role",
        DeskError::NoProvider => "login-unavailable",
        DeskError::NotAllowed => "not-your-role",
        DeskError::TooManyRefused(_) => "too-many-refused",
        DeskError::Target => "no-such-target",
        DeskError::Reason => "no-reason",
        DeskError::Level => "no-such-level",
        DeskError::Entrance => "no-such-entrance",
        DeskError::Stage => "no-such-stage",
        DeskError::SeenOther => "changed-meanwhile",
        DeskError::Bsn => "no-bsn",
        DeskError::Question(_) => "no-question",
        DeskError::OnDuty(_) => "on-duty",
        DeskError::Form => "not-readable",
        DeskError::Switch(SwitchError::TooMany) => "too-many-stops",
        DeskError::Switch(SwitchError::Store) => "store-down",
        DeskError::Audit(_) => "audit-unavailable",
    }
}

pub(super) fn guarded(mut response: Response) -> Response {
    guard_page(response.headers_mut());
    response
}
