//! A step as the line of JSON that the central log component reads.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::event::{Answer, Entry, Event, Failure, GrantType, Inquiry, Subject};
use crate::medmij::{Hostname, LocalId, RequestId};

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

/// The line, with its end.
pub(super) fn written(entry: &Entry, names: &Names) -> String {
    let mut line = Map::from_iter([("event".to_owned(), head(entry, names))]);
    let mut put = |name: &str, value: Value| line.insert(name.to_owned(), value);
    match &entry.event {
        Event::ReceiveAuthorizationRequest(inquiry) => {
            let uri = format!("{}/oauth/authorize", names.front_origin);
            put("request", request(inquiry, "GET", &names.front_host, &uri, Map::new()));
        }
        Event::ReceiveTokenRequest(inquiry, grant_type) => {
            let uri = format!("{}/oauth/token", names.back_origin);
            put("request", request(inquiry, "POST", &names.back_host, &uri, token_part(*grant_type)));
        }
        Event::ReceiveResourceRequest(inquiry, subject) => {
            let uri = resource_uri(subject, names);
            put("request", request(inquiry, "GET", &names.back_host, &uri, resource_part(subject)));
        }
        Event::SendTokenResponse(answer) | Event::SendResourceResponse(answer) => {
            put("response", response(*answer));
        }
        Event::SendTokenErrorResponse(answer, failure) | Event::SendResourceErrorResponse(answer, failure) => {
            put("response", response(*answer));
            put("error", error(failure, Some(*answer)));
        }
        Event::AuthorizationRequestError(failure)
        | Event::SendAuthorizationRequestError(failure)
        | Event::ReceiveAuthenticationError(failure)
        | Event::SendAuthorizationResponse(Some(failure)) => {
            put("error", error(failure, None));
        }
        Event::ShowLandingPage
        | Event::ShowAuthorizationRequestErrorPage
        | Event::SendAuthenticationRequest
        | Event::SendAuthorizationCancellation
        | Event::ReceiveAuthenticationResponse
        | Event::ReceiveAuthorizationCancellation
        | Event::ShowConsentPage
        | Event::SendAuthorizationResponse(None) => {}
    }
    Value::Object(line).to_string() + "\n"
}

