//! Reading in the access log of others: who may, why, what they see, and what stands on record of it.

use inzage::clock::SharedClock;
use inzage::sandbox::client::PgoClient;
use serde_json::Value;

use crate::harness::{Gateway, json, operations};

const DELINDE: &str = "huisarts.delinde@medmij";
const REASON: &str = "klacht van 20 november over inzage";

/// Somebody with a certificate at the desk.
struct Reader<'a> {
    gateway: &'a Gateway,
    client: PgoClient,
}

/// An answer of the desk.
struct Said {
    status: u16,
    receipt: Option<String>,
    text: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}", self.text))
    }

    fn records(&self) -> Vec<Value> {
        self.json()["records"].as_array().unwrap_or_else(|| panic!("{}", self.text)).clone()
    }
}

impl<'a> Reader<'a> {
    fn new(gateway: &'a Gateway, file: &str) -> Self {
        let clock = std::sync::Arc::clone(&gateway.clock) as SharedClock;
        Self { gateway, client: gateway.world.reader(file, &clock).unwrap() }
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.gateway.world.layout.desk_origin())
    }

    async fn get(&self, path: &str, accept: &str) -> Said {
        said(self.client.http().get(self.address(path)).header("accept", accept)).await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)], accept: &str) -> Said {
        said(self.client.http().post(self.address(path)).header("accept", accept).form(fields)).await
    }

    async fn search(&self, fields: &[(&str, &str)]) -> Said {
        let why = [("ground", "complaint"), ("reason", REASON)];
        let fields: Vec<_> = why.iter().chain(fields).copied().collect();
        self.post("/search", &fields, "application/json").await
    }
}

async fn said(request: reqwest::RequestBuilder) -> Said {
    let response = request.send().await.unwrap();
    let receipt = response.headers().get("inzage-audit-receipt").map(|value| value.to_str().unwrap().to_owned());
    Said { status: response.status().as_u16(), receipt, text: response.text().await.unwrap() }
}

/// A person has collected their data, and all of that is in the index.
async fn collected(gateway: &Gateway) -> String {
    let bsn = gateway.patient();
    let session = gateway.session(DELINDE, &bsn).await;
    let reply = session.get("Patient?_include=Patient:general-practitioner").await;
    assert_eq!(reply.status, 200, "{}", json(&reply));
    indexed(gateway).await;
    bsn
}

async fn indexed(gateway: &Gateway) {
    let url = format!("{}/metrics", gateway.world.layout.ops_url());
    for _ in 0..2_000 {
        if operations(&url).await.1.contains("\ninzage_audit_index_behind 0\n") {
            return;
        }
    }
    panic!("the index does not catch up");
}

#[tokio::test]
async fn an_auditor_finds_what_happened_and_is_on_record_first() {
    let gateway = Gateway::start().await;
    let _bsn = collected(&gateway).await;
    let auditor = Reader::new(&gateway, "auditor");
    let found = auditor.search(&[("client", "pgo.localhost"), ("outcome", "done")]).await;
    assert_eq!(found.status, 200, "{}", found.text);
    let kinds: Vec<_> = found.records().iter().map(|record| record["kind"].clone()).collect();
    assert!(kinds.contains(&"disclosure_outcome".into()), "{kinds:?}");
    assert!(found.records().iter().all(|record| record["outcome"] == "done" && record["client_id"] == "pgo.localhost"));

    let read = gateway.last_audit("log_read");
    let receipt = found.receipt.clone().unwrap();
    assert_eq!(receipt.rsplit('/').next().unwrap(), read["index"].to_string());
    assert_eq!(read["user"], "operator:auditor.localhost");
    assert_eq!((&read["authorization"], &read["access_point"]), (&"operator".into(), &"127.0.0.1".into()));
    assert_eq!(read["detail"], format!("auditor, complaint: {REASON}"));
    assert_eq!(read["counts"]["entries"], found.records().len());
}

