//! The form of a batch and of its lines: whatever is not of the Logging interface is refused, as the real component would.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::chainlog::WORDS;
use crate::medmij::{Hostname, LocalId, ProviderName};

/// The event types that a DVA may send.
const TYPES: [&str; 18] = [
    "receive_authorization_request",
    "show_landing_page",
    "authorization_request_error",
    "show_authorization_request_error_page",
    "send_authorization_request_error",
    "send_authentication_request",
    "send_authorization_cancellation",
    "receive_authentication_response",
    "receive_authorization_cancellation",
    "receive_authentication_error",
    "show_consent_page",
    "send_authorization_response",
    "receive_token_request",
    "send_token_response",
    "send_token_error_response",
    "receive_resource_request",
    "send_resource_response",
    "send_resource_error_response",
];

type Wrong = &'static str;

/// The id and the lines of a batch, or what is wrong with it.
pub(super) fn check_batch(body: &[u8]) -> Result<(String, Vec<Value>), Wrong> {
    let batch: Map<String, Value> = serde_json::from_slice(body).map_err(|_| "no JSON object")?;
    only(&batch, &[WORDS.batch, WORDS.lines])?;
    let id = uuid(&batch, WORDS.batch)?.to_owned();
    let lines = batch.get(WORDS.lines).and_then(Value::as_array).ok_or("no lines")?;
    lines.iter().try_for_each(check_line)?;
    Ok((id, lines.clone()))
}

fn check_line(line: &Value) -> Result<(), Wrong> {
    let line = line.as_object().ok_or("a line is no object")?;
    only(line, &["event", "request", "response", "error"])?;
    let event = part(line, "event")?.ok_or("a line has no event")?;
    check_event(event)?;
    let kind = text(event, "type")?;
    match part(line, "request")? {
        Some(request) => check_request(request)?,
        None if kind.starts_with("receive_") && kind.ends_with("_request") => return Err("no request"),
        None => {}
    }
    match part(line, "response")? {
        Some(response) => check_response(response)?,
        None if matches!(kind, "send_token_response" | "send_resource_response") => return Err("no response"),
        None => {}
    }
    match part(line, "error")? {
        Some(error) => check_error(error),
        None if kind.contains("error") && !kind.ends_with("_page") => Err("no error"),
        None => Ok(()),
    }
}

fn check_event(event: &Map<String, Value>) -> Result<(), Wrong> {
    only(event, &["type", "location", "datetime", "session_id", "trace_id"])?;
    if !TYPES.contains(&text(event, "type")?) {
        return Err("no event type of a DVA");
    }
    Hostname::parse(text(event, "location")?).map_err(|_| "location is no host name")?;
    let time = text(event, "datetime")?;
    let has_offset = time.len() == "2026-07-01T12:00:00.123+02:00".len() && time.parse::<Timestamp>().is_ok();
    if !has_offset {
        return Err("datetime is not ISO 8601 with milliseconds and offset");
    }
    uuid(event, "session_id")?;
    uuid(event, "trace_id").map(drop)
}

fn check_request(request: &Map<String, Value>) -> Result<(), Wrong> {
    const NAMES: [&str; 9] =
        ["id", "method", "client_id", "server_id", "uri", "grant_type", "initiated_by", "provider_id", "service_id"];
    only(request, &NAMES)?;
    uuid(request, "id")?;
    if !matches!(text(request, "method")?, "GET" | "POST") {
        return Err("no method of the interface");
    }
    Hostname::parse(text(request, "server_id")?).map_err(|_| "server_id is no host name")?;
    if request.contains_key("client_id") {
        Hostname::parse(text(request, "client_id")?).map_err(|_| "client_id is no host name")?;
    }
    let uri = text(request, "uri")?;
    if !uri.starts_with("https://") || uri.contains(['?', '#', '@']) {
        return Err("uri is not an https URI without query");
    }
    if request.contains_key("provider_id") {
        ProviderName::parse(text(request, "provider_id")?).map_err(|_| "provider_id is no provider")?;
    }
    match request.get("service_id") {
        Some(service) if !service.is_u64() => Err("service_id is no number"),
        _ => Ok(()),
    }
}

