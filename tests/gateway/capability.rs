//! `/metadata`: what a practice's service allows, told to any client without a token, and to nobody about nobody.

use http::{Method, header};
use inzage::sandbox::client::Reply;

use crate::harness::{Gateway, json, send};

const BASE: &str = "/fhir/huisarts.delinde";

async fn ask(gateway: &Gateway, method: Method, path: &str, accept: &str) -> Reply {
    let client = gateway.client("pgo");
    let url = format!("{}{path}", gateway.world.layout.back_origin());
    send(client.http().request(method, url).header("accept", accept)).await
}

#[tokio::test]
async fn it_is_told_without_a_token_and_leaves_no_record() {
    let gateway = Gateway::start().await;
    let records = gateway.audit().len();
    for (service, fhir_version) in
        [("47/stu3", "3.0.2"), ("49/stu3", "3.0.2"), ("53/stu3", "3.0.2"), ("63/r4", "4.0.1")]
    {
        let reply = ask(&gateway, Method::GET, &format!("{BASE}/{service}/metadata"), "application/fhir+json").await;
        assert_eq!(reply.status, 200, "{service}");
        assert!(!reply.headers.contains_key("inzage-audit-receipt"), "there is no record to name");
        assert_eq!(reply.headers[header::CONTENT_TYPE], "application/fhir+json; charset=utf-8");
        let told = json(&reply);
        assert_eq!((&told["kind"], &told["fhirVersion"]), (&"instance".into(), &fhir_version.into()));
        let base = format!("{}{BASE}/{service}", gateway.world.layout.back_origin());
        assert_eq!(told["implementation"]["url"], base, "ours, whatever system stands behind it");
    }
    let by_format = ask(&gateway, Method::GET, &format!("{BASE}/49/stu3/metadata?_format=json"), "text/html").await;
    assert_eq!(by_format.status, 200);
    assert_eq!((gateway.audit().len(), gateway.his_requests()), (records, 0));
    let counted = "inzage_answers_total{face=\"back\",route=\"metadata\",status=\"200\"} 5";
    assert!(gateway.ops("/metrics").await.1.contains(counted));
    gateway.stop().await;
}

#[tokio::test]
async fn where_nothing_is_served_nothing_is_told() {
    let gateway = Gateway::start().await;
    let mut answers = Vec::new();
    for path in [
        "/fhir/huisarts.nergens/49/stu3/metadata",
        "/fhir/huisarts.delinde/999/stu3/metadata",
        "/fhir/huisarts.delinde/49/r4/metadata",
        "/fhir/huisarts.delinde/49/stu4/metadata",
    ] {
        let reply = ask(&gateway, Method::GET, path, "application/fhir+json").await;
        assert_eq!(reply.status, 404, "{path}");
        // Where no address can be, the refusal is on record.
        assert_eq!(reply.headers.contains_key("inzage-audit-receipt"), path.contains("/stu4/"), "{path}");
        let mut outcome = json(&reply);
        outcome["issue"][0]["diagnostics"].take();
        answers.push(outcome);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
    for (method, path, accept, status) in [
        (Method::POST, "/49/stu3/metadata", "*/*", 405),
        (Method::HEAD, "/49/stu3/metadata", "*/*", 405),
        (Method::GET, "/49/stu3/metadata", "text/html", 406),
        (Method::GET, "/49/stu3/metadata", "application/fhir+json; fhirVersion=4.0", 406),
        (Method::GET, "/49/stu3/metadata?mode=full", "*/*", 400),
        (Method::GET, "/49/stu3//metadata", "*/*", 400),
        (Method::GET, "/49/stu3/metadata/x", "*/*", 401),
    ] {
        let reply = ask(&gateway, method, &format!("{BASE}{path}"), accept).await;
        assert_eq!(reply.status, status, "{path} {accept}");
        let allow = reply.headers.get(header::ALLOW).map(|allow| allow.to_str().unwrap());
        assert_eq!(allow, (status == 405).then_some("GET"), "{path}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn what_it_names_is_answered_and_what_it_does_not_name_is_not() {
    let gateway = Gateway::start().await;
    let session = gateway.session("huisarts.delinde@medmij", &gateway.patient()).await;
    let told = ask(&gateway, Method::GET, &format!("{BASE}/49/stu3/metadata"), "*/*").await;
    let told = json(&told);
    let named: Vec<_> = told["rest"][0]["resource"].as_array().unwrap().iter().map(|found| &found["type"]).collect();
    for kind in ["Patient", "Encounter", "EpisodeOfCare", "Flag", "Condition", "Binary"] {
        let status = session.get(kind).await.status.as_u16();
        assert_eq!(status, if named.contains(&&kind.into()) { 200 } else { 404 }, "{kind}");
    }
    gateway.stop().await;
}
