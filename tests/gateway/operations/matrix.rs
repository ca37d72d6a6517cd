//! The matrix of combinations: what people and apps really met is told by installation, version, client and service, with the step
//! that fails.

use std::time::Duration;

use inzage::sandbox::client::new_id;
use inzage::sandbox::his::faults::{Fail, Faults};
use inzage::sandbox::person::{Choices, End};
use serde_json::Value;

use super::Operator;
use crate::harness::{Gateway, Session, seven_searches};

const DELINDE: &str = "huisarts.delinde@medmij";

/// Returns when everything recorded so far is counted.
async fn counted(gateway: &Gateway) {
    let records = gateway.audit();
    let last = u64::try_from(records.len()).unwrap().checked_sub(1).unwrap();
    let reached = async { gateway.controls().counted.reached(records[0]["source"].as_str().unwrap(), last).await };
    tokio::time::timeout(Duration::from_secs(60), reached).await.unwrap();
}

/// The combination of the first practice, the PGO and service 49, as the API tells it.
async fn combination(gateway: &Gateway, operator: &Operator) -> Value {
    counted(gateway).await;
    let found = operator.get("/api/v1/matrix?service=49&client=pgo.localhost&installation=his-a").await;
    assert_eq!(found["combinations"].as_array().unwrap().len(), 1, "{found}");
    found["combinations"][0].clone()
}

/// A step, as `[tried, succeeded, ended, failed]`.
fn step(combination: &Value, name: &str) -> [u64; 4] {
    let steps = combination["steps"].as_array().unwrap();
    let found = steps.iter().find(|step| step["step"] == name).unwrap_or_else(|| panic!("{name}: {combination}"));
    ["tried", "succeeded", "ended", "failed"].map(|count| found[count].as_u64().unwrap())
}

async fn collect(session: &Session) {
    let today = "2026-11-21".parse().unwrap();
    for request in seven_searches(today) {
        assert_eq!(session.get(&request).await.status, 200, "{request}");
    }
}

async fn sessions(gateway: &Gateway, count: usize) -> Vec<Session> {
    let mut sessions = Vec::new();
    for _ in 0..count {
        sessions.push(gateway.session(DELINDE, &gateway.patient()).await);
    }
    sessions
}

#[tokio::test]
async fn a_combination_that_worked_and_stops_is_named_with_its_step() {
    let gateway = Gateway::start().await;
    let operator = super::register::registered(&gateway).await;
    for session in sessions(&gateway, 6).await {
        collect(&session).await;
    }
    let seen = combination(&gateway, &operator).await;
    assert_eq!((&seen["verdict"], &seen["version"], &seen["alarm"]), (&"works".into(), &"12.4".into(), &Value::Null));
    for name in ["found", "login", "availability", "consent", "token", "request EpisodeOfCare", "complete"] {
        assert_eq!(step(&seen, name), [6, 6, 0, 0], "{name}");
    }
    assert_eq!(step(&seen, "admission"), [42, 42, 0, 0]);

    // Who is let in already meets a system that answers with nonsense.
    let held = sessions(&gateway, 6).await;
    gateway.clock.advance(Duration::from_secs(60));
    gateway.world.his[0]
        .set_faults(Faults { fail: Fail::try_from("status:500".to_owned()).unwrap(), ..Faults::default() });
    let mut ids = Vec::new();
    for session in &held {
        let (id, url) = (new_id(), format!("{}/EpisodeOfCare", session.base()));
        let reply = session.client.get_as(&url, &session.token.access_token, &session.correlation_id, &id).await;
        assert!(reply.unwrap().status.is_server_error());
        ids.push(id);
    }
    let seen = combination(&gateway, &operator).await;
    let alarm = seen["alarm"].clone();
    assert_eq!(
        (&alarm["step"], &alarm["who"], &seen["who"]),
        (&"request EpisodeOfCare".into(), &"his".into(), &"his".into())
    );
    assert_eq!(step(&seen, "request EpisodeOfCare"), [12, 6, 0, 6]);
    let id = seen["id"].as_str().unwrap();
    let one = operator.get(&format!("/api/v1/matrix/{id}")).await;
    let steps = one["steps"].as_array().unwrap();
    let failing = steps.iter().find(|step| step["step"] == "request EpisodeOfCare").unwrap();
    let samples: Vec<_> = failing["samples"].as_array().unwrap().iter().map(|sample| sample["id"].clone()).collect();
    assert_eq!(samples.len(), 5);
    assert!(samples.iter().all(|id| ids.iter().any(|sent| *id == sent.as_str())), "{samples:?}");
    assert_eq!(operator.get("/api/v1/matrix?failing=true").await["total"], 1);
    assert!(gateway.ops("/metrics").await.1.contains("inzage_combinations_stopped{who=\"his\"} 1"));
    let page = operator.ask("GET", &format!("/matrix/{id}?lang=en"), None).await;
    assert!(
        page.text.contains("Worked, and stopped working") && page.text.contains(samples[0].as_str().unwrap()),
        "{}",
        page.text
    );

    gateway.stop().await;
}

