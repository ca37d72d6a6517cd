//! Attacks on the resource endpoint with requests: for another person, for more than the service has, or by another way.

use http::{Method, header};
use reqwest::RequestBuilder;

use crate::harness::{fault, json, send, text};
use crate::requests::raw::Raw;
use crate::requests::{
    BAD_VALUE, Bench, OTHER_PROVIDER, Refusal, SERVICE_NOT_GRANTED, UNKNOWN_PARAMETER, check_refusal,
};

const BAD_PATH: Refusal = (400, "invalid", "bad-path");
const BAD_ENCODING: Refusal = (400, "invalid", "bad-encoding");
const REPEATED: Refusal = (400, "invalid", "repeated-parameter");
const NOTHING: Refusal = (404, "not-supported", "no-such-interaction");
const UNKNOWN_TYPE: Refusal = (404, "not-supported", "unknown-type");
const NO_ROUTE: Refusal = (404, "not-found", "no-route");
const METHOD: Refusal = (405, "not-supported", "method-not-allowed");
const NOT_ACCEPTABLE: Refusal = (406, "not-supported", "not-acceptable");
const MEDIA: Refusal = (415, "not-supported", "bad-media-type");
const FORM: &str = "application/x-www-form-urlencoded";

impl Bench {
    fn post(&self, path: &str, media_type: &str, body: &str) -> RequestBuilder {
        self.session.request(Method::POST, path).header("content-type", media_type).body(body.to_owned())
    }
}

#[tokio::test]
async fn case_52_ids_of_others_and_of_nobody_are_one_answer() {
    let bench = Bench::start().await;
    let mut answers = Vec::new();
    for path in ["Patient/delinde-p1-patient", "Patient/delinde-p2-patient", "Patient/nobody", "Encounter/nobody"] {
        let reply = bench.refused(bench.get(path), NOTHING, path).await;
        let mut outcome = json(&reply);
        let said = outcome["issue"][0]["diagnostics"].take();
        answers.push((outcome, said.as_str().unwrap().split(" (reference").next().unwrap().to_owned()));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
    bench.stop().await;
}

#[tokio::test]
async fn case_53_the_patient_comes_from_the_token_alone() {
    let bench = Bench::start().await;
    let bsn = bench.gateway.world.practices[0].patients[0].bsn.reveal().to_owned();
    for query in [
        "patient=Patient/delinde-p2-patient",
        "subject=Patient/delinde-p2-patient",
        "patient=Patient/delinde-p1-patient",
        "patient=a&patient=b",
        &format!("identifier=http://fhir.nl/fhir/NamingSystem/bsn|{bsn}"),
        &format!("patient:Patient.identifier={bsn}"),
        &format!("subject.identifier={bsn}"),
        "_id=delinde-p2-c1-contact",
        "_id=delinde-p1-c1-contact",
    ] {
        for handling in ["handling=lenient", "handling=strict"] {
            let asked = bench.get(&format!("Encounter?{query}")).header("prefer", handling);
            bench.refused(asked, UNKNOWN_PARAMETER, query).await;
        }
        bench.refused(bench.post("Encounter/_search", FORM, query), UNKNOWN_PARAMETER, query).await;
        let both = bench.post(&format!("Encounter/_search?{query}"), FORM, "");
        bench.refused(both, UNKNOWN_PARAMETER, query).await;
    }
    bench.stop().await;
}

#[tokio::test]
async fn case_54_nothing_comes_along_that_the_service_does_not_include() {
    let bench = Bench::start().await;
    for (request, expected) in [
        ("Encounter?_include=*", UNKNOWN_PARAMETER),
        ("Encounter?_include=Encounter:subject", UNKNOWN_PARAMETER),
        ("Encounter?_revinclude=*", UNKNOWN_PARAMETER),
        ("Encounter?_revinclude=Observation:context", UNKNOWN_PARAMETER),
        ("Patient?_include=*", BAD_VALUE),
        ("Patient?_include=Patient:link", BAD_VALUE),
        ("Patient?_include=Patient:general-practitioner:Practitioner", BAD_VALUE),
        ("Patient?_include:iterate=Patient:general-practitioner", UNKNOWN_PARAMETER),
        ("Patient?_include:recurse=Patient:general-practitioner", UNKNOWN_PARAMETER),
        ("Patient?_revinclude=Observation:subject", UNKNOWN_PARAMETER),
        ("Patient?_include=Patient:general-practitioner&_include=Patient:general-practitioner", REPEATED),
    ] {
        bench.refused(bench.get(request).header("prefer", "handling=lenient"), expected, request).await;
    }
    bench.stop().await;
}

#[tokio::test]
async fn case_55_no_other_way_to_filter_is_open() {
    let bench = Bench::start().await;
    for query in [
        "_has:Observation:encounter:code=1",
        "subject.name=Hoekzema",
        "subject:Patient.name=Hoekzema",
        "_filter=status%20eq%20finished",
        "_query=all",
        "_content=pijn",
        "_text=pijn",
        "_list=42",
        "_since=2020-01-01",
        "status:missing=true",
        "unknown=1",
        "=1",
        "%5funknown=1",
    ] {
        bench.refused(bench.get(&format!("Encounter?{query}")), UNKNOWN_PARAMETER, query).await;
    }
    for query in ["a=%ff", "a=%00", "a=%zz", "a=%"] {
        bench.refused(bench.get(&format!("Encounter?{query}")), BAD_ENCODING, query).await;
    }
    bench.stop().await;
}

#[tokio::test]
async fn case_56_no_bundle_is_taken_where_nothing_is_shared() {
    let bench = Bench::start().await;
    for kind in ["batch", "transaction"] {
        let bundle = format!(
            r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{{"request":{{"method":"GET","url":"Encounter"}}}}]}}"#
        );
        let reply = bench.refused(bench.post("", "application/fhir+json", &bundle), METHOD, kind).await;
        assert_eq!(reply.headers[header::ALLOW], "", "{kind}");
    }
    bench.stop().await;
}

