//! Requests that are refused before any system of a practice is asked: each with its status, its codes and its record.

mod raw;

use http::{Method, header};
use inzage::sandbox::client::Reply;
use reqwest::RequestBuilder;
use serde_json::Value;

use self::raw::Raw;
use crate::harness::{Gateway, Session, fault, json, send, text};

const DELINDE: &str = "huisarts.delinde@medmij";
const NHG_45: &str = "https://referentiemodel.nhg.org/tabellen/nhg-tabel-45-diagnostische-bepalingen";

/// A refusal: status, FHIR issue type, our code.
pub(crate) type Refusal = (u16, &'static str, &'static str);

const UNKNOWN_PARAMETER: Refusal = (400, "not-supported", "unknown-parameter");
const BAD_VALUE: Refusal = (400, "value", "bad-value");
const BAD_PATH: Refusal = (400, "invalid", "bad-path");
const ONLY_SEARCH: Refusal = (404, "not-supported", "only-search");
const NOT_ACCEPTABLE: Refusal = (406, "not-supported", "not-acceptable");
const METHOD: Refusal = (405, "not-supported", "method-not-allowed");
const NO_ROUTE: Refusal = (404, "not-found", "no-route");
pub(crate) const OTHER_PROVIDER: Refusal = (403, "forbidden", "other-provider");
pub(crate) const SERVICE_NOT_GRANTED: Refusal = (403, "forbidden", "service-not-granted");

pub(crate) struct Bench {
    pub(crate) gateway: Gateway,
    pub(crate) session: Session,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        let gateway = Gateway::start().await;
        let bsn = gateway.world.practices[0].patients[0].bsn.reveal().to_owned();
        let session = gateway.session(DELINDE, &bsn).await;
        Self { gateway, session }
    }

    pub(crate) fn get(&self, request: &str) -> RequestBuilder {
        self.session.request(Method::GET, request)
    }

    /// A GET of the Encounters, without the token.
    pub(crate) fn without_token(&self) -> RequestBuilder {
        self.session.bare(Method::GET, &format!("{}/Encounter", self.session.base()))
    }

    /// Sends it, and checks answer and record; no HIS may have been asked.
    pub(crate) async fn refused(&self, request: RequestBuilder, expected: Refusal, what: &str) -> Reply {
        let (asked, records) = (self.gateway.his_requests(), self.refusals().len());
        let reply = send(request).await;
        check_refusal(&reply, expected, what);
        assert_eq!(self.gateway.his_requests(), asked, "{what}");
        let refusals = self.refusals();
        let [record] = &refusals[records..] else { panic!("{what}: {:#?}", &refusals[records..]) };
        assert_eq!((&record["outcome"], &record["reason"]), (&"refused".into(), &expected.2.into()), "{what}");
        self.check_secrets(&reply, record, what);
        reply
    }

    fn refusals(&self) -> Vec<Value> {
        let mut records = self.gateway.audit();
        records.retain(|record| record["kind"] == "resource_refused");
        records
    }

    /// What came in is not repeated, and what is known about the person is not told.
    fn check_secrets(&self, reply: &Reply, record: &Value, what: &str) {
        let bsn = self.gateway.world.practices[0].patients[0].bsn.reveal();
        for secret in [bsn, self.session.token.access_token.as_str()] {
            assert!(!text(reply).contains(secret) && !record.to_string().contains(secret), "{what}");
        }
    }

    /// The bench is not simply broken: a right request is answered.
    pub(crate) async fn stop(self) {
        assert_eq!(self.session.get("Encounter").await.status, 200);
        self.gateway.stop().await;
    }
}

