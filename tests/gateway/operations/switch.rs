//! The emergency switch: what PGOs, portals and patients meet while something is stopped, and that it goes on afterwards.

use inzage::sandbox::client::Reply;
use inzage::sandbox::person::{Choices, End, Person, read_form};
use serde_json::json;

use super::Operator;
use crate::harness::{Gateway, fault, json, text};

const DELINDE: &str = "huisarts.delinde@medmij";
/// Every stop that meets a request of the first PGO at the first practice, and its code.
const STOPS: [(&str, &str, &str); 4] = [
    ("everything", "stopped", "us"),
    ("client:pgo.localhost", "stopped-client", "pgo"),
    ("his:his-a", "stopped-his", "us"),
    ("practice:huisarts.delinde@medmij", "stopped-practice", "practice"),
];

#[tokio::test]
async fn what_is_stopped_gives_no_data_and_the_same_token_works_afterwards() {
    let gateway = Gateway::start().await;
    let (operator, session) = (Operator::new(&gateway, "wacht"), gateway.session(DELINDE, &gateway.patient()).await);
    for (target, code, who) in STOPS {
        let done = operator.stop(target).await;
        assert_eq!((done.status, &done.json()["changed"]), (200, &true.into()), "{}", done.text);
        let asked = gateway.his_requests();
        let reply = session.get("EpisodeOfCare").await;
        assert_eq!((reply.status.as_u16(), fault(&reply)), (503, (code.to_owned(), who.to_owned())), "{target}");
        assert_eq!(reply.headers["retry-after"], "300");
        assert_eq!(gateway.his_requests(), asked, "the HIS is not asked");
        assert_eq!(gateway.last_audit("resource_refused")["reason"], code);
        assert_eq!(operator.lift(target).await.json()["changed"], true);
        session.bundle("EpisodeOfCare").await;
    }
    gateway.stop().await;
}

