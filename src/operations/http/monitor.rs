//! The OPEN monitor in REST and on pages.

mod pages;

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) use self::pages::routes;
use super::Allowed;
use super::answer::{self, Refusals, json};
use crate::language::Language;
use crate::operations::desk::{Asked, Desk, DeskError};
use crate::operations::operators::Reads;
use crate::operations::view::ErrorView;
use crate::report::publish::table::Table;
use crate::report::publish::{MonitorError, Overview};
use crate::report::{Period, Scope};

/// Longest name of a participant, in characters.
const PARTICIPANT_MAX: usize = 100;

/// Its routes, and their description.
pub(super) fn api() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::new().routes(routes!(monitor)).routes(routes!(table)).routes(routes!(file))
}

/// What is told of a scope in a period.
#[derive(Serialize, ToSchema)]
struct MonitorView {
    /// `whole`, `practice:NAME`, `coalition:ID` or `supplier:ID`.
    scope: String,
    /// Its name for people.
    name: String,
    /// A month, quarter or year.
    period: String,
    /// Whether it is told for good; before, numbers are rounded down to tens.
    settled: bool,
    /// The tables of the scope, of its parts, and of the months of the year.
    tables: Vec<Table>,
}

impl From<Overview> for MonitorView {
    fn from(seen: Overview) -> Self {
        let parts = seen.parts.into_iter().map(|(table, _)| table);
        Self {
            scope: seen.scope.to_string(),
            name: seen.name,
            period: seen.period.to_string(),
            settled: seen.settled,
            tables: seen.tables.into_iter().chain([seen.months]).chain(parts).collect(),
        }
    }
}

/// Of when, and in which language.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct When {
    /// A month `2026-03`, a quarter `2026-Q1` or a year `2026`; this month when absent.
    period: Option<String>,
    /// `nl` or `en`.
    lang: Option<String>,
    /// How MedMij knows this participant; for `medmij.xml` only.
    participant: Option<String>,
}

fn asked(scope: &str, when: Result<Query<When>, QueryRejection>) -> Result<(Asked, When), DeskError> {
    let Query(when) = when.map_err(|_| DeskError::Form)?;
    let period = when.period.as_deref().map(Period::parse).transpose().map_err(|_| DeskError::Form)?;
    let language = when.lang.as_deref().and_then(Language::parse).unwrap_or_default();
    let scope = Scope::parse(scope).map_err(|_| DeskError::Form)?;
    Ok((Asked { scope, period, language }, when))
}

pub(super) const fn status(error: &MonitorError) -> StatusCode {
    match error {
        MonitorError::Absent | MonitorError::NotYet => StatusCode::NOT_FOUND,
        MonitorError::Report(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn failed(error: &MonitorError) -> Response {
    let code = match error {
        MonitorError::Absent => "no-such-figures",
        MonitorError::NotYet => "not-yet",
        MonitorError::Report(_) => "figures-unavailable",
    };
    (status(error), json(&ErrorView { error: code, text: error.to_string() })).into_response()
}

fn download(kind: &'static str, name: &str, text: String) -> Response {
    let attachment = format!("attachment; filename=\"{name}\"");
    answer::guarded(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, &*attachment)], text).into_response())
}

/// What is told of a scope in a period: suppressed, so it may be passed on.
#[utoipa::path(get, path = "/monitor/{scope}", params(When,
        ("scope" = String, Path, pattern = "^(whole|(practice|coalition|supplier):[a-z0-9@.-]+)$",
            description = "`whole`, `practice:NAME`, `coalition:ID` or `supplier:ID`.")),
    responses((status = 200, description = "Figures.", body = MonitorView),
        (status = 404, description = "There is no such scope, or the period has not begun.", body = ErrorView), Refusals))]
async fn monitor(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    Path(scope): Path<String>,
    when: Result<Query<When>, QueryRejection>,
) -> Response {
    let (asked, _) = match asked(&scope, when) {
        Ok(asked) => asked,
        Err(error) => return answer::failed(error),
    };
    desk.monitor(&who, &asked).await.map_or_else(|error| failed(&error), |seen| json(&MonitorView::from(seen)))
}

/// One table as CSV (RFC 4180). Beside each count stands how it is told; `definitions.csv` says what the columns mean.
#[utoipa::path(get, path = "/monitor/{scope}/{file}", params(When,
        ("scope" = String, Path, pattern = "^(whole|(practice|coalition|supplier):[a-z0-9@.-]+)$",
            description = "As for the figures."),
        ("file" = String, Path, pattern = "^(key-figures|viewers|requests|over-time|coalitions|suppliers|practices|definitions)[.]csv$",
            description = "The name of a table.")),
    responses((status = 200, description = "The file.", content((String = "text/csv"))),
        (status = 404, description = "There is no such scope or table.", body = ErrorView), Refusals))]
async fn table(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    Path((scope, file)): Path<(String, String)>,
    when: Result<Query<When>, QueryRejection>,
) -> Response {
    let (asked, _) = match asked(&scope, when) {
        Ok(asked) => asked,
        Err(error) => return answer::failed(error),
    };
    csv(&desk, &who, &asked, file.strip_suffix(".csv").unwrap_or_default()).await.unwrap_or_else(|error| failed(&error))
}

/// A table as a file.
async fn csv(desk: &Desk, who: &Reads, asked: &Asked, name: &str) -> Result<Response, MonitorError> {
    let file = if name == "definitions" {
        crate::report::publish::table::definitions_csv(asked.language)
    } else {
        desk.monitor_table(who, asked, name).await?.to_csv()
    };
    Ok(download("text/csv; charset=utf-8", &format!("{name}.csv"), file))
}

/// Files for others: `declarations.csv` for insurers (who may declare the fee, and nothing else), `research.csv` (the months of a year of
/// each coalition), `medmij.xml` (the management report of a month that is closed).
#[utoipa::path(get, path = "/monitor-files/{file}", params(When,
        ("file" = String, Path, pattern = "^(declarations[.]csv|research[.]csv|medmij[.]xml)$", description = "Which.")),
    responses((status = 200, description = "The file.", content((String = "text/csv"), (String = "application/xml"))),
        (status = 404, description = "There is no such file, or the month is not closed.", body = ErrorView), Refusals))]
async fn file(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    Path(file): Path<String>,
    when: Result<Query<When>, QueryRejection>,
) -> Response {
    let (asked, when) = match asked("whole", when) {
        Ok(asked) => asked,
        Err(error) => return answer::failed(error),
    };
    const CSV: &str = "text/csv; charset=utf-8";
    let made = match file.as_str() {
        "declarations.csv" => desk.declarations(&who, asked.language).await.map(|table| (CSV, table.to_csv())),
        "research.csv" => desk.research(&who, &asked).await.map(|table| (CSV, table.to_csv())),
        "medmij.xml" => {
            let Some(participant) = when.participant.filter(|name| fits(name)) else {
                return answer::failed(DeskError::Form);
            };
            let report = desk.management_report(&who, &asked, &participant).await;
            report.map(|xml| ("application/xml; charset=utf-8", xml))
        }
        _ => Err(MonitorError::Absent),
    };
    made.map_or_else(|error| failed(&error), |(kind, text)| download(kind, &file, text))
}

fn fits(participant: &str) -> bool {
    (1..=PARTICIPANT_MAX).contains(&participant.chars().count()) && !participant.chars().any(char::is_control)
}
