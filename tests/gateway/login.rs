//! The way back from a login service of the outside world: an address with the ticket that it was given, good for the
//! browser that left and nobody else.

use inzage::form::{decode_pairs, encode_pairs, single};
use inzage::sandbox::client::{PgoClient, Reply, new_id};
use inzage::sandbox::person::{Person, location, read_form};

use crate::harness::{Gateway, SERVICE, text};

const DELINDE: &str = "huisarts.delinde@medmij";

/// A browser that left for the login service, and the ticket that came with it.
struct Departed {
    person: Person,
    ticket: String,
}

async fn depart(gateway: &Gateway, client: &PgoClient) -> Departed {
    let endpoints = client.endpoints(DELINDE, SERVICE).await.unwrap();
    let mut person = Person::default();
    let url = client.authorization_url(&endpoints, "huisarts.delinde", "s", &new_id());
    let landing = read_form(&text(&person.open(client, &url).await.unwrap())).unwrap();
    let mut fields = landing.hidden.clone();
    fields.push(("action".to_owned(), "continue".to_owned()));
    let address = format!("{}{}", gateway.world.layout.front_origin(), landing.action);
    let sent = location(&person.submit(client, &address, &fields).await.unwrap()).unwrap();
    let query = decode_pairs(sent.split_once('?').unwrap().1).unwrap();
    let ticket = format!("{}.{}", single(&query, "visit").unwrap(), single(&query, "nonce").unwrap());
    Departed { person, ticket }
}

async fn come_back(gateway: &Gateway, client: &PgoClient, person: &mut Person, ticket: &str) -> Reply {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let query = encode_pairs(&[pair("state", ticket), pair("action", "cancel")]);
    let address = format!("{}/login/callback?{query}", gateway.world.layout.front_origin());
    person.open(client, &address).await.unwrap()
}

fn stale(gateway: &Gateway, reply: &Reply) {
    assert_eq!((reply.status.as_u16(), location(reply)), (403, None), "{}", text(reply));
    assert_eq!(gateway.last_audit("authorization_refused")["reason"], "stale-page");
}

#[tokio::test]
async fn case_19_the_answer_of_one_person_is_of_no_use_in_the_browser_of_another() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let (mut one, mut other) = (depart(&gateway, &client).await, depart(&gateway, &client).await);
    let glued = come_back(&gateway, &client, &mut other.person, &one.ticket).await;
    stale(&gateway, &glued);
    let without_cookies = come_back(&gateway, &client, &mut Person::default(), &one.ticket).await;
    stale(&gateway, &without_cookies);
    // The attempts cost neither of them their own way back, which works once.
    for departed in [&mut one, &mut other] {
        let reply = come_back(&gateway, &client, &mut departed.person, &departed.ticket).await;
        assert!(location(&reply).unwrap().contains("error=access_denied"), "{}", text(&reply));
        assert_eq!(gateway.last_audit("authentication_failed")["reason"], "login-cancelled");
        let again = come_back(&gateway, &client, &mut departed.person, &departed.ticket).await;
        stale(&gateway, &again);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_return_without_a_ticket_of_ours_ends_on_a_page() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let mut departed = depart(&gateway, &client).await;
    let (visit, key) = departed.ticket.split_once('.').unwrap();
    for ticket in ["", ".", visit, key, &format!("{visit}.{}", &key[1..]), &format!("{}.{key}", new_id())] {
        let reply = come_back(&gateway, &client, &mut departed.person, ticket).await;
        stale(&gateway, &reply);
    }
    gateway.stop().await;
}
