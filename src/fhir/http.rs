//! The resource endpoint on the wire: decode, read, encode. It decides nothing.

mod share;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use self::share::Coming;
pub use self::share::may_store;
use super::capability::{Capabilities, METADATA};
use super::disclosure::{Transfer, Unanswered};
use super::outcome::{Issue, operation_outcome};
use super::read::{self, Flow, NoToken, Outgoing, ReadError, Reader, Released, Told, route_of};
use super::request::{Accept, Asked, FORM_MAX_BYTES, FormFault, Format, Media, Prefer, RequestError, Verb, of_refusal};
use super::shape::submit::SubmitFault;
use super::xml::to_xml;
use crate::audit::{AuditReceipt, Counts};
use crate::edge::{Body, Connection, Ended, Gate, Leave, Source, Torn};
use crate::fault::Fault;
use crate::medmij::{CorrelationId, FhirVersion, LocalId, RequestId};
use crate::routing::Refusal;
use crate::trace;

/// How long a client may take over a form.
const FORM_TIME: Duration = Duration::from_secs(10);

const PREFER: HeaderName = HeaderName::from_static("prefer");
const REQUEST_ID: HeaderName = HeaderName::from_static("medmij-request-id");
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");
const AUDIT_RECEIPT: HeaderName = HeaderName::from_static("inzage-audit-receipt");

/// The name tells nothing: it may end up in a list of downloads.
const DOWNLOAD: HeaderValue = HeaderValue::from_static("attachment; filename=\"document.pdf\"");

/// Whether a path is one of the resource server's. Under each base there is one document of the authorization server.
#[must_use]
pub fn is_resource_path(path: &str) -> bool {
    path.starts_with("/fhir/") && !path.ends_with("/.well-known/smart-configuration")
}

/// Answers a request under `/fhir/`.
pub fn serve<'a, B>(
    reader: &'a Reader,
    request: Request<B>,
    connection: &'a Arc<Connection>,
) -> impl Future<Output = Response<Body>> + Send + 'a
where
    B: http_body::Body + Send + Unpin + 'a,
    B::Data: Send,
    B::Error: Into<axum::BoxError>,
{
    // Before the future, which would have room for the request as well as for its parts.
    let (head, body) = request.into_parts();
    async move { serve_parts(reader, &head, body, connection).await }
}

async fn serve_parts<B>(reader: &Reader, head: &Parts, body: B, connection: &Arc<Connection>) -> Response<Body>
where
    B: http_body::Body + Send + Unpin,
    B::Data: Send,
    B::Error: Into<axum::BoxError>,
{
    let local_id = trace::id(&*reader.clock);
    let route = route_of(head.uri.path());
    let version = route.map_or(FhirVersion::Stu3, |route| route.version);
    let (headers, media) = (&head.headers, Media::of(text(&head.headers, &header::CONTENT_TYPE), version));
    let (form, body) = if is_search_by_form(head, media) {
        (Box::pin(read_form(body)).await.map(Some), None)
    } else {
        (Ok(None), Some(body))
    };
    let asked = read::Request {
        local_id,
        request_id: text(headers, &REQUEST_ID).and_then(RequestId::parse),
        correlation_id: text(headers, &CORRELATION_ID).and_then(CorrelationId::parse),
        caller: connection.caller(),
        route,
        token: bearer(headers),
        asked: Asked {
            verb: verb(head),
            query: head.uri.query(),
            form: form.as_ref().map(Option::as_deref).map_err(|fault| *fault),
            accept: Accept::of(lines(headers, &header::ACCEPT), version),
            media,
            prefer: Prefer::of(lines(headers, &PREFER)),
        },
    };
    let refused = Refused { local_id, version, asked: asked.asked };
    if asked.asked.verb == Verb::Post && route.is_ok_and(|route| route.rest.is_empty()) {
        let shared = Box::pin(reader.share(&asked, &mut Coming::new(body))).await;
        return shared.map_or_else(|unanswered| refuse_on_record(unanswered, refused), share::shared);
    }
    if let Some(route) = route.ok().filter(|route| route.rest == METADATA) {
        let told = reader.capabilities(asked.caller, route, asked.asked);
        return told.map_or_else(|error| refuse(error, refused), tell);
    }
    match reader.read(&asked).await {
        Ok(released) => release(reader, released),
        Err(unanswered) => refuse_on_record(unanswered, refused),
    }
}

fn tell(capabilities: Capabilities) -> Response<Body> {
    let mut response = Response::new(Body::full(Bytes::from(capabilities.body)));
    let media_type = HeaderValue::from_static(capabilities.format.media_type());
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    response
}

/// How a refusal is written, and under which number. Most requests have none, so what was asked is not read for it before.
#[derive(Clone, Copy)]
struct Refused<'a> {
    local_id: LocalId,
    version: FhirVersion,
    asked: Asked<'a>,
}

