//! Answers too large to be judged before the first byte leaves: each entry is judged before its own does.

use std::sync::LazyLock;

use std::path::Path;

use http_body_util::BodyExt as _;
use inzage::sandbox::client::new_id;
use inzage::sandbox::his::faults::{Fail, Faults, ForeignKind};
use serde_json::{Value, json};

use crate::harness::{Gateway, Session, fault, send};
use crate::requests::raw::Raw;
use crate::secrets::LOG;
use crate::slow::slow_reader;

const DELINDE: &str = "huisarts.delinde@medmij";

/// The BSN of a person with many contacts.
const BUSY: &str = "999910796";

/// Everything above 64 KiB streams.
const SMALL: &str = "[release]\njudge_whole_limit_bytes = 65536\nhis_deadline_ms = 3000\n";

async fn start() -> (Gateway, Session) {
    let gateway = Gateway::start_with(SMALL).await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    (gateway, session)
}

fn set(gateway: &Gateway, faults: Faults) {
    gateway.world.his[0].set_faults(faults);
}

/// What came of an answer until it was complete (true) or broke.
async fn taken(session: &Session, request: &str, id: &str) -> (String, bool) {
    let url = format!("{}/{request}", session.base());
    let asked = session.client.http().get(url).bearer_auth(&session.token.access_token);
    let asked = asked.header("accept", "application/fhir+json").header("MedMij-Request-ID", id);
    let mut answer = asked.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(!answer.headers().contains_key("content-length"));
    assert!(answer.headers().contains_key("inzage-audit-receipt"));
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            ended => return (String::from_utf8(body).unwrap(), ended.is_ok()),
        }
    }
}

/// Intent and outcome of a request, once the gateway has closed its logs.
async fn trail(gateway: Gateway, id: &str) -> [Value; 2] {
    let records = gateway.leave().await.audit();
    let found: Vec<Value> = records.into_iter().filter(|record| record["request_id"] == id).collect();
    let [intent, outcome] = found.try_into().unwrap();
    assert_eq!((&intent["kind"], &outcome["kind"]), (&"disclosure_intent".into(), &"disclosure_outcome".into()));
    assert_eq!(outcome["intent"], intent["index"]);
    [intent, outcome]
}

fn assert_broken(outcome: &Value, reason: &str) {
    assert_eq!((&outcome["outcome"], &outcome["reason"]), (&"failed".into(), &reason.into()), "{outcome}");
    assert!(outcome["counts"]["entries"].as_u64().unwrap() > 10, "{outcome}");
    assert!(outcome["counts"]["bytes"].as_u64().unwrap() > 10_000, "{outcome}");
}

#[tokio::test]
async fn an_answer_over_the_limit_leaves_whole_and_shaped() {
    let (gateway, session) = start().await;
    set(&gateway, Faults { huge_mb: 1, unmasked_bsn: true, ..Faults::default() });
    let id = new_id();
    let (body, complete) = taken(&session, "Encounter", &id).await;
    assert!(complete && body.len() > 900_000, "{}", body.len());
    let bundle: Value = serde_json::from_str(&body).unwrap();
    let entries = bundle["entry"].as_array().unwrap();
    assert!(entries.len() > 500 && bundle.get("total").is_none());
    assert_eq!(bundle["link"][0]["url"], format!("{}/Encounter", session.base()));
    for entry in entries {
        let (url, id) = (entry["fullUrl"].as_str().unwrap(), entry["resource"]["id"].as_str().unwrap());
        assert_eq!(url, format!("{}/Encounter/{id}", session.base()));
    }
    assert!(!body.contains(&gateway.patient()) && !body.contains("his-a."));
    let count = entries.len();
    let [_, outcome] = trail(gateway, &id).await;
    assert_eq!((&outcome["outcome"], &outcome["status"]), (&"done".into(), &200.into()));
    assert_eq!(outcome["counts"]["entries"], count);
    assert_eq!(outcome["counts"]["bytes"], body.len());
}

#[tokio::test]
async fn over_http_1_it_comes_in_chunks_and_the_last_one_says_that_it_is_complete() {
    let (gateway, session) = start().await;
    let raw = Raw::of(&gateway);
    let target = format!("/{}/Encounter", session.base().splitn(4, '/').nth(3).unwrap());
    for (foreign_patient, complete) in [(false, true), (true, false)] {
        let foreign_kind = ForeignKind::Include;
        set(&gateway, Faults { huge_mb: 1, foreign_patient, foreign_kind, ..Faults::default() });
        let answer = raw.bytes(&target, &session.token.access_token).await;
        let head = String::from_utf8_lossy(&answer[..600]).to_lowercase();
        assert!(head.starts_with("http/1.1 200") && head.contains("transfer-encoding: chunked"), "{head}");
        assert_eq!(answer.ends_with(b"\r\n0\r\n\r\n"), complete);
        assert!(answer.len() > 500_000);
    }
    gateway.stop().await;
}

