//! Answers of the desk: pages, JSON and files.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Json;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use http_body::Frame;
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;

use crate::audit::Record;
use crate::audit::render::{balp, csv, ndjson, nen7513};
use crate::auditors::desk::{Desk, DeskError, Results, Visitor};
use crate::auditors::question::{About, Wrong};
use crate::edge::headers::guard_page;
use crate::language::Language;
use crate::medmij::LocalId;
use crate::pages::{AuditorMessagePage, AuditorPage, AuditorRequestsPage, STYLESHEET};

/// So many lines of a file are written at once.
const AT_ONCE: usize = 100;

/// In which form somebody wants an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Speech {
    language: Language,
    json: bool,
}

/// The forms of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileForm {
    Ndjson,
    Csv,
    Fhir,
    Nen7513,
}

impl FileForm {
    pub(super) fn find(word: &str) -> Option<Self> {
        match word {
            "ndjson" => Some(Self::Ndjson),
            "csv" => Some(Self::Csv),
            "fhir" => Some(Self::Fhir),
            "nen7513" => Some(Self::Nen7513),
            _ => None,
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Fhir => "application/fhir+ndjson",
            Self::Nen7513 => "text/tab-separated-values; charset=utf-8",
        }
    }

    const fn file_name(self) -> &'static str {
        match self {
            Self::Ndjson => "attachment; filename=\"inzage-log.ndjson\"",
            Self::Csv => "attachment; filename=\"inzage-log.csv\"",
            Self::Fhir => "attachment; filename=\"inzage-log.fhir.ndjson\"",
            Self::Nen7513 => "attachment; filename=\"inzage-log.nen7513.tsv\"",
        }
    }

    fn header(self) -> Vec<u8> {
        match self {
            Self::Csv => csv::header(),
            Self::Nen7513 => nen7513::header().into_bytes(),
            Self::Ndjson | Self::Fhir => Vec::new(),
        }
    }

    fn line(self, record: &Record, desk: &Desk) -> Vec<u8> {
        match self {
            Self::Ndjson => ndjson(record, &desk.site).into_bytes(),
            Self::Csv => csv::csv(record, &desk.site),
            Self::Fhir => format!("{}\n", balp(record, &desk.site)).into_bytes(),
            Self::Nen7513 => nen7513::nen7513(record, &desk.site).into_bytes(),
        }
    }
}

/// A file of everything that was found; `Inzage-Cut: true` when it is not everything.
pub(super) fn file(desk: Arc<Desk>, form: FileForm, mut results: Results) -> Response {
    let records = std::mem::take(&mut results.records).into_iter();
    let body = FileBody { desk, form, header: Some(form.header()), records, _room: results.room.take() };
    let mut response = guarded(Body::new(body).into_response());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(form.media_type()));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(form.file_name()));
    if results.next.is_some() {
        headers.insert("inzage-cut", HeaderValue::from_static("true"));
    }
    with_receipt(response, &results)
}

/// The lines of a file, written as they are sent: in memory are the records, and not their lines beside them.
struct FileBody {
    desk: Arc<Desk>,
    form: FileForm,
    header: Option<Vec<u8>>,
    records: std::vec::IntoIter<Record>,
    _room: Option<OwnedSemaphorePermit>,
}

impl HttpBody for FileBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        let mut part = this.header.take().unwrap_or_default();
        for record in this.records.by_ref().take(AT_ONCE) {
            part.extend_from_slice(&this.form.line(&record, &this.desk));
        }
        Poll::Ready((!part.is_empty()).then(|| Ok(Frame::data(part.into()))))
    }
}

impl Speech {
    pub(super) fn of(headers: &HeaderMap, query: Option<&str>) -> Self {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let json = accept.contains("application/json") && !accept.contains("text/html");
        Self { language: super::asked_language(query, headers), json }
    }

    pub(super) fn start(self, desk: &Desk, visitor: &Visitor) -> Response {
        if self.json {
            let grounds = crate::auditors::Ground::ALL.map(|ground| ground.as_str());
            let told = json!({"name": visitor.reader.name().as_str(), "role": visitor.reader.role().as_str(),
                "four_eyes": desk.four_eyes, "grounds": grounds});
            return guarded(Json(told).into_response());
        }
        html(StatusCode::OK, AuditorPage::new(self.language, &visitor.reader, desk.four_eyes).render_html())
    }