/// Nobody may say one method and mean another.
fn verb(head: &Parts) -> Verb {
    match head.method {
        _ if head.headers.contains_key(&METHOD_OVERRIDE) => Verb::Other,
        Method::GET => Verb::Get,
        Method::POST => Verb::Post,
        _ => Verb::Other,
    }
}

fn is_search_by_form(head: &Parts, media: Media) -> bool {
    head.method == Method::POST && media == Media::Form && head.uri.path().ends_with("/_search")
}

/// Reads at most 64 KiB, for at most 10 s.
async fn read_form<B>(body: B) -> Result<String, FormFault>
where
    B: http_body::Body,
    B::Error: Into<axum::BoxError>,
{
    let whole = Limited::new(body, FORM_MAX_BYTES).collect();
    match tokio::time::timeout(FORM_TIME, whole).await {
        Ok(Ok(whole)) => String::from_utf8(whole.to_bytes().into()).map_err(|_| FormFault::NoText),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(FormFault::TooLarge),
        Ok(Err(_)) | Err(_) => Err(FormFault::NoText),
    }
}

fn release(reader: &Reader, released: Released) -> Response<Body> {
    let Released { format, body, counts, grant, receipt, disclosure } = released;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    let (body, told) = match body {
        Outgoing::Whole(bytes) => (Body::full(Bytes::from(bytes)), None),
        Outgoing::Stream(flow) => streamed(flow, None),
        Outgoing::Document { flow, length, wrapped } => {
            describe_document(&mut headers, wrapped);
            streamed(flow, length)
        }
    };
    let on_end = Box::new(move |ended| {
        let (counts, fault) = told.map_or((counts, None), |told| told.now());
        let (bytes, transfer) = how(ended, fault);
        if let Some(disclosure) = disclosure {
            disclosure.transferred(Counts { bytes, ..counts }, transfer);
        }
    });
    let mut response = Response::new(body.watch(on_end).gated(while_it_lasts(reader, grant)));
    *response.headers_mut() = headers;
    name_record(response.headers_mut(), &receipt);
    response
}

/// Under which number the log has this, so that nobody can deny it. No two answers have the same: kept out of the table of
/// HPACK (RFC 7541 section 6.2.3), they leave room there for what all answers have, and none is compared with those before it.
fn name_record(headers: &mut HeaderMap, receipt: &AuditReceipt) {
    if let Ok(mut receipt) = HeaderValue::try_from(receipt.to_string()) {
        receipt.set_sensitive(true);
        headers.insert(AUDIT_RECEIPT, receipt);
    }
}

fn streamed(flow: Flow, length: Option<u64>) -> (Body, Option<Arc<Told>>) {
    let told = flow.told();
    (Body::stream(Outflow(flow), length), Some(told))
}

/// A document has exactly its own media type, and is for saving: a browser that shows it would run what it holds in our
/// origin (RFC 6266 section 4.2).
fn describe_document(headers: &mut HeaderMap, wrapped: Option<Format>) {
    let media_type = wrapped.map_or("application/pdf", Format::media_type);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    if wrapped.is_none() {
        headers.insert(header::CONTENT_DISPOSITION, DOWNLOAD);
    }
}

/// How many bytes the connection took, and how the transfer ended. `fault`: what broke the source off, if anything did.
fn how(ended: Ended, fault: Option<ReadError>) -> (u64, Transfer) {
    match ended {
        Ended::Complete { bytes } => (bytes, Transfer::Complete),
        Ended::Dropped { bytes } => (bytes, Transfer::Aborted),
        Ended::Stopped { bytes } => (bytes, Transfer::ConsentEnded),
        Ended::Failed { bytes } => (bytes, fault.map_or(Transfer::Aborted, Transfer::Failed)),
    }
}

/// A flow as the edge wants it.
struct Outflow(Flow);

