//! The resource endpoint on the wire: decode, read, encode. It decides nothing.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};

use super::disclosure::Transfer;
use super::outcome::{Issue, operation_outcome};
use super::read::{self, BadForm, NoToken, ReadError, Reader, Released};
use crate::edge::{Body, Connection, Ended, Gate};
use crate::fault::Fault;
use crate::medmij::{CorrelationId, LocalId, RequestId};
use crate::routing::{Refusal, route};

const FHIR_JSON: HeaderValue = HeaderValue::from_static("application/fhir+json; charset=utf-8");

/// Whether a path is one of the resource server's. Under each base there is one document of the authorization server.
#[must_use]
pub fn is_resource_path(path: &str) -> bool {
    path.starts_with("/fhir/") && !path.ends_with("/.well-known/smart-configuration")
}

/// Answers a request under `/fhir/`.
pub async fn serve<B>(reader: &Reader, request: &Request<B>, connection: &Arc<Connection>) -> Response<Body> {
    let local_id = LocalId::new(reader.clock.now());
    let headers = request.headers();
    let asked = read::Request {
        local_id,
        request_id: text(headers, "medmij-request-id").and_then(RequestId::parse),
        correlation_id: text(headers, "x-correlation-id").and_then(CorrelationId::parse),
        caller: connection.caller(),
        route: route(request.uri().path()),
        query: request.uri().query(),
        token: bearer(headers),
        form: form(request),
    };
    match reader.read(asked).await {
        Ok(released) => release(reader, released),
        Err(error) => refuse(error, local_id),
    }
}

fn release(reader: &Reader, released: Released) -> Response<Body> {
    let disclosure = released.disclosure;
    let on_end = Box::new(move |ended| match ended {
        Ended::Complete { bytes } => disclosure.transferred(bytes, Transfer::Complete),
        Ended::Dropped { bytes } => disclosure.transferred(bytes, Transfer::Aborted),
        Ended::Stopped { bytes } => disclosure.transferred(bytes, Transfer::ConsentEnded),
    });
    let body = Body::watched(Bytes::from(released.body), on_end).gated(while_it_lasts(reader, released.grant));
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, FHIR_JSON);
    if let Ok(receipt) = HeaderValue::from_str(&released.receipt.to_string()) {
        response.headers_mut().insert("inzage-audit-receipt", receipt);
    }
    response
}

/// A consent that ends takes a transfer under way with it: at once on this node, within 5 s on the others. So does a store
/// that cannot tell.
fn while_it_lasts(reader: &Reader, grant: LocalId) -> Gate {
    let grants = Arc::clone(&reader.grants);
    Box::new(move || {
        let grants = Arc::clone(&grants);
        Box::pin(async move { matches!(grants.has_ended(grant).await, Ok(false)) })
    })
}

fn refuse(error: ReadError, local_id: LocalId) -> Response<Body> {
    let fault = Fault::from(error);
    let reference = local_id.to_string();
    let body = operation_outcome(Issue {
        issue: fault.issue,
        code: fault.code,
        who: fault.who.as_str(),
        text: fault.text,
        diagnostics: fault.diagnostics,
        reference: &reference,
    });
    let mut response = Response::new(Body::full(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, FHIR_JSON);
    if let Some(seconds) = fault.retry_after_seconds {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if fault.status == 405 {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET"));
    }
    if let Some(challenge) = challenge(error) {
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
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

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
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

fn form<B>(request: &Request<B>) -> Result<(), BadForm> {
    if request.method() != Method::GET || request.headers().contains_key("x-http-method-override") {
        return Err(BadForm::Method);
    }
    let format_is_asked = request.uri().query().is_some_and(|query| query.contains("_format="));
    // Lines of one header are one list (RFC 9110 section 5.3).
    let mut accepts = request.headers().get_all(header::ACCEPT).iter().peekable();
    let accepted = accepts.peek().is_none() || accepts.any(|value| value.to_str().is_ok_and(accepts_json));
    // `_format` beats Accept (FHIR STU3 http.html, 2.21.0.6).
    if accepted || format_is_asked { Ok(()) } else { Err(BadForm::Accept) }
}

/// Whether one of the media ranges covers application/fhir+json of FHIR STU3.
fn accepts_json(accept: &str) -> bool {
    accept.to_ascii_lowercase().split(',').any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let covered = matches!(
            kind,
            "" | "*/*" | "application/*" | "application/json" | "application/fhir+json" | "application/json+fhir"
        );
        covered && parts.all(|part| part != "q=0" && (!part.starts_with("fhirversion=") || part == "fhirversion=3.0"))
    })
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

    #[test]
    fn one_of_several_accept_lines_is_enough() {
        let asking = |lines: &[&'static str]| {
            let mut request = Request::new(());
            for line in lines {
                request.headers_mut().append(header::ACCEPT, HeaderValue::from_static(line));
            }
            form(&request)
        };
        assert_eq!(asking(&[]), Ok(()));
        assert_eq!(asking(&["application/fhir+xml", "application/fhir+json"]), Ok(()));
        assert_eq!(asking(&["application/fhir+xml", "text/html"]), Err(BadForm::Accept));
    }

    #[test]
    fn json_is_what_we_serve() {
        for accept in [
            "*/*",
            "application/fhir+json",
            "application/json;q=0.5",
            "text/html, application/*",
            "application/fhir+json; fhirVersion=3.0",
        ] {
            assert!(accepts_json(accept), "{accept}");
        }
        for accept in
            ["application/fhir+xml", "text/html", "application/fhir+json;q=0", "application/fhir+json; fhirVersion=4.0"]
        {
            assert!(!accepts_json(accept), "{accept}");
        }
    }
}
