//! Go-live as PGOs and patients meet it: who is let in at each stage, that a change counts at once, and that each is on record.

use std::time::Duration;

use inzage::sandbox::client::{PgoClient, Reply, new_id};
use inzage::sandbox::person::{Choices, End, Person, location, read_form};
use serde_json::{Value, json};

use super::{Operator, Said};
use crate::harness::{Gateway, fault, text};

const DELINDE: &str = "huisarts.delinde@medmij";

impl Operator {
    async fn set(&self, entrance: &str, seen: u32, stage: Value) -> Said {
        let wish = json!({"stage": stage, "seen": seen, "reason": "proef met acht praktijken"});
        self.ask("PUT", &format!("/api/v1/go-live/{entrance}"), Some(&wish)).await
    }

    async fn undo(&self, entrance: &str, seen: u32) -> Said {
        self.ask("POST", &format!("/api/v1/go-live/{entrance}/undo"), Some(&json!({"seen": seen}))).await
    }

    async fn name(&self, entrance: &str, bsn: &str, takes_part: bool) -> Said {
        let person = json!({"bsn": bsn, "takes_part": takes_part});
        self.ask("PUT", &format!("/api/v1/go-live/{entrance}/people"), Some(&person)).await
    }
}

/// Adults of the first practice.
fn people(gateway: &Gateway) -> Vec<String> {
    let adults = gateway.world.practices[0].patients.iter().filter(|person| person.birth_date.year() < 2005);
    adults.map(|person| person.bsn.reveal().to_owned()).collect()
}

fn pilot(places: u16, clients: &[&str]) -> Value {
    json!({"stage": "pilot", "places": places, "clients": clients, "from": "2026-11-01", "until": "2026-12-31"})
}

/// What the client gets for a willing person: a code, or the error.
async fn tried(gateway: &Gateway, client: &str, bsn: &str) -> Result<(), String> {
    let (end, ..) = gateway.walk(&gateway.client(client), DELINDE, Choices::willing(bsn)).await;
    let End::Client(answer) = end else { panic!("{end:?}") };
    answer.get("error").map_or(Ok(()), |error| Err(error.clone()))
}

/// A person on their way through the pages.
struct Way {
    client: PgoClient,
    front: String,
    person: Person,
    at: String,
    reply: Reply,
}

impl Way {
    /// Up to the last page before they go back to the app.
    async fn of(gateway: &Gateway, bsn: &str) -> Self {
        let client = gateway.client("pgo");
        let endpoints = client.endpoints(DELINDE, crate::harness::SERVICE).await.unwrap();
        let at = client.authorization_url(&endpoints, "huisarts.delinde", "s", &new_id());
        let (mut person, front) = (Person::default(), gateway.world.layout.front_origin());
        let reply = person.open(&client, &at).await.unwrap();
        let mut way = Self { client, front, person, at, reply };
        way.press(&[("action", "continue")]).await;
        way.press(&[("bsn", bsn), ("action", "login")]).await;
        way
    }

    /// Sends the form of the page, and follows where that leads among our pages.
    async fn press(&mut self, fields: &[(&str, &str)]) {
        let form = read_form(&self.html()).unwrap();
        self.at = self.absolute(&form.action);
        let own = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let fields: Vec<_> = form.hidden.into_iter().chain(own).collect();
        self.reply = self.person.submit(&self.client, &self.at, &fields).await.unwrap();
        while let Some(next) = location(&self.reply).filter(|next| !next.starts_with(&self.client.redirect_uri)) {
            self.at = self.absolute(&next);
            self.reply = self.person.open(&self.client, &self.at).await.unwrap();
        }
    }

    fn absolute(&self, address: &str) -> String {
        if address.starts_with('/') { format!("{}{address}", self.front) } else { address.to_owned() }
    }

    fn html(&self) -> String {
        text(&self.reply)
    }
}

/// Returns when the node knows that so many places are taken.
async fn taken(operator: &Operator, places: u64) {
    let known = async {
        while operator.get("/api/v1/go-live").await[0]["places_taken"] != places {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), known).await.expect("each node reads every second");
}