/// Case 60 above the limit.
#[tokio::test]
async fn case_60_an_entry_of_somebody_else_at_the_end_breaks_the_transfer_before_its_first_byte() {
    LazyLock::force(&LOG);
    let (gateway, session) = start().await;
    let foreign_kind = ForeignKind::Include;
    set(&gateway, Faults { huge_mb: 1, foreign_patient: true, foreign_kind, ..Faults::default() });
    let id = new_id();
    let (body, complete) = taken(&session, "Encounter", &id).await;
    assert!(!complete && body.len() > 500_000);
    assert!(serde_json::from_str::<Value>(&body).is_err(), "a whole Bundle left");
    let own: Value = serde_json::from_str(
        &body[body.find("{\"fullUrl\"").unwrap()..]
            .split("},{\"fullUrl\"")
            .next()
            .map(|one| format!("{one}}}"))
            .unwrap(),
    )
    .unwrap();
    let subject = own["resource"]["subject"]["reference"].as_str().unwrap();
    assert_eq!(body.matches("\"reference\":\"Patient/").count(), body.matches(subject).count());
    let [_, outcome] = trail(gateway, &id).await;
    assert_broken(&outcome, "his-answer-unfit");
    let (said, local_id) = (LOG.text(), outcome["local_id"].as_str().unwrap());
    assert!(said.lines().any(|line| line.contains("his_answer_unfit") && line.contains(local_id)), "no alarm");
}

#[tokio::test]
async fn case_60_an_entry_of_somebody_else_at_the_start_is_refused_as_ever() {
    let (gateway, session) = start().await;
    set(
        &gateway,
        Faults { huge_mb: 1, foreign_patient: true, foreign_kind: ForeignKind::Reference, ..Faults::default() },
    );
    let reply = session.get("Encounter").await;
    assert_eq!((reply.status.as_u16(), fault(&reply).0.as_str()), (502, "his-answer-unfit"));
    let named = gateway.named_by(&reply);
    assert_eq!((&named["kind"], &named["reason"]), (&"disclosure_outcome".into(), &"his-answer-unfit".into()));
    gateway.stop().await;
}

/// A HIS that stops in the middle of a large answer, with its connection open or closed.
#[tokio::test]
async fn f09_an_answer_that_stops_half_way_never_looks_complete() {
    for (faults, reason) in [
        (Faults { huge_mb: 1, stop_after_bytes: 300_000, ..Faults::default() }, "his-timeout"),
        (Faults { huge_mb: 1, stop_after_bytes: 70_000, ..Faults::default() }, "his-timeout"),
    ] {
        let (gateway, session) = start().await;
        set(&gateway, faults);
        let id = new_id();
        let (body, complete) = taken(&session, "Encounter", &id).await;
        assert!(!complete && serde_json::from_str::<Value>(&body).is_err());
        let [_, outcome] = trail(gateway, &id).await;
        assert_broken(&outcome, reason);
    }
}

/// One byte at a time: the time for the whole ends it, and nothing has left.
#[tokio::test]
async fn f09_a_slow_drip_ends_at_the_deadline() {
    let (gateway, session) = start().await;
    set(&gateway, Faults { slow_drip: 1000, ..Faults::default() });
    let reply = session.get("Encounter").await;
    assert_eq!((reply.status.as_u16(), fault(&reply).0.as_str()), (504, "his-timeout"));
    set(&gateway, Faults { fail: Fail::Cut, ..Faults::default() });
    let reply = session.get("Encounter").await;
    assert_eq!((reply.status.as_u16(), fault(&reply).0.as_str()), (503, "his-unreachable"));
    gateway.stop().await;
}

