//! Requests in the form of the vendor: JSON below one base, a key in a header, a BSN in a body only, lists page by page.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::rows::{Found, Page};
use super::value::Id;
use crate::form::encode_pairs;
use crate::his::pool::{Pool, Received, Wanted};
use crate::his::{AnswerBody, Ask, Document, HisError};
use crate::medmij::Bsn;
use crate::secret::Secret;

/// Most pages of one list. The vendor gives up to 200 rows a page.
const PAGES_MAX: usize = 100;
/// Most bytes of all pages of one list together: they are joined in memory.
const LIST_MAX_BYTES: usize = 8 * 1024 * 1024;
/// Most rows of a list: a row of a few bytes becomes a resource of a thousand.
const LIST_MAX_ROWS: usize = 20_000;
/// Longest continuation that is sent back.
const CONTINUATION_MAX: usize = 512;

/// The base URL or the key of an installation cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the base URL of a HIS is https://host[:port]/path, and its key fits into a header")]
pub struct BadEndpoint;

/// Where an installation answers.
pub(super) struct Vendor {
    base: String,
    path: String,
    authority: HeaderValue,
    api_key: Option<HeaderValue>,
    pool: Arc<Pool>,
}

/// The rows of all pages that came.
#[derive(Debug)]
pub(super) struct List<R> {
    pub(super) rows: Vec<R>,
    /// Whether a page after the first one did not come.
    pub(super) incomplete: bool,
}

impl<R: DeserializeOwned> List<R> {
    /// The rows of one page, as if there were no other.
    pub(super) fn of_page(page: &[u8]) -> Result<Self, HisError> {
        let Page { regels: rows, volgende } = parse(page)?;
        Ok(Self { rows, incomplete: volgende.is_some() })
    }
}

impl Vendor {
    pub(super) fn new(base: &str, api_key: Option<&Secret<String>>, pool: Arc<Pool>) -> Result<Self, BadEndpoint> {
        let base = base.trim_end_matches('/');
        let rest = base.strip_prefix("https://").ok_or(BadEndpoint)?;
        let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        let api_key = api_key.map(|key| HeaderValue::from_str(key.reveal())).transpose().map_err(|_| BadEndpoint)?;
        let api_key = api_key.map(|mut key| {
            key.set_sensitive(true);
            key
        });
        Ok(Self {
            base: base.to_owned(),
            path: path.to_owned(),
            authority: HeaderValue::from_str(authority).map_err(|_| BadEndpoint)?,
            api_key,
            pool,
        })
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Who has this BSN. It travels in the body, never in an address.
    pub(super) async fn find(&self, bsn: &Bsn, ask: Ask<'_>) -> Result<Found, HisError> {
        let body = Bytes::from(json!({"bsn": bsn.reveal()}).to_string());
        let request = self.request(Method::POST, "/patienten/zoek", body, ask)?;
        parse(&whole(self.pool.exchange(&request, Wanted::Judged, ask.deadline).await?)?)
    }

    /// One object; `None` when there is none (404).
    pub(super) async fn one<T: DeserializeOwned>(&self, path: &str, ask: Ask<'_>) -> Result<Option<T>, HisError> {
        let received = self.get(path, Wanted::Judged, ask).await?;
        if received.head.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        parse(&whole(received)?).map(Some)
    }

    /// All rows of a list of a patient. Without the first page there is no answer; when a later one does not come, what came
    /// is true, and not all there is.
    pub(super) async fn list<R: DeserializeOwned>(
        &self,
        patient: &Id,
        name: &str,
        filters: &[(String, String)],
        ask: Ask<'_>,
    ) -> Result<List<R>, HisError> {
        let path = format!("/patienten/{}/{name}", patient.as_str());
        let mut room = Room { bytes: LIST_MAX_BYTES, rows: LIST_MAX_ROWS };
        let Page { regels: mut rows, volgende: mut next } = self.page(&path, filters, None, &mut room, ask).await?;
        for _ in 1..PAGES_MAX {
            let Some(continuation) = next.take() else { return Ok(List { rows, incomplete: false }) };
            match self.page(&path, filters, Some(&continuation), &mut room, ask).await {
                Ok(Page { regels, volgende }) => {
                    rows.extend(regels);
                    next = volgende;
                }
                Err(HisError::TooLarge) => return Err(HisError::TooLarge),
                Err(_) => return Ok(List { rows, incomplete: true }),
            }
        }
        if next.is_some() { Err(HisError::TooLarge) } else { Ok(List { rows, incomplete: false }) }
    }

    async fn page<R: DeserializeOwned>(
        &self,
        path: &str,
        filters: &[(String, String)],
        continuation: Option<&str>,
        room: &mut Room,
        ask: Ask<'_>,
    ) -> Result<Page<R>, HisError> {
        let continuation = continuation.map(|text| (text.len() <= CONTINUATION_MAX).then(|| text.to_owned()));
        let continuation = continuation.map(|text| text.ok_or(HisError::Nonsense)).transpose()?;
        let pairs: Vec<_> =
            filters.iter().cloned().chain(continuation.map(|text| ("vervolg".to_owned(), text))).collect();
        let mark = if pairs.is_empty() { "" } else { "?" };
        let received = self.get(&format!("{path}{mark}{}", encode_pairs(&pairs)), Wanted::Judged, ask).await?;
        let body = whole(received)?;
        room.take_bytes(body.len())?;
        let page: Page<R> = parse(&body)?;
        room.take_rows(page.regels.len())?;
        Ok(page)
    }

    /// The bytes of a document.
    pub(super) async fn document(&self, id: &Id, ask: Ask<'_>) -> Result<Document, HisError> {
        let received = self.get(&format!("/documenten/{}/inhoud", id.as_str()), Wanted::Streamed, ask).await?;
        if matches!(received.head.status, StatusCode::NOT_FOUND | StatusCode::GONE) {
            return Err(HisError::NotFound);
        }
        judge(received.head.status)?;
        let media_type = media_type(&received.head).ok_or(HisError::Nonsense)?.to_owned();
        let AnswerBody::Large(body) = received.body else { return Err(HisError::Nonsense) };
        Ok(Document { media_type, length: received.length, body })
    }

    async fn get(&self, target: &str, wanted: Wanted, ask: Ask<'_>) -> Result<Received, HisError> {
        Ok(self.pool.exchange(&self.request(Method::GET, target, Bytes::new(), ask)?, wanted, ask.deadline).await?)
    }

    fn request(&self, method: Method, target: &str, body: Bytes, ask: Ask<'_>) -> Result<Request<Bytes>, HisError> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = format!("{}{target}", self.path).parse().map_err(|_| HisError::Nonsense)?;
        let has_body = !request.body().is_empty();
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.authority.clone());
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, application/pdf;q=0.9"));
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let id = HeaderValue::from_str(ask.local_id).map_err(|_| HisError::Nonsense)?;
        headers.insert(HeaderName::from_static("x-request-id"), id);
        if let Some(context) = crate::trace::header() {
            let context = HeaderValue::from_bytes(&context).map_err(|_| HisError::Nonsense)?;
            headers.insert(HeaderName::from_static("traceparent"), context);
        }
        if has_body {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(key) = &self.api_key {
            headers.insert(HeaderName::from_static("x-api-key"), key.clone());
        }
        Ok(request)
    }
}

/// How much of a list may still come.
struct Room {
    bytes: usize,
    rows: usize,
}

impl Room {
    fn take_bytes(&mut self, bytes: usize) -> Result<(), HisError> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or(HisError::TooLarge)?;
        Ok(())
    }

