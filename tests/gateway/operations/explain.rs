//! Explanations beside the answers that they are about: the same requests, asked and explained.

use std::time::Duration;

use inzage::sandbox::his::faults::{Fail, Faults};
use serde_json::{Value, json};

use super::Operator;
use crate::harness::{Gateway, Session, fault};

const DELINDE: &str = "huisarts.delinde@medmij";

fn question(request: &str) -> Value {
    json!({"provider": DELINDE, "service": crate::harness::SERVICE, "client": "pgo.localhost", "request": request})
}

/// The code that is explained; `None` when the request would go through.
fn code(explained: &Value) -> Option<&str> {
    let last = explained["steps"].as_array().unwrap().last().unwrap();
    assert_eq!(explained["outcome"] == "refused", last["verdict"] == "refused", "{explained:#}");
    explained["answer"]["code"].as_str()
}

impl Operator {
    async fn explain(&self, question: &Value) -> Value {
        let said = self.ask("POST", "/api/v1/explain", Some(question)).await;
        assert_eq!(said.status, 200, "{}", said.text);
        said.json()
    }

    /// What is explained of a request is what becomes of it.
    async fn agrees(&self, session: &Session, request: &str) -> Option<String> {
        let explained = self.explain(&question(request)).await;
        let reply = session.get(request).await;
        let answered = (reply.status != 200).then(|| fault(&reply));
        let foretold =
            code(&explained).map(|code| (code.to_owned(), explained["answer"]["who"].as_str().unwrap().to_owned()));
        assert_eq!(foretold, answered, "{request}: {explained:#}");
        answered.map(|(code, _)| code)
    }
}

#[tokio::test]
async fn what_is_explained_is_what_becomes_of_the_request() {
    let gateway = Gateway::start().await;
    let [reader, operator] = ["lezer", "wacht"].map(|file| Operator::new(&gateway, file));
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    for (request, expected) in [
        ("EpisodeOfCare", None),
        ("Encounter", None),
        ("EpisodeOfCare?unknown=1", Some("unknown-parameter")),
        ("Medication", Some("unknown-type")),
    ] {
        assert_eq!(reader.agrees(&session, request).await.as_deref(), expected, "{request}");
    }
    for target in ["everything", "client:pgo.localhost", "his:his-a", "practice:huisarts.delinde@medmij"] {
        assert_eq!(operator.stop(target).await.status, 200, "{target}");
        assert!(reader.agrees(&session, "EpisodeOfCare").await.unwrap().starts_with("stopped"), "{target}");
        operator.lift(target).await;
    }
    gateway.world.his[0].set_faults(Faults { fail: Fail::Refuse, ..Faults::default() });
    let mut tries = 0;
    while fault(&session.get("Encounter").await).0 != "his-open" {
        tries += 1;
        assert!(tries < 100, "a HIS that refuses is left alone after a while");
    }
    let explained = reader.explain(&question("Encounter")).await;
    assert_eq!(code(&explained), Some("his-open"), "{explained:#}");
    assert_eq!(explained["answer"]["who"], "his");
    gateway.stop().await;
}

#[tokio::test]
async fn lists_that_are_too_old_end_the_first_step() {
    let gateway = Gateway::start().await;
    let reader = Operator::new(&gateway, "lezer");
    let explained = reader.explain(&question("EpisodeOfCare")).await;
    let step =
        |name: &str| explained["steps"].as_array().unwrap().iter().find(|step| step["name"] == name).unwrap().clone();
    assert_eq!(code(&explained), None, "{explained:#}");
    assert!(step("offered")["version"].as_str().unwrap().starts_with("zal "), "{explained:#}");
    assert!(step("register")["because"].as_str().unwrap().contains("HIS his-a"), "{explained:#}");
    assert!(step("breaker")["because"].as_str().unwrap().contains("is asked"), "{explained:#}");
    gateway.clock.advance(Duration::from_secs(8 * 24 * 60 * 60));
    let explained = reader.explain(&question("EpisodeOfCare")).await;
    assert_eq!(code(&explained), Some("lists-too-old"));
    assert_eq!(explained["steps"].as_array().unwrap().len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn whether_one_person_takes_part_is_for_who_may_see_that_and_on_record() {
    let gateway = Gateway::start().await;
    let [reader, operator, auditor] = ["lezer", "wacht", "toezicht"].map(|file| Operator::new(&gateway, file));
    let (bsn, wish) =
        (gateway.patient(), json!({"stage": {"stage": "field_test"}, "seen": 0, "reason": "veldtest vooraf"}));
    assert_eq!(operator.ask("PUT", &format!("/api/v1/go-live/{DELINDE}"), Some(&wish)).await.status, 200);
    let somebody = |key: &str, value: &str| {
        let mut question = question("EpisodeOfCare");
        question[key] = value.into();
        question
    };
    assert_eq!(code(&reader.explain(&question("EpisodeOfCare")).await), Some("practice-closed"));
    let seated = reader.explain(&somebody("person", "seated")).await;
    assert_eq!(code(&seated), None, "{seated:#}");
    let asked = somebody("test_patient", &bsn);
    assert_eq!(reader.ask("POST", "/api/v1/explain", Some(&asked)).await.status, 403);
    assert_eq!(gateway.last_audit("administration")["reason"], "not-their-role");

    let stranger = auditor.explain(&asked).await;
    assert_eq!(
        (code(&stranger), &stranger["answer"]["reason"]),
        (Some("practice-closed"), &"not-in-field-test".into())
    );
    assert!(!stranger.to_string().contains(&bsn));
    let record = gateway.last_audit("administration");
    assert_eq!((&record["outcome"], &record["detail"]), (&"done".into(), &"explains for one person".into()));
    let named = json!({"bsn": bsn, "takes_part": true});
    assert_eq!(operator.ask("PUT", &format!("/api/v1/go-live/{DELINDE}/people"), Some(&named)).await.status, 200);
    assert_eq!(code(&auditor.explain(&asked).await), None);
    assert_eq!(code(&auditor.explain(&somebody("bsn_hash", &"0".repeat(64))).await), Some("practice-closed"));
    gateway.stop().await;
}

#[tokio::test]
async fn the_page_explains_what_its_form_asks_and_shows_no_number_again() {
    let gateway = Gateway::start().await;
    let reader = Operator::new(&gateway, "lezer");
    let page = |request: &str| format!("/explain?provider={DELINDE}&service=49&client=pgo.localhost&request={request}");
    let good = reader.ask("GET", &page("EpisodeOfCare"), None).await;
    assert!(good.status == 200 && good.text.contains("It goes through"), "{}", good.text);
    let refused = reader.ask("GET", &page("Medication"), None).await;
    assert!(refused.text.contains("unknown-type") && refused.text.contains("request: refused"), "{}", refused.text);
    let bsn = gateway.patient();
    let named = reader.ask("GET", &page(&format!("Patient%3Fidentifier%3D{bsn}")), None).await;
    assert!(named.status == 400 && !named.text.contains(&bsn), "{}", named.text);
    let mark = reader.ask("GET", &format!("{}&bsn_hash={}", page("EpisodeOfCare"), "0".repeat(64)), None).await;
    assert_eq!(mark.status, 400, "who is meant stands in no address");
    for body in ["{}", "[]", "{\"provider\": 1}"] {
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(reader.ask("POST", "/api/v1/explain", Some(&body)).await.status, 400, "{body}");
    }
    gateway.stop().await;
}
