//! From "collect my data" to a code, and everything that ends without one.

use inzage::sandbox::person::{Choices, End, Person};

use crate::harness::Gateway;

const DELINDE: &str = "huisarts.delinde@medmij";

#[tokio::test]
async fn a_willing_person_comes_back_with_a_code_that_works_once() {
    let gateway = Gateway::start().await;
    let bsn = gateway.world.practices[0].patients[0].bsn.reveal().to_owned();
    let client = gateway.client("pgo");
    let (code, endpoints, correlation_id) = gateway.code(&client, DELINDE, &bsn).await;
    let token = client.exchange(&endpoints, &code, &correlation_id).await.unwrap();
    assert_eq!((token.token_type.as_str(), token.expires_in, token.scope.as_str()), ("Bearer", 900, "49"));
    assert!(client.exchange(&endpoints, &code, &correlation_id).await.is_err());
    let consent = gateway.last_audit("consent_given");
    assert_eq!(consent["correlation_id"], correlation_id.as_str());
    assert_eq!(consent["client_id"], "pgo.localhost");
    assert_eq!(gateway.last_audit("token_refused")["reason"], "invalid_grant");
    gateway.stop().await;
}

#[tokio::test]
async fn every_no_is_one_and_the_same_answer_to_the_client() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let known = gateway.world.practices[0].patients[0].bsn.reveal().to_owned();
    let elsewhere = gateway.world.practices[1].patients[0].bsn.reveal().to_owned();
    let child = gateway.world.practices[0].patients.iter().find(|person| person.birth_date.year() > 2010).unwrap();
    let willing = Choices::willing(&known);
    let mut answers = Vec::new();
    for (choices, reason) in [
        (Choices { landing: "cancel", ..willing }, "cancelled"),
        (Choices { login: "cancel", ..willing }, "login-cancelled"),
        (Choices { login: "fail", ..willing }, "login-failed"),
        (Choices { bsn: &elsewhere, ..willing }, "not-available"),
        (Choices { bsn: child.bsn.reveal(), ..willing }, "not-available"),
        (Choices { consent: "refuse", ..willing }, ""),
    ] {
        let (End::Client(answer), ..) = gateway.walk(&client, DELINDE, choices).await else { panic!("{reason}") };
        let last = gateway.audit().pop().unwrap();
        assert_eq!(last["outcome"], "refused");
        assert_eq!(last["reason"].as_str().unwrap_or_default(), reason);
        answers.push(answer);
    }
    assert_eq!(answers[0]["error"], "access_denied");
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_on_no_list_gets_neither_page_nor_redirect() {
    let gateway = Gateway::start().await;
    let stranger = gateway.client("not_listed");
    let known = gateway.client("pgo");
    let endpoints = known.endpoints(DELINDE, "49").await.unwrap();
    let url = stranger.authorization_url(&endpoints, "huisarts.delinde", "s", "0d4c6c7a-2f0e-4d7e-9f56-2d3a9a4f6f10");
    let reply = Person::default().open(&stranger, &url).await.unwrap();
    assert_eq!(reply.status, 400);
    assert!(!reply.headers.contains_key("location"));
    assert!(crate::harness::text(&reply).contains("Nummer van deze melding"));
    assert_eq!(gateway.last_audit("authorization_refused")["reason"], "unknown-client");
    gateway.stop().await;
}
