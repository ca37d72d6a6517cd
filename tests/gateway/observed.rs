//! What an operator sees of one whole journey: readiness, metrics, the log line of a request and its trace. Of the person nothing.

use std::sync::LazyLock;
use std::time::Duration;

use http::Method;
use jiff::SignedDuration;
use serde_json::Value;

use crate::harness::{Gateway, send};
use crate::secrets::LOG;

const DELINDE: &str = "huisarts.delinde@medmij";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn ready(gateway: &Gateway) -> (u16, Value) {
    let (status, report) = gateway.ops("/readyz").await;
    (status, serde_json::from_str(&report).unwrap())
}

/// The log lines of answers in a trace.
fn lines(trace: &str) -> Vec<Value> {
    let log = LOG.text();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["message"] == "answered" && line["trace"] == trace).collect()
}

#[tokio::test]
async fn a_request_is_found_in_log_metrics_and_at_the_his_by_its_trace() {
    LazyLock::force(&LOG);
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let traced = session.request(Method::GET, "EpisodeOfCare");
    let reply = send(traced.header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"))).await;
    assert_eq!(reply.status, 200);
    let asked = gateway.world.his[0].log().last.unwrap();
    let sent = &asked.headers["traceparent"];
    let [version, trace, span, flags] = sent.split('-').collect::<Vec<_>>()[..] else { panic!("{sent}") };
    assert_eq!((version, trace, flags), ("00", TRACE, "01"));
    assert_ne!(span, "00f067aa0ba902b7", "a place of our own in the trace");
    assert!(!asked.headers.contains_key("tracestate"));
    let [line] = &lines(TRACE)[..] else { panic!("{:?}", lines(TRACE)) };
    let request = &asked.headers["x-request-id"];
    let expected = serde_json::json!({
        "face": "back", "route": "fhir", "status": 200, "client": session.client.client_id, "request": request,
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&line[key], value, "{key} of {line}");
    }
    assert!(line["his_us"].is_u64() && line["audit_us"].is_u64() && line["reason"].is_null(), "{line}");
    assert_eq!(gateway.last_audit("disclosure_intent")["local_id"], **request, "the record of it");

    let (_, metrics) = gateway.ops("/metrics").await;
    for step in
        ["authorize", "login", "availability", "consent", "exchange", "token", "decide", "his", "shape", "audit"]
    {
        let counted = format!("inzage_step_duration_seconds_count{{step=\"{step}\"}} ");
        let count = metrics.lines().find_map(|line| line.strip_prefix(&counted)).unwrap_or_default();
        assert!(count.parse::<u64>().is_ok_and(|count| count > 0), "{step}: {count}");
    }
    let client = &session.client.client_id;
    for line in [
        format!("inzage_client_answers_total{{client=\"{client}\",route=\"fhir\",class=\"2xx\"}} 1\n"),
        format!("inzage_client_answers_total{{client=\"{client}\",route=\"oauth\",class=\"2xx\"}} 1\n"),
        "inzage_handshakes_failed_total{face=\"back\",reason=\"no_certificate\"} 0\n".to_owned(),
        "inzage_ready 1\n".to_owned(),
    ] {
        assert!(metrics.contains(&line), "{line} in\n{metrics}");
    }
    assert!(metrics.contains(" # {trace_id=\""), "an exemplar");
    gateway.stop().await;
}

#[tokio::test]
async fn a_refusal_says_why_and_a_stranger_has_no_label() {
    LazyLock::force(&LOG);
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let trace = "5bf92f3577b34da6a3ce929d0e0e4736";
    let url = format!("{}/EpisodeOfCare", session.base());
    let unknown = session.bare(Method::GET, &url).bearer_auth("x".repeat(43));
    let reply = send(unknown.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-00"))).await;
    assert_eq!(reply.status, 401);
    let [line] = &lines(trace)[..] else { panic!("{:?}", lines(trace)) };
    assert_eq!((&line["reason"], &line["status"]), (&"unknown-token".into(), &401.into()), "{line}");
    assert!(line["client"].is_null() && line["his_us"].is_null(), "{line}");
    let (_, metrics) = gateway.ops("/metrics").await;
    assert!(
        metrics.contains("inzage_client_answers_total{client=\"other\",route=\"fhir\",class=\"4xx\"} 1\n"),
        "{metrics}"
    );
    // Two of them are none, and so is one that is out of form: the trace begins here, under the id of the request.
    let twice = session.bare(Method::GET, &url).header("traceparent", format!("00-{trace}-00f067aa0ba902b7-00"));
    send(twice.header("traceparent", format!("00-{trace}-00f067aa0ba902b8-00"))).await;
    assert_eq!(lines(trace).len(), 1);
    let own = gateway.last_audit("resource_refused")["local_id"].as_str().unwrap().to_owned();
    let log = LOG.text();
    let line = log.lines().find(|line| line.contains(&format!("\"request\":\"{own}\""))).unwrap();
    assert!(!line.contains("\"trace\""), "{line}");
    gateway.stop().await;
}

/// Whether days until an end are enough of them.
fn far(days: &Value) -> bool {
    days.as_i64().is_some_and(|days| days > 30)
}

#[tokio::test]
async fn the_certificates_of_all_that_are_called_beside_requests_are_watched() {
    let gateway = Gateway::start().await;
    gateway.session(DELINDE, &gateway.patient()).await;
    gateway.world.chain_log.until(|received| !received.lines.is_empty()).await;
    // A checkpoint is due after ten seconds, and the witness is asked beside all this.
    let report = loop {
        gateway.clock.advance(Duration::from_secs(10));
        gateway.refresh_lists().await;
        let (_, report) = ready(&gateway).await;
        if !report["peer_certificate_days_left"]["audit.witness[1]"].is_null() {
            break report;
        }
    };
    for name in ["lists", "chain_log", "audit.witness[1]"] {
        assert!(far(&report["peer_certificate_days_left"][name]), "{name} of {report}");
    }
    let (_, metrics) = gateway.ops("/metrics").await;
    assert!(metrics.contains("inzage_certificate_expires_seconds{owner=\"them\",name=\"chain_log\"} "), "{metrics}");
    gateway.stop().await;
}

#[tokio::test]
async fn readiness_tells_of_certificates_room_keys_and_clock() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    assert_eq!(session.get("EpisodeOfCare").await.status, 200);
    let (status, report) = ready(&gateway).await;
    assert_eq!(status, 200, "{report}");
    for part in ["audit", "audit_index", "figures", "checkpoints", "store", "lists", "keys", "certificates", "clock"] {
        assert_eq!(report[part], "ok", "{part} in {report}");
    }
    for name in ["front", "back", "auditors", "admin", "lists", "chain_log"] {
        assert!(far(&report["certificate_days_left"][name]), "{name} of {report}");
    }
    assert!(far(&report["peer_certificate_days_left"]["lists"]), "{report}");
    assert!(far(&report["peer_certificate_days_left"]["his-a/fhir"]), "{report}");
    assert!(report["audit_disk_free_bytes"].as_u64().is_some(), "{report}");
    assert_eq!((&report["keys_age_seconds"], &report["clock_drift_seconds"]), (&0.into(), &0.0.into()));

    gateway.clock.step(SignedDuration::from_secs(120));
    let (status, report) = ready(&gateway).await;
    assert_eq!((status, &report["clock"]), (200, &"the clock was set by 120 s".into()), "{report}");
    assert!(report["alarms"].as_array().unwrap().iter().any(|alarm| alarm["alarm"] == "clock_stepped"), "{report}");
    let (_, metrics) = gateway.ops("/metrics").await;
    assert!(metrics.contains("inzage_alarm{alarm=\"clock_stepped\"} 1\n"), "{metrics}");
    assert!(metrics.contains("inzage_clock_drift_seconds 120.0\n"), "{metrics}");
    gateway.clock.advance(Duration::from_secs(3_600));
    let (_, report) = ready(&gateway).await;
    assert_eq!(report["clock"], "ok", "{report}");
    gateway.stop().await;
}

/// A collector that takes what comes and hands it on.
async fn collector() -> (std::net::SocketAddr, tokio::sync::mpsc::UnboundedReceiver<Value>) {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    let take = move |axum::Json(export): axum::Json<Value>| {
        let _ = sender.send(export);
        async { axum::Json(serde_json::json!({})) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new().route("/v1/traces", axum::routing::post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, receiver)
}

#[tokio::test]
async fn spans_of_a_request_reach_the_agent_and_hold_no_person() {
    let (agent, mut exports) = collector().await;
    let settings = format!("\n[telemetry]\ntraces = \"{agent}\"\ntraces_percent = 0\n");
    let gateway = Gateway::start_with(&settings).await;
    let bsn = gateway.patient();
    let session = gateway.session(DELINDE, &bsn).await;
    let trace = "6bf92f3577b34da6a3ce929d0e0e4736";
    let traced = session.request(Method::GET, "EpisodeOfCare");
    send(traced.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))).await;
    let export = exports.recv().await.unwrap();
    let spans = export["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    let whole = spans.iter().find(|span| span["kind"] == 2).unwrap();
    assert_eq!((&whole["name"], &whole["parentSpanId"]), (&"fhir".into(), &"00f067aa0ba902b7".into()), "{whole}");
    for step in ["token", "decide", "his", "shape", "audit"] {
        let found = spans.iter().find(|span| span["name"] == step).unwrap_or_else(|| panic!("{step} in {spans:#?}"));
        assert_eq!((&found["traceId"], &found["parentSpanId"]), (&trace.into(), &whole["spanId"]), "{found}");
    }
    let text = export.to_string();
    for secret in [bsn.as_str(), &session.token.access_token] {
        assert!(!text.contains(secret), "{text}");
    }
    let (_, metrics) = gateway.ops("/metrics").await;
    assert!(metrics.contains("inzage_traces_total{end=\"dropped\"} 0\n"), "{metrics}");
    gateway.stop().await;
    assert!(exports.try_recv().is_err(), "nothing that begins here, at 0 in 100");
}
