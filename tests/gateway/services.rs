//! Each data service of the sandbox, from the stored resources of the emulated HIS to what a PGO receives.

use serde_json::Value;

use crate::harness::{Gateway, text};

const DELINDE: &str = "huisarts.delinde@medmij";

/// What one person of the first practice gets from a service: the text of the answer and its matches, in order.
async fn ask(gateway: &Gateway, person: usize, service: &str, request: &str) -> (String, Vec<Value>) {
    let bsn = gateway.world.practices[0].patients[person].bsn.reveal();
    let session = gateway.session_of(service, DELINDE, bsn).await;
    let reply = session.get(request).await;
    let body = text(&reply);
    assert_eq!(reply.status, 200, "{request}: {body}");
    let bundle: Value = serde_json::from_str(&body).unwrap();
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let matches = entries.into_iter().filter(|entry| entry["search"]["mode"] == "match");
    (body, matches.map(|entry| entry["resource"].clone()).collect())
}

/// The texts at a place of each resource.
fn texts<'a>(found: &'a [Value], path: &str) -> Vec<&'a str> {
    found.iter().map(|resource| resource.pointer(path).and_then(Value::as_str).unwrap_or_default()).collect()
}

#[tokio::test]
async fn each_service_gives_what_the_practice_has_of_this_person() {
    let gateway = Gateway::start().await;
    let cases = [
        ("47", "Appointment?date=ge2026-11-21", "/description", vec!["Jaarcontrole suikerziekte"]),
        ("47", "Appointment?date=ge2026-01-01&date=le2026-11-20", "/description", vec!["Controle bloeddruk"]),
        ("48", "Immunization?status=completed", "/vaccineCode/coding/0/display", vec!["Griepvaccin", "Griepvaccin"]),
        (
            "51",
            "DocumentReference?status=current",
            "/description",
            vec!["Brief van de oogarts", "Verslag voetcontrole"],
        ),
        (
            "51",
            "DocumentReference?status=current&indexed=ge2026-01-01&indexed=le2026-08-01",
            "/description",
            vec!["Brief van de oogarts"],
        ),
        (
            "52",
            "Observation/$lastn?code=http://loinc.org%7C29463-7",
            "/effectiveDateTime",
            vec!["2026-11-17T07:30:00+01:00"],
        ),
        (
            "52",
            "Observation?code=http://loinc.org%7C85354-9",
            "/component/0/code/coding/0/display",
            vec!["Systolische bloeddruk", "Systolische bloeddruk"],
        ),
    ];
    let own = gateway.patient();
    for (service, request, path, expected) in cases {
        let (body, found) = ask(&gateway, 0, service, request).await;
        assert_eq!(texts(&found, path), expected, "{service} {request}");
        assert!(!body.contains(&own) && !body.contains("his-a"), "{service} {request}: {body}");
    }
    let (body, found) = ask(&gateway, 1, "51", "DocumentReference?status=current").await;
    assert_eq!(texts(&found, "/description"), ["Ontslagbrief cardiologie"], "another person has other documents");
    assert!(!body.contains("oogarts"));
    gateway.stop().await;
}