#[tokio::test]
async fn a_search_without_a_reason_finds_nothing() {
    let gateway = Gateway::start().await;
    let auditor = Reader::new(&gateway, "auditor");
    let bsn = gateway.patient();
    let with_bsn = format!("klacht van {bsn} over inzage");
    for fields in [
        vec![],
        vec![("ground", "complaint")],
        vec![("ground", "complaint"), ("reason", "te kort")],
        vec![("ground", "curiosity"), ("reason", REASON)],
        vec![("ground", "complaint"), ("reason", &with_bsn)],
        vec![("ground", "curiosity"), ("reason", &with_bsn)],
        vec![("ground", "complaint"), ("reason", REASON), ("client", &with_bsn)],
    ] {
        let refused = auditor.post("/search", &fields, "application/json").await;
        assert_eq!((refused.status, refused.json()["error"].as_str()), (400, Some("wrong-question")), "{fields:?}");
        let page = auditor.post("/search", &fields, "text/html").await;
        assert!(page.status == 400 && page.text.contains("Dit klopt nog niet"), "{}", page.text);
        assert!(!page.text.contains(&bsn), "what holds a BSN does not come back");
    }
    assert!(gateway.audit_of("log_read").is_empty());
}

/// C.5 94.
#[tokio::test]
async fn case_94_who_may_not_read_is_refused_and_on_record() {
    let gateway = Gateway::start().await;
    for file in ["pgo", "stranger"] {
        let nobody = Reader::new(&gateway, file);
        for said in [nobody.get("/", "text/html").await, nobody.search(&[]).await] {
            assert_eq!(said.status, 403, "{}", said.text);
        }
        let refusal = gateway.last_audit("log_read");
        assert_eq!((&refusal["outcome"], &refusal["reason"]), (&"refused".into(), &"no-auditor".into()));
        assert_eq!(refusal["peer"], format!("{file}.localhost"));
    }
    assert_eq!(gateway.audit_of("log_read").len(), 4);
}

#[tokio::test]
async fn a_practice_sees_its_own_patients_only() {
    let gateway = Gateway::start().await;
    let other = gateway.world.practices[1].clone();
    collected(&gateway).await;
    gateway.session(other.provider.as_str(), other.patients[0].bsn.reveal()).await;
    indexed(&gateway).await;
    let practice = Reader::new(&gateway, "praktijk");
    let found = practice.search(&[]).await;
    assert!(!found.records().is_empty());
    assert!(found.records().iter().all(|record| record["provider"] == DELINDE), "{}", found.text);
    let refused = practice.search(&[("practice", other.provider.as_str())]).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert_eq!(gateway.last_audit("log_read")["reason"], "not-their-practice");
}

#[tokio::test]
async fn a_search_for_one_person_waits_for_a_second_pair_of_eyes() {
    let gateway = Gateway::start().await;
    let bsn = collected(&gateway).await;
    let (asker, judge) = (Reader::new(&gateway, "auditor"), Reader::new(&gateway, "auditor2"));
    let waits = asker.search(&[("patient", &bsn), ("client", "pgo.localhost")]).await;
    assert_eq!(waits.status, 202, "{}", waits.text);
    let id = waits.json()["waits"].as_str().unwrap().to_owned();
    let path = format!("/requests/{id}");

    assert_eq!(act(&asker, &path, "run").await.status, 409, "nobody has agreed");
    assert_eq!(act(&asker, &path, "").await.status, 400, "no word of this form");
    assert_eq!(act(&asker, &path, "approve").await.status, 403, "nobody agrees to their own");
    assert_eq!(act(&Reader::new(&gateway, "praktijk"), &path, "approve").await.status, 403, "not theirs to see");
    let listed = judge.get("/requests", "application/json").await;
    let (question, whole) = (&listed.json()[0]["question"], judge.get("/requests", "text/html").await.text);
    assert_eq!(question["client"], "pgo.localhost", "who judges sees the whole question");
    assert!(whole.contains("pgo.localhost") && !whole.contains(&bsn), "{whole}");
    assert_eq!(
        (&listed.json()[0]["asker"], &listed.json()[0]["reason"]),
        (&"auditor.localhost".into(), &REASON.into())
    );
    assert_eq!(act(&judge, &path, "approve").await.status, 200);
    assert_eq!(act(&judge, &path, "run").await.status, 403, "it is the asker's");

    let found = act(&asker, &path, "run").await;
    let subjects: Vec<_> = found.records().iter().map(|record| record["subject"].clone()).collect();
    assert!(!subjects.is_empty() && subjects.iter().all(|subject| *subject == subjects[0]), "{subjects:?}");
    assert!(!found.text.contains(&bsn));
    gateway.clock.advance(std::time::Duration::from_secs(3_601));
    assert_eq!(act(&asker, &path, "run").await.status, 404, "for an hour only");

    let on_record = gateway.audit_of("administration");
    assert_eq!(on_record.last().unwrap()["detail"], "search of auditor.localhost approved");
    let asked = &gateway.audit_of("log_read")[0];
    assert_eq!((&asked["outcome"], &asked["reason"]), (&"intended".into(), &"asks-second-person".into()));
    assert_eq!(asked["subject"], subjects[0]);
}