#[tokio::test]
async fn a_pilot_lets_in_as_many_as_it_has_places_and_tells_the_others_kindly() {
    let gateway = Gateway::start().await;
    let operator = Operator::new(&gateway, "wacht");
    let people = people(&gateway);
    let (before, first, second) = (&people[0], &people[1], &people[2]);
    let held = gateway.session(DELINDE, before).await;
    gateway.clock.advance(Duration::from_secs(1));
    assert_eq!(operator.set(DELINDE, 0, pilot(1, &["pgo.localhost"])).await.status, 200);

    let refused = held.get("EpisodeOfCare").await;
    let neutral = ("practice-closed".to_owned(), "practice".to_owned());
    assert_eq!((refused.status.as_u16(), fault(&refused)), (403, neutral), "a consent from before the pilot");
    assert_eq!(gateway.last_audit("resource_refused")["reason"], "not-in-pilot");

    let mut hesitating = Way::of(&gateway, second).await;
    assert!(hesitating.html().contains("Toestemming geven"), "there is a place: {}", hesitating.html());
    let inside = gateway.session(DELINDE, first).await;
    inside.bundle("EpisodeOfCare").await;
    hesitating.press(&[("answer", "allow")]).await;
    assert!(hesitating.html().contains("Nog niet open voor u"), "the last place went: {}", hesitating.html());
    taken(&operator, 1).await;
    let page = Way::of(&gateway, second).await.html();
    assert!(page.contains("Nog niet open voor u") && page.contains("Vraag het aan uw praktijk"), "{page}");
    assert_eq!(tried(&gateway, "pgo", second).await, Err("access_denied".to_owned()));
    assert_eq!(gateway.last_audit("authorization_refused")["reason"], "not-in-pilot");
    assert_eq!(tried(&gateway, "pgo", first).await, Ok(()), "who has a place keeps it");
    assert_eq!(tried(&gateway, "pgo2", first).await, Err("invalid_scope".to_owned()), "another app is not in it");
    let told = operator.get("/api/v1/go-live").await;
    assert_eq!((&told[0]["stage"], &told[0]["places_taken"]), (&"pilot".into(), &1.into()));
    gateway.stop().await;
}

#[tokio::test]
async fn a_pause_counts_at_once_and_one_click_undoes_it() {
    let gateway = Gateway::start().await;
    let operator = Operator::new(&gateway, "wacht");
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    assert_eq!(operator.set(DELINDE, 0, json!({"stage": "paused"})).await.status, 200);
    let asked = gateway.his_requests();
    assert_eq!(session.get("EpisodeOfCare").await.status, 403);
    assert_eq!(gateway.his_requests(), asked, "the HIS is not asked");
    assert_eq!(gateway.last_audit("resource_refused")["reason"], "practice-paused");
    assert_eq!(tried(&gateway, "pgo", &gateway.patient()).await, Err("invalid_scope".to_owned()));
    assert_eq!(operator.undo(DELINDE, 1).await.status, 200);
    session.bundle("EpisodeOfCare").await;
    let changes = operator.get(&format!("/api/v1/go-live/{DELINDE}")).await;
    assert_eq!((&changes[0]["stage"], &changes[1]["stage"]), (&Value::Null, &"paused".into()));
    gateway.stop().await;
}

#[tokio::test]
async fn a_field_test_is_for_the_people_whom_operators_named() {
    let gateway = Gateway::start().await;
    let operator = Operator::new(&gateway, "wacht");
    let people = people(&gateway);
    let (named, other) = (&people[0], &people[1]);
    operator.set(DELINDE, 0, json!({"stage": "field_test"})).await;
    assert_eq!(tried(&gateway, "pgo", named).await, Err("access_denied".to_owned()));
    assert_eq!(operator.name(DELINDE, named, true).await.json()["changed"], true);
    let session = gateway.session(DELINDE, named).await;
    session.bundle("EpisodeOfCare").await;
    assert_eq!(tried(&gateway, "pgo", other).await, Err("access_denied".to_owned()));
    assert_eq!(gateway.last_audit("authorization_refused")["reason"], "not-in-field-test");

    let record = gateway.audit_of("go_live_changed").pop().unwrap();
    assert!(record["subject"].is_string() && !record.to_string().contains(named.as_str()), "{record}");
    gateway.clock.advance(Duration::from_secs(1));
    assert_eq!(operator.name(DELINDE, named, false).await.json()["changed"], true);
    assert_eq!(tried(&gateway, "pgo", named).await, Err("access_denied".to_owned()));
    assert_eq!(session.get("EpisodeOfCare").await.status, 403, "and the token of who takes part no more");
    gateway.stop().await;
}

