//! The app in a whole sandbox: a program walks from its start page through the gateway to the record, and astray.

use std::path::PathBuf;
use std::sync::Arc;

use http::{StatusCode, header};

use super::*;
use crate::clock::SystemClock;
use crate::form::single;
use crate::sandbox::client::Reply;
use crate::sandbox::person::{Choices, End, Person, location};
use crate::sandbox::ports::Base;
use crate::sandbox::world::{Wish, World};

const PROVIDER: &str = "huisarts.delinde@medmij";

/// A sandbox in a folder that goes away with it, and a browser.
struct Visit {
    world: World,
    client: PgoClient,
    person: Person,
    origin: String,
    dir: PathBuf,
}

impl Visit {
    async fn begin() -> Self {
        let clock: SharedClock = Arc::new(SystemClock);
        let dir = std::env::temp_dir().join(format!("inzage-zorgmap-{}", Handle::draw().reveal()));
        let wish =
            Wish { dir: dir.clone(), his_data: None, base: Base::Any, with_gateway: true, settings: String::new() };
        let world = World::start(&wish, Arc::clone(&clock)).await.unwrap();
        let client = world.client("pgo", &clock).unwrap();
        let origin = origin(&client.redirect_uri).to_owned();
        Self { world, client, person: Person::default(), origin, dir }
    }

    async fn open(&mut self, path: &str) -> Reply {
        self.person.open(&self.client, &format!("{}{path}", self.origin)).await.unwrap()
    }

    async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.person.submit(&self.client, &format!("{}{path}", self.origin), &fields).await.unwrap()
    }

    /// Leaves for the gateway and walks there until it sends back; path and query of the return.
    async fn walk(&mut self, choices: Choices<'_>) -> String {
        let chosen = DataService::ALL.map(|service| ("service", service.id()));
        self.walk_for(&[&[("practice", PROVIDER)], &chosen[..]].concat(), choices).await
    }

    async fn walk_for(&mut self, fields: &[(&str, &str)], choices: Choices<'_>) -> String {
        self.leave("/collect", fields, choices).await
    }

    async fn share(&mut self, fields: &[(&str, &str)], choices: Choices<'_>) -> String {
        self.leave("/share", fields, choices).await
    }

    async fn leave(&mut self, path: &str, fields: &[(&str, &str)], choices: Choices<'_>) -> String {
        let gone = self.submit(path, fields).await;
        let End::Client(answer) = self.person.walk(&self.client, &location(&gone).unwrap(), choices).await.unwrap()
        else {
            panic!("the walk ends at the client")
        };
        let pairs: Vec<_> = answer.into_iter().collect();
        format!("/cb?{}", crate::form::encode_pairs(&pairs))
    }

    async fn end(self) {
        self.world.stop().await.unwrap();
        std::fs::remove_dir_all(self.dir).unwrap();
    }
}

fn text(reply: &Reply) -> String {
    String::from_utf8(reply.body.to_vec()).unwrap()
}

fn policy(reply: &Reply) -> &str {
    reply.headers.get(header::CONTENT_SECURITY_POLICY).unwrap().to_str().unwrap()
}

#[tokio::test]
async fn a_person_collects_reloads_and_forgets_their_record() {
    let mut visit = Visit::begin().await;
    let patient = visit.world.practices[0].patients[0].clone();
    assert!(text(&visit.open("/").await).contains(patient.bsn.reveal()));
    let offer = visit.open(&format!("/services?practice={PROVIDER}")).await;
    let front = visit.world.layout.front_origin();
    assert!(policy(&offer).contains(&format!("form-action 'self' {front};")), "{}", policy(&offer));
    assert_eq!(text(&offer).matches("type=\"checkbox\"").count(), 5);

    let back = visit.walk(Choices::willing(patient.bsn.reveal())).await;
    let returned = visit.open(&back).await;
    assert_eq!((returned.status, location(&returned).as_deref()), (StatusCode::SEE_OTHER, Some("/record")));
    for _ in 0..2 {
        let page = visit.open("/record").await;
        let html = text(&page);
        assert_eq!(page.status, StatusCode::OK);
        assert!(html.contains(&patient.given) && html.contains(&patient.family));
        assert!(!html.contains("class=\"problem\"") && html.contains("afgeschermd"));
        assert!(!html.contains(patient.bsn.reveal()), "the record page repeats no BSN");
        for canary in &visit.world.practices[0].canaries {
            assert!(!html.contains(canary.as_str()), "{canary}");
        }
        assert!(!policy(&page).contains("unsafe") && policy(&page).contains("default-src 'none'"));
    }
    assert!(text(&visit.open("/").await).contains("href=\"/record\""));
    let again = visit.open(&back).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN, "one return is good for one time");

    visit.submit("/forget", &[]).await;
    assert_eq!(visit.open("/record").await.status, StatusCode::NOT_FOUND);
    visit.end().await;
}