fn check_response(response: &Map<String, Value>) -> Result<(), Wrong> {
    only(response, &["id", "status"])?;
    uuid(response, "id")?;
    let status = response.get("status").and_then(Value::as_u64);
    if status.is_some_and(|status| (100..600).contains(&status)) { Ok(()) } else { Err("no status") }
}

fn check_error(error: &Map<String, Value>) -> Result<(), Wrong> {
    only(error, &["code", "description", "request_id", "status"])?;
    text(error, "code")?;
    text(error, "description").map(drop)
}

fn part<'a>(line: &'a Map<String, Value>, name: &str) -> Result<Option<&'a Map<String, Value>>, Wrong> {
    line.get(name).map(|part| part.as_object().ok_or("a part of a line is no object")).transpose()
}

fn only(object: &Map<String, Value>, names: &[&str]) -> Result<(), Wrong> {
    let known = object.keys().all(|name| names.contains(&name.as_str()));
    if known { Ok(()) } else { Err("a name that is not of the interface") }
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a str, Wrong> {
    object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or("a text is missing")
}

fn uuid<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a str, Wrong> {
    text(object, name).ok().filter(|text| LocalId::parse(text).is_some()).ok_or("an id is missing or no UUID")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn batch(line: &Value) -> Vec<u8> {
        json!({"aanlevering": "01933b0a-0000-7000-8000-000000000001", "logregels": [line]}).to_string().into_bytes()
    }

    fn line() -> Value {
        json!({
            "event": {"type": "receive_resource_request", "location": "gateway.example",
                "datetime": "2026-07-01T12:00:00.123+02:00", "session_id": "01933b0a-0000-7000-8000-000000000001",
                "trace_id": "01933b0a-0000-7000-8000-000000000001"},
            "request": {"id": "01933b0a-0000-7000-8000-000000000001", "method": "GET", "server_id": "gateway.example",
                "client_id": "pgo.example", "uri": "https://gateway.example/fhir/a/49", "provider_id": "huisarts@medmij",
                "service_id": 49},
        })
    }

    #[test]
    fn a_whole_line_is_taken() {
        let (id, lines) = check_batch(&batch(&line())).unwrap();
        assert_eq!((id.as_str(), lines), ("01933b0a-0000-7000-8000-000000000001", vec![line()]));
    }

    #[test]
    fn every_single_defect_is_refused() {
        for (pointer, value) in [
            ("/event/type", json!("send_authorization_request")),
            ("/event/location", json!("https://gateway.example")),
            ("/event/datetime", json!("2026-07-01T12:00:00.123Z")),
            ("/event/datetime", json!("2026-07-01 12:00:00.123+0200")),
            ("/event/session_id", json!("999911132")),
            ("/event/trace_id", json!("")),
            ("/event", json!(null)),
            ("/request", json!("GET /")),
            ("/request/id", json!(7)),
            ("/request/method", json!("DELETE")),
            ("/request/server_id", json!("localhost")),
            ("/request/client_id", json!("PGO")),
            ("/request/uri", json!("https://gateway.example/oauth/authorize?state=x")),
            ("/request/uri", json!("http://gateway.example/")),
            ("/request/provider_id", json!("huisarts")),
            ("/request/service_id", json!("49")),
        ] {
            let mut line = line();
            *line.pointer_mut(pointer).unwrap() = value.clone();
            assert!(check_batch(&batch(&line)).is_err(), "{pointer} {value}");
        }
        let mut named = line();
        named["patient"] = json!({});
        let mut unasked = line();
        unasked.as_object_mut().unwrap().remove("request");
        let mut unanswered = line();
        unanswered["event"]["type"] = json!("send_resource_error_response");
        for line in [named, unasked, unanswered, json!([]), json!("")] {
            assert!(check_batch(&batch(&line)).is_err(), "{line}");
        }
        for body in ["", "[]", "{}", r#"{"aanlevering":"x","logregels":[]}"#] {
            assert!(check_batch(body.as_bytes()).is_err(), "{body}");
        }
    }
}
