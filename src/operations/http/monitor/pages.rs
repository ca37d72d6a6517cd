//! The pages of the OPEN monitor.

use std::sync::Arc;

use axum::Router;
use axum::extract::{OriginalUri, Path, State};
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::routing::get;

use super::{csv, status};
use crate::form::{decode_pairs, encode_pairs, single};
use crate::language::Language;
use crate::operations::desk::{Asked, Desk};
use crate::operations::http::Allowed;
use crate::operations::http::answer::html;
use crate::operations::operators::{Reads, Right as _};
use crate::pages::monitor::{FailedPage, FinalPage, Frame, OverviewPage, ReportPage};
use crate::report::publish::MonitorError;
use crate::report::{Period, Scope};

/// Where the monitor is.
const BASE: &str = "/monitor";

/// Their routes.
pub(in crate::operations::http) fn routes() -> Router<Arc<Desk>> {
    Router::new()
        .route(BASE, get(whole))
        .route("/monitor/final", get(years))
        .route("/monitor/{scope}", get(scope))
        .route("/monitor/{page}/{scope}", get(other))
}

/// What the address and the browser say.
struct Request {
    language: Language,
    /// `Err`: it is no period.
    period: Result<Option<Period>, MonitorError>,
    path: String,
    who: String,
}

impl Request {
    fn of(who: &Reads, uri: &Uri, headers: &HeaderMap) -> Self {
        let mut pairs = uri.query().and_then(|query| decode_pairs(query).ok()).unwrap_or_default();
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let language = single(&pairs, "lang").and_then(Language::parse);
        let period = single(&pairs, "period").map(Period::parse).transpose().map_err(|_| MonitorError::Absent);
        pairs.retain(|(name, _)| name != "lang");
        let query = if pairs.is_empty() { String::new() } else { format!("?{}", encode_pairs(&pairs)) };
        let person = who.person();
        Self {
            language: language.unwrap_or_else(|| Language::preferred(accepted)),
            period,
            path: format!("{}{query}", uri.path()),
            who: format!("{} ({})", person.name(), person.role().as_str()),
        }
    }

    fn asked(&self, scope: &str) -> Result<Asked, MonitorError> {
        let scope = Scope::parse(scope).map_err(|_| MonitorError::Absent)?;
        Ok(Asked { scope, period: self.period.clone()?, language: self.language })
    }

    fn frame(&self) -> Frame<'_> {
        Frame::of(Some(&self.who), self.language, BASE, self.path.clone())
    }

    fn answer(&self, page: Result<String, MonitorError>) -> Response {
        match page {
            Ok(page) => html(StatusCode::OK, page),
            Err(error) => {
                let frame = Frame::of(None, self.language, BASE, self.path.clone());
                html(status(&error), FailedPage { frame, error: &error }.render_html())
            }
        }
    }

    async fn overview(&self, desk: &Desk, who: &Reads, scope: &str) -> Result<String, MonitorError> {
        let seen = desk.monitor(who, &self.asked(scope)?).await?;
        Ok(OverviewPage { frame: self.frame(), seen: &seen }.render_html())
    }

    async fn report(&self, desk: &Desk, who: &Reads, scope: &str) -> Result<String, MonitorError> {
        let (seen, quarter) = desk.monitor_report(who, &self.asked(scope)?).await?;
        Ok(ReportPage { frame: self.frame(), seen: &seen, quarter: &quarter }.render_html())
    }

    async fn years(&self, desk: &Desk, who: &Reads) -> Result<String, MonitorError> {
        let (seen, years) = desk.final_monitor(who, self.language).await?;
        Ok(FinalPage { frame: self.frame(), seen: &seen, years: &years }.render_html())
    }
}

async fn whole(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let request = Request::of(&who, &uri, &headers);
    request.answer(request.overview(&desk, &who, "whole").await)
}

async fn years(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let request = Request::of(&who, &uri, &headers);
    request.answer(request.years(&desk, &who).await)
}

async fn scope(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Path(scope): Path<String>,
) -> Response {
    let request = Request::of(&who, &uri, &headers);
    request.answer(request.overview(&desk, &who, &scope).await)
}

/// The report of a quarter, or a table as a file.
async fn other(
    State(desk): State<Arc<Desk>>,
    Allowed(who): Allowed<Reads>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Path((page, scope)): Path<(String, String)>,
) -> Response {
    let request = Request::of(&who, &uri, &headers);
    if page == "report" {
        return request.answer(request.report(&desk, &who, &scope).await);
    }
    match request.asked(&scope) {
        Ok(asked) => csv(&desk, &who, &asked, &page).await.unwrap_or_else(|error| request.answer(Err(error))),
        Err(error) => request.answer(Err(error)),
    }
}
