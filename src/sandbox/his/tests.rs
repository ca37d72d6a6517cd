//! The emulated HIS from outside: real TLS with client certificates, and each fault as a client meets it.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;

use jiff::civil::date;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock::SystemClock;
use crate::medmij::FhirVersion;
use crate::sandbox::records;

const BASE: &str = "https://his.localhost:9999/fhir";
const KEY: &str = "an-invented-key";
const FIRST: &str = "delinde-p1-patient";

/// A running HIS with the records of the first practice, and a client that it lets in.
struct World {
    address: SocketAddr,
    control: SocketAddr,
    emulator: Arc<Emulator>,
    connector: TlsConnector,
    stranger: TlsConnector,
    stop: CancellationToken,
    servers: [JoinHandle<std::io::Result<()>>; 2],
}

struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

fn issue(name: &str, ca: &CertifiedIssuer<'_, KeyPair>) -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, ca).unwrap();
    Identity { chain: vec![certificate.der().clone()], key: PrivateKeyDer::try_from(key.serialize_der()).unwrap() }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "invented authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn listener() -> (std::net::TcpListener, SocketAddr) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

impl World {
    fn start() -> Self {
        let ca = authority();
        let mut roots = RootCertStore::empty();
        roots.add(ca.der().clone()).unwrap();
        let roots = Arc::new(roots);
        let (server, client) = (issue("his.localhost", &ca), issue("gateway.localhost", &ca));
        let verifier = WebPkiClientVerifier::builder(Arc::clone(&roots)).build().unwrap();
        let tls = ServerConfig::builder()
            .with_client_cert_verifier(verifier)
            .with_single_cert(server.chain, server.key)
            .unwrap();
        let known = ClientConfig::builder()
            .with_root_certificates(Arc::clone(&roots))
            .with_client_auth_cert(client.chain, client.key)
            .unwrap();
        let unknown = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();

        let practice = records::shipped(date(2026, 11, 21)).swap_remove(0);
        let records = Records::from_resources(practice.resources).unwrap();
        let auth = EmulatorAuth { api_key: Some(Secret::new(KEY.to_owned())), desk: None };
        let emulator = Emulator::new(&format!("{BASE}/"), records, auth, Arc::new(SystemClock));
        let stop = CancellationToken::new();
        let ((fhir, address), (control, control_address)) = (listener(), listener());
        let servers = [
            tokio::spawn(serve(fhir, Arc::new(tls), Arc::clone(&emulator), stop.clone())),
            tokio::spawn(serve_control(control, Arc::clone(&emulator), stop.clone())),
        ];
        let connector = |config| TlsConnector::from(Arc::new(config));
        let (connector, stranger) = (connector(known), connector(unknown));
        Self { address, control: control_address, emulator, connector, stranger, stop, servers }
    }

    async fn connect(&self, connector: &TlsConnector) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        connector.connect(ServerName::try_from("his.localhost").unwrap(), stream).await
    }

    /// Sends one request on a connection of its own and reads until the end; what was read stays when that end is an error.
    async fn send(&self, head: &str) -> (String, Result<(), Error>) {
        let mut read = Vec::new();
        let end = async {
            let mut stream = self.connect(&self.connector).await?;
            stream.write_all(format!("{head}\r\nHost: his.localhost\r\nConnection: close\r\n\r\n").as_bytes()).await?;
            stream.read_to_end(&mut read).await
        };
        let end = end.await.map(drop);
        (String::from_utf8(read).unwrap(), end)
    }

    /// Sends a request with the key.
    async fn attempt(&self, path: &str) -> (String, Result<(), Error>) {
        self.send(&format!("GET /fhir/{path} HTTP/1.1\r\nX-Api-Key: {KEY}")).await
    }

    /// The status and the JSON of an answer.
    async fn ask(&self, path: &str) -> (u16, Value) {
        let (text, end) = self.attempt(path).await;
        end.unwrap();
        (status(&text), serde_json::from_str(body(&text)).unwrap())
    }

    async fn control(&self, method: &str, text: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.control).await.unwrap();
        let length = text.len();
        let head =
            format!("{method} /_control HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(format!("{head}{text}").as_bytes()).await.unwrap();
        let mut read = String::new();
        stream.read_to_string(&mut read).await.unwrap();
        (status(&read), body(&read).to_owned())
    }

    async fn set(&self, faults: &Value) {
        let (status, answer) = self.control("POST", &faults.to_string()).await;
        assert_eq!(status, 200, "{answer}");
    }

    async fn end(self) {
        self.stop.cancel();
        for server in self.servers {
            server.await.unwrap().unwrap();
        }
    }
}