    pub(super) fn wrong(self, desk: &Desk, visitor: &Visitor, typed: &[(String, String)], wrong: Wrong) -> Response {
        if self.json {
            return self.failed(DeskError::Wrong(wrong));
        }
        let page = AuditorPage::new(self.language, &visitor.reader, desk.four_eyes).again(typed, wrong);
        html(status(DeskError::Wrong(wrong)), page.render_html())
    }

    pub(super) fn found(self, desk: &Desk, visitor: &Visitor, results: &Results) -> Response {
        let next = results.next.map(|next| desk.ticket(visitor, results, Some(next)));
        let ticket = desk.ticket(visitor, results, None);
        let response = if self.json {
            let read = |record: &Record| serde_json::from_str(&ndjson(record, &desk.site)).unwrap_or(Value::Null);
            let records: Vec<Value> = results.records.iter().map(read).collect();
            Json(json!({"records": records, "unreadable": results.unreadable, "ticket": ticket, "next": next}))
                .into_response()
        } else {
            let page = AuditorPage::new(self.language, &visitor.reader, desk.four_eyes);
            html(StatusCode::OK, page.with(results, &desk.site, ticket, next).render_html())
        };
        with_receipt(guarded(response), results)
    }

    pub(super) fn waits(self, id: LocalId) -> Response {
        if self.json {
            return guarded((StatusCode::ACCEPTED, Json(json!({"waits": id.to_string()}))).into_response());
        }
        html(StatusCode::ACCEPTED, AuditorMessagePage::waits(self.language).render_html())
    }

    pub(super) fn requests(self, desk: &Desk, visitor: &Visitor) -> Response {
        let requests = desk.approvals.of(&visitor.reader, desk.clock.now());
        if self.json {
            let one = |request: &crate::auditors::Request| {
                let approved = matches!(request.state, crate::auditors::RequestState::Approved(_));
                json!({"id": request.id.to_string(), "asker": request.asker.as_str(), "approved": approved,
                    "ground": request.question.ground.as_str(), "reason": request.question.reason,
                    "one_person": matches!(request.question.about, About::Person(_)),
                    "question": request.question.pairs().into_iter().collect::<BTreeMap<_, _>>(),
                    "until": request.until.to_string()})
            };
            return guarded(Json(requests.iter().map(one).collect::<Vec<_>>()).into_response());
        }
        html(StatusCode::OK, AuditorRequestsPage::new(self.language, visitor.reader.name(), &requests).render_html())
    }

    pub(super) fn failed(self, error: DeskError) -> Response {
        if self.json {
            let body = Json(json!({"error": code(error), "text": error.to_string()}));
            return guarded((status(error), body).into_response());
        }
        html(status(error), AuditorMessagePage::failed(self.language, error).render_html())
    }
}

pub(super) async fn stylesheet() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLESHEET).into_response()
}

pub(super) async fn no_such_page() -> StatusCode {
    StatusCode::NOT_FOUND
}

const fn status(error: DeskError) -> StatusCode {
    match error {
        DeskError::Nobody | DeskError::Wrong(Wrong::NotYours) => StatusCode::FORBIDDEN,
        DeskError::Wrong(Wrong::NoKey) | DeskError::Busy | DeskError::Index | DeskError::Audit(_) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        DeskError::Wrong(_) | DeskError::Ticket => StatusCode::BAD_REQUEST,
        DeskError::Approval(error) => approval_status(error),
    }
}

const fn approval_status(error: crate::auditors::ApprovalError) -> StatusCode {
    use crate::auditors::ApprovalError::{Gone, NotYours, Own, TooMany, Waits};
    match error {
        TooMany => StatusCode::SERVICE_UNAVAILABLE,
        Gone => StatusCode::NOT_FOUND,
        Own | NotYours => StatusCode::FORBIDDEN,
        Waits => StatusCode::CONFLICT,
    }
}

const fn code(error: DeskError) -> &'static str {
    match error {
        DeskError::Nobody => "no-auditor",
        DeskError::Wrong(_) => "wrong-question",
        DeskError::Ticket => "ticket-over",
        DeskError::Approval(_) => "approval",
        DeskError::Busy => "busy",
        DeskError::Index => "index-down",
        DeskError::Audit(_) => "audit-unavailable",
    }
}

fn html(status: StatusCode, html: String) -> Response {
    guarded((status, Html(html)).into_response())
}

fn with_receipt(mut response: Response, results: &Results) -> Response {
    if let Ok(value) = HeaderValue::from_str(&results.receipt.to_string()) {
        response.headers_mut().insert("inzage-audit-receipt", value);
    }
    response
}

fn guarded(mut response: Response) -> Response {
    guard_page(response.headers_mut());
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept, accept-language"));
    response
}
