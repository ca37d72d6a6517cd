//! A step as the line of JSON that the central log component reads.

mod dutch_time;

use std::fmt;

use serde::{Serialize, Serializer};

use dutch_time::DutchTime;

use super::event::{Answer, Entry, Event, Failure, GrantType, Inquiry, Subject};
use crate::medmij::{CorrelationId, Hostname, LocalId, ProviderName, RequestId, ServiceId};

/// Every name of the interface that its published text leaves open, in one place: `medmij.md` 6.1 and 9 number 7.
pub struct Words {
    /// In a batch: its id.
    pub batch: &'static str,
    /// In a batch: its lines.
    pub lines: &'static str,
    /// The initiator of a token request with a code.
    pub person: &'static str,
    /// The code of an error that is none of OAuth.
    pub other: &'static str,
}

/// The words in force.
pub const WORDS: Words = Words { batch: "aanlevering", lines: "logregels", person: "person", other: "other" };

/// The codes of RFC 6749 and RFC 6750.
const OAUTH_CODES: [&str; 13] = [
    "access_denied",
    "insufficient_scope",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "invalid_token",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
    "unsupported_token_type",
];

/// Who we are, on each of our two channels.
#[derive(Debug, Clone)]
pub struct Names {
    /// The host of the front channel.
    pub front_host: Hostname,
    /// Its origin.
    pub front_origin: String,
    /// The host of the back channel.
    pub back_host: Hostname,
    /// Its origin.
    pub back_origin: String,
}

/// What writes lines.
pub(super) struct Pen {
    names: Names,
    time: DutchTime,
}

impl Pen {
    pub(super) fn new(names: Names) -> Self {
        Self { names, time: DutchTime::new() }
    }

    /// Appends the line of `entry`, with its end.
    pub(super) fn write(&mut self, entry: &Entry, out: &mut Vec<u8>) {
        let Self { names, time } = self;
        let start = out.len();
        let line = Line::of(entry, names, time.text(entry.at));
        // A vector takes everything, and no part of a line refuses to be written; half a line is none.
        match serde_json::to_writer(&mut *out, &line) {
            Ok(()) => out.push(b'\n'),
            Err(_) => out.truncate(start),
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    event: Head<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Request<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Response>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorPart<'a>>,
}

#[derive(Serialize)]
struct Head<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    location: &'a str,
    datetime: &'a str,
    session_id: LocalId,
    trace_id: Trace,
}

/// A line without `X-Correlation-ID` carries the session in its place, so that it has every attribute.
#[derive(Serialize)]
#[serde(untagged)]
enum Trace {
    Correlation(CorrelationId),
    Session(LocalId),
}

/// The client's id of the request, or else ours.
#[derive(Serialize)]
#[serde(untagged)]
enum Id {
    Theirs(RequestId),
    Ours(LocalId),
}

#[derive(Serialize)]
struct Request<'a> {
    id: Id,
    method: &'static str,
    server_id: &'a str,
    uri: Uri<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    initiated_by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_id: Option<ServiceNumber<'a>>,
}

/// The interface has a number here; an id that is none is written as it is.
#[derive(Serialize)]
#[serde(untagged)]
enum ServiceNumber<'a> {
    Number(u64),
    Other(&'a str),
}

/// An address as far as we know it ourselves: practice and service, never what followed.
enum Uri<'a> {
    Fixed(&'a str, &'static str),
    Resource(&'a str, Option<&'a ProviderName>, Option<&'a ServiceId>),
}

#[derive(Serialize)]
struct Response {
    id: Id,
    status: u16,
}

#[derive(Serialize)]
struct ErrorPart<'a> {
    code: &'static str,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
}

