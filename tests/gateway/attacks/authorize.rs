//! Attacks on the authorization endpoint and the pages behind it.

use std::collections::BTreeSet;

use inzage::form::{decode_pairs, encode_pairs, single};
use inzage::lists::ListKind;
use inzage::sandbox::client::PgoClient;
use inzage::sandbox::person::{Choices, End, Person, location};

use crate::harness::{Gateway, SERVICE, text};
use crate::pages::{DELINDE, Page, answer, consent, landing, log_in, login, post, stale};
use crate::request::{arrive, request, sent_back, turned_away, with};

/// A request whose `redirect_uri` is each of these is turned away.
async fn no_redirect_to(addresses: &[String]) {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    for address in addresses {
        let reply = arrive(&gateway, &client, &with(&client, "redirect_uri", Some(address))).await;
        turned_away(&gateway, &reply, "bad-redirect-uri");
        // Neither as it came nor in any other form.
        let shown = text(&reply);
        assert!(address.is_empty() || !shown.contains(address.as_str()), "{address} in {shown}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn case_01_an_unknown_client_gets_a_page() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let unknown = ["", "nobody.example.nl", "stranger.localhost", "PGO.localhost", "portaal.localhost"];
    for client_id in unknown.map(Some).into_iter().chain([None]) {
        let reply = arrive(&gateway, &client, &with(&client, "client_id", client_id)).await;
        turned_away(&gateway, &reply, "unknown-client");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn case_02_a_client_that_left_the_list_gets_a_page() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let query = encode_pairs(&request(&client));
    assert_eq!(arrive(&gateway, &client, &query).await.status, 200);
    let asked = consent(&gateway, &client, "s").await;
    let now = inzage::clock::Clock::now(&*gateway.clock);
    let listed = gateway.world.layout.lists(2, now).into_iter().map(|(kind, list)| match kind {
        ListKind::Ocl => (kind, list.replace("<Hostname>pgo.localhost<", "<Hostname>pgo3.localhost<")),
        ListKind::Zal | ListKind::Whl | ListKind::Gnl => (kind, list),
    });
    gateway.world.publisher.publish(listed);
    gateway.refresh_lists().await;
    turned_away(&gateway, &arrive(&gateway, &client, &query).await, "unknown-client");
    // One who was asked before it left gives it nothing either.
    stale(&gateway, &asked.press(&client, "answer", "allow").await);
    gateway.stop().await;
}

#[tokio::test]
async fn case_03_an_address_on_another_host_gets_a_page() {
    no_redirect_to(
        &["https://pgo2.localhost/cb", "https://localhost/cb", "https://a.pgo.localhost/cb"].map(String::from),
    )
    .await;
}

#[tokio::test]
async fn case_04_an_address_with_more_than_a_path_gets_a_page() {
    let own = [
        "https://pgo.localhost/cb?x=1",
        "https://pgo.localhost/cb?",
        "https://pgo.localhost/cb#x",
        "https://me@pgo.localhost/cb",
        "https://pgo.localhost/../cb",
        "https://pgo.localhost/a/%2e%2e/cb",
        "https://pgo.localhost/./cb",
        "https://pgo.localhost//cb",
        "https://pgo.localhost:0/cb",
        "https://pgo.localhost:/cb",
    ];
    no_redirect_to(&own.map(String::from)).await;
    // Any plain path is fine. Without `allow_ports` a port is refused as well: see the tests of the address itself.
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let reply =
        arrive(&gateway, &client, &with(&client, "redirect_uri", Some("https://pgo.localhost/any/path~1"))).await;
    assert_eq!(reply.status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn case_05_an_address_that_looks_like_the_clients_gets_a_page() {
    let alike = [
        "https://pgo.localhost@evil.nl/cb",
        "https://pgo.localhost.evil.nl/cb",
        "https://pgo.localhost\\@evil.nl/cb",
        "https://evil.nl\\.pgo.localhost/cb",
        "//evil.nl/cb",
        "//pgo.localhost/cb",
    ];
    no_redirect_to(&alike.map(String::from)).await;
}

#[tokio::test]
async fn case_06_an_address_with_control_characters_or_too_long_reaches_no_header() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    for mark in ["%0d%0aset-cookie:%20x=1", "%09", "%00", "%zz", "%ff"] {
        let query = with(&client, "redirect_uri", None);
        let query = format!("{query}&redirect_uri={}{mark}", client.redirect_uri);
        let reply = arrive(&gateway, &client, &query).await;
        // A query that cannot be read names no client.
        turned_away(&gateway, &reply, "unknown-client");
        assert!(!reply.headers.contains_key("set-cookie"));
    }
    gateway.stop().await;
    no_redirect_to(&[format!("https://pgo.localhost/{}", "a".repeat(2_000))]).await;
}

#[tokio::test]
async fn case_07_an_address_of_another_scheme_gets_a_page() {
    let schemes = ["http://pgo.localhost/cb", "app://pgo.localhost/cb", "javascript:alert(1)", "data:,x", ""];
    no_redirect_to(&schemes.map(String::from)).await;
}

#[tokio::test]
async fn case_08_two_clients_or_two_addresses_get_a_page() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    for (name, reason) in [("client_id", "unknown-client"), ("redirect_uri", "bad-redirect-uri")] {
        let again = request(&client).into_iter().find(|(key, _)| key == name).unwrap();
        let doubled = format!("{}&{}", encode_pairs(&request(&client)), encode_pairs(&[again]));
        turned_away(&gateway, &arrive(&gateway, &client, &doubled).await, reason);
        turned_away(&gateway, &arrive(&gateway, &client, &with(&client, name, None)).await, reason);
    }
    gateway.stop().await;
}

/// A request with one parameter changed is sent back with this error.
async fn sent_back_for(cases: &[(&str, Option<&str>, &str)]) {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    for (name, value, error) in cases {
        let reply = arrive(&gateway, &client, &with(&client, name, *value)).await;
        sent_back(&gateway, &client, &reply, error, Some("abc"));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn case_09_another_response_type_is_unsupported() {
    let types = ["token", "id_token", "code token", "CODE", ""];
    let mut cases = types.map(|kind| ("response_type", Some(kind), "unsupported_response_type")).to_vec();
    cases.push(("response_type", None, "invalid_request"));
    sent_back_for(&cases).await;
}

#[tokio::test]
async fn case_10_the_scope_of_an_unknown_provider_is_invalid() {
    sent_back_for(&[
        ("scope", Some("huisarts.nergens"), "invalid_scope"),
        ("scope", Some("huisarts.delinde~99"), "invalid_scope"),
        ("scope", Some("huisarts.delinde@medmij"), "invalid_scope"),
        ("scope", Some("49"), "invalid_scope"),
        ("scope", Some(""), "invalid_scope"),
        ("scope", None, "invalid_request"),
    ])
    .await;
}

#[tokio::test]
async fn case_11_a_provider_of_another_gateway_gets_the_answer_of_one_that_is_unknown() {
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
    assert!(client.endpoints("huisarts.elders@medmij", SERVICE).await.is_ok());
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
async fn case_12_two_scopes_are_invalid() {
    sent_back_for(&[
        ("scope", Some("huisarts.delinde huisarts.deberk"), "invalid_scope"),
        ("scope", Some("huisarts.delinde huisarts.delinde"), "invalid_scope"),
        ("scope", Some("huisarts.delinde "), "invalid_scope"),
    ])
    .await;
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    for name in ["response_type", "scope"] {
        let again = request(&client).into_iter().find(|(key, _)| key == name).unwrap();
        let doubled = format!("{}&{}", encode_pairs(&request(&client)), encode_pairs(&[again]));
        sent_back(&gateway, &client, &arrive(&gateway, &client, &doubled).await, "invalid_request", Some("abc"));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn case_13_state_is_needed_bounded_and_comes_back_percent_encoded() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    for state in [None, Some(""), Some("\u{e9}"), Some("x".repeat(10 * 1024).as_str())] {
        let reply = arrive(&gateway, &client, &with(&client, "state", state)).await;
        sent_back(&gateway, &client, &reply, "invalid_request", None);
    }
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
async fn case_14_what_is_no_parameter_of_the_interface_is_ignored() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let extra = "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&nonce=n&nonce=n\
        &resource=https://elsewhere.example.nl&request_uri=https://elsewhere.example.nl/r&prompt=none&code=x";
    let url =
        format!("{}/oauth/authorize?{}&{extra}", gateway.world.layout.front_origin(), encode_pairs(&request(&client)));
    let walked = Person::default().walk(&client, &url, Choices::willing(&gateway.patient())).await.unwrap();
    let End::Client(answer) = walked else { panic!("{walked:?}") };
    let endpoints = client.endpoints(DELINDE, SERVICE).await.unwrap();
    // No code_verifier is asked for either.
    client.exchange(&endpoints, &answer["code"], "0d4c6c7a-2f0e-4d7e-9f56-2d3a9a4f6f10").await.unwrap();
    gateway.stop().await;
}

#[tokio::test]
async fn case_15_a_form_without_its_cookie_or_token_is_refused_and_spoils_nothing() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let mine = consent(&gateway, &client, "mine").await;
    let other = consent(&gateway, &client, "other").await;
    let renamed = |from: &Page, to: &Page| {
        format!("{}={}", to.cookie.split_once('=').unwrap().0, from.cookie.split_once('=').unwrap().1)
    };
    let allow = mine.pressed("answer", "allow");
    for foreign in [None, Some(other.cookie.clone()), Some(renamed(&other, &mine)), Some(renamed(&mine, &other))] {
        stale(&gateway, &post(&client, &mine.address, foreign.as_deref(), &allow, &[]).await);
    }
    let without = vec![("answer".to_owned(), "allow".to_owned())];
    for fields in
        [without.clone(), other.pressed("answer", "allow"), [allow.clone(), mine.form.hidden.clone()].concat()]
    {
        stale(&gateway, &post(&client, &mine.address, Some(&mine.cookie), &fields, &[]).await);
    }
    // One browser with both cookies, the form of one posted to the address of the other.
    let both = format!("{}; {}", mine.cookie, other.cookie);
    stale(&gateway, &post(&client, &other.address, Some(&both), &allow, &[]).await);
    for (page, state) in [(&mine, "mine"), (&other, "other")] {
        let answer = answer(&post(&client, &page.address, Some(&both), &page.pressed("answer", "allow"), &[]).await);
        assert_eq!(single(&answer, "state"), Some(state));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn case_16_a_form_works_once() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let landing = landing(&gateway, &client, "s").await;
    let login = login(&gateway, &client, &landing).await;
    stale(&gateway, &landing.press(&client, "action", "continue").await);
    let consent = log_in(&gateway, &client, &login).await;
    let mut again = login.pressed("action", "login");
    again.push(("bsn".to_owned(), gateway.patient()));
    stale(&gateway, &post(&client, &login.address, Some(&login.cookie), &again, &[]).await);
    let granted = consent.press(&client, "answer", "allow").await;
    assert!(single(&answer(&granted), "code").is_some());
    stale(&gateway, &consent.press(&client, "answer", "allow").await);
    stale(&gateway, &consent.press(&client, "answer", "refuse").await);
    assert_eq!(gateway.audit_of("consent_given").len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn case_17_a_page_in_a_frame_is_forbidden() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let landing = landing(&gateway, &client, "s").await;
    let login = login(&gateway, &client, &landing).await;
    let consent = log_in(&gateway, &client, &login).await;
    let turned_away = arrive(&gateway, &client, &with(&client, "client_id", None)).await;
    let own = client.http().get(format!("{}/toestemmingen", gateway.world.layout.front_origin()));
    let own = crate::harness::send(own).await;
    for headers in [&landing.headers, &login.headers, &consent.headers, &turned_away.headers, &own.headers] {
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.split("; ").any(|directive| directive == "frame-ancestors 'none'"), "{policy}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn case_18_a_cookie_from_before_the_login_is_dead_after_it() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let landing = landing(&gateway, &client, "s").await;
    let login = login(&gateway, &client, &landing).await;
    let consent = log_in(&gateway, &client, &login).await;
    let values = [&landing, &login, &consent].map(|page| page.cookie.clone());
    assert!(values[0] != values[1] && values[1] != values[2] && values[0] != values[2]);
    for planted in &values[..2] {
        let allow = consent.pressed("answer", "allow");
        stale(&gateway, &post(&client, &consent.address, Some(planted), &allow, &[]).await);
    }
    assert!(single(&answer(&consent.press(&client, "answer", "allow").await), "code").is_some());
    gateway.stop().await;
}

#[tokio::test]
async fn case_20_the_back_button_after_a_no_gives_no_code() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let consent = consent(&gateway, &client, "s").await;
    assert_eq!(single(&answer(&consent.press(&client, "answer", "refuse").await), "error"), Some("access_denied"));
    stale(&gateway, &consent.press(&client, "answer", "allow").await);
    let landing = landing(&gateway, &client, "s").await;
    assert_eq!(single(&answer(&landing.press(&client, "action", "cancel").await), "error"), Some("access_denied"));
    stale(&gateway, &landing.press(&client, "action", "continue").await);
    assert!(gateway.audit_of("consent_given").is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn case_21_every_no_is_one_and_the_same_answer_to_the_client() {
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
        (Choices { bsn: "999990019", ..willing }, "not-available"),
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
async fn case_21_a_person_without_data_is_told_so_and_not_which_of_the_reasons_it_is() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let elsewhere = gateway.world.practices[1].patients[0].bsn.reveal().to_owned();
    let child = gateway.world.practices[0].patients.iter().find(|person| person.birth_date.year() > 2010).unwrap();
    let mut pages = Vec::new();
    for bsn in [elsewhere.as_str(), child.bsn.reveal(), "999990019"] {
        let landing = landing(&gateway, &client, "s").await;
        let page = no_data(&gateway, &client, &login(&gateway, &client, &landing).await, bsn).await;
        let reply = page.press(&client, "action", "continue").await;
        assert_eq!(single(&answer(&reply), "error"), Some("access_denied"));
        stale(&gateway, &page.press(&client, "action", "continue").await);
        pages.push(page.form.names);
    }
    assert!(pages.windows(2).all(|pair| pair[0] == pair[1] && pair[0] == ["action"]), "{pages:?}");
    assert!(gateway.audit_of("consent_given").is_empty());
    gateway.stop().await;
}

/// The page for a person about whom there is nothing; a yes on it is no answer.
async fn no_data(gateway: &Gateway, client: &PgoClient, login: &Page, bsn: &str) -> Page {
    let mut fields = login.pressed("action", "login");
    fields.push(("bsn".to_owned(), bsn.to_owned()));
    let sent = post(client, &login.address, Some(&login.cookie), &fields, &[]).await;
    let cookie = crate::pages::cookie(&sent);
    let address = format!("{}{}", gateway.world.layout.front_origin(), location(&sent).unwrap());
    let reply = crate::pages::see(client, &address, &cookie).await;
    assert!(text(&reply).contains("Geen gegevens beschikbaar"), "{}", text(&reply));
    Page::of(gateway, &reply, cookie)
}

#[tokio::test]
async fn case_22_a_hundred_authorizations_in_one_browser_keep_to_their_own_state() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let mut pages = Vec::new();
    for number in 0..100 {
        pages.push(landing(&gateway, &client, &format!("state {number}")).await);
    }
    // Step by step through all windows, from the last to the first and back.
    pages.reverse();
    let mut logins = Vec::new();
    for page in &pages {
        logins.push(login(&gateway, &client, page).await);
    }
    logins.reverse();
    let mut consents = Vec::new();
    for page in &logins {
        consents.push(log_in(&gateway, &client, page).await);
    }
    let all = consents.iter().map(|page| page.cookie.as_str()).collect::<Vec<_>>().join("; ");
    let mut codes = BTreeSet::new();
    for (number, page) in consents.iter().enumerate().rev() {
        let reply = post(&client, &page.address, Some(&all), &page.pressed("answer", "allow"), &[]).await;
        let answer = answer(&reply);
        assert_eq!(single(&answer, "state"), Some(format!("state {number}").as_str()));
        codes.insert(single(&answer, "code").unwrap().to_owned());
    }
    assert_eq!(codes.len(), 100);
    gateway.stop().await;
}
