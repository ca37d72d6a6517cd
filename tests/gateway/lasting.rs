//! Lasting consent: tokens without the person there, for as long as they are used and the provider still has data.

use std::time::Duration;

use inzage::lists::ListKind;
use inzage::sandbox::client::{Reply, TokenAnswer};
use inzage::sandbox::his::faults::{Fail, Faults};
use inzage::sandbox::person::{Choices, End};

use crate::harness::{COLLECTED, Gateway, Session, json};
use crate::lists::{publish, without};

const DELINDE: &str = "huisarts.delinde@medmij";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn refresh(session: &Session, token: &str) -> Reply {
    session.client.refresh(&session.endpoints, token).await.unwrap()
}

fn refreshed(reply: &Reply) -> (TokenAnswer, String) {
    assert_eq!(reply.status, 200, "{}", crate::harness::text(reply));
    let answer: TokenAnswer = serde_json::from_slice(&reply.body).unwrap();
    let next = answer.refresh_token.clone().unwrap();
    (answer, next)
}

fn error(reply: &Reply) -> (u16, String) {
    (reply.status.as_u16(), json(reply)["error"].as_str().unwrap().to_owned())
}

/// Moves the clock, and has the lists given again.
async fn pass(gateway: &Gateway, time: Duration, sequence: u64) {
    gateway.clock.advance(time);
    publish(gateway, sequence, |_, list| list);
    gateway.refresh_lists().await;
}