#[tokio::test]
async fn a_consent_that_ends_breaks_a_stream_off() {
    let (gateway, session) = start().await;
    set(&gateway, Faults { huge_mb: 8, ..Faults::default() });
    let mut answer = slow_reader(&gateway, &session, "Encounter").await;
    let mut size = answer.body_mut().frame().await.unwrap().unwrap().into_data().unwrap().len();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let form = [pair("token", &session.token.access_token), pair("client_id", &session.client.client_id)];
    let revoke = session.endpoints.token.replace("/oauth/token", "/oauth/revoke");
    assert_eq!(session.client.token_request(&revoke, &form, &new_id()).await.unwrap().status, 200);
    let broken = loop {
        match answer.body_mut().frame().await {
            Some(Ok(frame)) => size += frame.into_data().map_or(0, |data| data.len()),
            ended => break ended.is_some(),
        }
    };
    // What was in the buffers of the connection had left already.
    assert!(broken && size < 1_000_000, "broken {broken} after {size} bytes");
    let records = gateway.leave().await.audit();
    let outcome = records.iter().rfind(|record| record["kind"] == "disclosure_outcome").unwrap();
    assert_eq!((&outcome["outcome"], &outcome["reason"]), (&"refused".into(), &"consent-ended".into()), "{outcome}");
}

#[tokio::test]
async fn a_client_that_leaves_is_on_record_and_frees_the_turn_at_the_his() {
    let (gateway, session) = start().await;
    set(&gateway, Faults { huge_mb: 8, ..Faults::default() });
    for _ in 0..3 {
        let mut answer = slow_reader(&gateway, &session, "Encounter").await;
        answer.body_mut().frame().await.unwrap().unwrap();
    }
    set(&gateway, Faults::default());
    assert_eq!(send(session.request(http::Method::GET, "Encounter")).await.status, 200);
    let records = gateway.leave().await.audit();
    let outcomes =
        records.iter().filter(|record| record["kind"] == "disclosure_outcome" && record["outcome"] == "aborted");
    let bytes: Vec<u64> = outcomes.map(|outcome| outcome["counts"]["bytes"].as_u64().unwrap()).collect();
    assert!(bytes.len() == 3 && bytes.iter().all(|bytes| (1..1_000_000).contains(bytes)), "{bytes:?}");
}

/// The address of the next page, without the base.
fn next(session: &Session, body: &str) -> String {
    let (_, links) = body.split_once("{\"relation\":\"next\",\"url\":\"").unwrap();
    links.split('"').next().unwrap().strip_prefix(session.base()).unwrap().trim_start_matches('/').to_owned()
}

/// A person with eight contacts.
fn contacts(folder: &Path) {
    let patient = json!({
        "resourceType": "Patient", "id": "busy", "birthDate": "1970-01-01", "active": true,
        "identifier": [{"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": BUSY}],
    });
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("patient.json"), patient.to_string()).unwrap();
    for number in 0..8 {
        let contact = json!({
            "resourceType": "Encounter", "id": format!("busy-{number}"), "status": "finished",
            "subject": {"reference": "Patient/busy"}, "period": {"start": "2026-03-02T09:00:00+01:00"},
            "reason": [{"text": "a question of the usual length ".repeat(20)}],
        });
        std::fs::write(folder.join(format!("{number}.json")), contact.to_string()).unwrap();
    }
}

/// Page seven of a large answer, judged whole below the limit and entry by entry above it.
#[tokio::test]
async fn an_entry_of_somebody_else_on_page_seven_is_always_caught() {
    for (settings, huge_mb) in [("", 4), (SMALL, 1)] {
        let records = std::env::temp_dir().join(format!("inzage-contacts-{}", new_id()));
        contacts(&records);
        let gateway = Gateway::start_among(settings, Some(records.clone())).await;
        std::fs::remove_dir_all(&records).unwrap();
        let session = gateway.session(DELINDE, BUSY).await;
        let (foreign_kind, foreign_page) = (ForeignKind::Include, 7);
        let foreign = Faults { foreign_patient: true, foreign_kind, foreign_page, ..Faults::default() };
        set(&gateway, Faults { page_size: 1, huge_mb, ..foreign });
        let mut address = "Encounter".to_owned();
        for _ in 1..7 {
            let page = send(session.request(http::Method::GET, &address)).await;
            assert_eq!(page.status, 200);
            let page = String::from_utf8(page.body.into()).unwrap();
            assert!(page.len() > 900_000, "{}", page.len());
            address = next(&session, &page);
        }
        let id = new_id();
        if settings.is_empty() {
            let reply = session.get(&address).await;
            assert_eq!((reply.status.as_u16(), fault(&reply).0.as_str()), (502, "his-answer-unfit"));
        } else {
            let (body, complete) = taken(&session, &address, &id).await;
            assert!(!complete && serde_json::from_str::<Value>(&body).is_err());
            let [_, outcome] = trail(gateway, &id).await;
            assert_broken(&outcome, "his-answer-unfit");
        }
    }
}