/// A line without `X-Correlation-ID` carries the session in its place, so that it has every attribute.
fn head(entry: &Entry, names: &Names) -> Value {
    json!({
        "type": entry.event.name(),
        "location": location(&entry.event, names).as_str(),
        "datetime": dutch_time(entry.at),
        "session_id": entry.session.to_string(),
        "trace_id": entry.trace.map_or_else(|| entry.session.to_string(), |trace| trace.to_string()),
    })
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

/// ISO 8601 with milliseconds and the offset that holds in the Netherlands at that moment.
fn dutch_time(at: Timestamp) -> String {
    let zone = TimeZone::get("Europe/Amsterdam").unwrap_or(TimeZone::UTC);
    at.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}

fn request(inquiry: &Inquiry, method: &str, server: &Hostname, uri: &str, mut more: Map<String, Value>) -> Value {
    more.extend([
        ("id".to_owned(), id(inquiry.request, inquiry.local)),
        ("method".to_owned(), method.into()),
        ("server_id".to_owned(), server.as_str().into()),
        ("uri".to_owned(), uri.into()),
    ]);
    more.extend(inquiry.client.as_ref().map(|client| ("client_id".to_owned(), client.as_str().into())));
    Value::Object(more)
}

/// The client's id of the request, or else ours.
fn id(request: Option<RequestId>, local: LocalId) -> Value {
    request.map_or_else(|| local.to_string(), |request| request.to_string()).into()
}

fn token_part(grant_type: Option<GrantType>) -> Map<String, Value> {
    let pairs: &[(&str, &str)] = match grant_type {
        Some(GrantType::AuthorizationCode) => &[("grant_type", "authorization_code"), ("initiated_by", WORDS.person)],
        // Whether a person waits for it only the PGO knows.
        Some(GrantType::RefreshToken) => &[("grant_type", "refresh_token")],
        None => &[],
    };
    pairs.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect()
}

fn resource_part(subject: &Subject) -> Map<String, Value> {
    let provider = subject.provider.as_ref().map(|provider| ("provider_id".to_owned(), provider.as_str().into()));
    // The interface has a number here; an id that is none is written as it is.
    let number = |id: &str| id.parse::<u64>().map_or_else(|_| Value::from(id), Value::from);
    let service = subject.service.as_ref().map(|service| ("service_id".to_owned(), number(service.as_str())));
    provider.into_iter().chain(service).collect()
}

/// The address as far as we know it ourselves: practice and service, never what followed.
fn resource_uri(subject: &Subject, names: &Names) -> String {
    let base = format!("{}/fhir", names.back_origin);
    match (&subject.provider, &subject.service) {
        (Some(provider), Some(service)) => format!("{base}/{}/{service}", provider.short()),
        (Some(provider), None) => format!("{base}/{}", provider.short()),
        (None, _) => base,
    }
}

fn response(answer: Answer) -> Value {
    json!({"id": id(answer.request, answer.local), "status": answer.status})
}

fn error(failure: &Failure, answer: Option<Answer>) -> Value {
    let code = if OAUTH_CODES.contains(&failure.code) { failure.code } else { WORDS.other };
    let mut error = json!({"code": code, "description": failure.description});
    if let (Some(answer), Some(members)) = (answer, error.as_object_mut()) {
        members.insert("request_id".to_owned(), id(answer.request, answer.local));
        members.insert("status".to_owned(), answer.status.into());
    }
    error
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::medmij::{CorrelationId, ProviderName, ServiceId};

    pub(in crate::chainlog) fn names() -> Names {
        Names {
            front_host: Hostname::parse("inloggen.example").unwrap(),
            front_origin: "https://inloggen.example".to_owned(),
            back_host: Hostname::parse("gateway.example").unwrap(),
            back_origin: "https://gateway.example".to_owned(),
        }
    }

    pub(in crate::chainlog) fn entry(event: Event) -> Entry {
        Entry {
            at: "2026-07-01T10:00:00.1234Z".parse().unwrap(),
            session: LocalId::parse("01933b0a-0000-7000-8000-000000000001").unwrap(),
            trace: CorrelationId::parse("0d4c6c7a-2f0e-4d7e-9f56-2d3a9a4f6f10"),
            event,
        }
    }

    fn inquiry() -> Inquiry {
        Inquiry {
            request: RequestId::parse("11111111-2f0e-4d7e-9f56-2d3a9a4f6f10"),
            local: LocalId::parse("01933b0a-0000-7000-8000-000000000002").unwrap(),
            client: Hostname::parse("pgo.example").ok(),
        }
    }

    fn answer(status: u16) -> Answer {
        let Inquiry { request, local, .. } = inquiry();
        Answer { request, local, status }
    }

    fn line(event: Event) -> Value {
        let text = written(&entry(event), &names());
        assert!(text.ends_with("}\n") && text.matches('\n').count() == 1);
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_line_has_its_event_with_dutch_time() {
        let expected = json!({"event": {"type": "show_landing_page", "location": "inloggen.example",
            "datetime": "2026-07-01T12:00:00.123+02:00", "session_id": "01933b0a-0000-7000-8000-000000000001",
            "trace_id": "0d4c6c7a-2f0e-4d7e-9f56-2d3a9a4f6f10"}});
        assert_eq!(line(Event::ShowLandingPage), expected);
        let winter = Entry { at: "2026-12-01T10:00:00Z".parse().unwrap(), ..entry(Event::ShowLandingPage) };
        assert!(written(&winter, &names()).contains("2026-12-01T11:00:00.000+01:00"));
    }

    #[test]
    fn what_is_missing_is_replaced_by_ids_of_ours() {
        let unnamed = Inquiry { request: None, client: None, ..inquiry() };
        let entry = Entry { trace: None, ..entry(Event::ReceiveAuthorizationRequest(unnamed)) };
        let line: Value = serde_json::from_str(&written(&entry, &names())).unwrap();
        assert_eq!(line["event"]["trace_id"], line["event"]["session_id"]);
        assert_eq!(line["request"]["id"], "01933b0a-0000-7000-8000-000000000002");
        assert_eq!(line["request"].get("client_id"), None);
    }

    #[test]
    fn requests_say_who_asks_what_of_whom() {
        let authorization = json!({"id": "11111111-2f0e-4d7e-9f56-2d3a9a4f6f10", "method": "GET",
            "client_id": "pgo.example", "server_id": "inloggen.example", "uri": "https://inloggen.example/oauth/authorize"});
        assert_eq!(line(Event::ReceiveAuthorizationRequest(inquiry()))["request"], authorization);
        let token = json!({"id": "11111111-2f0e-4d7e-9f56-2d3a9a4f6f10", "method": "POST", "client_id": "pgo.example",
            "server_id": "gateway.example", "uri": "https://gateway.example/oauth/token",
            "grant_type": "authorization_code", "initiated_by": "person"});
        let found = line(Event::ReceiveTokenRequest(inquiry(), Some(GrantType::AuthorizationCode)));
        assert_eq!((&found["request"], &found["event"]["location"]), (&token, &json!("gateway.example")));
        let found = line(Event::ReceiveTokenRequest(inquiry(), Some(GrantType::RefreshToken)));
        assert_eq!(found["request"]["grant_type"], "refresh_token");
        assert_eq!(found["request"].get("initiated_by"), None);
        let subject = Subject {
            provider: ProviderName::parse("huisarts.delinde@medmij").ok(),
            service: ServiceId::parse("49").ok(),
        };
        let resource = json!({"id": "11111111-2f0e-4d7e-9f56-2d3a9a4f6f10", "method": "GET", "client_id": "pgo.example",
            "server_id": "gateway.example", "uri": "https://gateway.example/fhir/huisarts.delinde/49",
            "provider_id": "huisarts.delinde@medmij", "service_id": 49});
        assert_eq!(line(Event::ReceiveResourceRequest(inquiry(), subject))["request"], resource);
        let unknown = line(Event::ReceiveResourceRequest(inquiry(), Subject::default()));
        assert_eq!(unknown["request"]["uri"], "https://gateway.example/fhir");
    }

    #[test]
    fn errors_have_a_code_of_oauth_or_other() {
        let refused = line(Event::SendTokenErrorResponse(answer(400), Failure::of("invalid_grant")));
        let expected = json!({"code": "invalid_grant", "description": "invalid_grant", "status": 400,
            "request_id": "11111111-2f0e-4d7e-9f56-2d3a9a4f6f10"});
        assert_eq!(refused["error"], expected);
        assert_eq!(refused["response"], json!({"id": "11111111-2f0e-4d7e-9f56-2d3a9a4f6f10", "status": 400}));
        let failed = line(Event::SendResourceErrorResponse(answer(503), Failure::of("his-timed-out")));
        assert_eq!(
            (&failed["error"]["code"], &failed["error"]["description"]),
            (&json!("other"), &json!("his-timed-out"))
        );
        let done = line(Event::SendResourceResponse(answer(200)));
        assert_eq!((&done["response"]["status"], done.get("error")), (&json!(200), None));
    }
}