fn status(text: &str) -> u16 {
    text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap()
}

fn body(text: &str) -> &str {
    text.split_once("\r\n\r\n").unwrap().1
}

fn is_break(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

#[tokio::test]
async fn a_search_is_answered_with_links_on_the_internal_host() {
    let world = World::start();
    let (status, bundle) = world.ask(&format!("Patient?_include=Patient:general-practitioner&_id={FIRST}")).await;
    assert_eq!((status, &bundle["type"], &bundle["total"]), (200, &json!("searchset"), &json!(1)));
    let url = format!("{BASE}/Patient?_include=Patient:general-practitioner&_id={FIRST}");
    assert_eq!(bundle["link"], json!([{"relation": "self", "url": url}]));
    assert_eq!(bundle["entry"][0]["fullUrl"], json!(format!("{BASE}/Patient/{FIRST}")));
    assert_eq!(bundle["entry"][0]["resource"]["identifier"][0]["value"], json!("999950022"), "the HIS masks nothing");
    assert_eq!(bundle["entry"][1]["search"]["mode"], json!("include"));
    let updated = bundle["meta"]["lastUpdated"].as_str().unwrap();
    assert!(updated.ends_with('Z') && updated.contains('.'), "{updated}");

    let (_, none) = world.ask("Flag?patient=nobody").await;
    assert_eq!((&none["total"], none.get("entry")), (&json!(0), None));
    world.end().await;
}

#[tokio::test]
async fn reads_and_metadata_are_answered_and_the_rest_is_refused() {
    let world = World::start();
    let (status, patient) = world.ask(&format!("Patient/{FIRST}")).await;
    assert_eq!((status, &patient["resourceType"]), (200, &json!("Patient")));
    let (status, statement) = world.ask("metadata").await;
    assert_eq!((status, &statement["fhirVersion"]), (200, &json!("3.0.2")));
    assert!(statement["rest"][0]["resource"].as_array().unwrap().iter().any(|r| r["type"] == "MedicationRequest"));
    for (path, expected, code) in [
        ("Patient/nobody", 404, "not-found"),
        ("Patient/a/b", 404, "not-found"),
        ("Spaceship", 404, "not-supported"),
        ("Observation?colour=red", 400, "not-supported"),
        ("Observation?date=soon", 400, "value"),
        ("Observation?date=%zz", 400, "invalid"),
    ] {
        let (status, outcome) = world.ask(path).await;
        assert_eq!((status, outcome["issue"][0]["code"].as_str()), (expected, Some(code)), "{path}");
    }
    let (text, _) = world.send(&format!("DELETE /fhir/Patient/{FIRST} HTTP/1.1\r\nX-Api-Key: {KEY}")).await;
    assert_eq!(status_and_allow(&text), (405, true));
    for head in ["GET /fhir/metadata HTTP/1.1", "GET /fhir/metadata HTTP/1.1\r\nX-Api-Key: wrong"] {
        let (text, _) = world.send(head).await;
        assert_eq!(self::status(&text), 401, "{head}");
    }
    world.end().await;
}

fn status_and_allow(text: &str) -> (u16, bool) {
    (status(text), text.contains("allow: GET"))
}

#[tokio::test]
async fn a_document_comes_as_bytes_or_as_the_resource_that_holds_them() {
    let world = World::start();
    let binary =
        json!({"resourceType": "Binary", "id": "pdf", "contentType": "application/pdf", "content": "JVBE\nRi0x"});
    world.emulator.put(FhirVersion::Stu3, vec![binary]).unwrap();
    for accept in ["", "\r\nAccept: */*", "\r\nAccept: application/pdf"] {
        let (text, _) = world.send(&format!("GET /fhir/Binary/pdf HTTP/1.1\r\nX-Api-Key: {KEY}{accept}")).await;
        assert!(text.contains("content-type: application/pdf\r\n"), "{text}");
        assert_eq!(body(&text), "%PDF-1");
    }
    let accept = "\r\nAccept: application/fhir+json";
    let (text, _) = world.send(&format!("GET /fhir/Binary/pdf HTTP/1.1\r\nX-Api-Key: {KEY}{accept}")).await;
    assert_eq!(serde_json::from_str::<Value>(body(&text)).unwrap()["content"], "JVBE\nRi0x");
    assert_eq!(world.ask("Binary/other").await.0, 404);
    world.end().await;
}

#[tokio::test]
async fn what_is_kept_in_r4_stands_at_its_own_base() {
    let world = World::start();
    let dose = json!({"resourceType": "Immunization", "id": "d", "status": "completed", "occurrenceDateTime": "2026-10-10",
        "patient": {"reference": "Patient/a"}});
    world.emulator.put(FhirVersion::R4, vec![dose]).unwrap();
    let (status, bundle) = world.ask("r4/Immunization?patient=a").await;
    assert_eq!((status, &bundle["total"]), (200, &json!(1)));
    assert_eq!(bundle["entry"][0]["fullUrl"], json!(format!("{BASE}/r4/Immunization/d")));
    assert_eq!(world.ask("Immunization?patient=a").await.1["total"], json!(0), "in STU3 it is not there");
    assert_eq!(world.ask("r4/Observation").await.0, 404);
    assert_eq!(world.ask("r4/metadata").await.1["fhirVersion"], json!("4.0.1"));
    assert_eq!(world.ask("r4nothing").await.0, 404);
    world.end().await;
}

#[tokio::test]
async fn a_client_without_certificate_is_not_let_in() {
    let world = World::start();
    let refused = async {
        let mut stream = world.connect(&world.stranger).await?;
        stream.write_all(b"GET /fhir/metadata HTTP/1.1\r\nHost: x\r\n\r\n").await?;
        stream.read_to_end(&mut Vec::new()).await
    };
    assert!(refused.await.is_err());
    assert_eq!(serde_json::from_str::<Value>(&world.control("GET", "").await.1).unwrap()["count"], 0);
    world.end().await;
}

#[tokio::test]
async fn the_log_tells_the_last_request() {
    let world = World::start();
    assert_eq!(world.control("GET", "").await.1, r#"{"count":0,"last":null}"#);
    world.ask("Flag?patient=a").await;
    world.ask("Encounter?patient=b%7C").await;
    let log: Value = serde_json::from_str(&world.control("GET", "").await.1).unwrap();
    assert_eq!((&log["count"], &log["last"]["method"]), (&json!(2), &json!("GET")));
    assert_eq!((&log["last"]["path"], &log["last"]["query"]), (&json!("/fhir/Encounter"), &json!("patient=b%7C")));
    assert_eq!(log["last"]["headers"]["host"], json!("his.localhost"));
    world.end().await;
}

#[tokio::test]
async fn the_control_refuses_what_it_does_not_know() {
    let world = World::start();
    for text in ["", "{", r#"{"dealy_ms":1}"#, r#"{"fail":"explode"}"#] {
        assert_eq!(world.control("POST", text).await.0, 400, "{text}");
    }
    world.set(&json!({"fail": "garbage"})).await;
    world.set(&json!({})).await;
    assert_eq!(world.ask("Flag").await.0, 200, "what is left out is off");
    world.end().await;
}

#[tokio::test]
async fn answers_break_off_as_told() {
    let world = World::start();
    let whole = world.attempt("Encounter").await.0;
    world.set(&json!({"fail": "cut"})).await;
    let (cut, end) = world.attempt("Encounter").await;
    assert!(is_break(&end.unwrap_err()));
    let promised = format!("content-length: {}\r\n", body(&whole).len());
    assert!(cut.contains(&promised) && body(&cut).len() == body(&whole).len() / 2, "half of what was promised arrives");

    world.set(&json!({"fail": "reset"})).await;
    let (text, end) = world.attempt("Encounter").await;
    assert_eq!((text.as_str(), end.unwrap_err().kind()), ("", ErrorKind::ConnectionReset));
    world.end().await;
}

#[tokio::test]
async fn refused_connections_end_before_the_handshake_and_open_ones_break() {
    let world = World::start();
    let mut open = world.connect(&world.connector).await.unwrap();
    world.set(&json!({"fail": "refuse"})).await;
    assert!(is_break(&open.read_u8().await.unwrap_err()));
    assert!(is_break(&world.connect(&world.connector).await.unwrap_err()));
    assert!(world.control("GET", "").await.1.contains("\"count\":0"));
    world.set(&json!({"fail": "none"})).await;
    assert_eq!(world.ask("metadata").await.0, 200);
    world.end().await;
}

#[tokio::test]
async fn errors_and_garbage_hold_what_may_not_be_passed_on() {
    let world = World::start();
    world.set(&json!({"fail": "status:503"})).await;
    let (page, _) = world.attempt("Flag").await;
    assert_eq!(status(&page), 503);
    assert!(page.contains("text/html") && page.contains(".intern.") && page.contains("999950022"), "{page}");
    world.set(&json!({"fail": "garbage"})).await;
    for _ in 0..2 {
        let (text, _) = world.attempt("Flag").await;
        assert_eq!(status(&text), 200);
        assert!(serde_json::from_str::<Value>(body(&text)).is_err());
    }
    world.end().await;
}

#[tokio::test]
async fn a_hanging_request_goes_on_when_the_faults_change() {
    let world = World::start();
    world.set(&json!({"fail": "hang"})).await;
    let mut stream = world.connect(&world.connector).await.unwrap();
    let request = format!("GET /fhir/metadata HTTP/1.1\r\nX-Api-Key: {KEY}\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    world.emulator.log.subscribe().wait_for(|log| log.count == 1).await.unwrap();
    world.set(&json!({"fail": "none"})).await;
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(status(&text), 200);
    world.end().await;
}

#[tokio::test]
async fn a_delay_is_kept() {
    let world = World::start();
    world.set(&json!({"delay_ms": 30})).await;
    let clock = SystemClock;
    let before = crate::clock::Clock::monotonic(&clock);
    assert_eq!(world.ask("metadata").await.0, 200);
    assert!(crate::clock::Clock::monotonic(&clock).duration_since(before).as_millis() >= 30);
    world.end().await;
}

#[tokio::test]
async fn tainted_answers_hold_a_stranger_and_the_bsn_everywhere() {
    let world = World::start();
    world.set(&json!({"foreign_patient": true, "unmasked_bsn": true})).await;
    for kind in ["EpisodeOfCare", "AllergyIntolerance", "Observation", "Composition", "Encounter", "Flag"] {
        let (_, bundle) = world.ask(&format!("{kind}?patient={FIRST}")).await;
        let entries = bundle["entry"].as_array().unwrap();
        let (own, foreign): (Vec<_>, Vec<_>) =
            entries.iter().partition(|entry| entry["resource"].to_string().contains(&format!("Patient/{FIRST}")));
        assert_eq!(foreign.len(), 1, "{kind}");
        assert!(!own.is_empty());
        for entry in own {
            assert!(entry["resource"]["text"]["div"].as_str().unwrap().contains("BSN 999950022"), "{kind}");
            assert!(entry["resource"]["identifier"].to_string().contains("urn:oid:"), "{kind}");
        }
        assert!(!foreign[0].to_string().contains("999950022"), "the stranger has another BSN");
    }
    let (_, included) = world.ask(&format!("Patient?_include=Patient:general-practitioner&_id={FIRST}")).await;
    let gp = included["entry"].as_array().unwrap().iter().find(|e| e["resource"]["resourceType"] == "Practitioner");
    assert!(gp.unwrap().to_string().contains("999950022"), "what came along is tainted with the patient's BSN");
    world.end().await;
}

/// Addresses of all pages, and the ids of their matches.
async fn walk(world: &World, first: &str) -> Vec<Vec<String>> {
    let (mut pages, mut next) = (Vec::new(), Some(first.to_owned()));
    while let Some(path) = next {
        let (status, bundle) = world.ask(&path).await;
        assert_eq!(status, 200, "{path}: {bundle}");
        let entries = bundle["entry"].as_array().into_iter().flatten();
        pages.push(entries.map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned()).collect());
        let links = bundle["link"].as_array().unwrap();
        let url = links.iter().find(|link| link["relation"] == "next").map(|link| link["url"].as_str().unwrap());
        next = url.map(|url| url.strip_prefix(&format!("{BASE}/")).unwrap().to_owned());
    }
    pages
}

#[tokio::test]
async fn a_searchset_comes_in_pages_that_hold_what_one_page_holds() {
    let world = World::start();
    let request = format!("Observation?patient={FIRST}");
    let whole = walk(&world, &request).await.concat();
    world.set(&json!({"page_size": 5})).await;
    let pages = walk(&world, &request).await;
    assert_eq!(pages.len(), whole.len().div_ceil(5));
    assert_eq!(pages.concat(), whole);
    assert_eq!(world.ask(&format!("{request}&_page=99")).await.1["total"], json!(whole.len()));
    assert_eq!(world.ask(&format!("{request}&_page=0")).await.0, 400);
    world.set(&json!({"page_size": 5, "fail_page": 2})).await;
    assert_eq!(world.ask(&request).await.0, 200);
    assert_eq!(world.ask(&format!("{request}&_page=2")).await.0, 500);
    world.set(&json!({"page_size": 5, "foreign_patient": true, "foreign_page": 2})).await;
    let pages = walk(&world, &request).await;
    let strange = |page: &Vec<String>| page.iter().any(|id| !whole.contains(id));
    let found: Vec<_> = (1..).zip(&pages).filter(|(_, page)| strange(page)).map(|(number, _)| number).collect();
    assert!(found == [2] && pages.len() > 2, "{found:?}");
    world.end().await;
}

#[tokio::test]
async fn a_stranger_stands_where_the_faults_say() {
    let world = World::start();
    let request = format!("Encounter?patient={FIRST}");
    let elsewhere = "https://elders.example/fhir/Patient/";
    let cases = [
        ("entry", "/entry/3/search/mode", "match"),
        ("include", "/entry/3/search/mode", "include"),
        ("contained", "/entry/0/resource/contained/0/resourceType", "Encounter"),
        ("reference", "/entry/0/resource/subject/reference", "Patient/delinde-p"),
        ("absolute", "/entry/0/resource/subject/reference", BASE),
        ("elsewhere", "/entry/0/resource/subject/reference", elsewhere),
    ];
    for (kind, path, expected) in cases {
        world.set(&json!({"foreign_patient": true, "foreign_kind": kind})).await;
        let (_, bundle) = world.ask(&request).await;
        let found = bundle.pointer(path).and_then(Value::as_str).unwrap_or_default();
        assert!(found.starts_with(expected) && !found.contains(FIRST), "{kind}: {found} in {bundle}");
        assert!(!bundle.to_string().contains("999950022"), "{kind}");
    }
    world.end().await;
}

#[tokio::test]
async fn answers_come_in_xml_when_asked_or_told() {
    let world = World::start();
    let path = format!("EpisodeOfCare?patient={FIRST}");
    let json = world.ask(&path).await.1;
    let accept = format!("GET /fhir/{path} HTTP/1.1\r\nX-Api-Key: {KEY}\r\nAccept: application/fhir+xml");
    let asked = world.send(&accept).await.0;
    let formatted = world.attempt(&format!("{path}&_format=xml")).await.0;
    world.set(&json!({"format": "xml"})).await;
    let told = world.attempt(&path).await.0;
    for text in [&asked, &formatted, &told] {
        assert!(text.contains("content-type: application/fhir+xml"), "{text}");
        let read = crate::fhir::xml::to_json(body(text).as_bytes(), FhirVersion::Stu3).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&read).unwrap()["entry"], json["entry"]);
    }
    assert_eq!(status(&world.attempt("Spaceship").await.0), 404);
    world.set(&json!({"format": "json"})).await;
    assert!(world.send(&accept).await.0.contains("content-type: application/fhir+json"));
    world.set(&json!({"format": "xml", "foreign_patient": true, "foreign_kind": "xml_entity"})).await;
    let (text, _) = world.attempt(&path).await;
    let (entity, rest) = body(&text).split_once("]>").unwrap();
    assert!(entity.starts_with("<!DOCTYPE Bundle [<!ENTITY ander") && entity.contains("delinde-p2"), "{entity}");
    assert!(rest.ends_with("&ander;</Bundle>") && !rest.contains("delinde-p2"), "{rest}");
    world.end().await;
}

