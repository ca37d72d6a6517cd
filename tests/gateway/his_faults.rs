//! What a client gets when the system of a practice fails, and what of that failure it may not get.

use inzage::sandbox::client::new_id;
use inzage::sandbox::his::faults::{Fail, Faults};
use inzage::sandbox::person::{Choices, End};
use serde_json::Value;

use crate::harness::{Gateway, Session, fault, json, seven_searches, text};

const DELINDE: &str = "huisarts.delinde@medmij";
const HAVEN: &str = "huisarts.haven@medmij";
const MOLENWIEK: &str = "huisarts.molenwiek@medmij";

/// Words that stand in the error pages, the addresses and the data of the emulated systems.
const VENDOR_WORDS: [&str; 6] = ["Praktijkbron", "praktijkbron", "Dispatcher", "his-a.", "his-b.", "his-c."];

fn failing(word: &str) -> Faults {
    Faults { fail: Fail::try_from(word.to_owned()).unwrap(), ..Faults::default() }
}

fn bsn(gateway: &Gateway, practice: usize, patient: usize) -> String {
    gateway.world.practices[practice].patients[patient].bsn.reveal().to_owned()
}

/// Asks once, and checks the whole trail of a failure: answer, receipt, audit.
async fn assert_failed(gateway: &Gateway, session: &Session, request: &str, expected: (u16, &str, &str), what: &str) {
    let id = new_id();
    let url = format!("{}/{request}", session.base());
    let asking = session.client.get_as(&url, &session.token.access_token, &session.correlation_id, &id);
    let reply = asking.await.unwrap();
    let (status, issue, code) = expected;
    assert_eq!((reply.status.as_u16(), fault(&reply).0.as_str()), (status, code), "{what}");
    assert_eq!(json(&reply)["issue"][0]["code"], issue, "{what}");
    assert_eq!(fault(&reply).1, "his", "{what}");
    assert_eq!(reply.headers["content-type"], "application/fhir+json; charset=utf-8", "{what}");
    assert_eq!(reply.headers["cache-control"], "no-store", "{what}");
    assert_eq!(reply.headers.contains_key("retry-after"), status == 503, "{what}");
    let (page, headers) = (text(&reply), format!("{:?}", reply.headers));
    let people = gateway.world.practices.iter().flat_map(|practice| &practice.patients);
    for forbidden in VENDOR_WORDS.into_iter().chain(people.flat_map(|person| [person.bsn.reveal(), &person.family])) {
        assert!(!page.contains(forbidden) && !headers.contains(forbidden), "{what}: {forbidden} in {headers} {page}");
    }
    // What the answer names is on disk when it is answered.
    let audit: Vec<Value> = gateway.audit().into_iter().filter(|record| record["request_id"] == id.as_str()).collect();
    let [intent, outcome] = audit.as_slice() else { panic!("{what}: {audit:#?}") };
    assert_eq!((&intent["kind"], &intent["outcome"]), (&"disclosure_intent".into(), &"intended".into()), "{what}");
    assert_eq!((&outcome["kind"], &outcome["outcome"]), (&"disclosure_outcome".into(), &"failed".into()), "{what}");
    assert_eq!((&outcome["reason"], &outcome["intent"]), (&code.into(), &intent["index"]), "{what}");
    assert_eq!(outcome["local_id"], intent["local_id"], "{what}");
    assert_eq!(gateway.named_by(&reply), *outcome, "{what}");
    assert!(outcome.get("counts").is_none(), "{what}");
}

#[tokio::test]
async fn each_failure_has_one_answer_and_a_whole_trail() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &bsn(&gateway, 0, 0)).await;
    let unreachable = (503, "transient", "his-unreachable");
    let nonsense = (502, "exception", "his-nonsense");
    let refused = (502, "exception", "his-refused");
    for (word, expected) in [
        ("refuse", unreachable),
        ("reset", unreachable),
        ("cut", unreachable),
        ("status:302", nonsense),
        ("status:401", refused),
        ("status:403", refused),
        ("status:404", nonsense),
        ("status:429", (503, "throttled", "his-busy")),
        ("status:500", nonsense),
        ("status:503", (503, "throttled", "his-busy")),
        ("status:504", (504, "timeout", "his-timeout")),
    ] {
        // Two are asked of the HIS at once for the second.
        for request in ["Encounter", "EpisodeOfCare"] {
            gateway.world.his[0].set_faults(failing(word));
            assert_failed(&gateway, &session, request, expected, &format!("{word}, {request}")).await;
            gateway.world.his[0].set_faults(Faults::default());
            session.bundle(request).await;
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn garbage_is_refused_whether_a_page_or_broken_json() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &bsn(&gateway, 0, 0)).await;
    gateway.world.his[0].set_faults(failing("garbage"));
    let mut seen = Vec::new();
    for _ in 0..4 {
        let page_comes = (gateway.world.his[0].log().count + 1).is_multiple_of(2);
        let code = if page_comes { "his-nonsense" } else { "his-answer-unfit" };
        assert_failed(&gateway, &session, "Encounter", (502, "exception", code), code).await;
        seen.push(page_comes);
    }
    assert_eq!(seen.iter().filter(|page| **page).count(), 2);
    gateway.stop().await;
}