#[tokio::test]
async fn case_57_operations_are_refused_and_a_bare_dollar_is_no_operation() {
    let bench = Bench::start().await;
    for name in ["$graphql", "$everything", "$export", "$includes", "_history", "$meta", "$validate", "$lastn"] {
        bench.refused(bench.get(name), NOTHING, name).await;
        bench.refused(bench.get(&format!("Patient/{name}")), NOTHING, name).await;
        bench.refused(bench.get(&format!("Patient/delinde-p1-patient/{name}")), NOTHING, name).await;
        bench.refused(bench.post(name, "application/fhir+json", "{}"), METHOD, name).await;
    }
    bench.refused(bench.get("Patient/delinde-p1-patient/_history/1"), NOTHING, "a version").await;
    for path in ["$", "Patient/$", "Patient/delinde-p1-patient/$"] {
        bench.refused(bench.get(path), BAD_PATH, path).await;
    }
    bench.stop().await;
}

#[tokio::test]
async fn case_58_nothing_is_changed_and_no_method_hides_another() {
    let bench = Bench::start().await;
    for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
        for (path, allow) in [("", ""), ("Encounter", "GET"), ("Encounter/1", ""), ("Encounter/_search", "POST")] {
            let request = bench.session.request(method.clone(), path).header("content-type", "application/fhir+json");
            let reply = bench.refused(request.body("{}"), METHOD, &format!("{method} {path}")).await;
            assert_eq!(reply.headers[header::ALLOW], allow, "{method} {path}");
        }
    }
    let made = bench.refused(bench.post("Encounter", "application/fhir+json", "{}"), METHOD, "create").await;
    assert_eq!(made.headers[header::ALLOW], "GET");
    let got = bench.refused(bench.get("Encounter/_search"), METHOD, "GET").await;
    assert_eq!(got.headers[header::ALLOW], "POST");
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
        let posted = bench.post("Encounter/_search", FORM, "").header("x-http-method-override", hidden);
        bench.refused(posted, METHOD, hidden).await;
    }
    bench.refused(bench.get("Encounter?_method=DELETE"), UNKNOWN_PARAMETER, "in the query").await;
    bench.stop().await;
}

#[tokio::test]
async fn a_search_by_form_is_the_same_search() {
    let bench = Bench::start().await;
    let asked = "AllergyIntolerance?category=medication";
    let by_query = json(&bench.session.get(asked).await);
    for (path, form) in
        [("AllergyIntolerance/_search", "category=medication"), ("AllergyIntolerance/_search?category=medication", "")]
    {
        let reply = send(bench.post(path, FORM, form)).await;
        assert_eq!(reply.status, 200, "{}", text(&reply));
        assert_eq!(json(&reply), by_query, "{path}: also its self link");
    }
    let records = bench.gateway.audit();
    let queries: Vec<_> = records.iter().filter(|record| record["kind"] == "disclosure_intent").collect();
    assert!(queries.windows(2).all(|pair| pair[0]["query"] == pair[1]["query"]), "{queries:#?}");
    let large = format!("category=medication&x={}", "a".repeat(64 * 1024));
    let too_large = (413, "too-long", "form-too-large");
    bench.refused(bench.post("AllergyIntolerance/_search", FORM, &large), too_large, "65 kB").await;
    for media_type in ["application/fhir+json", "text/plain", "application/x-www-form-urlencoded; charset=latin1"] {
        let posted = bench.post("AllergyIntolerance/_search", media_type, "category=medication");
        bench.refused(posted, MEDIA, media_type).await;
    }
    bench.stop().await;
}