#[tokio::test]
async fn a_person_sees_what_they_chose_and_opens_a_document() {
    let mut visit = Visit::begin().await;
    let bsn = visit.world.practices[0].patients[0].bsn.reveal().to_owned();
    let back = visit.walk(Choices::willing(&bsn)).await;
    visit.open(&back).await;
    let html = text(&visit.open("/record").await);
    for part in ["persoon", "consulten", "afspraken", "documenten", "metingen", "vaccinaties"] {
        assert!(html.contains(&format!("<section class=\"card\" id=\"{part}\"")), "{part}");
    }
    assert!(!html.contains("Geen gegevens.") && !html.contains("class=\"problem\""), "{html}");
    let pdf = visit.open("/documents/0").await;
    assert_eq!((pdf.status, &pdf.headers["content-type"]), (StatusCode::OK, &"application/pdf".parse().unwrap()));
    assert!(
        pdf.body.starts_with(b"%PDF-") && pdf.headers["content-disposition"].to_str().unwrap().contains("document")
    );
    assert_eq!(visit.open("/documents/999").await.status, StatusCode::BAD_GATEWAY);
    assert_eq!(visit.open("/documents/x").await.status, StatusCode::NOT_FOUND);

    let back = visit.walk_for(&[("practice", PROVIDER), ("service", "47")], Choices::willing(&bsn)).await;
    visit.open(&back).await;
    let html = text(&visit.open("/record").await);
    assert!(
        html.contains("id=\"afspraken\"") && !html.contains("id=\"persoon\"") && !html.contains("id=\"documenten\"")
    );
    assert_eq!(visit.open("/documents/0").await.status, StatusCode::BAD_GATEWAY, "documents were not fetched");
    visit.end().await;
}

#[tokio::test]
async fn a_person_shares_a_measurement_and_fetches_it_again() {
    let mut visit = Visit::begin().await;
    let bsn = visit.world.practices[0].patients[0].bsn.reveal().to_owned();
    let form = visit.open(&format!("/share?practice={PROVIDER}")).await;
    assert!(policy(&form).contains(&visit.world.layout.front_origin()) && text(&form).contains("name=\"weight\""));
    let measured =
        [("practice", PROVIDER), ("name", "W. <Ergens>"), ("weight", "77,7"), ("high", "131"), ("low", "78")];
    let back = visit.share(&measured, Choices::willing(&bsn)).await;
    let returned = visit.open(&back).await;
    assert_eq!(location(&returned).as_deref(), Some("/shared"));
    let html = text(&visit.open("/shared").await);
    assert!(html.contains("Uw meting is doorgegeven"), "{html}");
    assert_eq!((html.matches("In orde").count(), html.matches("201 Created").count()), (3, 2), "{html}");
    assert_eq!(visit.open("/record").await.status, StatusCode::NOT_FOUND);

    let back = visit.walk_for(&[("practice", PROVIDER), ("service", "52")], Choices::willing(&bsn)).await;
    visit.open(&back).await;
    let html = text(&visit.open("/record").await);
    assert!(html.contains("77,7 kg") && html.contains("131 mmHg"), "{html}");

    let refused = visit.share(&measured, Choices { consent: "refuse", ..Choices::willing(&bsn) }).await;
    assert!(text(&visit.open(&refused).await).contains("Er is niets doorgegeven"));
    assert_eq!(visit.submit("/share", &measured[..2]).await.status, StatusCode::BAD_REQUEST);
    visit.end().await;
}

#[tokio::test]
async fn a_practice_offers_what_the_list_says() {
    let mut visit = Visit::begin().await;
    let of_plain_json = format!("/services?practice={}", visit.world.practices[2].provider);
    let offered = text(&visit.open(&of_plain_json).await);
    assert_eq!(offered.matches("type=\"checkbox\"").count(), 3, "{offered}");
    assert!(!offered.contains("href=\"/share"), "it takes no measurements");
    let services = [("practice", PROVIDER), ("service", "53")];
    assert_eq!(visit.submit("/collect", &services).await.status, StatusCode::BAD_REQUEST, "53 is not fetched");
    visit.end().await;
}

#[tokio::test]
async fn a_person_who_goes_astray_is_told_so() {
    let mut visit = Visit::begin().await;
    let bsn = visit.world.practices[0].patients[0].bsn.reveal().to_owned();
    let refused = visit.walk(Choices { consent: "refuse", ..Choices::willing(&bsn) }).await;
    assert!(text(&visit.open(&refused).await).contains("Er zijn geen gegevens opgehaald"));

    let back = visit.walk(Choices::willing(&bsn)).await;
    let own = std::mem::take(&mut visit.person);
    assert_eq!(visit.open(&back).await.status, StatusCode::FORBIDDEN, "somebody else's browser");
    visit.person = own;
    let forged = back.replace("state=", "state=A");
    assert_eq!(visit.open(&forged).await.status, StatusCode::FORBIDDEN);
    let no_code = format!("/cb?state={}&error=server_error", single(&pairs(&back), "state").unwrap());
    assert_eq!(visit.open(&no_code).await.status, StatusCode::SERVICE_UNAVAILABLE);

    for practice in ["", "huisarts.nergens@medmij"] {
        let reply = visit.submit("/collect", &[("practice", practice)]).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    }
    for (path, status) in [
        ("/record", 404),
        ("/services", 400),
        ("/documents/0", 404),
        ("/nergens", 404),
        ("/collect", 404),
        ("/cb", 403),
    ] {
        let reply = visit.open(path).await;
        assert!(reply.status.as_u16() == status && text(&reply).contains("Opnieuw beginnen"), "{path}");
    }
    visit.end().await;
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let visit = Visit::begin().await;
    let request = visit.client.http().post(format!("{}/collect", visit.origin)).header("sec-fetch-site", "cross-site");
    assert_eq!(request.body("practice=x").send().await.unwrap().status(), StatusCode::FORBIDDEN);
    visit.end().await;
}

fn pairs(path: &str) -> Vec<(String, String)> {
    crate::form::decode_pairs(path.split_once('?').unwrap().1).unwrap()
}