/// Each kind of rubbish is refused with the words of the gateway and within its memory: it is on record as failed.
#[tokio::test]
async fn f10_rubbish_of_any_kind_is_refused() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &bsn(&gateway, 0, 0)).await;
    let garbage = |kind: &str| failing(&format!("garbage:{kind}"));
    // White space of 64 MB comes out of a few kB.
    let bomb = Faults { gzip: true, huge_mb: 64, ..Faults::default() };
    for (what, faults, code) in [
        ("a page", garbage("html"), "his-nonsense"),
        ("another media type", garbage("type"), "his-nonsense"),
        ("broken JSON", garbage("json"), "his-answer-unfit"),
        ("one name twice", garbage("duplicate"), "his-answer-unfit"),
        ("10,000 brackets", garbage("deep"), "his-answer-unfit"),
        ("no UTF-8", garbage("utf8"), "his-answer-unfit"),
        ("a bomb", bomb, "his-nonsense"),
        ("somebody else", Faults { foreign_patient: true, ..Faults::default() }, "his-answer-unfit"),
    ] {
        gateway.world.his[0].set_faults(faults);
        assert_failed(&gateway, &session, "Encounter", (502, "exception", code), what).await;
        gateway.world.his[0].set_faults(Faults::default());
        session.bundle("Encounter").await;
    }
    gateway.stop().await;
}

#[tokio::test]
async fn an_entry_of_another_patient_withholds_the_whole_answer() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &bsn(&gateway, 0, 0)).await;
    let today = jiff::civil::date(2026, 11, 21);
    for request in seven_searches(today) {
        session.bundle(&request).await;
        gateway.world.his[0].set_faults(Faults { foreign_patient: true, ..Faults::default() });
        let unfit = (502, "exception", "his-answer-unfit");
        assert_failed(&gateway, &session, &request, unfit, &request).await;
        gateway.world.his[0].set_faults(Faults::default());
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_bsn_all_over_the_answer_reaches_nobody() {
    let gateway = Gateway::start().await;
    let number = bsn(&gateway, 0, 0);
    let session = gateway.session(DELINDE, &number).await;
    gateway.world.his[0].set_faults(Faults { unmasked_bsn: true, ..Faults::default() });
    let dotted = format!("{}.{}.{}", &number[..4], &number[4..6], &number[6..]);
    for request in seven_searches(jiff::civil::date(2026, 11, 21)) {
        let reply = session.get(&request).await;
        let body = text(&reply);
        assert_eq!(reply.status, 200, "{request}: {body}");
        assert!(reply.headers.contains_key("inzage-audit-receipt"));
        assert!(!body.contains(&number) && !body.contains(&dotted), "{request}: {body}");
        let entries = json(&reply)["entry"].as_array().unwrap().len();
        // A Composition loses its narrative, and in STU3 has one identifier, so nothing is left to mask there.
        let masks = body.matches("*********").count() + body.matches("\"masked\"").count();
        assert!(masks >= entries || request.starts_with("Composition"), "{request}: {body}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn silence_ends_at_the_deadline() {
    let gateway = Gateway::start_with("[release]\nhis_deadline_ms = 3000\n").await;
    let silent = gateway.session(DELINDE, &bsn(&gateway, 0, 0)).await;
    let slow = gateway.session(HAVEN, &bsn(&gateway, 1, 0)).await;
    gateway.world.his[0].set_faults(failing("hang"));
    gateway.world.his[1].set_faults(Faults { delay_ms: 60_000, ..Faults::default() });
    let timeout = (504, "timeout", "his-timeout");
    tokio::join!(
        assert_failed(&gateway, &silent, "Encounter", timeout, "hang"),
        assert_failed(&gateway, &slow, "EpisodeOfCare", timeout, "delay"),
    );
    gateway.world.his[0].set_faults(Faults::default());
    silent.bundle("Encounter").await;
    gateway.stop().await;
}

#[tokio::test]
async fn another_practice_is_served_while_one_system_hangs() {
    let gateway = Gateway::start().await;
    let hanging = gateway.session(DELINDE, &bsn(&gateway, 0, 0)).await;
    let served = gateway.session(MOLENWIEK, &bsn(&gateway, 2, 0)).await;
    let asked = gateway.world.his[0].log().count;
    gateway.world.his[0].set_faults(failing("hang"));
    let waiting = tokio::spawn(async move { hanging.get("Encounter").await.status });
    gateway.world.his[0].asked(asked + 1).await;
    for request in seven_searches(jiff::civil::date(2026, 11, 21)) {
        served.bundle(&request).await;
    }
    assert!(!waiting.is_finished());
    // What hangs goes on under the new faults.
    gateway.world.his[0].set_faults(Faults::default());
    assert_eq!(waiting.await.unwrap(), 200);
    gateway.stop().await;
}

#[tokio::test]
async fn a_failure_at_login_ends_on_a_page_that_tells_nothing_of_the_system() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let number = bsn(&gateway, 0, 0);
    for (word, status) in [("refuse", 503), ("status:500", 502), ("status:503", 503), ("garbage", 502)] {
        gateway.world.his[0].set_faults(failing(word));
        let (end, ..) = gateway.walk(&client, DELINDE, Choices::willing(&number)).await;
        let End::Page { status: answered, html } = end else { panic!("{word}: {end:?}") };
        assert_eq!(answered.as_u16(), status, "{word}");
        for forbidden in VENDOR_WORDS.into_iter().chain([number.as_str()]) {
            assert!(!html.contains(forbidden), "{word}: {forbidden} in {html}");
        }
    }
    gateway.stop().await;
}
