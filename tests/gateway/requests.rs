//! Requests that are refused before any system of a practice is asked: each with its status, its codes and its record.

pub(crate) mod raw;

use http::{Method, header};
use inzage::sandbox::client::Reply;
use reqwest::RequestBuilder;
use serde_json::Value;

use crate::harness::{Gateway, Session, fault, json, send, text};

const DELINDE: &str = "huisarts.delinde@medmij";
const NHG_45: &str = "https://referentiemodel.nhg.org/tabellen/nhg-tabel-45-diagnostische-bepalingen";

/// A refusal: status, FHIR issue type, our code.
pub(crate) type Refusal = (u16, &'static str, &'static str);

pub(crate) const UNKNOWN_PARAMETER: Refusal = (400, "not-supported", "unknown-parameter");
pub(crate) const BAD_VALUE: Refusal = (400, "value", "bad-value");
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
        assert_eq!(self.gateway.named_by(&reply), *record, "{what}");
        self.check_secrets(&reply, record, what);
        reply
    }

    pub(crate) fn refusals(&self) -> Vec<Value> {
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

pub(crate) fn check_refusal(reply: &Reply, (status, issue, code): Refusal, what: &str) {
    assert_eq!((reply.status.as_u16(), fault(reply).0.as_str()), (status, code), "{what}: {}", text(reply));
    assert_eq!(json(reply)["issue"][0]["code"], issue, "{what}");
    let headers = &reply.headers;
    assert_eq!(headers["content-type"], "application/fhir+json; charset=utf-8", "{what}");
    assert_eq!(headers["cache-control"], "no-store", "{what}");
    assert_eq!(headers.contains_key(header::ALLOW), status == 405, "{what}");
    let covers_other = matches!(code, "other-provider" | "service-not-granted" | "type-not-granted");
    let challenge = headers.get(header::WWW_AUTHENTICATE).map(|value| value.to_str().unwrap());
    assert_eq!(challenge.is_some(), status == 401 || covers_other, "{what}");
    let insufficient = challenge.is_some_and(|text| text.starts_with("Bearer error=\"insufficient_scope\""));
    assert_eq!(insufficient, covers_other, "{what}: RFC 6750 section 3.1");
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