impl Source for Outflow {
    fn poll_bytes(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Torn>>> {
        self.0.poll_bytes(cx).map(|polled| polled.map(|bytes| bytes.map_err(|_| Torn)))
    }
}

/// A consent that ends takes a transfer under way with it: at once on this node, within 5 s on the others. So does a store
/// that cannot tell.
fn while_it_lasts(reader: &Reader, grant: LocalId) -> Gate {
    let grants = Arc::clone(&reader.grants);
    Box::new(move || {
        if let Some(ended) = grants.known_to_have_ended(grant) {
            return Leave::Known(!ended);
        }
        let grants = Arc::clone(&grants);
        Leave::Asked(Box::pin(async move { matches!(grants.has_ended(grant).await, Ok(false)) }))
    })
}

/// The answer to a request that is not even looked at.
#[must_use]
pub fn turned_away(fault: Fault, id: LocalId) -> Response<Body> {
    let body = operation_outcome(Issue {
        issue: fault.issue,
        code: fault.code,
        who: fault.who.as_str(),
        text: fault.text,
        diagnostics: fault.diagnostics,
        reference: &id.to_string(),
        expression: None,
    });
    let mut response = Response::new(Body::full(Bytes::from(body)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(Format::Json.media_type()));
    response
}

/// A log that could not take it names no record.
fn refuse_on_record(unanswered: Unanswered, refused: Refused<'_>) -> Response<Body> {
    let mut response = refuse(unanswered.error, refused);
    if let Some(receipt) = unanswered.receipt {
        name_record(response.headers_mut(), &receipt);
    }
    response
}

fn refuse(error: ReadError, refused: Refused<'_>) -> Response<Body> {
    let fault = Fault::from(error);
    trace::refused(fault.code);
    let reference = refused.local_id.to_string();
    let body = operation_outcome(Issue {
        issue: fault.issue,
        code: fault.code,
        who: fault.who.as_str(),
        text: fault.text,
        diagnostics: fault.diagnostics,
        reference: &reference,
        expression: expression(error).as_deref(),
    });
    let (format, body) = written(body, refused);
    let mut response = Response::new(Body::full(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    if let Some(seconds) = fault.retry_after_seconds {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let ReadError::Request(RequestError::Method(allow)) = error {
        headers.insert(header::ALLOW, HeaderValue::from_static(allow.as_str()));
    }
    if let Some(challenge) = challenge(error) {
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// The entry that is at fault, when a bundle was sent.
fn expression(error: ReadError) -> Option<String> {
    let ReadError::Submission(SubmitFault { entry, .. }) = error else { return None };
    entry.map(|at| format!("Bundle.entry[{at}]"))
}

/// An outcome of ours in the format that is asked for.
fn written(body: Vec<u8>, refused: Refused<'_>) -> (Format, Vec<u8>) {
    match of_refusal(refused.asked, refused.version) {
        Format::Json => (Format::Json, body),
        Format::Xml => match to_xml(&body, refused.version) {
            Ok(xml) => (Format::Xml, xml),
            Err(_) => (Format::Json, body),
        },
    }
}

/// RFC 6750 section 3: no error code where no token was sent, and a challenge also for a token that is good for something else.
fn challenge(error: ReadError) -> Option<HeaderValue> {
    let fault = Fault::from(error);
    match (error, fault.status) {
        (ReadError::NoToken(NoToken::Missing), _) => Some(HeaderValue::from_static("Bearer")),
        (ReadError::NoToken(NoToken::Malformed), _) => Some(HeaderValue::from_static(
            "Bearer error=\"invalid_request\", error_description=\"malformed Authorization header\"",
        )),
        (ReadError::Refused(Refusal::OtherProvider | Refusal::ServiceNotGranted | Refusal::TypeNotGranted), _) => {
            Some(HeaderValue::from_static(
                "Bearer error=\"insufficient_scope\", error_description=\"the access token does not cover this\"",
            ))
        }
        (_, 401) => Some(HeaderValue::from_static(
            "Bearer error=\"invalid_token\", error_description=\"unknown or expired access token\"",
        )),
        _ => None,
    }
}

/// The lines of one header that are text.
fn lines<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).iter().filter_map(|line| line.to_str().ok())
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The token of exactly one `Authorization: Bearer` header; a token in the query or body is never looked at
/// (core.rscint.200).
fn bearer(headers: &HeaderMap) -> Result<&str, NoToken> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(NoToken::Missing)?;
    if values.next().is_some() {
        return Err(NoToken::Malformed);
    }
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(NoToken::Malformed)?;
    let b64token = |c: u8| c.is_ascii_alphanumeric() || b"-._~+/=".contains(&c);
    let fits =
        scheme.eq_ignore_ascii_case("bearer") && (1..=2048).contains(&token.len()) && token.bytes().all(b64token);
    if fits { Ok(token) } else { Err(NoToken::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn only_one_bearer_header_is_a_token() {
        assert_eq!(bearer(&headers(&[("authorization", "Bearer abc")])), Ok("abc"));
        assert_eq!(bearer(&headers(&[("authorization", "bearer abc")])), Ok("abc"));
        assert_eq!(bearer(&headers(&[])), Err(NoToken::Missing));
        for value in ["Bearer", "Bearer ", "Basic abc", "Bearer a b", "Bearer a\"b"] {
            assert_eq!(bearer(&headers(&[("authorization", value)])), Err(NoToken::Malformed), "{value}");
        }
        assert_eq!(
            bearer(&headers(&[("authorization", "Bearer a"), ("authorization", "Bearer b")])),
            Err(NoToken::Malformed)
        );
    }
}