#[tokio::test]
async fn only_who_chose_it_gets_a_refresh_token_and_each_use_gives_the_next() {
    let gateway = Gateway::start().await;
    assert!(gateway.session(DELINDE, &gateway.patient()).await.token.refresh_token.is_none());
    let session = gateway.lasting_session(DELINDE, &gateway.patient()).await;
    let asked = gateway.his_requests();
    let (answer, next) = refreshed(&refresh(&session, session.refresh_token()).await);
    assert_eq!((answer.token_type.as_str(), answer.expires_in, answer.scope.as_str()), ("Bearer", 900, COLLECTED));
    assert_ne!((&next, &answer.access_token), (&session.refresh_token().to_owned(), &session.token.access_token));
    assert_eq!(gateway.his_requests(), asked + 1, "the provider was asked whether there is still data");
    let issued = gateway.audit_of("token_issued");
    let [.., intent, done] = &issued[..] else { panic!("{issued:#?}") };
    assert_eq!((&intent["outcome"], &done["outcome"]), (&"intended".into(), &"done".into()));
    assert_eq!((&done["intent"], &done["grant"]), (&intent["index"], &gateway.last_audit("consent_given")["grant"]));
    for token in [&session.token.access_token, &answer.access_token] {
        let url = format!("{}/EpisodeOfCare", session.base());
        assert_eq!(session.client.get(&url, token, &session.correlation_id).await.unwrap().status, 200);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn the_scope_may_be_written_with_the_name_of_the_provider() {
    let gateway = Gateway::start_with("[oauth]\ntoken_scope = \"name~id\"\n").await;
    let session = gateway.lasting_session(DELINDE, &gateway.patient()).await;
    let named: Vec<_> = COLLECTED.split(' ').map(|id| format!("huisarts.delinde~{id}")).collect();
    assert_eq!(session.token.scope, named.join(" "));
    assert_eq!(refreshed(&refresh(&session, session.refresh_token()).await).0.scope, named.join(" "));
    gateway.stop().await;
}

#[tokio::test]
async fn a_consent_lasts_while_it_is_used_and_lapses_after_half_a_year() {
    let gateway = Gateway::start().await;
    let session = gateway.lasting_session(DELINDE, &gateway.patient()).await;
    // 21 November to 21 May is 181 days.
    pass(&gateway, 180 * DAY, 2).await;
    let (_, second) = refreshed(&refresh(&session, session.refresh_token()).await);
    pass(&gateway, 180 * DAY, 3).await;
    let (_, third) = refreshed(&refresh(&session, &second).await);
    pass(&gateway, 190 * DAY, 4).await;
    assert_eq!(error(&refresh(&session, &third).await), (400, "invalid_grant".to_owned()));
    gateway.stop().await;
}

#[tokio::test]
async fn a_his_that_gives_no_answer_costs_nobody_their_consent() {
    let gateway = Gateway::start().await;
    let session = gateway.lasting_session(DELINDE, &gateway.patient()).await;
    for word in ["refuse", "reset", "status:500", "garbage"] {
        let fail = Fail::try_from(word.to_owned()).unwrap();
        gateway.world.his[0].set_faults(Faults { fail, ..Faults::default() });
        let reply = refresh(&session, session.refresh_token()).await;
        assert_eq!(error(&reply), (503, "temporarily_unavailable".to_owned()), "{word}");
        assert!(reply.headers.contains_key("retry-after"), "{word}");
        assert_eq!(gateway.last_audit("token_refused")["reason"], "his-gives-no-answer", "{word}");
    }
    gateway.world.his[0].set_faults(Faults::default());
    refreshed(&refresh(&session, session.refresh_token()).await);
    gateway.stop().await;
}

#[tokio::test]
async fn lists_that_are_too_old_cost_nobody_their_consent() {
    let gateway = Gateway::start().await;
    let session = gateway.lasting_session(DELINDE, &gateway.patient()).await;
    gateway.clock.advance(2 * DAY);
    let reply = refresh(&session, session.refresh_token()).await;
    assert_eq!(error(&reply), (503, "temporarily_unavailable".to_owned()));
    pass(&gateway, Duration::ZERO, 2).await;
    refreshed(&refresh(&session, session.refresh_token()).await);
    gateway.stop().await;
}

/// What the practice does not offer any more is not given, and comes back when the practice offers it again.
#[tokio::test]
async fn a_provider_that_left_the_list_gives_no_token_until_it_is_back() {
    let gateway = Gateway::start().await;
    let session = gateway.lasting_session(DELINDE, &gateway.patient()).await;
    publish(&gateway, 2, |kind, list| match kind {
        ListKind::Zal => without(&list, "Zorgaanbieder", DELINDE),
        ListKind::Ocl | ListKind::Whl | ListKind::Gnl => list,
    });
    gateway.refresh_lists().await;
    gateway.clock.advance(Duration::from_secs(3600));
    let asked = gateway.his_requests();
    assert_eq!(error(&refresh(&session, session.refresh_token()).await), (400, "invalid_grant".to_owned()));
    assert_eq!(gateway.his_requests(), asked);
    pass(&gateway, Duration::ZERO, 3).await;
    refreshed(&refresh(&session, session.refresh_token()).await);
    gateway.stop().await;
}

/// What nobody was given is not in force: a person would find a consent of which no PGO knows.
#[tokio::test]
async fn a_token_that_cannot_be_kept_leaves_no_consent_behind() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let bsn = gateway.patient();
    let choices = Choices { indefinite: true, ..Choices::willing(&bsn) };
    let (End::Client(answer), endpoints, correlation) = gateway.walk(&client, DELINDE, choices).await else {
        panic!("the walk ended on a page")
    };
    let store = rusqlite::Connection::open(gateway.folder().join("gateway/inzage.sqlite")).unwrap();
    store
        .execute_batch("CREATE TRIGGER broken BEFORE INSERT ON tokens BEGIN SELECT RAISE(ABORT, 'broken'); END")
        .unwrap();
    let refused = client.exchange(&endpoints, &answer["code"], &correlation).await.unwrap_err().to_string();
    assert!(refused.contains("503"), "{refused}");
    let families: u32 = store.query_row("SELECT count(*) FROM refreshes", [], |row| row.get(0)).unwrap();
    assert_eq!(families, 0);
    drop(store);
    gateway.stop().await;
}
