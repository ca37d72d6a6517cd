//! Go-live on a page.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::answer::{html, status};
use super::super::{Allowed, pages};
use crate::form::single;
use crate::operations::desk::{Desk, DeskError, StageWish};
use crate::operations::operators::{Changes, Reads, Right as _};
use crate::pages::operations::{Frame, GoLivePage, StageForm};

/// What a link fills in.
#[derive(Deserialize)]
pub(in super::super) struct Filled {
    #[serde(default)]
    entrance: String,
}

pub(in super::super) async fn show(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    Query(Filled { entrance }): Query<Filled>,
) -> Response {
    let known = desk.entrances(&who);
    let seen = known.iter().find(|known| known.entrance == entrance).map_or(0, |known| known.number);
    page(&desk, &who, StageForm { entrance, seen, ..StageForm::default() }, None)
}

pub(in super::super) async fn change(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Changes>,
    body: Bytes,
) -> Response {
    let pairs = pages::pairs(&body);
    let field = |name| single(&pairs, name).unwrap_or_default();
    let typed = typed(&field);
    let done = match field("action") {
        "set" => set(&desk, &who, &typed).await,
        "undo" => desk.undo_stage(&who, &typed.entrance, typed.seen).await,
        "name" => desk.name_patient(&who, &typed.entrance, (field("bsn"), field("takes_part") == "yes")).await,
        _ => Err(DeskError::Form),
    };
    match (done, Reads::of(who.person().clone())) {
        (Ok(_), _) => Redirect::to("/go-live").into_response(),
        (Err(wrong), Ok(who)) => page(&desk, &who, shown(typed), Some(wrong)),
        (Err(wrong), Err(_)) => pages::failed(wrong),
    }
}

async fn set(desk: &Desk, who: &Changes, typed: &StageForm) -> Result<crate::operations::view::DoneView, DeskError> {
    let stage = written(typed).map(|stage| stage.to_string());
    // A form that was filled in by hand says nothing of what was seen, and goes on from what there is.
    let seen = match typed.seen {
        0 => desk.newest(&typed.entrance),
        seen => seen,
    };
    desk.set_stage(who, &typed.entrance, StageWish { stage: stage.as_deref(), seen, reason: &typed.reason }).await
}

/// The stage of a form as the API has it; `None` for the configured one.
fn written(typed: &StageForm) -> Option<Value> {
    match typed.stage.as_str() {
        "configured" => None,
        "pilot" => {
            let clients: Vec<_> = typed.clients.split_whitespace().collect();
            let places: Value = typed.places.trim().parse::<u16>().map_or(Value::Null, Value::from);
            let (from, until) = (&typed.from, &typed.until);
            Some(json!({"stage": "pilot", "places": places, "clients": clients, "from": from, "until": until}))
        }
        stage => Some(json!({"stage": stage})),
    }
}

fn typed<'a>(field: &impl Fn(&'static str) -> &'a str) -> StageForm {
    let own = |name| field(name).to_owned();
    StageForm {
        entrance: own("entrance"),
        seen: field("seen").parse().unwrap_or_default(),
        stage: own("stage"),
        places: own("places"),
        clients: own("clients"),
        from: own("from"),
        until: own("until"),
        reason: own("reason"),
    }
}

/// What holds a BSN does not come back.
fn shown(typed: StageForm) -> StageForm {
    let reason = if crate::medmij::holds_bsn(&typed.reason) { String::new() } else { typed.reason };
    StageForm { reason, ..typed }
}

fn page(desk: &Desk, who: &Reads, typed: StageForm, wrong: Option<DeskError>) -> Response {
    let entrances = desk.entrances(who);
    let page = GoLivePage { frame: Frame::of(who.person()), entrances: &entrances, typed, wrong };
    html(wrong.map_or(StatusCode::OK, status), page.render_html())
}
