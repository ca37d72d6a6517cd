//! The forms of the register of the OPEN programme. What is refused is shown beside its field, and nothing that was typed is lost.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{OriginalUri, Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;

use super::Allowed;
use super::answer::{html, no_such_page};
use super::pages::pairs;
use super::register::{key, status};
use super::register_pages::{failed, frame};
use crate::form::{decode_pairs, single};
use crate::medmij::holds_bsn;
use crate::operations::desk::{Desk, DeskError, DeskRegisterError};
use crate::operations::operators::{Changes, Reads, Right};
use crate::operations::register::RegisterRefusalView;
use crate::pages::register::{FormField, FormPage, Frame};
use crate::practices::programme::file::{fields, read_fields};
use crate::practices::programme::{Change, EntryKind, Key, RegisterError};

/// Their routes.
pub(super) fn routes() -> Router<Arc<Desk>> {
    Router::new().route("/register-form/{kind}", get(form).post(change))
}

/// What somebody asks for, as far as it stands in the address or the form.
type Pairs = Vec<(String, String)>;

/// A form for a new entry, or with what an entry has.
async fn form(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Changes>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Path(kind): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let frame = frame(Some(who.person()), &uri, &headers);
    let Some(kind) = EntryKind::find(&kind) else { return no_such_page().await };
    let asked: Pairs = query.and_then(|query| decode_pairs(&query).ok()).unwrap_or_default();
    let typed = match single(&asked, "id") {
        None => Ok(fields(kind, None)),
        Some(id) => stored(&desk, &who, kind, id).await,
    };
    match typed {
        Ok(typed) => {
            let is_new = single(&asked, "id").is_none();
            let fields = typed.into_iter().map(|(name, value)| FormField { name, value, wrong: None }).collect();
            html(StatusCode::OK, FormPage { frame, kind, is_new, fields, refusal: None }.render_html())
        }
        Err(error) => failed(frame, &error),
    }
}

/// The fields of an entry as it is.
async fn stored(
    desk: &Desk,
    who: &Changes,
    kind: EntryKind,
    id: &str,
) -> Result<Vec<(&'static str, String)>, DeskRegisterError> {
    let key = key(kind.as_str(), id)?;
    let one = desk.register_entry(&reads(who)?, &key).await?;
    Ok(fields(kind, Some((&one.entry, one.version))))
}

/// Who changes also sees.
fn reads(who: &Changes) -> Result<Reads, DeskError> {
    Reads::of(who.person().clone()).map_err(|_| DeskError::NotAllowed)
}

async fn change(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Changes>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Path(kind): Path<String>,
    body: Bytes,
) -> Response {
    let frame = frame(Some(who.person()), &uri, &headers);
    let Some(kind) = EntryKind::find(&kind) else { return no_such_page().await };
    let typed = pairs(&body);
    if single(&typed, "action") == Some("remove") {
        return remove(&desk, &who, frame, (kind, &typed)).await;
    }
    let line = match read_fields(kind, |name| single(&typed, name)) {
        Ok(line) => line,
        Err(wrong) => return again(frame, kind, &typed, Refused::Fields(wrong)),
    };
    let (version, key) = (line.made_from.unwrap_or_default(), line.entry.key());
    match desk.change_register(&who, Change::put(version, line.entry)).await {
        Ok(_) => Redirect::to(&frame.entry(kind.as_str(), key.id())).into_response(),
        Err(DeskRegisterError::Register(error)) if is_told(&error) => again(frame, kind, &typed, Refused::By(error)),
        Err(error) => failed(frame, &error),
    }
}

async fn remove(desk: &Desk, who: &Changes, frame: Frame<'_>, (kind, typed): (EntryKind, &Pairs)) -> Response {
    let id = single(typed, "id").unwrap_or_default();
    let version = single(typed, "version").and_then(|version| version.parse().ok()).unwrap_or_default();
    let Some(key) = Key::parse(kind, id) else { return failed(frame, &DeskError::Form.into()) };
    let change = Change { key, made_from: version, entry: None };
    match desk.change_register(who, change).await {
        Ok(_) => Redirect::to(&frame.list(kind.as_str())).into_response(),
        Err(DeskRegisterError::Register(error)) if is_told(&error) => match stored(desk, who, kind, id).await {
            Ok(stored) => {
                let stored = stored.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                again(frame, kind, &stored, Refused::By(error))
            }
            Err(_) => failed(frame, &error.into()),
        },
        Err(error) => failed(frame, &error),
    }
}

/// Whether the form can tell what is to be done about it.
const fn is_told(error: &RegisterError) -> bool {
    matches!(error, RegisterError::Breaches(_) | RegisterError::Stale(_))
}

/// Why a change was not made.
enum Refused {
    /// These fields are not in order.
    Fields(Vec<(&'static str, String)>),
    /// The register says no.
    By(RegisterError),
}

/// The form once more, with what was typed; what holds a BSN does not come back. After somebody else was first it is made from
/// the version that they made, as it shows what they changed.
fn again(frame: Frame<'_>, kind: EntryKind, typed: &Pairs, refused: Refused) -> Response {
    let (status, wrong, refusal) = match refused {
        Refused::Fields(wrong) => (StatusCode::BAD_REQUEST, wrong, None),
        Refused::By(error) => {
            let refusal = RegisterRefusalView::of(&error);
            (status(&error.into()), Vec::new(), Some(refusal))
        }
    };
    let newest = refusal.as_ref().and_then(|refusal| refusal.stale.as_ref()).map(|stale| stale.version.to_string());
    let field = |name: &'static str| {
        let value = single(typed, name).filter(|value| !holds_bsn(value)).unwrap_or_default().to_owned();
        let wrong = wrong.iter().find(|(field, _)| *field == name).map(|(_, expected)| expected.clone());
        match &newest {
            Some(newest) if name == "version" => FormField { name, value: newest.clone(), wrong },
            Some(_) | None => FormField { name, value, wrong },
        }
    };
    let fields: Vec<_> = fields(kind, None).into_iter().map(|(name, _)| field(name)).collect();
    let is_new = fields.iter().any(|field| field.name == "version" && field.value.trim().is_empty());
    html(status, FormPage { frame, kind, is_new, fields, refusal: refusal.as_ref() }.render_html())
}
