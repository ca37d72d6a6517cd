//! Faults on the way to a HIS: one that is dead is left alone, what is repeated and what is not, and tokens that end.

use std::time::Duration;

use inzage::sandbox::his::faults::{Fail, Faults};

use crate::harness::{Gateway, Session, fault};

const DELINDE: &str = "huisarts.delinde@medmij";
const HAVEN: &str = "huisarts.haven@medmij";

/// How many failures in a row a HIS may have before it is left alone.
const MOST: usize = 5;

fn failing(word: &str) -> Faults {
    Faults { fail: Fail::try_from(word.to_owned()).unwrap(), ..Faults::default() }
}

fn bsn(gateway: &Gateway, practice: usize) -> String {
    gateway.world.practices[practice].patients[0].bsn.reveal().to_owned()
}

/// Status, code, and whether it says when to try again.
async fn ask(session: &Session) -> (u16, String, bool) {
    let reply = session.get("Encounter").await;
    (reply.status.as_u16(), fault(&reply).0, reply.headers.contains_key("retry-after"))
}

#[tokio::test]
async fn f08_a_dead_his_is_left_alone_and_the_others_do_not_notice() {
    let gateway = Gateway::start_with("[release]\nhis_deadline_ms = 500\n").await;
    let dead = gateway.session(DELINDE, &bsn(&gateway, 0)).await;
    let alive = gateway.session(HAVEN, &bsn(&gateway, 1)).await;
    let his = &gateway.world.his[0];
    for (word, expected) in [("refuse", (503, "his-unreachable")), ("hang", (504, "his-timeout"))] {
        dead.bundle("Encounter").await;
        his.set_faults(failing(word));
        let mut answers = Vec::new();
        while answers.last().is_none_or(|last: &(u16, String, bool)| last.1 != "his-open") {
            assert!(answers.len() <= MOST, "{word}: {answers:?}");
            let (answer, other) = tokio::join!(ask(&dead), alive.get("Encounter"));
            assert_eq!(other.status, 200, "another HIS while this one fails: {word}");
            answers.push(answer);
        }
        let (open, failed) = answers.split_last().unwrap();
        assert_eq!((open.0, open.2), (503, true), "{word}");
        assert!(failed.iter().all(|(status, code, _)| (*status, code.as_str()) == expected), "{word}: {answers:?}");
        // It is not even asked.
        let asked = his.log().count;
        assert_eq!(ask(&dead).await, (503, "his-open".to_owned(), true), "{word}");
        assert_eq!(his.log().count, asked, "{word}");
        let (_, metrics) = gateway.ops("/metrics").await;
        assert!(metrics.contains("inzage_his_breaker{his=\"his-a\",endpoint=\"fhir\"} 2"), "{word}: {metrics}");
        assert!(metrics.contains("inzage_his_breaker{his=\"his-b\",endpoint=\"fhir\"} 0"), "{word}: {metrics}");
        his.set_faults(Faults::default());
        gateway.clock.advance(Duration::from_secs(6));
        dead.bundle("Encounter").await;
    }
    gateway.stop().await;
}

#[tokio::test]
async fn f11_a_read_whose_connection_breaks_is_asked_twice_and_no_more() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &bsn(&gateway, 0)).await;
    session.bundle("Encounter").await;
    let his = &gateway.world.his[0];
    his.set_faults(failing("reset"));
    let before = his.log().count;
    assert_eq!(ask(&session).await, (503, "his-unreachable".to_owned(), true));
    assert_eq!(his.log().count, before + 2);
    gateway.stop().await;
}

#[tokio::test]
async fn f11_a_search_for_the_patient_by_post_is_asked_once() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &bsn(&gateway, 0)).await;
    let his = &gateway.world.his[0];
    let other = gateway.world.practices[0].patients[1].bsn.reveal().to_owned();
    session.bundle("Encounter").await;
    his.set_faults(failing("reset"));
    let before = his.log().count;
    let choices = inzage::sandbox::person::Choices::willing(&other);
    let _ = gateway.walk(&gateway.client("pgo"), DELINDE, choices).await;
    assert_eq!(his.log().count, before + 1);
    gateway.stop().await;
}

#[tokio::test]
async fn a_his_that_gives_tokens_is_asked_with_one_and_a_new_one_after_its_end() {
    let gateway = Gateway::start().await;
    let session = gateway.session(HAVEN, &bsn(&gateway, 1)).await;
    let his = &gateway.world.his[1];
    let shown = || his.log().last.unwrap().headers.get("authorization").cloned().unwrap_or_default();
    session.bundle("Encounter").await;
    let first = shown();
    assert!(first.starts_with("Bearer "), "{first}");
    session.bundle("Encounter").await;
    assert_eq!(shown(), first, "it is good for some minutes");
    gateway.clock.advance(Duration::from_secs(400));
    session.bundle("Encounter").await;
    assert_ne!(shown(), first);
    gateway.stop().await;
}

#[tokio::test]
async fn a_token_that_the_his_forgot_is_fetched_anew_within_the_request() {
    let gateway = Gateway::start().await;
    let session = gateway.session(HAVEN, &bsn(&gateway, 1)).await;
    session.bundle("Encounter").await;
    gateway.world.his[1].forget_tokens();
    session.bundle("Encounter").await;
    gateway.stop().await;
}