#[tokio::test]
async fn an_answer_can_be_huge_and_still_be_a_searchset() {
    let world = World::start();
    world.set(&json!({"huge_mb": 1, "foreign_patient": true})).await;
    let (text, end) = world.attempt(&format!("Encounter?patient={FIRST}")).await;
    end.unwrap();
    assert!(
        (1_000_000..1_100_000).contains(&text.len()) && text.contains("transfer-encoding: chunked"),
        "{}",
        text.len()
    );
    let plain: String = unchunked(body(&text));
    let bundle: Value = serde_json::from_str(&plain).unwrap();
    let entries = bundle["entry"].as_array().unwrap();
    let ids: std::collections::HashSet<_> = entries.iter().map(|entry| entry["fullUrl"].as_str()).collect();
    assert_eq!(ids.len(), entries.len(), "each has its own address");
    assert!(!entries.last().unwrap().to_string().contains(FIRST), "the stranger comes last");
    let binary =
        json!({"resourceType": "Binary", "id": "pdf", "contentType": "application/pdf", "content": "JVBERi0x"});
    world.emulator.put(FhirVersion::Stu3, vec![binary]).unwrap();
    let (text, _) = world.send(&format!("GET /fhir/Binary/pdf HTTP/1.1\r\nX-Api-Key: {KEY}")).await;
    assert!(text.contains("content-length: 1000000\r\n") && body(&text).len() == 1_000_000);
    world.end().await;
}