#[tokio::test]
async fn case_64_only_formats_that_are_served_and_no_part_of_an_answer() {
    let bench = Bench::start().await;
    for (query, expected) in [
        ("_format=text/html", NOT_ACCEPTABLE),
        ("_format=application/fhir%2Bjson;fhirVersion=4.0", NOT_ACCEPTABLE),
        ("_format=application/fhir+json;x=y", NOT_ACCEPTABLE),
        ("_format=", NOT_ACCEPTABLE),
        ("_format=json&_format=json", REPEATED),
        ("_pretty=true", UNKNOWN_PARAMETER),
        ("_elements=id", UNKNOWN_PARAMETER),
        ("_summary=count", UNKNOWN_PARAMETER),
        ("_summary=true", UNKNOWN_PARAMETER),
        ("_count=1000", UNKNOWN_PARAMETER),
        ("_count=0", UNKNOWN_PARAMETER),
        ("_sort=date", UNKNOWN_PARAMETER),
        ("_total=accurate", UNKNOWN_PARAMETER),
    ] {
        let asked = bench.get(&format!("Encounter?{query}")).header("accept", "application/fhir+json");
        bench.refused(asked, expected, query).await;
    }
    for accept in ["text/html", "application/fhir+json;q=0", "application/fhir+json;fhirVersion=4.0"] {
        bench.refused(bench.get("Encounter").header("accept", accept), NOT_ACCEPTABLE, accept).await;
    }
    let beaten = bench.get("Encounter?_format=json").header("accept", "text/html");
    assert_eq!(send(beaten).await.status, 200);
    bench.stop().await;
}

/// Sent byte for byte: a client library would tidy such paths up.
#[tokio::test]
async fn case_65_no_trick_with_a_path_reaches_a_system() {
    let bench = Bench::start().await;
    let raw = Raw::of(&bench.gateway);
    let base = "/fhir/huisarts.delinde/49/stu3";
    for path in [
        "%2e%2e/Encounter",
        "../stu3/Encounter",
        "./Encounter",
        "/Encounter",
        "Encounter/",
        "Encounter;v=1",
        "Encounter%00",
        "Encounter%0d%0aX:%20y",
        "Encounter%3fpatient=1",
        "%45ncounter",
        "Encounter%2f1",
        "Encounter%252f1",
        "%c0%ae%c0%ae/Encounter",
        "%e0%80%ae/Encounter",
        "Encounter\\..\\Patient",
        "Encounter/../Observation/1",
        "Encounter/%2e%2e/Observation/1",
        "Encounter//",
        "Encounter//1",
    ] {
        bench.refused_raw(&raw, &format!("{base}/{path}"), BAD_PATH).await;
    }
    for (path, expected) in [
        ("/fhir//huisarts.delinde/49/stu3/Encounter", BAD_PATH),
        ("/fhir/../fhir/huisarts.delinde/49/stu3/Encounter", BAD_PATH),
        ("/fhir/huisarts.haven/49/stu3/../../../huisarts.delinde/49/stu3/Encounter", BAD_PATH),
        ("/fhir/huisarts.delinde/%2e%2e/huisarts.haven/49/stu3/Encounter", BAD_PATH),
        ("/fhir/huisarts%2edelinde/49/stu3/Encounter", BAD_PATH),
        ("/fhir/huisarts.delinde/49;v=1/stu3/Encounter", BAD_PATH),
        ("/fhir/huisarts.delinde/49%00/stu3/Encounter", BAD_PATH),
        ("/fhir/huisarts.haven/49/stu3/Encounter", OTHER_PROVIDER),
        ("/fhir/huisarts.delinde/049/stu3/Encounter", SERVICE_NOT_GRANTED),
        ("/fhir/huisarts.delinde/49/stu3/encounter", UNKNOWN_TYPE),
        ("/fhir/huisarts.delinde/49/stu4/Encounter", NO_ROUTE),
        ("/fhir/huisarts.delinde/49", NO_ROUTE),
        ("/fhir/", NO_ROUTE),
    ] {
        bench.refused_raw(&raw, path, expected).await;
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

impl Bench {
    async fn refused_raw(&self, raw: &Raw, path: &str, expected: Refusal) {
        let (asked, records) = (self.gateway.his_requests(), self.refusals().len());
        let reply = raw.get(path, &self.session.token.access_token).await;
        check_refusal(&reply, expected, path);
        assert_eq!(self.gateway.his_requests(), asked, "{path}");
        let refusals = self.refusals();
        assert_eq!(self.gateway.named_by(&reply), refusals[records], "{path}");
        assert_eq!(
            (refusals.len(), fault(&reply).0.as_str(), &refusals[records]["reason"]),
            (records + 1, expected.2, &expected.2.into()),
            "{path}"
        );
    }
}
