//! What MedMij leaves open about an authorization request, chosen by configuration.

use inzage::sandbox::client::new_id;
use inzage::sandbox::person::{Choices, End, Person, location};

use crate::harness::{COLLECTED, Gateway};

const DELINDE: &str = "huisarts.delinde@medmij";

/// Where a request with this scope and correlation id leads: the error, or the scope of the token.
async fn outcome(gateway: &Gateway, scope: &str, correlation_id: &str) -> Result<String, String> {
    let client = gateway.client("pgo");
    let endpoints = client.endpoints(DELINDE, "49").await.unwrap();
    let url = client.authorization_url(&endpoints, scope, "s", correlation_id);
    let first = Person::default().open(&client, &url).await.unwrap();
    if let Some(back) = location(&first) {
        let error = back.split_once("error=").unwrap().1;
        return Err(error.split('&').next().unwrap().to_owned());
    }
    let end = Person::default().walk(&client, &url, Choices::willing(&gateway.patient())).await.unwrap();
    let End::Client(answer) = end else { panic!("the walk ended on a page: {end:?}") };
    Ok(client.exchange(&endpoints, &answer["code"], &new_id()).await.unwrap().scope)
}

#[tokio::test]
async fn the_scope_grammar_is_that_of_the_release_that_is_configured() {
    let refused = || Err("invalid_scope".to_owned());
    let of_2 = Gateway::start().await;
    assert_eq!(outcome(&of_2, "huisarts.delinde", &new_id()).await, Ok(COLLECTED.to_owned()));
    assert_eq!(outcome(&of_2, "huisarts.delinde~49", &new_id()).await, refused(), "49 is not to share with");
    of_2.stop().await;
    let of_1_5 = Gateway::start_with("[oauth]\nscope_release = \"1.5\"\n").await;
    assert_eq!(outcome(&of_1_5, "huisarts.delinde~49", &new_id()).await, Ok("49".to_owned()));
    let more = outcome(&of_1_5, "huisarts.delinde~49 huisarts.delinde~999", &new_id()).await;
    assert_eq!(more, Ok("49".to_owned()), "what is not offered is left out");
    for scope in ["huisarts.delinde", "huisarts.delinde~49 huisarts.haven~49", "huisarts.delinde~999"] {
        assert_eq!(outcome(&of_1_5, scope, &new_id()).await, refused(), "{scope}");
    }
    of_1_5.stop().await;
}

#[tokio::test]
async fn the_ids_of_the_network_are_asked_for_when_the_configuration_says_so() {
    let strict = Gateway::start_with("[oauth]\nrequire_ids = true\n").await;
    assert_eq!(outcome(&strict, "huisarts.delinde", &new_id()).await, Ok(COLLECTED.to_owned()));
    assert_eq!(outcome(&strict, "huisarts.delinde", "no-uuid").await, Err("invalid_request".to_owned()));
    strict.stop().await;
}