fn check_refusal(reply: &Reply, (status, issue, code): Refusal, what: &str) {
    assert_eq!((reply.status.as_u16(), fault(reply).0.as_str()), (status, code), "{what}: {}", text(reply));
    assert_eq!(json(reply)["issue"][0]["code"], issue, "{what}");
    let headers = &reply.headers;
    assert_eq!(headers["content-type"], "application/fhir+json; charset=utf-8", "{what}");
    assert_eq!(headers["cache-control"], "no-store", "{what}");
    assert!(!headers.contains_key("inzage-audit-receipt"), "{what}");
    assert_eq!(headers.get(header::ALLOW).is_some_and(|allow| allow == "GET"), status == 405, "{what}");
    let covers_other = matches!(code, "other-provider" | "service-not-granted" | "type-not-granted");
    let challenge = headers.get(header::WWW_AUTHENTICATE).map(|value| value.to_str().unwrap());
    assert_eq!(challenge.is_some(), status == 401 || covers_other, "{what}");
    let insufficient = challenge.is_some_and(|text| text.starts_with("Bearer error=\"insufficient_scope\""));
    assert_eq!(insufficient, covers_other, "{what}: RFC 6750 section 3.1");
}

#[tokio::test]
async fn a_parameter_that_no_search_has_is_refused() {
    let bench = Bench::start().await;
    let bsn = bench.gateway.world.practices[0].patients[0].bsn.reveal().to_owned();
    for (query, expected) in [
        ("unknown=1", UNKNOWN_PARAMETER),
        ("patient=Patient/delinde-p2-patient", UNKNOWN_PARAMETER),
        ("subject=Patient/delinde-p2-patient", UNKNOWN_PARAMETER),
        ("patient=Patient/delinde-p1-patient", UNKNOWN_PARAMETER),
        ("patient=a&patient=b", UNKNOWN_PARAMETER),
        (&format!("identifier=http://fhir.nl/fhir/NamingSystem/bsn|{bsn}"), UNKNOWN_PARAMETER),
        (&format!("patient:Patient.identifier={bsn}"), UNKNOWN_PARAMETER),
        (&format!("subject.identifier={bsn}"), UNKNOWN_PARAMETER),
        ("subject.name=Hoekzema", UNKNOWN_PARAMETER),
        ("subject:Patient.name=Hoekzema", UNKNOWN_PARAMETER),
        ("_has:Observation:encounter:code=1", UNKNOWN_PARAMETER),
        ("_filter=status%20eq%20finished", UNKNOWN_PARAMETER),
        ("_query=all", UNKNOWN_PARAMETER),
        ("_content=pijn", UNKNOWN_PARAMETER),
        ("_text=pijn", UNKNOWN_PARAMETER),
        ("_id=delinde-p2-c1-contact", UNKNOWN_PARAMETER),
        ("_include=*", UNKNOWN_PARAMETER),
        ("_include=Encounter:subject", UNKNOWN_PARAMETER),
        ("_revinclude=*", UNKNOWN_PARAMETER),
        ("_pretty=true", UNKNOWN_PARAMETER),
        ("_elements=id", UNKNOWN_PARAMETER),
        ("_summary=count", UNKNOWN_PARAMETER),
        ("_count=1000", UNKNOWN_PARAMETER),
        ("_sort=date", UNKNOWN_PARAMETER),
        ("_since=2020-01-01", UNKNOWN_PARAMETER),
        ("=1", UNKNOWN_PARAMETER),
        ("%5funknown=1", UNKNOWN_PARAMETER),
        ("a=%ff", (400, "invalid", "bad-encoding")),
        ("a=%00", (400, "invalid", "bad-encoding")),
        ("a=%zz", (400, "invalid", "bad-encoding")),
        ("a=%", (400, "invalid", "bad-encoding")),
    ] {
        bench.refused(bench.get(&format!("Encounter?{query}")), expected, query).await;
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_value_that_is_wrong_missing_or_doubled_is_refused() {
    let bench = Bench::start().await;
    let results = format!("Observation?code={NHG_45}|");
    for (request, expected) in [
        ("Patient?_include=*", BAD_VALUE),
        ("Patient?_include=Patient:link", BAD_VALUE),
        ("AllergyIntolerance", (400, "required", "missing-parameter")),
        ("MedicationRequest", (400, "required", "missing-parameter")),
        ("Observation", (400, "required", "missing-parameter")),
        ("Composition", (400, "required", "missing-parameter")),
        ("AllergyIntolerance?category=", BAD_VALUE),
        ("AllergyIntolerance?category=food", BAD_VALUE),
        ("AllergyIntolerance?category=medication,food", BAD_VALUE),
        ("AllergyIntolerance?category:not=food", UNKNOWN_PARAMETER),
        ("AllergyIntolerance?category=medication&category=medication", (400, "invalid", "repeated-parameter")),
        ("Composition?type=http://loinc.org|11488-4", BAD_VALUE),
        ("Composition?type=67781-5", BAD_VALUE),
        (&format!("{results}&date=le2025-13-01"), BAD_VALUE),
        (&format!("{results}&date=2025-10-01"), BAD_VALUE),
        (&format!("{results}&date=gt2025-10-01"), BAD_VALUE),
        (&format!("{results}&date=ge2026-01-01&date=ge2025-12-01"), (400, "invalid", "repeated-parameter")),
        (&format!("Encounter?{}", "_format=json&".repeat(33)), UNKNOWN_PARAMETER),
    ] {
        bench.refused(bench.get(request), expected, request).await;
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_form_that_is_not_served_is_refused() {
    let bench = Bench::start().await;
    for query in [
        "_format=xml",
        "_format=application/fhir%2Bxml",
        "_format=application/fhir+json;fhirVersion=4.0",
        "_format=json&_format=xml",
        "_format=",
    ] {
        let asked = bench.get(&format!("Encounter?{query}")).header("accept", "application/fhir+json");
        bench.refused(asked, NOT_ACCEPTABLE, query).await;
    }
    for accept in
        ["application/fhir+xml", "text/html", "application/fhir+json;q=0", "application/fhir+json;fhirVersion=4.0"]
    {
        bench.refused(bench.get("Encounter").header("accept", accept), NOT_ACCEPTABLE, accept).await;
    }
    let beaten = bench.get("Encounter?_format=json").header("accept", "application/fhir+xml");
    assert_eq!(send(beaten).await.status, 200);
    bench.stop().await;
}

#[tokio::test]
async fn only_get_is_served() {
    let bench = Bench::start().await;
    let bundle = r#"{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Encounter"}}]}"#;
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
        for path in ["", "Encounter", "Encounter/1", "Encounter/_search"] {
            let request = bench.session.request(method.clone(), path).header("content-type", "application/fhir+json");
            bench.refused(request.body(bundle), METHOD, &format!("{method} {path}")).await;
        }
    }
    // A HEAD is answered without a body, so only the status and the record tell.
    let (asked, records) = (bench.gateway.his_requests(), bench.refusals().len());
    let bare = send(bench.session.request(Method::HEAD, "Encounter")).await;
    assert_eq!(
        (bare.status.as_u16(), &bare.headers[header::ALLOW], bare.body.len()),
        (405, &"GET".parse().unwrap(), 0)
    );
    assert_eq!((bench.gateway.his_requests(), bench.refusals().len()), (asked, records + 1));
    for hidden in ["DELETE", "PUT", "GET"] {
        bench.refused(bench.get("Encounter").header("x-http-method-override", hidden), METHOD, hidden).await;
        let posted = bench.session.request(Method::POST, "Encounter").header("x-http-method-override", hidden);
        bench.refused(posted, METHOD, hidden).await;
    }
    bench.stop().await;
}

#[tokio::test]
async fn ids_of_others_and_of_nobody_are_one_answer() {
    let bench = Bench::start().await;
    let mut answers = Vec::new();
    for path in ["Patient/delinde-p1-patient", "Patient/delinde-p2-patient", "Patient/nobody", "Encounter/nobody"] {
        let reply = bench.refused(bench.get(path), ONLY_SEARCH, path).await;
        let mut outcome = json(&reply);
        let said = outcome["issue"][0]["diagnostics"].take();
        answers.push((outcome, said.as_str().unwrap().split(" (reference").next().unwrap().to_owned()));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
    bench.stop().await;
}

#[tokio::test]
async fn operations_are_refused_and_a_bare_dollar_is_no_operation() {
    let bench = Bench::start().await;
    for name in ["$graphql", "$everything", "$export", "$includes", "_history", "$meta", "$validate", "$lastn"] {
        bench.refused(bench.get(name), ONLY_SEARCH, name).await;
        bench.refused(bench.get(&format!("Patient/{name}")), ONLY_SEARCH, name).await;
        bench.refused(bench.get(&format!("Patient/delinde-p1-patient/{name}")), ONLY_SEARCH, name).await;
        let posted = bench.session.request(Method::POST, name);
        bench.refused(posted, METHOD, name).await;
    }
    for path in ["$", "Patient/$"] {
        bench.refused(bench.get(path), BAD_PATH, path).await;
    }
    bench.stop().await;
}

/// Sent byte for byte: a client library would tidy such paths up.
#[tokio::test]
async fn no_trick_with_a_path_reaches_a_system() {
    let bench = Bench::start().await;
    let raw = Raw::of(&bench.gateway);
    let base = "/fhir/huisarts.delinde/49/stu3";
    for (path, expected) in [
        (format!("{base}/%2e%2e/Encounter"), BAD_PATH),
        (format!("{base}/../stu3/Encounter"), BAD_PATH),
        (format!("{base}/./Encounter"), BAD_PATH),
        (format!("{base}//Encounter"), BAD_PATH),
        (format!("{base}/Encounter/"), BAD_PATH),
        (format!("{base}/Encounter;v=1"), BAD_PATH),
        (format!("{base}/Encounter%00"), BAD_PATH),
        (format!("{base}/Encounter%0d%0aX:%20y"), BAD_PATH),
        (format!("{base}/Encounter%3fpatient=1"), BAD_PATH),
        (format!("{base}/%45ncounter"), BAD_PATH),
        (format!("{base}/Encounter%2f1"), BAD_PATH),
        (format!("{base}/Encounter%252f1"), BAD_PATH),
        (format!("{base}/%c0%ae%c0%ae/Encounter"), BAD_PATH),
        (format!("{base}/Encounter\\..\\Patient"), BAD_PATH),
        (format!("{base}/Encounter/../Observation/1"), ONLY_SEARCH),
        (format!("{base}/Encounter/%2e%2e/Observation/1"), ONLY_SEARCH),
        (format!("{base}/Encounter//"), ONLY_SEARCH),
        (format!("{base}/encounter"), (404, "not-supported", "unknown-type")),
        ("/fhir//huisarts.delinde/49/stu3/Encounter".to_owned(), NO_ROUTE),
        ("/fhir/../fhir/huisarts.delinde/49/stu3/Encounter".to_owned(), NO_ROUTE),
        ("/fhir/huisarts.haven/49/stu3/../../../huisarts.delinde/49/stu3/Encounter".to_owned(), OTHER_PROVIDER),
        ("/fhir/huisarts.delinde/%2e%2e/huisarts.haven/49/stu3/Encounter".to_owned(), NO_ROUTE),
        ("/fhir/huisarts%2edelinde/49/stu3/Encounter".to_owned(), OTHER_PROVIDER),
        ("/fhir/huisarts.delinde/49;v=1/stu3/Encounter".to_owned(), SERVICE_NOT_GRANTED),
        ("/fhir/huisarts.delinde/49%00/stu3/Encounter".to_owned(), SERVICE_NOT_GRANTED),
        ("/fhir/huisarts.delinde/49/stu4/Encounter".to_owned(), NO_ROUTE),
        ("/fhir/huisarts.delinde/49".to_owned(), NO_ROUTE),
        ("/fhir/".to_owned(), NO_ROUTE),
    ] {
        let (asked, records) = (bench.gateway.his_requests(), bench.refusals().len());
        let reply = raw.get(&path, &bench.session.token.access_token).await;
        check_refusal(&reply, expected, &path);
        assert_eq!(bench.gateway.his_requests(), asked, "{path}");
        let refusals = bench.refusals();
        assert_eq!((refusals.len(), &refusals[records]["reason"]), (records + 1, &expected.2.into()), "{path}");
    }
    for path in ["//fhir/huisarts.delinde/49/stu3/Encounter", "/%66hir/huisarts.delinde/49/stu3/Encounter", "/FHIR/x"] {
        let asked = bench.gateway.his_requests();
        assert_eq!(raw.get(path, &bench.session.token.access_token).await.status, 404, "{path}");
        assert_eq!(bench.gateway.his_requests(), asked, "{path}");
    }
    // The same way leads to data when the path is right.
    let right = raw.get(&format!("{base}/Encounter"), &bench.session.token.access_token).await;
    assert_eq!(right.status, 200);
    bench.stop().await;
}
