//! From "collect my data" to a code, and everything that ends without one.

use inzage::form::{decode_pairs, encode_pairs};
use inzage::lists::ListKind;
use inzage::sandbox::client::{PgoClient, Reply};
use inzage::sandbox::person::{Choices, End, Person, location, read_form};

use crate::harness::{Gateway, text};

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
    assert!(text(&reply).contains("Nummer van deze melding"));
    assert_eq!(gateway.last_audit("authorization_refused")["reason"], "unknown-client");
    gateway.stop().await;
}

/// A correct request, to change one thing of.
fn request(client: &PgoClient) -> Vec<(String, String)> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    vec![
        pair("response_type", "code"),
        pair("client_id", &client.client_id),
        pair("redirect_uri", &client.redirect_uri),
        pair("scope", "huisarts.delinde"),
        pair("state", "abc"),
        pair("MedMij-Request-ID", "0d4c6c7a-2f0e-4d7e-9f56-2d3a9a4f6f11"),
        pair("X-Correlation-ID", "0d4c6c7a-2f0e-4d7e-9f56-2d3a9a4f6f10"),
    ]
}

/// The query of a request with one parameter changed, or left out.
fn with(client: &PgoClient, name: &str, value: Option<&str>) -> String {
    let mut pairs = request(client);
    pairs.retain(|(key, _)| key != name);
    pairs.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    encode_pairs(&pairs)
}

async fn arrive(gateway: &Gateway, client: &PgoClient, query: &str) -> Reply {
    let url = format!("{}/oauth/authorize?{query}", gateway.world.layout.front_origin());
    Person::default().open(client, &url).await.unwrap()
}

