//! What a provider sends is read without a panic, whatever it is, and leads nowhere but to its origins.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::departure::Departed;
use super::super::metadata::{Demands, Metadata};
use super::super::tokens::Tokens;
use crate::jose::SignatureAlgorithm;
use crate::session::login::LoginState;

const ISSUER: &str = "https://login.example";

fn document() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://login.example/a?tenant=1",
        "token_endpoint": "https://login.example/t",
        "userinfo_endpoint": "https://login.example/u",
        "jwks_uri": "https://login.example/k",
        "code_challenge_methods_supported": ["S256"],
    })
}

fn read(text: &str) -> Option<Metadata> {
    let origins = [ISSUER.to_owned()];
    let demands =
        Demands { issuer: ISSUER, origins: &origins, needs_userinfo: true, our_algorithm: SignatureAlgorithm::Es256 };
    Metadata::parse(text, &demands).ok()
}

pub(super) fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(|number| json!(number)),
        "https?://(login.example|evil.example|127.0.0.1)(:[0-9]{1,5})?[/@#?\\\\]?\\PC{0,8}"
            .prop_map(|text| json!(text)),
        "\\PC{0,20}".prop_map(|text| json!(text)),
        proptest::collection::vec("\\PC{0,8}", 0..3).prop_map(|list| json!(list)),
    ]
}

proptest! {
    #[test]
    fn no_document_panics(text in "\\PC{0,200}") {
        prop_assert!(read(&text).is_none());
        prop_assert!(Tokens::parse(&text).is_err());
    }

    #[test]
    fn no_damage_to_a_document_leads_elsewhere(name in 0..6_usize, value in anything()) {
        let mut document = document();
        let name = document.as_object().unwrap().keys().nth(name).unwrap().clone();
        document[name.as_str()] = value;
        if let Some(metadata) = read(&document.to_string()) {
            for endpoint in [Some(&metadata.authorization), Some(&metadata.token), metadata.userinfo.as_ref(), Some(&metadata.keys)] {
                prop_assert_eq!(endpoint.unwrap().url().origin().ascii_serialization(), ISSUER);
            }
            prop_assert_eq!(metadata.issuer, ISSUER);
        }
    }

    #[test]
    fn no_token_answer_panics(name in "access_token|token_type|id_token|\\PC{1,8}", value in anything()) {
        let mut answer = json!({"access_token": "a", "token_type": "Bearer", "id_token": "x.y.z"});
        answer[name.as_str()] = value;
        if let Ok(tokens) = Tokens::parse(&answer.to_string()) {
            prop_assert!(tokens.access_token.reveal().bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }

    #[test]
    fn no_state_panics(text in "\\PC{0,40}|[a-z.]{0,10}\\.[a-z]{0,5}\\.-?[0-9]{1,25}") {
        if let Some(departed) = Departed::read(&LoginState::new(text.clone())) {
            prop_assert!(text.starts_with(departed.verifier.reveal().as_str()));
        }
    }
}

#[test]
fn what_is_kept_of_a_departure_is_read_back() {
    let departed = Departed::now("2026-11-21T11:00:00.5Z".parse().unwrap());
    let (verifier, nonce, at) = (departed.verifier.clone(), departed.nonce.clone(), departed.at);
    let read = Departed::read(&departed.into_state()).unwrap();
    assert!(read.verifier == verifier && read.nonce == nonce && read.at == at);
    assert_eq!(at.to_string(), "2026-11-21T11:00:00Z");
}

#[test]
fn an_endpoint_keeps_its_own_query() {
    let metadata = read(&document().to_string()).unwrap();
    assert_eq!(metadata.authorization.url().query(), Some("tenant=1"));
}
