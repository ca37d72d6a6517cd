//! Attacks by way of a HIS: whatever it answers, nothing of another person reaches this one, and nothing shows where it came
//! from.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use http::Method;
use inzage::sandbox::client::{Reply, new_id};
use inzage::sandbox::his::faults::{Fail, Faults, ForeignKind};
use inzage::sandbox::person::{Choices, End};
use jiff::civil::date;
use serde_json::{Value, json};

use crate::harness::{Gateway, Session, fault, json, send, seven_searches, text};
use crate::secrets::LOG;

const DELINDE: &str = "huisarts.delinde@medmij";
const UNFIT: &str = r#"inzage_disclosures_total{outcome="failed",reason="his-answer-unfit"}"#;
/// Of somebody with records of the test's own.
const BSN: &str = "999910802";
/// Of somebody whose Patient leads to another one.
const MERGED_BSN: &str = "999910814";
const BSN_SYSTEM: &str = "http://fhir.nl/fhir/NamingSystem/bsn";
/// Stands in what is of another person.
const CANARY: &str = "Kanariegeel";

/// How often an answer of a HIS was withheld, by the metrics.
async fn withheld(gateway: &Gateway) -> u32 {
    let (_, metrics) = gateway.ops("/metrics").await;
    let line = metrics.lines().find_map(|line| line.strip_prefix(UNFIT));
    line.map_or(0, |count| count.trim().parse().unwrap())
}

/// That nothing left, that somebody is called, and that the record says so.
async fn assert_withheld(gateway: &Gateway, session: &Session, request: &str, what: &str) {
    let before = withheld(gateway).await;
    let id = new_id();
    let url = format!("{}/{request}", session.base());
    let reply = session.client.get_as(&url, &session.token.access_token, &session.correlation_id, &id).await.unwrap();
    assert_eq!(reply.status, 502, "{what}: {}", text(&reply));
    assert_eq!(fault(&reply).0, "his-answer-unfit", "{what}");
    assert_names_nobody_else(gateway, &reply, what);
    assert_eq!(withheld(gateway).await, before + 1, "{what}");
    let outcome = gateway.audit_of("disclosure_outcome").into_iter().find(|it| it["request_id"] == id.as_str());
    let outcome = outcome.unwrap_or_else(|| panic!("no record: {what}"));
    assert_eq!((&outcome["outcome"], &outcome["reason"]), (&json!("failed"), &json!("his-answer-unfit")), "{what}");
    let said = LOG.text();
    let local_id = outcome["local_id"].as_str().unwrap();
    let is_alarm = |line: &&str| line.contains("his_answer_unfit") && line.contains(local_id);
    let alarm = said.lines().find(is_alarm).unwrap_or_else(|| panic!("no alarm: {what}"));
    assert!(alarm.contains(DELINDE) && alarm.contains("ERROR") && !alarm.contains(CANARY), "{what}: {alarm}");
}

fn assert_names_nobody_else(gateway: &Gateway, reply: &Reply, what: &str) {
    let said = format!("{:?}\n{}", reply.headers, text(reply));
    let people = gateway.world.practices.iter().flat_map(|practice| &practice.patients);
    let names = people.flat_map(|person| [person.bsn.reveal(), &person.family]);
    for forbidden in names.chain([CANARY, "his-a.", "Patient/"]) {
        assert!(!said.contains(forbidden), "{what}: {forbidden} in {said}");
    }
}

#[tokio::test]
async fn case_60_anything_of_another_patient_withholds_the_whole_answer() {
    LazyLock::force(&LOG);
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    for kind in [
        ForeignKind::Entry,
        ForeignKind::Include,
        ForeignKind::Contained,
        ForeignKind::Reference,
        ForeignKind::Absolute,
        ForeignKind::Elsewhere,
    ] {
        for request in seven_searches(date(2026, 11, 21)).into_iter().skip(4) {
            gateway.world.his[0].set_faults(Faults { foreign_patient: true, foreign_kind: kind, ..Faults::default() });
            assert_withheld(&gateway, &session, &request, &format!("{kind:?}, {request}")).await;
            gateway.world.his[0].set_faults(Faults::default());
            session.bundle(&request).await;
        }
    }
    gateway.stop().await;
}

/// Records of the test's own for the first practice, removed at the end.
struct Records(PathBuf);