async fn act(reader: &Reader<'_>, path: &str, action: &str) -> Said {
    reader.post(path, &[("action", action)], "application/json").await
}

#[tokio::test]
async fn pages_are_turned_and_files_copied_by_who_asked() {
    let gateway = Gateway::start().await;
    collected(&gateway).await;
    let auditor = Reader::new(&gateway, "auditor");
    // What is recorded of this reading is done, so that it is not among what is found.
    let found = auditor.search(&[("practice", DELINDE), ("outcome", "intended")]).await;
    let ticket = found.json()["ticket"].as_str().unwrap().to_owned();
    let count = found.records().len();
    assert!(count > 0, "{}", found.text);
    for (form, titles) in [("ndjson", 0), ("csv", 1), ("fhir", 0), ("nen7513", 1)] {
        let file = auditor.post("/file", &[("ticket", &ticket), ("form", form)], "*/*").await;
        // The looks before it are records of the same period, and are among them as soon as they are in the index.
        let copied = gateway.last_audit("log_exported")["counts"]["entries"].as_u64().unwrap() as usize;
        assert!(copied >= count, "{form}: {copied} of {count}");
        assert_eq!((file.status, file.text.lines().count()), (200, copied + titles), "{form}: {}", file.text);
    }
    let again = auditor.post("/page", &[("ticket", &ticket)], "application/json").await;
    assert_eq!(again.status, 200, "{}", again.text);
    let other = Reader::new(&gateway, "auditor2");
    assert_eq!(other.post("/page", &[("ticket", &ticket)], "application/json").await.status, 400);
    assert_eq!(auditor.post("/page", &[("ticket", "AAAA")], "application/json").await.status, 400);
    gateway.clock.advance(std::time::Duration::from_secs(3_601));
    assert_eq!(auditor.post("/page", &[("ticket", &ticket)], "application/json").await.status, 400, "an hour later");
}

#[tokio::test]
async fn pages_say_what_they_must_and_take_nothing_from_other_sites() {
    let gateway = Gateway::start().await;
    collected(&gateway).await;
    let auditor = Reader::new(&gateway, "auditor");
    let start = auditor.get("/?lang=en", "text/html").await;
    assert!(start.text.contains("Search the access log") && start.text.contains("auditor.localhost"), "{}", start.text);
    let why = [("ground", "audit"), ("reason", "jaarlijkse <b>controle</b>"), ("client", "pgo.localhost")];
    let found = auditor.post("/search?lang=nl", &why, "text/html").await;
    assert!(found.text.contains("EventDateTime") && found.text.contains("pgo.localhost"), "{}", found.text);
    assert!(!found.text.contains("<b>controle"), "escaped");
    let foreign = auditor.client.http().post(auditor.address("/search")).header("origin", "https://elsewhere.example");
    assert_eq!(said(foreign.header("sec-fetch-site", "cross-site").form(&why)).await.status, 403);
    assert_eq!(auditor.get("/nowhere", "text/html").await.status, 404);
}
