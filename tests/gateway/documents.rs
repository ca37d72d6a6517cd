//! Documents: what is named by something that the patient sees can be had, bare or as a resource, and nothing else can.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http_body_util::BodyExt as _;
use inzage::sandbox::client::{Reply, new_id};
use inzage::sandbox::his::faults::Faults;
use serde_json::{Value, json};

use crate::harness::{Gateway, Session, fault, json as read_json, send};

const DELINDE: &str = "huisarts.delinde@medmij";
const BSN: &str = "999910796";
const OTHER: &str = "999911624";
const PDF: &str = "%PDF-1.7\n% a letter with a number: 999910796\n%%EOF\n";

/// A letter of a megabyte.
fn long() -> String {
    format!("{PDF}{}", "% and more of it, and more\n".repeat(40_000))
}

/// Two people: one with letters that are fine, gone, of another kind and no longer current; the other with one.
fn letters(folder: &std::path::Path) {
    let person = |id: &str, bsn: &str| {
        json!({
            "resourceType": "Patient", "id": id, "birthDate": "1970-01-01", "active": true,
            "identifier": [{"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": bsn}],
        })
    };
    let reference = |id: &str, patient: &str, status: &str, url: &str| {
        json!({
            "resourceType": "DocumentReference", "id": id, "status": status, "indexed": "2026-03-02T09:00:00+01:00",
            "subject": {"reference": format!("Patient/{patient}")},
            "content": [{"attachment": {"contentType": "application/pdf", "url": url}}],
        })
    };
    let binary = |id: &str, kind: &str, content: &str| json!({"resourceType": "Binary", "id": id, "contentType": kind, "content": STANDARD.encode(content)});
    let resources = [
        person("letter-patient", BSN),
        person("letter-other", OTHER),
        reference("r-fine", "letter-patient", "current", "Binary/letter-fine"),
        reference("r-long", "letter-patient", "current", "Binary/letter-long"),
        reference("r-gone", "letter-patient", "current", "Binary/letter-gone"),
        reference("r-page", "letter-patient", "current", "Binary/letter-page"),
        reference("r-html", "letter-patient", "current", "Binary/letter-html"),
        reference("r-old", "letter-patient", "superseded", "Binary/letter-old"),
        reference("r-other", "letter-other", "current", "Binary/letter-other"),
        binary("letter-fine", "application/pdf", PDF),
        binary("letter-long", "application/pdf", &long()),
        binary("letter-page", "application/pdf", "<html>Log in</html>"),
        binary("letter-html", "text/html", "<html>Log in</html>"),
        binary("letter-old", "application/pdf", PDF),
        binary("letter-other", "application/pdf", PDF),
        binary("letter-loose", "application/pdf", PDF),
    ];
    std::fs::create_dir_all(folder).unwrap();
    for (index, resource) in resources.iter().enumerate() {
        std::fs::write(folder.join(format!("{index}.json")), resource.to_string()).unwrap();
    }
}

async fn start() -> (Gateway, Session) {
    let folder = std::env::temp_dir().join(format!("inzage-letters-{}", new_id()));
    letters(&folder);
    let gateway = Gateway::start_among("[release]\nhis_deadline_ms = 3000\n", Some(folder.clone())).await;
    std::fs::remove_dir_all(&folder).unwrap();
    let session = gateway.session_of("51", DELINDE, BSN).await;
    (gateway, session)
}

async fn asked(session: &Session, id: &str, accept: &str) -> Reply {
    send(session.request(Method::GET, &format!("Binary/{id}")).header("accept", accept)).await
}

/// How many requests the HIS got.
fn count(gateway: &Gateway) -> u64 {
    gateway.world.his[0].log().count
}