impl Records {
    fn of(resources: &[Value]) -> Self {
        let folder = std::env::temp_dir().join(format!("inzage-attack-{}", new_id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (number, resource) in resources.iter().enumerate() {
            std::fs::write(folder.join(format!("{number}.json")), resource.to_string()).unwrap();
        }
        Self(folder)
    }

    fn path(&self) -> Option<PathBuf> {
        Some(Path::to_path_buf(&self.0))
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn patient(id: &str, bsn: &str, more: &Value) -> Value {
    let mut patient = json!({
        "resourceType": "Patient", "id": id, "active": true, "birthDate": "1970-01-01",
        "identifier": [{"system": BSN_SYSTEM, "value": bsn}],
    });
    patient.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    patient
}

/// A resource of the one with records of the test's own, with more members.
fn own(resource_type: &str, id: &str, more: &Value) -> Value {
    let element = if matches!(resource_type, "EpisodeOfCare" | "AllergyIntolerance") { "patient" } else { "subject" };
    let mut own = json!({"resourceType": resource_type, "id": id, element: {"reference": "Patient/aanval"}});
    own.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    own
}

#[tokio::test]
async fn case_61_addresses_of_the_inner_network_become_ours_or_go() {
    const INNER: &str = "https://10.0.0.5:8443/fhir";
    let records = Records::of(&[
        patient("aanval", BSN, &json!({"photo": [{"url": format!("{INNER}/Binary/1"), "title": "foto"}]})),
        own(
            "Encounter",
            "e",
            &json!({
                "status": "finished",
                "meta": {"source": format!("{INNER}/queue"), "versionId": "1"},
                "location": [{"location": {"reference": format!("{INNER}/Location/1"), "display": "Spreekkamer"}}],
                "extension": [{"url": "urn:x", "valueAttachment": {"url": "javascript:alert(1)", "title": "bijlage"}}],
            }),
        ),
    ]);
    let gateway = Gateway::start_among("", records.path()).await;
    let session = gateway.session(DELINDE, BSN).await;
    let encounter = &session.bundle("Encounter").await["entry"][0]["resource"];
    assert_eq!(encounter["meta"], json!({"versionId": "1"}));
    assert_eq!(encounter["location"][0]["location"], json!({"display": "Spreekkamer"}));
    assert_eq!(encounter["extension"][0]["valueAttachment"], json!({"title": "bijlage"}));
    let person = &session.bundle("Patient").await["entry"][0]["resource"];
    assert_eq!(person["photo"], json!([{"title": "foto"}]));
    // Of everybody with a record: links, full URLs and absolute References.
    let first = gateway.session(DELINDE, &gateway.patient()).await;
    for request in seven_searches(date(2026, 11, 21)) {
        let reply = first.get(&request).await;
        let said = format!("{:?}\n{}", reply.headers, text(&reply));
        assert!(!said.contains("his-a.") && !said.contains("10.0.0.5"), "{request}: {said}");
        let bundle = json(&reply);
        for entry in bundle["entry"].as_array().unwrap() {
            let (url, resource) = (entry["fullUrl"].as_str().unwrap(), &entry["resource"]);
            let ours = format!(
                "{}/{}/{}",
                first.base(),
                resource["resourceType"].as_str().unwrap(),
                resource["id"].as_str().unwrap()
            );
            assert!(url == ours || url.starts_with("urn:"), "{url}");
        }
        let links = bundle["link"].as_array().unwrap();
        assert!(links.iter().all(|link| link["url"].as_str().unwrap().starts_with(first.base())), "{links:?}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn case_62_no_resource_hides_inside_another() {
    LazyLock::force(&LOG);
    let stranger = json!({"resourceType": "Patient", "id": "p", "name": [{"family": CANARY}]});
    let provenance = json!({"resourceType": "Provenance", "id": "p", "reason": [{"display": CANARY}]});
    let binary = json!({"resourceType": "Binary", "id": "b", "contentType": "text/plain", "content": "S2FuYXJpZQ=="});
    let records = Records::of(&[
        patient("aanval", BSN, &json!({})),
        patient(
            "samengevoegd",
            MERGED_BSN,
            &json!({"link": [{"other": {"reference": "Patient/aanval"}, "type": "refer"}]}),
        ),
        own("Encounter", "e", &json!({"status": "finished", "contained": [stranger]})),
        own("EpisodeOfCare", "z", &json!({"status": "active", "contained": [provenance]})),
        own("AllergyIntolerance", "a", &json!({"category": ["medication"], "contained": [binary]})),
        own(
            "MedicationRequest",
            "m",
            &json!({
                "category": {"coding": [{"system": "http://snomed.info/sct", "code": "16076005"}]},
                "extension": [
                {"url": "http://nictiz.nl/fhir/StructureDefinition/zib-Medication-PeriodOfUse",
                    "valuePeriod": {"start": "2026-01-01"}},
                {"url": "urn:x", "valueResource": {"resourceType": "Patient", "id": "x", "name": CANARY}},
            ],
            }),
        ),
    ]);
    let gateway = Gateway::start_among("", records.path()).await;
    let session = gateway.session(DELINDE, BSN).await;
    for (request, what) in [
        ("Encounter", "a contained patient"),
        ("EpisodeOfCare", "a provenance"),
        ("AllergyIntolerance?category=medication", "a contained document"),
        ("MedicationRequest?category=http://snomed.info/sct%7C16076005", "a patient in an extension"),
    ] {
        assert_withheld(&gateway, &session, request, what).await;
    }
    assert_eq!(session.get("Binary/b").await.status, 404);
    assert_eq!(session.get("Patient/p").await.status, 404);
    // A Patient that leads to another is nobody's: the person gets no further than the login.
    let (end, ..) = gateway.walk(&gateway.client("pgo"), DELINDE, Choices::willing(MERGED_BSN)).await;
    let End::Page { status, html } = end else { panic!("{end:?}") };
    assert!(status.as_u16() == 502 && !html.contains("aanval"), "{status} {html}");
    gateway.stop().await;
}

#[tokio::test]
async fn case_63_no_condition_tells_of_an_answer_and_none_is_kept() {
    let gateway = Gateway::start().await;
    let other = gateway.world.practices[0].patients[1].bsn.reveal().to_owned();
    let (one, two) = (gateway.session(DELINDE, &gateway.patient()).await, gateway.session(DELINDE, &other).await);
    let plain = one.get("Encounter").await;
    for session in [&one, &two] {
        for (name, value) in [
            ("if-none-match", "*"),
            ("if-none-match", "W/\"1\""),
            ("if-modified-since", "Sat, 21 Nov 2026 12:00:00 GMT"),
            ("range", "bytes=0-10"),
        ] {
            let reply = send(session.request(Method::GET, "Encounter").header(name, value)).await;
            assert_eq!(reply.status, 200, "{name}: {value}");
            assert_eq!(reply.body == plain.body, std::ptr::eq(session, &one), "{name}: {value}");
            assert_eq!(reply.headers["cache-control"], "no-store", "{name}: {value}");
            for absent in ["etag", "last-modified", "content-range", "age", "expires", "vary"] {
                assert!(!reply.headers.contains_key(absent), "{name}: {value}: {absent}");
            }
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn case_90_the_words_of_a_failing_system_stay_there() {
    LazyLock::force(&LOG);
    let gateway = Gateway::start().await;
    let number = gateway.world.practices[0].patients[1].bsn.reveal().to_owned();
    let session = gateway.session(DELINDE, &number).await;
    for word in ["status:400", "status:500", "status:503", "garbage:html", "garbage:json", "garbage:duplicate"] {
        gateway.world.his[0].set_faults(Faults { fail: Fail::try_from(word.to_owned()).unwrap(), ..Faults::default() });
        for request in seven_searches(date(2026, 11, 21)) {
            let reply = session.get(&request).await;
            let said = format!("{:?}\n{}", reply.headers, text(&reply));
            assert!(reply.status.is_server_error(), "{word} {request}: {}", reply.status);
            for forbidden in [number.as_str(), "raktijkbron", "Dispatcher", "his-a."] {
                assert!(!said.contains(forbidden), "{word} {request}: {forbidden} in {said}");
            }
        }
        gateway.world.his[0].set_faults(Faults::default());
    }
    let said = LOG.text();
    for forbidden in [number.as_str(), "raktijkbron", "Dispatcher"] {
        assert!(!said.contains(forbidden), "{forbidden}");
    }
    gateway.stop().await;
}
