//! Go-live on the wire.

pub(super) mod pages;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;

use super::Allowed;
use super::answer::{Refusals, failed, json};
use crate::operations::desk::{Desk, DeskError, StageWish};
use crate::operations::operators::{Changes, Reads};
use crate::operations::view::{DoneView, EntranceView, PatientView, StageChangeView, StageWishView, UndoView};

/// Every practice, or service of one, whose stage operators set.
#[utoipa::path(get, path = "/go-live",
    responses((status = 200, description = "Entrances.", body = [EntranceView]), Refusals))]
pub(super) async fn entrances(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Reads>) -> Response {
    json(&desk.entrances(&who))
}

/// The changes at one entrance, newest first.
#[utoipa::path(get, path = "/go-live/{entrance}",
    params(("entrance" = String, Path, description = "`name@medmij`, or `name@medmij~49` for one service.")),
    responses((status = 200, description = "At most 100 changes.", body = [StageChangeView]),
        (status = 404, description = "No practice or service of ours has this name.", body = super::ErrorView), Refusals))]
pub(super) async fn changes(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    Path(entrance): Path<String>,
) -> Response {
    desk.stage_changes(&who, &entrance).await.map_or_else(failed, |changes| json(&changes))
}

/// Sets how far a practice is, with one service or all: here at once, on every other node within two seconds.
#[utoipa::path(put, path = "/go-live/{entrance}", request_body = StageWishView,
    params(("entrance" = String, Path, description = "As for looking.")),
    responses((status = 200, description = "It is in force.", body = DoneView),
        (status = 409, description = "Somebody changed it meanwhile.", body = super::ErrorView),
        (status = 404, description = "No practice or service of ours has this name.", body = super::ErrorView), Refusals))]
pub(super) async fn set(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Changes>,
    Path(entrance): Path<String>,
    body: Bytes,
) -> Response {
    let Ok(StageWishView { stage, seen, reason }) = serde_json::from_slice(&body) else {
        return failed(DeskError::Form);
    };
    let stage = stage.map(|stage| stage.to_string());
    let wish = StageWish { stage: stage.as_deref(), seen, reason: &reason };
    desk.set_stage(&who, &entrance, wish).await.map_or_else(failed, |done| json(&done))
}

/// Puts back what was in force before the last change.
#[utoipa::path(post, path = "/go-live/{entrance}/undo", request_body = UndoView,
    params(("entrance" = String, Path, description = "As for looking.")),
    responses((status = 200, description = "It is in force.", body = DoneView),
        (status = 409, description = "It is not the last change.", body = super::ErrorView),
        (status = 404, description = "No practice or service of ours has this name.", body = super::ErrorView), Refusals))]
pub(super) async fn undo(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Changes>,
    Path(entrance): Path<String>,
    body: Bytes,
) -> Response {
    let Ok(UndoView { seen }) = serde_json::from_slice(&body) else { return failed(DeskError::Form) };
    desk.undo_stage(&who, &entrance, seen).await.map_or_else(failed, |done| json(&done))
}

/// Lets a test patient take part, or no more.
#[utoipa::path(put, path = "/go-live/{entrance}/people", request_body = PatientView,
    params(("entrance" = String, Path, description = "As for looking.")),
    responses((status = 200, description = "It is so.", body = DoneView),
        (status = 404, description = "No practice or service of ours has this name.", body = super::ErrorView), Refusals))]
pub(super) async fn name_patient(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Changes>,
    Path(entrance): Path<String>,
    body: Bytes,
) -> Response {
    let Ok(PatientView { bsn, takes_part }) = serde_json::from_slice(&body) else { return failed(DeskError::Form) };
    desk.name_patient(&who, &entrance, (&bsn, takes_part)).await.map_or_else(failed, |done| json(&done))
}
