//! Explanations on the wire. The API takes its question as a body, so that what stands for a person is in no address; the form of
//! the page asks about nobody in particular, so its address can be kept and sent to somebody.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::Allowed;
use super::answer::{Refusals, failed, html, json, status};
use crate::operations::desk::{Desk, DeskError};
use crate::operations::explain::{ExplanationView, QuestionView};
use crate::operations::operators::{Reads, Right};
use crate::pages::operations::{ExplainPage, Frame};

/// What would become of a request, step by step: the decision that serves requests, and nothing is asked of a HIS.
#[utoipa::path(post, path = "/explain", request_body = QuestionView,
    responses((status = 200, description = "What would become of it.", body = ExplanationView), Refusals))]
pub(super) async fn explain(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Reads>, body: Bytes) -> Response {
    let Ok(question) = serde_json::from_slice::<QuestionView>(&body) else { return failed(DeskError::Form) };
    desk.explain(&who, &question).await.map_or_else(failed, |explanation| json(&explanation))
}

/// The form, and the explanation once something is filled in.
pub(super) async fn page(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    asked: Result<Query<QuestionView>, QueryRejection>,
) -> Response {
    let asked = asked.map(|Query(asked)| asked).map_err(|_| DeskError::Form);
    // Who is meant stands in no address.
    let asked = asked.and_then(|asked| match (&asked.test_patient, &asked.bsn_hash) {
        (None, None) => Ok(asked),
        (_, _) => Err(DeskError::Form),
    });
    let (typed, explained) = match asked {
        Ok(typed) if typed.is_empty() => (typed, None),
        Ok(typed) => {
            let explained = desk.explain(&who, &typed).await;
            (typed, Some(explained))
        }
        Err(error) => (QuestionView::default(), Some(Err(error))),
    };
    let (explanation, wrong) = match explained {
        None => (None, None),
        Some(Ok(explanation)) => (Some(explanation), None),
        Some(Err(error)) => (None, Some(error)),
    };
    let typed = if typed.holds_bsn() { QuestionView::default() } else { typed };
    let page = ExplainPage { frame: Frame::of(who.person()), typed: &typed, explanation: explanation.as_ref(), wrong };
    html(wrong.map_or(StatusCode::OK, status), page.render_html())
}
