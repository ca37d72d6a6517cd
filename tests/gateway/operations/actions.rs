//! What an operator makes the node do: step aside, end, and tell more in its technical log.

use serde_json::json;

use super::Operator;
use crate::harness::Gateway;

#[tokio::test]
async fn a_node_that_steps_aside_is_not_ready_but_serves_what_comes() {
    let gateway = Gateway::start().await;
    let operator = Operator::new(&gateway, "wacht");
    let session = gateway.session("huisarts.delinde@medmij", &gateway.patient()).await;
    assert_eq!(operator.ask("POST", "/api/v1/end", None).await.json()["error"], "on-duty");

    assert_eq!(operator.ask("PUT", "/api/v1/drain", None).await.json()["changed"], true);
    let (status, report) = gateway.ops("/readyz").await;
    assert!(status == 503 && report.contains("\"state\":\"draining\""), "{report}");
    assert_eq!(gateway.ops("/livez").await.0, 200);
    session.bundle("EpisodeOfCare").await;
    assert_eq!(operator.get("/api/v1/node").await["state"], "draining");

    assert_eq!(operator.ask("DELETE", "/api/v1/drain", None).await.json()["changed"], true);
    assert_eq!(gateway.ops("/readyz").await.0, 200);
    assert_eq!(operator.ask("DELETE", "/api/v1/drain", None).await.json()["changed"], false);
    let details: Vec<_> = gateway.audit_of("administration").iter().map(|one| one["detail"].clone()).collect();
    assert_eq!(details, ["the node steps aside", "the node serves again", "the node serves again"]);
    let last = gateway.last_audit("administration");
    assert_eq!((&last["user"], &last["outcome"]), (&"operator:wacht.localhost".into(), &"done".into()));
    gateway.stop().await;
}

#[tokio::test]
async fn a_node_that_stepped_aside_ends_in_order() {
    let gateway = Gateway::start().await;
    let operator = Operator::new(&gateway, "wacht");
    operator.ask("PUT", "/api/v1/drain", None).await;
    let said = operator.ask("POST", "/api/v1/end", None).await;
    assert_eq!((said.status, &said.json()["changed"]), (200, &true.into()), "who asks for it still gets the answer");
    gateway.controls().stop.cancelled().await;
    let left = gateway.leave().await;
    let kinds: Vec<_> = left.audit().iter().map(|record| record["kind"].clone()).collect();
    assert_eq!(kinds[kinds.len() - 2..], [json!("administration"), json!("node_stopped")]);
}

#[tokio::test]
async fn the_technical_log_tells_more_for_a_while() {
    let gateway = Gateway::start().await;
    let (operator, reader) = (Operator::new(&gateway, "wacht"), Operator::new(&gateway, "lezer"));
    let configured = reader.get("/api/v1/log-level").await;
    assert_eq!((&configured["level"], &configured["until"]), (&configured["configured"], &json!(null)));
    // To JSON Schema 30.0 is an integer.
    let wish = json!({"level": "debug", "minutes": 30.0});
    assert_eq!(operator.ask("PUT", "/api/v1/log-level", Some(&wish)).await.status, 200);
    let told = reader.get("/api/v1/log-level").await;
    assert_eq!((&told["level"], &told["until"]), (&"debug".into(), &"2026-11-21T11:30:00Z".into()));
    assert_eq!(gateway.last_audit("administration")["detail"], "log level debug for 30 min");
    assert_eq!(operator.ask("DELETE", "/api/v1/log-level", None).await.json()["changed"], true);
    assert_eq!(reader.get("/api/v1/log-level").await, configured);
    for wrong in [json!({"level": "loud"}), json!({"level": "debug", "minutes": 0}), json!({"minutes": 5})] {
        assert_eq!(operator.ask("PUT", "/api/v1/log-level", Some(&wrong)).await.status, 400, "{wrong}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_reload_takes_over_who_may_what_and_keeps_what_is_stopped() {
    let gateway = Gateway::start().await;
    let (operator, reader) = (Operator::new(&gateway, "wacht"), Operator::new(&gateway, "lezer"));
    assert_eq!(operator.stop("his:his-a").await.status, 200);
    assert_eq!(operator.ask("POST", "/api/v1/reload", None).await.json()["changed"], json!([]));

    let file = gateway.folder().join("gateway.toml");
    let written = std::fs::read_to_string(&file).unwrap();
    let promoted =
        written.replace("\"lezer.localhost\" = { role = \"reader\" }", "\"lezer.localhost\" = { role = \"operator\" }");
    assert_ne!(promoted, written);
    std::fs::write(&file, &promoted).unwrap();
    let done = operator.ask("POST", "/api/v1/reload", None).await;
    assert_eq!((done.status, &done.json()["refused"]), (200, &json!(null)), "{}", done.text);
    assert_eq!(gateway.last_audit("administration")["outcome"], "done");
    assert_eq!(reader.get("/api/v1/his").await[0]["stopped"], "stopped-his", "what is stopped stays stopped");
    assert_eq!(reader.lift("his:his-a").await.status, 200, "the reader is an operator now");

    std::fs::write(&file, "nothing = to = read").unwrap();
    let refused = operator.ask("POST", "/api/v1/reload", None).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    let last = gateway.last_audit("administration");
    assert_eq!((&last["outcome"], &last["reason"]), (&"refused".into(), &"configuration-refused".into()));
    assert_eq!(operator.get("/api/v1/node").await["state"], "serving");
    gateway.stop().await;
}