#[tokio::test]
async fn a_document_leaves_as_it_is_and_as_a_resource() {
    let (gateway, session) = start().await;
    for accept in ["*/*", "application/pdf", "application/*;q=0.5"] {
        let reply = asked(&session, "letter-fine", accept).await;
        assert_eq!((reply.status.as_u16(), &reply.body[..]), (200, PDF.as_bytes()), "{accept}");
        assert_eq!(reply.headers["content-type"], "application/pdf");
        assert_eq!(reply.headers["content-length"], PDF.len().to_string().as_str());
        assert_eq!(reply.headers["content-disposition"], "attachment; filename=\"document.pdf\"");
        assert_eq!(reply.headers["x-content-type-options"], "nosniff");
        assert_eq!(reply.headers["cache-control"], "no-store");
        assert!(reply.headers.contains_key("inzage-audit-receipt"));
    }
    let bare = send(session.request(Method::GET, "Binary/letter-fine")).await;
    assert_eq!((&bare.headers["content-type"], &bare.body[..]), (&"application/pdf".parse().unwrap(), PDF.as_bytes()));
    let resource = asked(&session, "letter-fine", "application/fhir+json").await;
    assert_eq!(resource.headers["content-type"], "application/fhir+json; charset=utf-8");
    assert!(!resource.headers.contains_key("content-disposition"));
    let expected = json!({
        "resourceType": "Binary", "id": "letter-fine", "contentType": "application/pdf", "content": STANDARD.encode(PDF),
    });
    assert_eq!(read_json(&resource), expected);
    let before = count(&gateway);
    let refused = asked(&session, "letter-fine", "image/png").await;
    assert_eq!((refused.status.as_u16(), count(&gateway)), (406, before));
    let outcome = gateway.audit_of("disclosure_outcome").into_iter().rfind(|outcome| outcome["outcome"] == "done");
    let outcome = outcome.unwrap();
    assert_eq!(outcome["counts"]["bytes"], resource.body.len());
    let query = outcome["query"].as_str().unwrap();
    assert!(query.strip_prefix("Binary/2026-").is_some_and(|name| name.len() == 32), "{query}");
    assert_eq!(gateway.last_audit("disclosure_intent")["query"], query);
    asked(&session, "letter-long", "*/*").await;
    asked(&session, "letter-old", "*/*").await;
    let intents = gateway.audit_of("disclosure_intent");
    let named: std::collections::HashSet<_> = intents.iter().map(|intent| intent["query"].to_string()).collect();
    assert_eq!(named.len(), 3, "one name a document, also of one that is not given: {named:?}");
    assert!(!gateway.audit().iter().any(|record| record.to_string().contains("letter-")), "no id of the HIS");
    gateway.stop().await;
}

/// Case 52 and 62: another person's, one that only its id would open, one that is no longer current, one that nobody has, one
/// that is named and gone, and what is no id. The HIS is asked for the one that is named, and for no other.
#[tokio::test]
async fn case_52_a_document_that_is_not_the_patients_is_one_that_is_not_there() {
    let (gateway, session) = start().await;
    // From here on it is known who the patient is.
    assert_eq!(asked(&session, "letter-fine", "*/*").await.status, 200);
    let mut seen: Vec<Value> = Vec::new();
    for id in
        ["letter-none", "letter-other", "letter-loose", "letter-old", "Letter-fine", "letter-fine.", "letter-gone"]
    {
        for accept in ["*/*", "application/fhir+json"] {
            let before = count(&gateway);
            let reply = asked(&session, id, accept).await;
            assert_eq!((reply.status.as_u16(), fault(&reply).0.as_str()), (404, "no-document"), "{id} {accept}");
            let mut outcome = read_json(&reply);
            let said = outcome["issue"][0]["diagnostics"].as_str().unwrap();
            outcome["issue"][0]["diagnostics"] = said.split(" (reference").next().unwrap().into();
            seen.push(outcome);
            // The list is asked in any case; a document only when it is named.
            assert_eq!(count(&gateway) - before, if id == "letter-gone" { 2 } else { 1 }, "{id}");
        }
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:#?}");
    assert!(!seen[0].to_string().contains("etter"));
    let refused = session.request(Method::GET, "Binary/letter-fine");
    let url = refused.build().unwrap().url().to_string();
    assert_eq!(send(session.bare(Method::GET, &url)).await.status, 401);
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_no_pdf_lets_nothing_pass() {
    let (gateway, session) = start().await;
    for id in ["letter-page", "letter-html"] {
        for accept in ["*/*", "application/fhir+json"] {
            let reply = asked(&session, id, accept).await;
            assert_eq!((reply.status.as_u16(), fault(&reply).0.as_str()), (502, "his-answer-unfit"), "{id}");
            assert!(!String::from_utf8_lossy(&reply.body).contains("Log in"));
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_large_document_streams_and_one_that_stops_never_looks_complete() {
    let (gateway, session) = start().await;
    let reply = asked(&session, "letter-long", "*/*").await;
    assert_eq!(reply.body, long());
    assert_eq!(reply.headers["content-length"], long().len().to_string().as_str());
    let resource = asked(&session, "letter-long", "application/fhir+json").await;
    assert_eq!(STANDARD.decode(read_json(&resource)["content"].as_str().unwrap()).unwrap(), reply.body);
    gateway.world.his[0].set_faults(Faults { stop_after_bytes: 300_000, ..Faults::default() });
    for accept in ["*/*", "application/fhir+json"] {
        let request = session.request(Method::GET, "Binary/letter-long").header("accept", accept);
        let mut answer: http::Response<reqwest::Body> = request.send().await.unwrap().into();
        assert_eq!(answer.status(), 200);
        let mut size = 0;
        let broken = loop {
            match answer.body_mut().frame().await {
                Some(Ok(frame)) => size += frame.into_data().map_or(0, |data| data.len()),
                ended => break ended.is_some(),
            }
        };
        assert!(broken && (200_000..500_000).contains(&size), "{broken} {size}");
    }
    let records = gateway.leave().await.audit();
    let ends: Vec<&Value> = records.iter().filter(|record| record["kind"] == "disclosure_outcome").collect();
    let torn = ends.iter().filter(|end| end["outcome"] == "failed" && end["reason"] == "his-timeout");
    assert_eq!(torn.count(), 2, "{ends:#?}");
}
