//! The register of the OPEN programme in REST.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{self, Refusals, json};
use super::{Allowed, Wanted, part};
use crate::operations::desk::{Desk, DeskError, DeskRegisterError};
use crate::operations::operators::{Changes, Reads, Reviews};
use crate::operations::register::{ChangedView, EntryView, RegisterRefusalView, RegisterView, VersionView};
use crate::practices::programme::file::{FILE_MAX_BYTES, Form};
use crate::practices::programme::{Change, Entry, EntryKind, Key, RegisterError};

/// Its routes, and their description.
pub(super) fn api() -> OpenApiRouter<Arc<Desk>> {
    let files = OpenApiRouter::new().routes(routes!(export, import)).layer(DefaultBodyLimit::max(FILE_MAX_BYTES));
    OpenApiRouter::new()
        .routes(routes!(entries))
        .routes(routes!(entry, put, remove))
        .routes(routes!(versions))
        .merge(files)
}

/// What a change of the register may meet.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "only its description is used")]
enum Refused {
    /// There is no such entry.
    #[response(status = 404)]
    Absent(RegisterRefusalView),
    /// It was changed since; what is different is told.
    #[response(status = 409)]
    Stale(RegisterRefusalView),
    /// A rule would be broken, or the file is not in order; nothing was changed.
    #[response(status = 422)]
    Unfit(RegisterRefusalView),
}

pub(super) fn failed(error: DeskRegisterError) -> Response {
    let status = status(&error);
    let view = match error {
        DeskRegisterError::Desk(error) => return answer::failed(error),
        DeskRegisterError::Register(error) => RegisterRefusalView::of(&error),
        DeskRegisterError::File(faults) => RegisterRefusalView::faults(&faults),
        DeskRegisterError::Entry(wrong) => {
            RegisterRefusalView { error: "no-entry", text: wrong, ..RegisterRefusalView::faults(&[]) }
        }
    };
    (status, json(&view)).into_response()
}

pub(super) const fn status(error: &DeskRegisterError) -> StatusCode {
    match error {
        DeskRegisterError::Desk(error) => answer::status(*error),
        DeskRegisterError::Entry(_) => StatusCode::BAD_REQUEST,
        DeskRegisterError::Register(RegisterError::Absent(_)) => StatusCode::NOT_FOUND,
        DeskRegisterError::Register(RegisterError::Stale(_)) => StatusCode::CONFLICT,
        DeskRegisterError::File(_)
        | DeskRegisterError::Register(RegisterError::Breaches(_) | RegisterError::Twice(_)) => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        DeskRegisterError::Register(RegisterError::Busy | RegisterError::Unreadable(_) | RegisterError::Store) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

fn answered<T: serde::Serialize>(found: Result<T, DeskRegisterError>) -> Response {
    found.map_or_else(failed, |view| json(&view))
}

/// Which entry an address names.
pub(super) fn key(kind: &str, id: &str) -> Result<Key, DeskRegisterError> {
    let key = EntryKind::find(kind).and_then(|kind| Key::parse(kind, id));
    key.ok_or_else(|| DeskRegisterError::Entry(format!("{kind}/{id} names none")))
}

/// The entries of a kind, by name, each with what follows from it: where a coalition stands, whether a practice may declare.
#[utoipa::path(get, path = "/register/{kind}", params(Wanted,
        ("kind" = String, Path, pattern = "^(supplier|organisation|practice|coalition)$",
            description = "`supplier`, `organisation`, `practice` or `coalition`.")),
    responses((status = 200, description = "Entries.", body = RegisterView), Refusals))]
async fn entries(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    Path(kind): Path<String>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    match (EntryKind::find(&kind).ok_or(DeskError::Form), part(wanted)) {
        (Ok(kind), Ok(part)) => answered(desk.register(&who, kind, &part).await),
        (Err(error), _) | (_, Err(error)) => answer::failed(error),
    }
}

/// One entry.
#[utoipa::path(get, path = "/register/{kind}/{id}",
    params(("kind" = String, Path, pattern = "^(supplier|organisation|practice|coalition)$",
            description = "As for the entries."),
        ("id" = String, Path, pattern = "^[a-z0-9][a-z0-9@.-]*$",
            description = "Its id; of a practice `name@medmij`.")),
    responses((status = 200, description = "The entry.", body = EntryView), Refused, Refusals))]
async fn entry(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    Path((kind, id)): Path<(String, String)>,
) -> Response {
    match key(&kind, &id) {
        Ok(key) => answered(desk.register_entry(&who, &key).await),
        Err(error) => failed(error),
    }
}

/// A wish for an entry.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct EntryWish {
    /// The version that it was made from; 0 or absent for a new entry.
    #[serde(default)]
    version: u32,
    /// What it is to be.
    #[schema(value_type = Entry)]
    entry: Box<RawValue>,
}

