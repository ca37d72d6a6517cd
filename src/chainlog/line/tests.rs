//! What a line says of an event, and that it names nobody.

use super::*;
use serde_json::{Value, json};

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

/// The line of an entry, after others of the same second and of half a year before.
fn written(entry: &Entry) -> String {
    let mut pen = Pen::new(names());
    let others = [-16_000_000_000, -1]
        .map(|before| Entry { at: entry.at + jiff::SignedDuration::from_millis(before), ..entry.clone() });
    let mut out = Vec::new();
    others.iter().for_each(|other| pen.write(other, &mut out));
    out.clear();
    pen.write(entry, &mut out);
    String::from_utf8(out).unwrap()
}

fn line(event: Event) -> Value {
    let text = written(&entry(event));
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
    assert!(written(&winter).contains("2026-12-01T11:00:00.000+01:00"));
}

#[test]
fn what_is_missing_is_replaced_by_ids_of_ours() {
    let unnamed = Inquiry { request: None, client: None, ..inquiry() };
    let entry = Entry { trace: None, ..entry(Event::ReceiveAuthorizationRequest(unnamed)) };
    let line: Value = serde_json::from_str(&written(&entry)).unwrap();
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
    let subject =
        Subject { provider: ProviderName::parse("huisarts.delinde@medmij").ok(), service: ServiceId::parse("49").ok() };
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
    assert_eq!((&failed["error"]["code"], &failed["error"]["description"]), (&json!("other"), &json!("his-timed-out")));
    let done = line(Event::SendResourceResponse(answer(200)));
    assert_eq!((&done["response"]["status"], done.get("error")), (&json!(200), None));
}