#[tokio::test]
async fn one_service_can_be_further_than_its_practice() {
    let gateway = Gateway::start().await;
    let operator = Operator::new(&gateway, "wacht");
    operator.set(DELINDE, 0, json!({"stage": "closed"})).await;
    operator.set(&format!("{DELINDE}~49"), 0, json!({"stage": "open"})).await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    session.bundle("EpisodeOfCare").await;
    assert_eq!(session.token.scope, "49", "the others are closed");
    gateway.stop().await;
}

#[tokio::test]
async fn each_change_is_on_record_before_it_happens_and_no_editor_overwrites_another() {
    let gateway = Gateway::start().await;
    let operator = Operator::new(&gateway, "wacht");
    let receipt = operator.set(DELINDE, 0, pilot(20, &[])).await.json()["receipt"].as_str().unwrap().to_owned();
    let late = operator.set(DELINDE, 0, json!({"stage": "open"})).await;
    assert_eq!((late.status, &late.json()["error"]), (409, &"changed-meanwhile".into()));
    assert_eq!(operator.undo(DELINDE, 7).await.status, 409);

    let records = gateway.audit_of("go_live_changed");
    let outcomes: Vec<_> = records.iter().map(|record| record["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["intended", "done", "intended", "refused"]);
    assert!(receipt.ends_with(&format!("/{}", records[0]["index"])));
    assert_eq!((&records[0]["user"], &records[0]["provider"]), (&"operator:wacht.localhost".into(), &DELINDE.into()));
    let detail = records[0]["detail"].as_str().unwrap();
    assert!(detail.contains("\"places\":20") && detail.ends_with("proef met acht praktijken"), "{detail}");
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_no_stage_or_no_practice_of_ours_changes_nothing() {
    let gateway = Gateway::start().await;
    let operator = Operator::new(&gateway, "wacht");
    for entrance in ["huisarts.nergens@medmij", "huisarts.delinde@medmij~999", "huisarts.delinde"] {
        let said = operator.set(entrance, 0, json!({"stage": "open"})).await;
        assert_eq!((said.status, &said.json()["error"]), (404, &"no-such-entrance".into()), "{entrance}");
    }
    for stage in [json!({"stage": "ajar"}), pilot(0, &[]), json!("open")] {
        let said = operator.set(DELINDE, 0, stage).await;
        assert_eq!((said.status, &said.json()["error"]), (400, &"no-such-stage".into()));
    }
    assert_eq!(operator.name(DELINDE, "123456789", true).await.json()["error"], "no-bsn");
    assert!(gateway.audit_of("go_live_changed").is_empty());
    assert_eq!(operator.get("/api/v1/go-live").await, json!([]));
    gateway.stop().await;
}

#[tokio::test]
async fn the_page_does_what_the_api_does_and_shows_no_bsn() {
    let gateway = Gateway::start().await;
    let (operator, reader) = (Operator::new(&gateway, "wacht"), Operator::new(&gateway, "lezer"));
    let pilot = [
        ("action", "set"),
        ("entrance", DELINDE),
        ("seen", "0"),
        ("stage", "pilot"),
        ("places", "20"),
        ("clients", "pgo.localhost"),
        ("from", "2026-11-01"),
        ("until", "2026-12-31"),
        ("reason", "proef met acht praktijken"),
    ];
    assert_eq!(operator.send("/go-live", &pilot).await.status, 303);
    let shown = reader.ask("GET", "/go-live", None).await.text;
    assert!(shown.contains("20 places, pgo.localhost, 2026-11-01 to 2026-12-31"), "{shown}");
    assert!(!shown.contains("Set it"), "a reader changes nothing");
    let bsn = gateway.patient();
    let name = [("action", "name"), ("entrance", DELINDE), ("bsn", bsn.as_str()), ("takes_part", "yes")];
    assert_eq!(operator.send("/go-live", &name).await.status, 303);
    assert!(operator.ask("GET", "/go-live", None).await.text.contains("1 with a place"));
    let wrong = [("action", "name"), ("entrance", "nergens"), ("bsn", bsn.as_str()), ("takes_part", "yes")];
    let page = operator.send("/go-live", &wrong).await;
    assert!(page.status == 404 && !page.text.contains(&bsn), "{}", page.text);
    let undo = [("action", "undo"), ("entrance", DELINDE), ("seen", "1")];
    assert_eq!(operator.send("/go-live", &undo).await.status, 303);
    assert_eq!(operator.send_from_elsewhere("/go-live", &undo).await.status, 403);
    assert!(reader.ask("GET", "/go-live", None).await.text.contains("as configured"));
    gateway.stop().await;
}