/// A page of ours, no redirect, and the record of the refusal.
fn turned_away(gateway: &Gateway, reply: &Reply, reason: &str) {
    assert_eq!(reply.status, 400, "{}", text(reply));
    assert!(!reply.headers.contains_key("location") && !reply.headers.contains_key("refresh"));
    assert!(reply.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(read_form(&text(reply)).is_none());
    let record = gateway.audit().pop().unwrap();
    let fields = (&record["kind"], &record["outcome"], &record["reason"]);
    assert_eq!(fields, (&"authorization_refused".into(), &"refused".into(), &reason.into()), "{record}");
    assert!(text(reply).contains(record["local_id"].as_str().unwrap()), "the page names the number in the log");
}

/// A redirect to the client with exactly this answer, and the record of the refusal.
fn sent_back(gateway: &Gateway, client: &PgoClient, reply: &Reply, error: &str, state: Option<&str>) {
    let state = state.map(|state| format!("&state={state}")).unwrap_or_default();
    let description = "the%20request%20cannot%20be%20served";
    let expected = format!("{}?error={error}&error_description={description}{state}", client.redirect_uri);
    assert_eq!((reply.status.as_u16(), location(reply)), (303, Some(expected)));
    let record = gateway.audit().pop().unwrap();
    let fields = (&record["kind"], &record["reason"], &record["client_id"]);
    assert_eq!(fields, (&"authorization_refused".into(), &error.into(), &client.client_id.as_str().into()));
}

#[tokio::test]
async fn nobody_is_redirected_while_client_or_address_is_in_doubt() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let port = client.redirect_uri.rsplit_once(':').unwrap().1.to_owned();
    for client_id in [None, Some(""), Some("nobody.example.nl"), Some("stranger.localhost"), Some("PGO.localhost")] {
        turned_away(
            &gateway,
            &arrive(&gateway, &client, &with(&client, "client_id", client_id)).await,
            "unknown-client",
        );
    }
    let own = &client.redirect_uri;
    let addresses = [
        "https://pgo2.localhost/cb".to_owned(),
        format!("{own}?x=1"),
        format!("{own}?"),
        format!("{own}#x"),
        format!("https://me@pgo.localhost:{port}"),
        format!("https://pgo.localhost:{}", port.replace("/cb", "/../cb")),
        format!("https://pgo.localhost:{}", port.replace("/cb", "/a/%2e%2e/cb")),
        "https://pgo.localhost@evil.nl/cb".to_owned(),
        "https://pgo.localhost.evil.nl/cb".to_owned(),
        "https://pgo.localhost\\@evil.nl/cb".to_owned(),
        "//evil.nl/cb".to_owned(),
        own.replace("https:", "http:"),
        own.replace("https:", "app:"),
        "javascript:alert(1)".to_owned(),
        format!("{own}{}", "a".repeat(2_000)),
        String::new(),
    ];
    for address in &addresses {
        let reply = arrive(&gateway, &client, &with(&client, "redirect_uri", Some(address))).await;
        turned_away(&gateway, &reply, "bad-redirect-uri");
    }
    turned_away(&gateway, &arrive(&gateway, &client, &with(&client, "redirect_uri", None)).await, "bad-redirect-uri");
    for (name, reason) in [("client_id", "unknown-client"), ("redirect_uri", "bad-redirect-uri")] {
        let doubled = format!(
            "{}&{}",
            encode_pairs(&request(&client)),
            encode_pairs(&[request(&client).into_iter().find(|(key, _)| key == name).unwrap(),])
        );
        turned_away(&gateway, &arrive(&gateway, &client, &doubled).await, reason);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_query_that_cannot_be_read_names_no_client_and_reaches_no_header() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    for mark in ["%0d%0aset-cookie:%20x=1", "%09", "%00", "%zz", "%ff"] {
        let query = with(&client, "redirect_uri", None);
        let query = format!("{query}&redirect_uri={}{mark}", client.redirect_uri);
        let reply = arrive(&gateway, &client, &query).await;
        turned_away(&gateway, &reply, "unknown-client");
        assert!(!reply.headers.contains_key("set-cookie"));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_known_client_hears_what_is_wrong() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let cases = [
        ("response_type", Some("token"), "unsupported_response_type"),
        ("response_type", Some("id_token"), "unsupported_response_type"),
        ("response_type", Some("code token"), "unsupported_response_type"),
        ("response_type", None, "invalid_request"),
        ("scope", None, "invalid_request"),
        ("scope", Some("huisarts.nergens"), "invalid_scope"),
        ("scope", Some("huisarts.delinde huisarts.deberk"), "invalid_scope"),
        ("scope", Some("huisarts.delinde~99"), "invalid_scope"),
        ("scope", Some("49"), "invalid_scope"),
        ("scope", Some("huisarts.delinde@medmij"), "invalid_scope"),
        ("scope", Some(""), "invalid_scope"),
    ];
    for (name, value, error) in cases {
        let reply = arrive(&gateway, &client, &with(&client, name, value)).await;
        sent_back(&gateway, &client, &reply, error, Some("abc"));
    }
    for state in [None, Some(""), Some("\u{e9}"), Some("x".repeat(10 * 1024).as_str())] {
        let reply = arrive(&gateway, &client, &with(&client, "state", state)).await;
        sent_back(&gateway, &client, &reply, "invalid_request", None);
    }
    for name in ["response_type", "scope"] {
        let again = request(&client).into_iter().find(|(key, _)| key == name).unwrap();
        let doubled = format!("{}&{}", encode_pairs(&request(&client)), encode_pairs(&[again]));
        sent_back(&gateway, &client, &arrive(&gateway, &client, &doubled).await, "invalid_request", Some("abc"));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_provider_of_another_gateway_gets_the_answer_of_one_that_is_unknown() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let now = inzage::clock::Clock::now(&*gateway.clock);
    let listed = gateway.world.layout.lists(2, now).into_iter().map(|(kind, text)| match kind {
        ListKind::Zal => (kind, with_another_provider(&text)),
        ListKind::Ocl | ListKind::Whl | ListKind::Gnl => (kind, text),
    });
    gateway.world.publisher.publish(listed);
    gateway.refresh_lists().await;
    // It is on the list now, and a PGO finds its endpoints there.
    assert!(client.endpoints("huisarts.elders@medmij", "49").await.is_ok());
    for scope in ["huisarts.elders", "huisarts.nergens"] {
        let reply = arrive(&gateway, &client, &with(&client, "scope", Some(scope))).await;
        sent_back(&gateway, &client, &reply, "invalid_scope", Some("abc"));
    }
    gateway.stop().await;
}

/// The list with a copy of its first provider under another name.
fn with_another_provider(zal: &str) -> String {
    let end = "</Zorgaanbieder>";
    let start = zal.find("<Zorgaanbieder>").unwrap();
    let stop = zal[start..].find(end).unwrap() + start + end.len();
    let copy = zal[start..stop].replace("huisarts.delinde", "huisarts.elders");
    assert!(copy.contains("huisarts.elders@medmij"));
    format!("{}{copy}{}", &zal[..stop], &zal[stop..])
}

#[tokio::test]
async fn state_comes_back_byte_for_byte_and_percent_encoded() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let all: String = (' '..='~').collect();
    for state in ["\"><script>alert(1)</script>", "a&code=stolen&error=none#%0d%0a+ =", &all, &"s".repeat(512)] {
        let query = with(&client, "state", Some(state));
        let url = format!("{}/oauth/authorize?{query}", gateway.world.layout.front_origin());
        let refusal = arrive(&gateway, &client, &query.replace("huisarts.delinde", "huisarts.nergens")).await;
        let page = arrive(&gateway, &client, &query).await;
        assert!(!text(&page).contains("<script"));
        let walked = Person::default().walk(&client, &url, Choices::willing(&gateway.patient())).await.unwrap();
        let End::Client(answer) = walked else { panic!("{walked:?}") };
        assert_eq!((answer["state"].as_str(), answer.len()), (state, 2));
        let target = location(&refusal).unwrap();
        let raw = target.split_once("&state=").unwrap().1;
        assert!(!raw.contains(['<', '>', '"', ' ', '&', '#', '+', '=', '\'']), "{raw}");
        let pairs = decode_pairs(target.split_once('?').unwrap().1).unwrap();
        assert_eq!(pairs[2], ("state".to_owned(), state.to_owned()));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_no_parameter_of_the_interface_is_ignored() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let extra = "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&nonce=n&nonce=n\
        &resource=https://elsewhere.example.nl&request_uri=https://elsewhere.example.nl/r&prompt=none&code=x";
    let url =
        format!("{}/oauth/authorize?{}&{extra}", gateway.world.layout.front_origin(), encode_pairs(&request(&client)));
    let walked = Person::default().walk(&client, &url, Choices::willing(&gateway.patient())).await.unwrap();
    let End::Client(answer) = walked else { panic!("{walked:?}") };
    let endpoints = client.endpoints(DELINDE, "49").await.unwrap();
    // No code_verifier is asked for either.
    client.exchange(&endpoints, &answer["code"], "0d4c6c7a-2f0e-4d7e-9f56-2d3a9a4f6f10").await.unwrap();
    gateway.stop().await;
}

#[tokio::test]
async fn ids_of_the_network_may_be_missing_or_broken() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    for (name, field) in [("MedMij-Request-ID", "request_id"), ("X-Correlation-ID", "correlation_id")] {
        for value in [None, Some("not a uuid"), Some("999911132"), Some("{0d4c6c7a-2f0e-4d7e-9f56-2d3a9a4f6f10}")] {
            let reply = arrive(&gateway, &client, &with(&client, name, value)).await;
            assert_eq!(reply.status, 200);
            let record = gateway.last_audit("authorization_requested");
            assert!(record[field].is_null() && record["local_id"].is_string(), "{record}");
        }
    }
    gateway.stop().await;
}
