//! "Who requested my data?" on the wire: the page, and the same as files.

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::form::VisitId;
use super::page::{secured, with_cookie};
use super::wish::Wish;
use super::{Shared, cookie, refused};
use crate::form::{decode_pairs, single};
use crate::language::Language;
use crate::medmij::LocalId;
use crate::pages::STYLESHEET;
use crate::pages::log::{LogPrint, LogView, table};
use crate::session::journey::{Journey, JourneyError, LogWish, Presented, ShownLog};

/// A look at the log.
pub(super) async fn page(
    State(journey): Shared,
    VisitId(id): VisitId,
    RawQuery(query): RawQuery,
    wish: Wish,
    headers: HeaderMap,
) -> Response {
    let Some(visit) = id else { return refused(&journey, JourneyError::StalePage, wish).await };
    let (cookie, pairs) = (cookie::read(&headers, visit), pairs(query));
    let presented = Presented { visit, cookie: &cookie, form: "", language: wish.asked };
    match journey.look_into_log(presented, asked(&pairs)).await {
        Ok(page) => {
            let html = LogView::of(&page, &journey.operator).render_html();
            let response = with_cookie(secured(Html(html).into_response(), ""), visit, &page.keys.cookie);
            match &page.shown {
                Ok(shown) => with_receipt(response, shown),
                Err(_) => response,
            }
        }
        Err(ended) => journey.failed(&ended, visit, wish),
    }
}

/// The same as a file.
pub(super) async fn file(
    State(journey): Shared,
    Path((id, name)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    wish: Wish,
    headers: HeaderMap,
) -> Response {
    let Some(file) = File::named(&name) else { return journey.not_found(wish) };
    let Some(visit) = LocalId::parse(&id) else { return refused(&journey, JourneyError::StalePage, wish).await };
    let (cookie, pairs) = (cookie::read(&headers, visit), pairs(query));
    let presented = Presented { visit, cookie: &cookie, form: "", language: wish.asked };
    match journey.copy_log(presented, asked(&pairs)).await {
        Ok((shown, language)) => with_receipt(file.answer(&journey, &shown, language), &shown),
        Err(ended) => journey.failed(&ended, visit, wish),
    }
}

fn pairs(query: Option<String>) -> Vec<(String, String)> {
    decode_pairs(&query.unwrap_or_default()).unwrap_or_default()
}

fn asked(pairs: &[(String, String)]) -> LogWish<'_> {
    LogWish { first: single(pairs, "from"), last: single(pairs, "to"), before: single(pairs, "before") }
}

/// In which form.
#[derive(Clone, Copy)]
enum File {
    Print,
    Table,
    Fhir,
}

impl File {
    fn named(name: &str) -> Option<Self> {
        match name {
            "print" => Some(Self::Print),
            "table" => Some(Self::Table),
            "fhir" => Some(Self::Fhir),
            _ => None,
        }
    }

    fn answer(self, journey: &Journey, shown: &ShownLog, language: Language) -> Response {
        let name = format!("inzagelog-{}-{}", shown.period.first(), shown.period.last());
        match self {
            Self::Print => printable(LogPrint::of(shown, language, &journey.operator).render_html()),
            Self::Table => download(table(&shown.entries, language), "text/csv; charset=utf-8", &format!("{name}.csv")),
            Self::Fhir => {
                download(journey.log.collection(&shown.looked), "application/fhir+json", &format!("{name}.json"))
            }
        }
    }
}

/// A page with its style in it, which the policy names by its digest, so that nothing else in it can be style.
fn printable(html: String) -> Response {
    let digest = STANDARD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, STYLESHEET.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    );
    let mut response = secured(Html(html).into_response(), "");
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn download(body: Vec<u8>, media_type: &'static str, name: &str) -> Response {
    let mut response = secured(body.into_response(), "");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

/// That this was shown is on record under this number.
fn with_receipt(mut response: Response, shown: &ShownLog) -> Response {
    if let Ok(receipt) = HeaderValue::from_str(&shown.looked.receipt().to_string()) {
        response.headers_mut().insert("inzage-audit-receipt", receipt);
    }
    response
}