impl<'a> Line<'a> {
    fn of(entry: &'a Entry, names: &'a Names, datetime: &'a str) -> Self {
        let head = Head {
            kind: entry.event.name(),
            location: location(&entry.event, names).as_str(),
            datetime,
            session_id: entry.session,
            trace_id: entry.trace.map_or(Trace::Session(entry.session), Trace::Correlation),
        };
        let line = |request, response, error| Self { event: head, request, response, error };
        match &entry.event {
            Event::ReceiveAuthorizationRequest(inquiry) => {
                let uri = Uri::Fixed(&names.front_origin, "/oauth/authorize");
                line(Some(Request::of(inquiry, "GET", &names.front_host, uri)), None, None)
            }
            Event::ReceiveTokenRequest(inquiry, grant_type) => {
                let uri = Uri::Fixed(&names.back_origin, "/oauth/token");
                let request = Request::of(inquiry, "POST", &names.back_host, uri);
                line(Some(request.for_token(*grant_type)), None, None)
            }
            Event::ReceiveResourceRequest(inquiry, subject) => {
                let uri = Uri::Resource(&names.back_origin, subject.provider.as_ref(), subject.service.as_ref());
                let request = Request::of(inquiry, "GET", &names.back_host, uri);
                line(Some(request.about(subject)), None, None)
            }
            Event::SendTokenResponse(answer) | Event::SendResourceResponse(answer) => {
                line(None, Some(response(*answer)), None)
            }
            Event::SendTokenErrorResponse(answer, failure) | Event::SendResourceErrorResponse(answer, failure) => {
                line(None, Some(response(*answer)), Some(error(failure, Some(*answer))))
            }
            Event::AuthorizationRequestError(failure)
            | Event::SendAuthorizationRequestError(failure)
            | Event::ReceiveAuthenticationError(failure)
            | Event::SendAuthorizationResponse(Some(failure)) => line(None, None, Some(error(failure, None))),
            Event::ShowLandingPage
            | Event::ShowAuthorizationRequestErrorPage
            | Event::SendAuthenticationRequest
            | Event::SendAuthorizationCancellation
            | Event::ReceiveAuthenticationResponse
            | Event::ReceiveAuthorizationCancellation
            | Event::ShowConsentPage
            | Event::SendAuthorizationResponse(None) => line(None, None, None),
        }
    }
}

fn location<'n>(event: &Event, names: &'n Names) -> &'n Hostname {
    match event {
        Event::ReceiveTokenRequest(..)
        | Event::SendTokenResponse(_)
        | Event::SendTokenErrorResponse(..)
        | Event::ReceiveResourceRequest(..)
        | Event::SendResourceResponse(_)
        | Event::SendResourceErrorResponse(..) => &names.back_host,
        Event::ReceiveAuthorizationRequest(_)
        | Event::ShowLandingPage
        | Event::AuthorizationRequestError(_)
        | Event::ShowAuthorizationRequestErrorPage
        | Event::SendAuthorizationRequestError(_)
        | Event::SendAuthenticationRequest
        | Event::SendAuthorizationCancellation
        | Event::ReceiveAuthenticationResponse
        | Event::ReceiveAuthorizationCancellation
        | Event::ReceiveAuthenticationError(_)
        | Event::ShowConsentPage
        | Event::SendAuthorizationResponse(_) => &names.front_host,
    }
}

impl<'a> Request<'a> {
    fn of(inquiry: &'a Inquiry, method: &'static str, server: &'a Hostname, uri: Uri<'a>) -> Self {
        Self {
            id: Id::of(inquiry.request, inquiry.local),
            method,
            server_id: server.as_str(),
            uri,
            client_id: inquiry.client.as_ref().map(|client| client.as_str()),
            grant_type: None,
            initiated_by: None,
            provider_id: None,
            service_id: None,
        }
    }

    fn for_token(self, grant_type: Option<GrantType>) -> Self {
        let (grant_type, initiated_by) = match grant_type {
            Some(GrantType::AuthorizationCode) => (Some("authorization_code"), Some(WORDS.person)),
            // Whether a person waits for it only the PGO knows.
            Some(GrantType::RefreshToken) => (Some("refresh_token"), None),
            None => (None, None),
        };
        Self { grant_type, initiated_by, ..self }
    }

    fn about(self, subject: &'a Subject) -> Self {
        let number = |id: &'a str| id.parse().map_or(ServiceNumber::Other(id), ServiceNumber::Number);
        Self {
            provider_id: subject.provider.as_ref().map(|provider| provider.as_str()),
            service_id: subject.service.as_ref().map(|service| number(service.as_str())),
            ..self
        }
    }
}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(origin, path) => write!(f, "{origin}{path}"),
            Self::Resource(origin, Some(provider), Some(service)) => {
                write!(f, "{origin}/fhir/{}/{service}", provider.short())
            }
            Self::Resource(origin, Some(provider), None) => write!(f, "{origin}/fhir/{}", provider.short()),
            Self::Resource(origin, None, _) => write!(f, "{origin}/fhir"),
        }
    }
}

impl Serialize for Uri<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Id {
    fn of(request: Option<RequestId>, local: LocalId) -> Self {
        request.map_or(Self::Ours(local), Self::Theirs)
    }
}

fn response(answer: Answer) -> Response {
    Response { id: Id::of(answer.request, answer.local), status: answer.status }
}

fn error(failure: &Failure, answer: Option<Answer>) -> ErrorPart<'_> {
    ErrorPart {
        code: if OAUTH_CODES.contains(&failure.code) { failure.code } else { WORDS.other },
        description: &failure.description,
        request_id: answer.map(|answer| Id::of(answer.request, answer.local)),
        status: answer.map(|answer| answer.status),
    }
}

#[cfg(test)]
pub(super) mod tests;