#[tokio::test]
async fn who_stops_by_themself_is_no_failure_and_a_system_that_is_away_fails_at_its_step() {
    let gateway = Gateway::start().await;
    let operator = super::register::registered(&gateway).await;
    let (bsn, client) = (gateway.patient(), gateway.client("pgo"));
    for choices in [
        Choices { landing: "cancel", ..Choices::willing(&bsn) },
        Choices { login: "cancel", ..Choices::willing(&bsn) },
        Choices { consent: "refuse", ..Choices::willing(&bsn) },
    ] {
        let (end, ..) = gateway.walk(&client, DELINDE, choices).await;
        assert!(matches!(end, End::Client(_)), "{end:?}");
    }
    let seen = combination(&gateway, &operator).await;
    assert_eq!((&seen["verdict"], step(&seen, "found")), (&"too_few".into(), [3, 3, 0, 0]));
    assert_eq!((step(&seen, "login"), step(&seen, "consent")), ([3, 1, 2, 0], [1, 0, 1, 0]));

    gateway.world.his[0].set_faults(Faults { fail: Fail::Refuse, ..Faults::default() });
    for _ in 0..9 {
        let (end, ..) = gateway.walk(&client, DELINDE, Choices::willing(&bsn)).await;
        assert!(matches!(end, End::Page { .. }), "{end:?}");
    }
    let seen = combination(&gateway, &operator).await;
    assert_eq!(
        (&seen["verdict"], &seen["step"], &seen["who"]),
        (&"fails".into(), &"availability".into(), &"his".into())
    );
    assert_eq!(step(&seen, "availability"), [10, 1, 0, 9]);
    assert!(seen["text"]["nl"].as_str().unwrap().contains("leverancier van het informatiesysteem"), "{seen}");
    gateway.stop().await;
}

#[tokio::test]
async fn the_matrix_is_asked_by_coalition_window_and_page_and_given_as_a_table() {
    let gateway = Gateway::start().await;
    let operator = super::register::registered(&gateway).await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    session.bundle("EpisodeOfCare").await;
    counted(&gateway).await;
    let all = operator.get("/api/v1/matrix").await;
    assert_eq!((&all["total"], &all["window"], &all["to"]), (&6.into(), &"7-days".into(), &"2026-11-21".into()));
    assert_eq!(operator.get("/api/v1/matrix?coalition=waterland&window=today").await["total"], 6);
    assert_eq!(operator.get("/api/v1/matrix?coalition=elders").await["total"], 0);
    let first = operator.get("/api/v1/matrix?limit=4").await;
    assert_eq!((first["combinations"].as_array().unwrap().len(), &first["next"]), (4, &4.into()));
    let rest = operator.get("/api/v1/matrix?limit=4&after=4").await;
    assert_eq!((rest["combinations"].as_array().unwrap().len(), &rest["next"]), (2, &Value::Null));
    for wrong in ["window=year", "limit=0", "limit=501", "failing=perhaps", "after=x"] {
        assert_eq!(operator.ask("GET", &format!("/api/v1/matrix?{wrong}"), None).await.status, 400, "{wrong}");
    }
    let table = operator.ask("GET", "/api/v1/matrix.csv?service=49", None).await;
    assert!(table.headers["content-type"].to_str().unwrap().starts_with("text/csv"));
    assert!(table.text.contains(",his-a,12.4,pgo.localhost,49,too_few,"), "{}", table.text);
    for page in
        ["/matrix?lang=nl&window=quarter", "/matrix?installation=&client=&failing=true", "/matrix/0011223344556677"]
    {
        let said = operator.ask("GET", page, None).await;
        assert_eq!(said.status, if page.contains("0011") { 404 } else { 200 }, "{page}");
        assert!(!said.text.contains(&gateway.patient()));
    }
    gateway.stop().await;
}
