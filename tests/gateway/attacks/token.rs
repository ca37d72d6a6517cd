//! Attacks on the token endpoint: who gets a token, who does not, and what is left of a code that was shown wrongly.

use std::time::Duration;

use inzage::sandbox::client::{Endpoints, PgoClient, Reply, new_id};
use inzage::sandbox::his::faults::{Fail, Faults};
use reqwest::Method;
use tokio::task::JoinSet;

use crate::harness::{Gateway, ROLE, json};

const DELINDE: &str = "huisarts.delinde@medmij";

/// The form that the client of a code sends.
fn form(client: &PgoClient, code: &str) -> Vec<(String, String)> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    vec![
        pair("grant_type", "authorization_code"),
        pair("code", code),
        pair("client_id", &client.client_id),
        pair("redirect_uri", &client.redirect_uri),
    ]
}

/// The same form with one field changed, or left out.
fn with(mut form: Vec<(String, String)>, name: &str, value: Option<&str>) -> Vec<(String, String)> {
    form.retain(|(key, _)| key != name);
    form.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    form
}

async fn present(client: &PgoClient, endpoints: &Endpoints, form: &[(String, String)]) -> Reply {
    client.token_request(&endpoints.token, form, &new_id()).await.unwrap()
}

/// Expects a refusal as RFC 6749 section 5.2 writes it, and its record as the last of the log.
fn refused(gateway: &Gateway, reply: &Reply, status: u16, error: &str) -> serde_json::Value {
    refused_for(gateway, reply, (status, error), error)
}

/// The same, with the reason in the record.
fn refused_for(gateway: &Gateway, reply: &Reply, expected: (u16, &str), reason: &str) -> serde_json::Value {
    assert_eq!((reply.status.as_u16(), json(reply)["error"].as_str().unwrap()), expected);
    assert_eq!(reply.headers["cache-control"], "no-store");
    assert_eq!(reply.headers["content-type"], "application/json");
    let record = gateway.audit().pop().unwrap();
    assert_eq!((&record["kind"], &record["outcome"]), (&"token_refused".into(), &"refused".into()), "{record}");
    assert_eq!(record["reason"], reason);
    assert!(record["local_id"].is_string() && record["peer"].is_string(), "{record}");
    record
}

async fn status_of_data(client: &PgoClient, endpoints: &Endpoints, token: &str) -> u16 {
    let url = format!("{}/EpisodeOfCare", endpoints.resources[ROLE]);
    client.get(&url, token, &new_id()).await.unwrap().status.as_u16()
}