#[tokio::test]
async fn others_go_on_while_something_is_stopped() {
    let gateway = Gateway::start().await;
    let operator = Operator::new(&gateway, "wacht");
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    for other in ["client:pgo2.localhost", "his:his-b", "practice:huisarts.haven@medmij"] {
        assert_eq!(operator.stop(other).await.status, 200, "{other}");
    }
    session.bundle("EpisodeOfCare").await;
    let told = operator.get("/api/v1/stops").await;
    assert_eq!(told.as_array().unwrap().len(), 3);
    let (status, report) = gateway.ops("/readyz").await;
    assert_eq!(status, 200, "a stop is no reason to take the node away");
    assert!(report.contains("access_stopped") && report.contains("his:his-b"), "{report}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_patient_reads_that_it_is_stopped_and_who_can_act_and_goes_back_to_the_app() {
    let gateway = Gateway::start().await;
    let (operator, client) = (Operator::new(&gateway, "wacht"), gateway.client("pgo"));
    let bsn = gateway.patient();
    for ((target, code, _), dutch) in STOPS.into_iter().zip([
        "Wij hebben deze dienst even stilgezet.",
        "Wij hebben de app die u hierheen stuurde even stilgezet.",
        "bij deze praktijk even stilgezet",
        "bij deze praktijk even stilgezet",
    ]) {
        operator.stop(target).await;
        let (end, ..) = gateway.walk(&client, DELINDE, Choices::willing(&bsn)).await;
        let End::Page { status, html } = end else { panic!("{target}: {end:?}") };
        assert_eq!(status, 503);
        assert!(html.contains(dutch) && html.contains("Inzage (zandbak)"), "{target}: {html}");
        assert!(html.contains("error=temporarily_unavailable"), "the way back to the app: {html}");
        assert_eq!(gateway.last_audit("authorization_refused")["reason"], code);
        operator.lift(target).await;
    }
    gateway.code(&client, DELINDE, &bsn).await;
    gateway.stop().await;
}

/// A stop that comes while somebody is on the pages.
#[tokio::test]
async fn a_stop_reaches_who_is_already_on_the_way() {
    let gateway = Gateway::start().await;
    let (operator, client) = (Operator::new(&gateway, "wacht"), gateway.client("pgo"));
    let endpoints = client.endpoints(DELINDE, crate::harness::SERVICE).await.unwrap();
    let url = client.authorization_url(&endpoints, "huisarts.delinde", "s", &inzage::sandbox::client::new_id());
    let mut person = Person::default();
    let landing = person.open(&client, &url).await.unwrap();
    assert_eq!(landing.status, 200);
    operator.stop("practice:huisarts.delinde@medmij").await;
    let form = read_form(&text(&landing)).unwrap();
    let address = format!("{}{}", gateway.world.layout.front_origin(), form.action);
    let fields = [form.hidden, vec![("action".to_owned(), "continue".to_owned())]].concat();
    let stopped = person.submit(&client, &address, &fields).await.unwrap();
    assert_eq!(stopped.status, 503);
    assert!(text(&stopped).contains("error=temporarily_unavailable"), "{}", text(&stopped));
    gateway.stop().await;
}

#[tokio::test]
async fn no_token_is_given_while_it_is_stopped_and_nothing_is_spent_that_need_not_be() {
    let gateway = Gateway::start().await;
    let operator = Operator::new(&gateway, "wacht");
    let session = gateway.lasting_session(DELINDE, &gateway.patient()).await;
    for (target, code, _) in STOPS {
        operator.stop(target).await;
        let refused = session.client.refresh(&session.endpoints, session.refresh_token()).await.unwrap();
        assert_unavailable(&refused);
        assert_eq!(gateway.last_audit("token_refused")["reason"], code, "{target}");
        operator.lift(target).await;
    }
    let turned = session.client.refresh(&session.endpoints, session.refresh_token()).await.unwrap();
    assert_eq!(turned.status, 200, "the same refresh token works when it goes on: {}", json(&turned));

    let (code, endpoints, correlation) = gateway.code(&session.client, DELINDE, &gateway.patient()).await;
    operator.stop("everything").await;
    assert!(session.client.exchange(&endpoints, &code, &correlation).await.is_err());
    operator.lift("everything").await;
    session.client.exchange(&endpoints, &code, &correlation).await.expect("a stop of everything spends no code");
    gateway.stop().await;
}

fn assert_unavailable(reply: &Reply) {
    assert_eq!((reply.status.as_u16(), &json(reply)["error"]), (503, &"temporarily_unavailable".into()));
    assert!(reply.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn each_throw_of_the_switch_is_on_record_before_it_happens() {
    let gateway = Gateway::start().await;
    let (operator, auditor) = (Operator::new(&gateway, "wacht"), Operator::new(&gateway, "toezicht"));
    let target = "practice:huisarts.delinde@medmij";
    let receipt = operator.stop(target).await.json()["receipt"].as_str().unwrap().to_owned();
    assert_eq!(operator.stop(target).await.json()["changed"], false);
    operator.lift(target).await;
    assert_eq!(operator.lift(target).await.json()["changed"], false);

    let stops = gateway.audit_of("access_stopped");
    let outcomes: Vec<_> = stops.iter().map(|record| (&record["outcome"], &record["reason"])).collect();
    let (none, unchanged) = (serde_json::Value::Null, "no-change".into());
    let (intended, done) = ("intended".into(), "done".into());
    assert_eq!(outcomes, [(&intended, &none), (&done, &none), (&intended, &none), (&done, &unchanged)]);
    assert!(receipt.ends_with(&format!("/{}", stops[0]["index"])));
    assert_eq!(stops[1]["intent"], stops[0]["index"]);
    assert_eq!((&stops[0]["user"], &stops[0]["provider"]), (&"operator:wacht.localhost".into(), &DELINDE.into()));
    assert_eq!(stops[0]["detail"], format!("{target}: verkeerde uitslagen, melding 12"));
    assert_eq!(gateway.audit_of("access_restored").len(), 4);

    let past = auditor.get("/api/v1/past-stops").await;
    assert_eq!(past.as_array().unwrap().len(), 1);
    assert_eq!((&past[0]["by"], &past[0]["lifted_by"]), (&"wacht.localhost".into(), &"wacht.localhost".into()));
    assert_eq!(past[0]["id"], stops[0]["local_id"]);
    assert_eq!(operator.get("/api/v1/stops").await, json!([]));
    gateway.stop().await;
}