/// Puts an entry in, in the place of the version that it was made from.
#[utoipa::path(put, path = "/register/{kind}/{id}", request_body = EntryWish,
    params(("kind" = String, Path, pattern = "^(supplier|organisation|practice|coalition)$",
            description = "As for the entries."),
        ("id" = String, Path, pattern = "^[a-z0-9][a-z0-9@.-]*$",
            description = "Its id.")),
    responses((status = 200, description = "It stands there.", body = ChangedView), Refused, Refusals))]
async fn put(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Changes>,
    Path((kind, id)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    match wish(&kind, &id, &body) {
        Ok(change) => answered(desk.change_register(&who, change).await),
        Err(error) => failed(error),
    }
}

fn wish(kind: &str, id: &str, body: &[u8]) -> Result<Change, DeskRegisterError> {
    let key = key(kind, id)?;
    let unread = |error: serde_json::Error| DeskRegisterError::Entry(error.to_string());
    let EntryWish { version, entry } = serde_json::from_slice(body).map_err(unread)?;
    let entry = Entry::from_json(key.kind(), entry.get()).map_err(unread)?;
    if entry.key() == key {
        Ok(Change::put(version, entry))
    } else {
        Err(DeskRegisterError::Entry(format!("it is {}, and the address is that of {key}", entry.key())))
    }
}

/// From which version.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct MadeFrom {
    /// The version that is taken out.
    version: u32,
}

/// Takes an entry out. Its versions stay on record.
#[utoipa::path(delete, path = "/register/{kind}/{id}",
    params(MadeFrom,
        ("kind" = String, Path, pattern = "^(supplier|organisation|practice|coalition)$",
            description = "As for the entries."),
        ("id" = String, Path, pattern = "^[a-z0-9][a-z0-9@.-]*$",
            description = "Its id.")),
    responses((status = 200, description = "It is gone.", body = ChangedView), Refused, Refusals))]
async fn remove(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Changes>,
    Path((kind, id)): Path<(String, String)>,
    from: Result<Query<MadeFrom>, QueryRejection>,
) -> Response {
    match (key(&kind, &id), from) {
        (Ok(key), Ok(Query(MadeFrom { version }))) => {
            answered(desk.change_register(&who, Change { key, made_from: version, entry: None }).await)
        }
        (Err(error), _) => failed(error),
        (_, Err(_)) => answer::failed(DeskError::Form),
    }
}

/// The newest 100 versions of an entry, and who made them. For auditors and operators.
#[utoipa::path(get, path = "/register/{kind}/{id}/versions",
    params(("kind" = String, Path, pattern = "^(supplier|organisation|practice|coalition)$",
            description = "As for the entries."),
        ("id" = String, Path, pattern = "^[a-z0-9][a-z0-9@.-]*$",
            description = "Its id.")),
    responses((status = 200, description = "Versions, newest first.", body = [VersionView]), Refusals))]
async fn versions(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reviews>,
    Path((kind, id)): Path<(String, String)>,
) -> Response {
    match key(&kind, &id) {
        Ok(key) => answered(desk.register_versions(&who, &key).await),
        Err(error) => failed(error),
    }
}

/// The register as a file, which can be read in again.
#[utoipa::path(get, path = "/register-files/{form}",
    params(("form" = String, Path, pattern = "^(toml|(supplier|organisation|practice|coalition)[.]csv)$",
            description = "`toml` for everything; `supplier.csv`, `organisation.csv`, `practice.csv` or `coalition.csv`.")),
    responses((status = 200, description = "The file.", content((String = "application/toml"), (String = "text/csv"))), Refusals))]
async fn export(State(desk): State<Arc<Desk>>, Allowed(who): Allowed<Reads>, Path(name): Path<String>) -> Response {
    let Some(form) = Form::find(&name) else { return answer::failed(DeskError::Form) };
    let kind = if form == Form::Toml { "application/toml; charset=utf-8" } else { "text/csv; charset=utf-8" };
    match desk.register_file(&who, form).await {
        Ok(file) => answer::guarded(([(header::CONTENT_TYPE, kind)], file).into_response()),
        Err(error) => failed(error),
    }
}

/// Whether it is only tried.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct DryRun {
    /// Only say what it would do.
    #[serde(default)]
    dry_run: bool,
}

/// Takes over a file: all of it, or nothing and the reason for each line.
#[utoipa::path(post, path = "/register-files/{form}", request_body(content = String, content_type = "text/plain"),
    params(DryRun, ("form" = String, Path, pattern = "^(toml|(supplier|organisation|practice|coalition)[.]csv)$",
            description = "As for the export.")),
    responses((status = 200, description = "What became of each entry.", body = ChangedView), Refused, Refusals))]
async fn import(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Changes>,
    Path(name): Path<String>,
    dry_run: Result<Query<DryRun>, QueryRejection>,
    body: Bytes,
) -> Response {
    let (Some(form), Ok(Query(DryRun { dry_run }))) = (Form::find(&name), dry_run) else {
        return answer::failed(DeskError::Form);
    };
    answered(desk.import_register(&who, form, &body, dry_run).await)
}
