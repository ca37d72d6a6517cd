//! The page on which a person confirms what an app shares.

use inzage::sandbox::client::new_id;
use inzage::sandbox::person::{Choices, End, Person};

use super::{DELINDE, sharing};
use crate::harness::{Gateway, text};
use crate::pages::{self, Page};

#[tokio::test]
async fn a_person_confirms_one_run_and_is_offered_no_more() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let endpoints = client.endpoints(DELINDE, "53").await.unwrap();
    let url = client.authorization_url(&endpoints, "huisarts.delinde~53", "state", &new_id());
    let bsn = gateway.patient();
    let choices = Choices { indefinite: true, ..Choices::willing(&bsn) };
    let End::Client(answer) = Person::default().walk(&client, &url, choices).await.unwrap() else {
        panic!("the walk ended on a page")
    };
    let token = client.exchange(&endpoints, &answer["code"], &new_id()).await.unwrap();
    assert_eq!(token.refresh_token, None, "only collecting may last (VC-diff)");
    assert_eq!(token.scope, "53");
    let consent = gateway.last_audit("consent_given");
    assert_eq!(consent["detail"], "services 53, for this time");
    gateway.stop().await;
}

#[tokio::test]
async fn the_page_asks_for_a_confirmation_in_both_languages() {
    let (gateway, _) = sharing("53").await;
    let client = gateway.client("pgo");
    let endpoints = client.endpoints(DELINDE, "53").await.unwrap();
    let url = client.authorization_url(&endpoints, "huisarts.delinde~53", "state", &new_id());
    let reply = pages::open(&client, &url).await;
    let landing = Page::of(&gateway, &reply, pages::cookie(&reply));
    let login = pages::login(&gateway, &client, &landing).await;
    let asked = pages::log_in(&gateway, &client, &login).await;
    for (language, title) in [("nl", "Ja, stuur mijn gegevens"), ("en", "Yes, send my data")] {
        let address = asked.address.replace("lang=nl", &format!("lang={language}"));
        let html = text(&pages::see(&client, &address, &asked.cookie).await);
        assert!(html.contains(title), "{html}");
        assert!(html.contains("De Linde"), "{html}");
        assert!(!html.contains("name=\"indefinite\""), "{html}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn one_run_shares_one_service_that_is_to_be_shared() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let endpoints = client.endpoints(DELINDE, "53").await.unwrap();
    for scope in ["huisarts.delinde~49", "huisarts.delinde~53 huisarts.delinde~60", "huisarts.delinde~99"] {
        let url = client.authorization_url(&endpoints, scope, "state", &new_id());
        let end = Person::default().walk(&client, &url, Choices::willing(&gateway.patient())).await.unwrap();
        let End::Client(answer) = end else { panic!("{scope}: {end:?}") };
        assert_eq!(answer["error"], "invalid_scope", "{scope}");
    }
    gateway.stop().await;
}