    fn take_rows(&mut self, rows: usize) -> Result<(), HisError> {
        self.rows = self.rows.checked_sub(rows).ok_or(HisError::TooLarge)?;
        Ok(())
    }
}

/// The JSON of an answer.
fn whole(received: Received) -> Result<Bytes, HisError> {
    judge(received.head.status)?;
    let kind = media_type(&received.head).and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    match received.body {
        AnswerBody::Whole(body) if kind.eq_ignore_ascii_case("application/json") => Ok(body),
        AnswerBody::Large(_) => Err(HisError::TooLarge),
        AnswerBody::Whole(_) => Err(HisError::Nonsense),
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, HisError> {
    serde_json::from_slice(body).map_err(|_| HisError::Nonsense)
}

fn judge(status: StatusCode) -> Result<(), HisError> {
    match status {
        StatusCode::OK => Ok(()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(HisError::Refused),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Err(HisError::Busy),
        StatusCode::GATEWAY_TIMEOUT => Err(HisError::TimedOut),
        _ => Err(HisError::Nonsense),
    }
}

/// The media type, when the body is not encoded.
fn media_type(head: &http::response::Parts) -> Option<&str> {
    let plain = head.headers.get(header::CONTENT_ENCODING).is_none_or(|value| value == "identity");
    let kind = head.headers.get(header::CONTENT_TYPE).filter(|_| plain)?;
    kind.to_str().ok().map(str::trim).filter(|kind| !kind.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends_at_its_bytes_and_at_its_rows() {
        let mut room = Room { bytes: 10, rows: 2 };
        assert_eq!((room.take_bytes(10), room.take_bytes(1)), (Ok(()), Err(HisError::TooLarge)));
        assert_eq!((room.take_rows(2), room.take_rows(1)), (Ok(()), Err(HisError::TooLarge)));
    }
}