/// The body of a chunked transfer (RFC 9112 section 7.1).
fn unchunked(mut text: &str) -> String {
    let mut plain = String::new();
    while let Some((size, rest)) = text.split_once("\r\n") {
        let (piece, rest) = rest.split_at(usize::from_str_radix(size, 16).unwrap());
        plain.push_str(piece);
        text = rest.strip_prefix("\r\n").unwrap();
    }
    plain
}

#[tokio::test]
async fn a_body_drips_stops_or_comes_compressed() {
    let world = World::start();
    let whole = world.attempt("metadata").await.0;
    world.set(&json!({"stop_after_bytes": 10})).await;
    let mut stream = world.connect(&world.connector).await.unwrap();
    let request = format!("GET /fhir/metadata HTTP/1.1\r\nX-Api-Key: {KEY}\r\nHost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut read = vec![0; 4096];
    let mut text = String::new();
    while !text.contains("\r\n\r\n") || body(&text).len() < 10 {
        let count = stream.read(&mut read).await.unwrap();
        text.push_str(std::str::from_utf8(&read[..count]).unwrap());
    }
    assert_eq!(body(&text), &body(&whole)[..10], "and the connection is still there");
    drop(stream);
    world.set(&json!({"slow_drip": 1, "fail": "garbage:type"})).await;
    let (dripped, _) = world.attempt("metadata").await;
    assert!(dripped.contains("content-type: text/plain") && body(&dripped).ends_with("\"searchset\"}"), "{dripped}");
    world.set(&json!({"redirect": true})).await;
    let (moved, _) = world.attempt("metadata").await;
    assert_eq!(status(&moved), 307);
    assert!(moved.contains(&format!("location: {BASE}/elders")) && moved.contains("server: Praktijkbron"), "{moved}");
    world.end().await;
}

#[tokio::test]
async fn a_connection_serves_more_than_one_request() {
    let world = World::start();
    let mut stream = world.connect(&world.connector).await.unwrap();
    let one = |more: &str| format!("GET /fhir/Flag HTTP/1.1\r\nX-Api-Key: {KEY}\r\nHost: x\r\n{more}\r\n");
    stream.write_all(format!("{}{}", one(""), one("Connection: close\r\n")).as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2);
    world.end().await;
}