#[tokio::test]
async fn case_26_a_code_of_another_pgo_fails_and_is_dead_afterwards() {
    let gateway = Gateway::start().await;
    let (owner, other) = (gateway.client("pgo"), gateway.client("pgo2"));
    // As itself, with the redirect URI of either; and as the owner, with its own certificate.
    let cases = [
        (&other.client_id, &owner.redirect_uri, 400, "invalid_grant"),
        (&other.client_id, &other.redirect_uri, 400, "invalid_grant"),
        (&owner.client_id, &owner.redirect_uri, 401, "invalid_client"),
    ];
    for (client_id, redirect_uri, status, error) in cases {
        let (code, endpoints, _) = gateway.code(&owner, DELINDE, &gateway.patient()).await;
        let stolen = with(form(&owner, &code), "client_id", Some(client_id));
        let stolen = with(stolen, "redirect_uri", Some(redirect_uri));
        let theft = refused(&gateway, &present(&other, &endpoints, &stolen).await, status, error);
        assert_eq!((&theft["peer"], &theft["client_id"]), (&"pgo2.localhost".into(), &client_id.as_str().into()));
        assert_eq!(theft["provider"], DELINDE);
        assert!(theft["subject"].is_string() && theft["grant"].is_string(), "{theft}");
        let reply = present(&owner, &endpoints, &form(&owner, &code)).await;
        let late = refused(&gateway, &reply, 400, "invalid_grant");
        assert_eq!((&late["peer"], &late["client_id"]), (&"pgo.localhost".into(), &"pgo.localhost".into()));
        assert_ne!(late["local_id"], theft["local_id"]);
    }
    assert!(gateway.audit_of("token_issued").is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn case_25_a_node_on_no_whitelist_gets_no_token() {
    let gateway = Gateway::start().await;
    let (owner, stranger) = (gateway.client("pgo"), gateway.client("not_listed"));
    for client_id in [&stranger.client_id, &owner.client_id] {
        let (code, endpoints, _) = gateway.code(&owner, DELINDE, &gateway.patient()).await;
        let asked = with(form(&owner, &code), "client_id", Some(client_id));
        let record = refused(&gateway, &present(&stranger, &endpoints, &asked).await, 401, "invalid_client");
        assert_eq!(record["peer"], "stranger.localhost");
        refused(&gateway, &present(&owner, &endpoints, &form(&owner, &code)).await, 400, "invalid_grant");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn case_27_and_31_a_code_that_was_shown_wrongly_is_dead() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let elsewhere = format!("{}2", client.redirect_uri);
    let cases = [
        ("redirect_uri", Some(elsewhere.as_str()), 400, "invalid_grant"),
        ("redirect_uri", None, 400, "invalid_request"),
        ("client_id", Some("pgo2.localhost"), 401, "invalid_client"),
        ("client_id", Some("elsewhere.example.nl"), 401, "invalid_client"),
        ("client_id", Some("Not A Host"), 401, "invalid_client"),
        ("client_id", None, 400, "invalid_request"),
    ];
    for (name, value, status, error) in cases {
        let (code, endpoints, _) = gateway.code(&client, DELINDE, &gateway.patient()).await;
        let wrong = with(form(&client, &code), name, value);
        refused(&gateway, &present(&client, &endpoints, &wrong).await, status, error);
        refused(&gateway, &present(&client, &endpoints, &form(&client, &code)).await, 400, "invalid_grant");
    }
    assert!(gateway.audit_of("token_issued").is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn case_28_a_code_shown_twice_ends_the_token_of_the_first_time() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let (code, endpoints, correlation_id) = gateway.code(&client, DELINDE, &gateway.patient()).await;
    let token = client.exchange(&endpoints, &code, &correlation_id).await.unwrap().access_token;
    // Twice, so that the token is also in the memory of the node.
    assert_eq!(status_of_data(&client, &endpoints, &token).await, 200);
    assert_eq!(status_of_data(&client, &endpoints, &token).await, 200);
    refused(&gateway, &present(&client, &endpoints, &form(&client, &code)).await, 400, "invalid_grant");
    assert_eq!(status_of_data(&client, &endpoints, &token).await, 401);
    gateway.stop().await;
}

#[tokio::test]
async fn case_29_of_a_hundred_presentations_at_once_exactly_one_gets_a_token() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let (code, endpoints, _) = gateway.code(&client, DELINDE, &gateway.patient()).await;
    let mut all = JoinSet::new();
    for _ in 0..100 {
        let (client, endpoints, form) = (client.clone(), endpoints.clone(), form(&client, &code));
        all.spawn(async move { present(&client, &endpoints, &form).await });
    }
    let replies = all.join_all().await;
    let (issued, others): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
    assert_eq!((issued.len(), others.len()), (1, 99));
    assert!(others.iter().all(|reply| reply.status == 400 && json(reply)["error"] == "invalid_grant"));
    // The 99 were a replay: whoever won cannot be told from a thief.
    let token = json(issued[0])["access_token"].as_str().unwrap().to_owned();
    assert_eq!(status_of_data(&client, &endpoints, &token).await, 401);
    assert_eq!((gateway.audit_of("token_issued").len(), gateway.audit_of("token_refused").len()), (1, 99));
    gateway.stop().await;
}

/// Of each code exactly one presentation gets a token, however often it is tried.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_29_in_each_of_200_rounds_exactly_one_of_a_hundred_presentations_gets_a_token() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    for round in 0..200 {
        // 99 wrong requests a round would make the client wait.
        gateway.clock.advance(Duration::from_secs(10));
        let (code, endpoints, _) = gateway.code(&client, DELINDE, &gateway.patient()).await;
        let mut all = JoinSet::new();
        for _ in 0..100 {
            let (client, endpoints, form) = (client.clone(), endpoints.clone(), form(&client, &code));
            all.spawn(async move { present(&client, &endpoints, &form).await.status.as_u16() });
        }
        let mut statuses = all.join_all().await;
        statuses.sort_unstable();
        assert_eq!((statuses[0], statuses[1], statuses[99]), (200, 400, 400), "round {round}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn case_30_a_code_lives_for_900_seconds() {
    for (seconds, lives) in [(899, true), (900, false), (901, false)] {
        let gateway = Gateway::start().await;
        let client = gateway.client("pgo");
        let (code, endpoints, _) = gateway.code(&client, DELINDE, &gateway.patient()).await;
        gateway.clock.advance(Duration::from_secs(seconds));
        let reply = present(&client, &endpoints, &form(&client, &code)).await;
        if lives {
            assert_eq!((reply.status.as_u16(), &reply.headers["cache-control"]), (200, &"no-store".parse().unwrap()));
        } else {
            refused(&gateway, &reply, 400, "invalid_grant");
        }
        gateway.stop().await;
    }
}

#[tokio::test]
async fn an_access_token_lives_for_900_seconds() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    gateway.clock.advance(Duration::from_secs(899));
    assert_eq!(session.get("EpisodeOfCare").await.status, 200);
    gateway.clock.advance(Duration::from_secs(1));
    assert_eq!(session.get("EpisodeOfCare").await.status, 401);
    gateway.stop().await;
}

#[tokio::test]
async fn case_33_34_and_36_only_a_posted_form_is_a_token_request() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let (code, endpoints, _) = gateway.code(&client, DELINDE, &gateway.patient()).await;
    let text = inzage::form::encode_pairs(&form(&client, &code));
    let in_query = format!("{}?{text}", endpoints.token);
    let urlencoded = "application/x-www-form-urlencoded";
    let object: serde_json::Map<_, _> =
        form(&client, &code).into_iter().map(|(name, value)| (name, value.into())).collect();
    let object = serde_json::Value::Object(object).to_string();
    let long = format!("{text}&x={}", "x".repeat(16 * 1024));
    let cases = [
        (Method::POST, endpoints.token.as_str(), urlencoded, long.as_str(), 413),
        (Method::GET, endpoints.token.as_str(), urlencoded, "", 405),
        (Method::GET, &in_query, urlencoded, "", 405),
        (Method::PUT, &endpoints.token, urlencoded, text.as_str(), 405),
        (Method::POST, &endpoints.token, "application/json", object.as_str(), 415),
        (Method::POST, &endpoints.token, "application/x-www-form-urlencoded; charset=iso-8859-1", &text, 415),
        (Method::POST, &endpoints.token, "multipart/form-data; boundary=b", &text, 415),
        (Method::POST, &in_query, urlencoded, "", 400),
        (Method::POST, &in_query, urlencoded, &text, 400),
        (Method::POST, &endpoints.token, urlencoded, "grant_type=%zz", 400),
        (Method::POST, &endpoints.token, urlencoded, "", 400),
    ];
    for (method, url, kind, body, status) in cases {
        let request = client.http().request(method, url).header("content-type", kind).body(body.to_owned());
        let response = request.send().await.unwrap();
        let headers = response.headers().clone();
        if status == 405 {
            assert_eq!(headers["allow"], "POST");
        }
        let reply = Reply {
            status: response.status(),
            headers: response.headers().clone(),
            body: response.bytes().await.unwrap(),
        };
        refused(&gateway, &reply, status, "invalid_request");
    }
    // None of these showed the code.
    let reply = present(&client, &endpoints, &form(&client, &code)).await;
    assert_eq!(reply.status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn case_35_and_37_a_doubled_parameter_and_another_grant_type_are_refused() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let (code, endpoints, _) = gateway.code(&client, DELINDE, &gateway.patient()).await;
    for kind in ["password", "client_credentials", "refresh_code", "implicit", ""] {
        let asked = with(form(&client, &code), "grant_type", Some(kind));
        refused(&gateway, &present(&client, &endpoints, &asked).await, 400, "unsupported_grant_type");
    }
    for name in ["grant_type", "code", "client_id", "redirect_uri"] {
        let (code, endpoints, _) = gateway.code(&client, DELINDE, &gateway.patient()).await;
        let mut doubled = form(&client, &code);
        let again = doubled.iter().find(|(key, _)| key == name).cloned();
        doubled.extend(again);
        refused(&gateway, &present(&client, &endpoints, &doubled).await, 400, "invalid_request");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn case_32_what_is_no_code_of_ours_gets_nothing() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let (code, endpoints, _) = gateway.code(&client, DELINDE, &gateway.patient()).await;
    let flipped: String = code
        .chars()
        .map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        .collect();
    for wrong in [&code[1..], &format!("{code}A"), &flipped, "x", &"A".repeat(4_000)] {
        refused(&gateway, &present(&client, &endpoints, &form(&client, wrong)).await, 400, "invalid_grant");
    }
    assert_eq!(present(&client, &endpoints, &form(&client, &code)).await.status, 200);
    gateway.stop().await;
}

/// A PGO that guesses is made to wait before anything is looked at; its own code survives that, and other PGOs notice nothing.
#[tokio::test]
async fn case_43_a_thousand_wrong_codes_of_one_client_slow_that_client_down() {
    let gateway = Gateway::start().await;
    let (guesser, other) = (gateway.client("pgo"), gateway.client("pgo2"));
    let (own, endpoints, _) = gateway.code(&guesser, DELINDE, &gateway.patient()).await;
    let mut statuses = Vec::new();
    for number in 0..1_000 {
        let reply = present(&guesser, &endpoints, &form(&guesser, &format!("guess-{number}"))).await;
        statuses.push(reply.status.as_u16());
    }
    assert!(statuses[..300].iter().all(|status| *status == 400) && statuses[300..].iter().all(|status| *status == 429));
    let reply = present(&guesser, &endpoints, &form(&guesser, &own)).await;
    let record = refused_for(&gateway, &reply, (429, "slow_down"), "too-many-wrong-requests");
    assert_eq!(record["status"], 429);
    assert_eq!(reply.headers["retry-after"], "1");
    assert_eq!(reply.headers["ratelimit-policy"], "\"wrong-requests\";q=300;w=30");
    assert_eq!(reply.headers["ratelimit"], "\"wrong-requests\";r=0;t=1");
    let (theirs, endpoints, _) = gateway.code(&other, DELINDE, &gateway.patient()).await;
    assert_eq!(present(&other, &endpoints, &form(&other, &theirs)).await.status, 200);
    gateway.clock.advance(Duration::from_secs(1));
    assert_eq!(present(&guesser, &endpoints, &form(&guesser, &own)).await.status, 200, "the code was not spent");
    gateway.stop().await;
}

fn refresh_form(client: &PgoClient, token: &str) -> Vec<(String, String)> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    vec![pair("grant_type", "refresh_token"), pair("refresh_token", token), pair("client_id", &client.client_id)]
}

/// The refresh token of an answer.
fn next(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", crate::harness::text(reply));
    json(reply)["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn case_38_a_refresh_token_used_after_rotation_ends_the_family() {
    let gateway = Gateway::start().await;
    let session = gateway.lasting_session(DELINDE, &gateway.patient()).await;
    let (client, endpoints) = (&session.client, &session.endpoints);
    let second = present(client, endpoints, &refresh_form(client, session.refresh_token())).await;
    let third = present(client, endpoints, &refresh_form(client, &next(&second))).await;
    let access = json(&third)["access_token"].as_str().unwrap().to_owned();
    assert_eq!(status_of_data(client, endpoints, &access).await, 200);
    // The first one, two turns later.
    let reply = present(client, endpoints, &refresh_form(client, session.refresh_token())).await;
    refused(&gateway, &reply, 400, "invalid_grant");
    let ended = gateway.last_audit("grant_ended");
    assert_eq!((&ended["outcome"], &ended["reason"]), (&"done".into(), &"refresh-token-reused".into()));
    for token in [&access, &session.token.access_token] {
        assert_eq!(status_of_data(client, endpoints, token).await, 401);
    }
    refused(&gateway, &present(client, endpoints, &refresh_form(client, &next(&third))).await, 400, "invalid_grant");
    gateway.stop().await;
}

#[tokio::test]
async fn case_38_of_fifty_uses_of_a_refresh_token_at_once_one_gets_tokens_and_the_family_ends() {
    let gateway = Gateway::start().await;
    let session = gateway.lasting_session(DELINDE, &gateway.patient()).await;
    let mut all = JoinSet::new();
    for _ in 0..50 {
        let form = refresh_form(&session.client, session.refresh_token());
        let (client, endpoints) = (session.client.clone(), session.endpoints.clone());
        all.spawn(async move { present(&client, &endpoints, &form).await });
    }
    let replies = all.join_all().await;
    let (issued, others): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
    assert_eq!((issued.len(), others.len()), (1, 49));
    assert!(others.iter().all(|reply| reply.status == 400 && json(reply)["error"] == "invalid_grant"));
    let access = json(issued[0])["access_token"].as_str().unwrap().to_owned();
    assert_eq!(status_of_data(&session.client, &session.endpoints, &access).await, 401);
    assert_eq!(gateway.audit_of("grant_ended").len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn case_39_a_refresh_with_a_broader_scope_is_refused_and_costs_nothing() {
    let gateway = Gateway::start().await;
    let session = gateway.lasting_session(DELINDE, &gateway.patient()).await;
    let (client, endpoints) = (&session.client, &session.endpoints);
    for scope in ["49 53", "huisarts.haven", "huisarts.delinde~53", "49 huisarts.haven~49", ""] {
        let asked = with(refresh_form(client, session.refresh_token()), "scope", Some(scope));
        refused(&gateway, &present(client, endpoints, &asked).await, 400, "invalid_scope");
    }
    let mut doubled = with(refresh_form(client, session.refresh_token()), "scope", Some("49"));
    doubled.push(("scope".to_owned(), "49".to_owned()));
    refused(&gateway, &present(client, endpoints, &doubled).await, 400, "invalid_request");
    let same = with(refresh_form(client, session.refresh_token()), "scope", Some("huisarts.delinde"));
    next(&present(client, endpoints, &same).await);
    gateway.stop().await;
}

#[tokio::test]
async fn case_40_a_refresh_after_the_end_of_the_consent_is_refused_in_flight_too() {
    let gateway = Gateway::start().await;
    let session = gateway.lasting_session(DELINDE, &gateway.patient()).await;
    let (client, endpoints) = (session.client.clone(), session.endpoints.clone());
    let his = &gateway.world.his[0];
    let asked = his.log().count;
    his.set_faults(Faults { fail: Fail::Hang, ..Faults::default() });
    let in_flight = tokio::spawn({
        let (client, endpoints) = (client.clone(), endpoints.clone());
        let form = refresh_form(&client, session.refresh_token());
        async move { present(&client, &endpoints, &form).await }
    });
    his.asked(asked + 1).await;
    let revoke = endpoints.token.replace("/oauth/token", "/oauth/revoke");
    let form = [("token", session.refresh_token()), ("client_id", &client.client_id)];
    let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(client.token_request(&revoke, &form, &new_id()).await.unwrap().status, 200);
    his.set_faults(Faults::default());
    refused(&gateway, &in_flight.await.unwrap(), 400, "invalid_grant");
    let later = present(&client, &endpoints, &refresh_form(&client, session.refresh_token())).await;
    refused(&gateway, &later, 400, "invalid_grant");
    assert_eq!(status_of_data(&client, &endpoints, &session.token.access_token).await, 401);
    gateway.stop().await;
}

#[tokio::test]
async fn case_41_a_refresh_token_of_another_pgo_is_refused_and_stays_with_its_own() {
    let gateway = Gateway::start().await;
    let session = gateway.lasting_session(DELINDE, &gateway.patient()).await;
    let (owner, thief, endpoints) = (&session.client, gateway.client("pgo2"), &session.endpoints);
    let asked = gateway.his_requests();
    let theft = present(&thief, endpoints, &refresh_form(&thief, session.refresh_token())).await;
    refused(&gateway, &theft, 400, "invalid_grant");
    let theft = present(&thief, endpoints, &refresh_form(owner, session.refresh_token())).await;
    refused(&gateway, &theft, 401, "invalid_client");
    let stranger = gateway.client("not_listed");
    let theft = present(&stranger, endpoints, &refresh_form(owner, session.refresh_token())).await;
    refused(&gateway, &theft, 401, "invalid_client");
    assert_eq!(gateway.his_requests(), asked);
    next(&present(owner, endpoints, &refresh_form(owner, session.refresh_token())).await);
    gateway.stop().await;
}

#[tokio::test]
async fn case_32_what_is_no_refresh_token_of_ours_gets_nothing() {
    let gateway = Gateway::start().await;
    let session = gateway.lasting_session(DELINDE, &gateway.patient()).await;
    let token = session.refresh_token().to_owned();
    let (family, _) = token.split_once('.').unwrap();
    for wrong in ["x", "a.b", family, &token[1..], &token.to_lowercase(), &session.token.access_token] {
        let reply = present(&session.client, &session.endpoints, &refresh_form(&session.client, wrong)).await;
        refused(&gateway, &reply, 400, "invalid_grant");
    }
    next(&present(&session.client, &session.endpoints, &refresh_form(&session.client, &token)).await);
    gateway.stop().await;
}
