//! "Find my practice": what people and programs see of it, from outside.

use http::StatusCode;
use inzage::clock::Clock as _;
use inzage::form::encode_pairs;
use inzage::lists::ListKind;
use inzage::sandbox::client::{PgoClient, Reply};
use inzage::sandbox::person::{Person, location};
use serde_json::{Value, json};

use crate::harness::{Gateway, text};

fn url(gateway: &Gateway, pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    format!("{}/practices?{}", gateway.world.layout.front_origin(), encode_pairs(&pairs))
}

async fn page(gateway: &Gateway, client: &PgoClient, pairs: &[(&str, &str)]) -> Reply {
    Person::default().open(client, &url(gateway, pairs)).await.unwrap()
}

async fn as_json(gateway: &Gateway, client: &PgoClient, question: &str) -> (StatusCode, Value) {
    let request = client.http().get(url(gateway, &[("q", question)])).header("accept", "application/json");
    let response = request.send().await.unwrap();
    (response.status(), serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
}

#[tokio::test]
async fn a_person_finds_their_practice_on_a_page_in_two_languages() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let empty = page(&gateway, &client, &[]).await;
    assert_eq!(empty.status, 200);
    assert!(text(&empty).contains("<h1>Uw praktijk zoeken</h1>") && !text(&empty).contains("role=\"alert\""));

    let found = page(&gateway, &client, &[("q", "de lidne")]).await;
    let html = text(&found);
    for part in
        ["<strong>Huisartsenpraktijk De Linde</strong>, Wilgenoord", "Open: u kunt hier", "huisarts.delinde@medmij"]
    {
        assert!(html.contains(part), "{part} in {html}");
    }
    assert!(html.contains("value=\"de lidne\"") && html.contains("/practices?lang=en"), "{html}");
    let policy = found.headers["content-security-policy"].to_str().unwrap();
    assert_eq!(
        policy,
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    assert_eq!(found.headers["cache-control"], "no-store");

    let english = page(&gateway, &client, &[("q", "<\"linde\">"), ("lang", "en")]).await;
    let html = text(&english);
    assert!(html.contains("<html lang=\"en\">") && html.contains("Practices found (1)"), "{html}");
    assert!(html.contains("value=\"&#60;&#34;linde&#34;&#62;\""), "{html}");
    assert!(text(&page(&gateway, &client, &[("q", "nergens")]).await).contains("Geen praktijk gevonden"));
    gateway.stop().await;
}

#[tokio::test]
async fn a_bsn_in_a_question_is_refused_and_never_repeated() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let bsn = gateway.patient();
    // The browser is led away from the address with the number in it.
    let away = page(&gateway, &client, &[("q", &format!("linde {bsn}")), ("lang", "nl")]).await;
    assert_eq!((away.status.as_u16(), location(&away).as_deref()), (303, Some("/practices?lang=nl&wrong=bsn")));
    let reply = page(&gateway, &client, &[("lang", "nl"), ("wrong", "bsn")]).await;
    assert_eq!(reply.status, 400);
    assert!(text(&reply).contains("Dit lijkt op een burgerservicenummer") && !text(&reply).contains(&bsn));
    let (status, body) = as_json(&gateway, &client, &bsn).await;
    assert_eq!((status.as_u16(), body), (400, json!({"error": "holds-bsn"})));
    for (question, error) in [("", "too-short"), ("x", "too-short"), (&*"a".repeat(101), "too-long")] {
        let (status, body) = as_json(&gateway, &client, question).await;
        assert_eq!((status.as_u16(), body), (400, json!({"error": error})), "{question}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_program_gets_the_same_and_what_is_not_on_the_list_is_known_only() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let linde = |state: &str| {
        json!({
            "provider": "huisarts.delinde@medmij", "name": "Huisartsenpraktijk De Linde", "place": "Wilgenoord",
            "state": state,
        })
    };
    let (status, body) = as_json(&gateway, &client, "linde").await;
    assert_eq!((status.as_u16(), body), (200, json!({"practices": [linde("open")]})));

    // Delisted, and a practice of somebody else in its place.
    let lists = gateway.world.layout.lists(2, gateway.clock.now());
    gateway.world.publisher.publish(lists.into_iter().map(|(kind, list)| match kind {
        ListKind::Zal => (kind, list.replace("huisarts.delinde@medmij", "praktijk.lindelaan@medmij")),
        ListKind::Ocl | ListKind::Whl | ListKind::Gnl => (kind, list),
    }));
    gateway.refresh_lists().await;
    let other =
        json!({"provider": "praktijk.lindelaan@medmij", "name": "praktijk.lindelaan", "place": null, "state": "known"});
    let (_, body) = as_json(&gateway, &client, "linde").await;
    assert_eq!(body, json!({"practices": [linde("known"), other]}));
    gateway.stop().await;
}
