//! A person looks at their lasting consents outside any app, and stops them; and stops one while an app asks for another.

use inzage::form::single;
use inzage::sandbox::client::{PgoClient, Reply, new_id};
use inzage::sandbox::person::{Choices, End, Form, Person, location, read_form};

use crate::harness::{COLLECTED, Gateway, SERVICE, json, text};

const DELINDE: &str = "huisarts.delinde@medmij";

/// Fills in a form: its hidden fields and these.
fn fill(form: &Form, fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let more = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    form.hidden.iter().cloned().chain(more).collect()
}

/// A browser at the gateway, without any app.
pub(crate) struct Visitor<'a> {
    gateway: &'a Gateway,
    /// Only for its connection: it shows no certificate to the front channel.
    through: PgoClient,
    person: Person,
}

impl<'a> Visitor<'a> {
    pub(crate) fn new(gateway: &'a Gateway) -> Self {
        Self { gateway, through: gateway.client("pgo"), person: Person::default() }
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.gateway.world.layout.front_origin())
    }

    pub(crate) async fn open(&mut self, path: &str) -> Reply {
        self.person.open(&self.through, &self.address(path)).await.unwrap()
    }

    /// Sends the form of a page, and opens where it leads.
    pub(crate) async fn press(&mut self, page: &Reply, fields: &[(&str, &str)]) -> Reply {
        let form = read_form(&text(page)).unwrap_or_else(|| panic!("no form: {}", text(page)));
        let sent = self.submit(&form, fields).await;
        match location(&sent) {
            Some(target) => self.open(&target).await,
            None => sent,
        }
    }

    pub(crate) async fn submit(&mut self, form: &Form, fields: &[(&str, &str)]) -> Reply {
        let address = self.address(&form.action);
        self.person.submit(&self.through, &address, &fill(form, fields)).await.unwrap()
    }

    /// The list of this person's consents.
    pub(crate) async fn log_in(&mut self, bsn: &str) -> Reply {
        let start = self.open("/toestemmingen").await;
        assert!(text(&start).contains("Uw toestemmingen"));
        let login = self.press(&start, &[("action", "continue")]).await;
        self.press(&login, &[("bsn", bsn), ("action", "login")]).await
    }
}

/// The ids behind the buttons of a list.
fn listed(page: &Reply) -> Vec<String> {
    let html = text(page);
    html.split("name=\"stop\" value=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

async fn consent_for_long(gateway: &Gateway, client: &PgoClient, bsn: &str) -> String {
    let choices = Choices { indefinite: true, ..Choices::willing(bsn) };
    let (End::Client(answer), endpoints, correlation) = gateway.walk(client, DELINDE, choices).await else { panic!() };
    let form = [
        ("grant_type", "authorization_code"),
        ("code", answer["code"].as_str()),
        ("client_id", client.client_id.as_str()),
        ("redirect_uri", client.redirect_uri.as_str()),
    ];
    let form: Vec<_> = form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let reply = client.token_request(&endpoints.token, &form, &correlation).await.unwrap();
    json(&reply)["refresh_token"].as_str().expect("a lasting consent gives a refresh token").to_owned()
}

async fn refresh(client: &PgoClient, token: &str) -> (u16, serde_json::Value) {
    let endpoints = client.endpoints(DELINDE, SERVICE).await.unwrap();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let form =
        [pair("grant_type", "refresh_token"), pair("refresh_token", token), pair("client_id", &client.client_id)];
    let reply = client.token_request(&endpoints.token, &form, &new_id()).await.unwrap();
    (reply.status.as_u16(), json(&reply))
}

#[tokio::test]
async fn a_person_stops_one_consent_and_keeps_the_others() {
    let gateway = Gateway::start().await;
    let (one, two) = (gateway.client("pgo"), gateway.client("pgo2"));
    let bsn = gateway.patient();
    let first = consent_for_long(&gateway, &one, &bsn).await;
    gateway.clock.advance(std::time::Duration::from_secs(60));
    let second = consent_for_long(&gateway, &two, &bsn).await;
    assert_eq!(
        gateway.last_audit("consent_given")["detail"],
        format!("services {COLLECTED}, for an indefinite period")
    );
    let mut visitor = Visitor::new(&gateway);
    let list = visitor.log_in(&bsn).await;
    let ids = listed(&list);
    assert_eq!(ids.len(), 2, "{}", text(&list));
    assert!(text(&list).contains("Huisartsenpraktijk De Linde") && text(&list).contains("21 november 2026"));
    // The newest stands first: the second PGO's.
    let left = visitor.press(&list, &[("stop", &ids[0])]).await;
    assert_eq!(listed(&left), ids[1..]);
    assert!(text(&left).contains("De toestemming is gestopt"), "{}", text(&left));
    let record = gateway.last_audit("consent_withdrawn");
    assert_eq!((&record["outcome"], &record["reason"]), (&"done".into(), &"withdrawn".into()));
    assert_eq!((&record["client_id"], &record["grant"]), (&"pgo2.localhost".into(), &ids[0].as_str().into()));
    assert!(record["subject"].is_string() && record["provider"] == DELINDE, "{record}");
    let (status, answer) = refresh(&two, &second).await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_grant")));
    assert_eq!(refresh(&one, &first).await.0, 200);
    // What is over, or nobody's, changes nothing.
    let again = visitor.press(&left, &[("stop", &ids[0])]).await;
    assert_eq!(listed(&again), ids[1..]);
    assert_eq!(gateway.audit_of("consent_withdrawn").len(), 1);
    let end = visitor.press(&again, &[("action", "leave")]).await;
    assert!(text(&end).contains("U bent klaar") && read_form(&text(&end)).is_none());
    gateway.stop().await;
}

#[tokio::test]
async fn nobody_stops_what_another_person_allowed() {
    let gateway = Gateway::start().await;
    let pgo = gateway.client("pgo");
    let adults: Vec<_> =
        gateway.world.practices[0].patients.iter().filter(|person| person.birth_date.year() < 2005).collect();
    let (mine, theirs) = (adults[0].bsn.reveal(), adults[1].bsn.reveal());
    let token = consent_for_long(&gateway, &pgo, theirs).await;
    let id = gateway.last_audit("consent_given")["grant"].as_str().unwrap().to_owned();
    let mut visitor = Visitor::new(&gateway);
    let list = visitor.log_in(mine).await;
    assert!(listed(&list).is_empty() && text(&list).contains("geen toestemming voor onbepaalde tijd"));
    let list = visitor.press(&list, &[("stop", &id)]).await;
    assert!(!text(&list).contains("gestopt"), "{}", text(&list));
    assert!(gateway.audit_of("consent_withdrawn").is_empty());
    assert_eq!(refresh(&pgo, &token).await.0, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn a_list_is_for_one_browser_and_its_form_works_once() {
    let gateway = Gateway::start().await;
    let mut visitor = Visitor::new(&gateway);
    let list = visitor.log_in(&gateway.patient()).await;
    let form = read_form(&text(&list)).unwrap();
    let path = form.action.split('?').next().unwrap().to_owned();
    let mut stranger = Visitor::new(&gateway);
    assert_eq!(stranger.open(&path).await.status, 403);
    assert_eq!(stranger.submit(&form, &[("action", "leave")]).await.status, 403);
    assert_eq!(visitor.submit(&form, &[("action", "leave")]).await.status, 200);
    assert_eq!(visitor.submit(&form, &[("action", "leave")]).await.status, 403);
    // Without an app there is nothing to consent to.
    let list = visitor.log_in(&gateway.patient()).await;
    let mut form = read_form(&text(&list)).unwrap();
    form.action = form.action.replace("/consents", "/consent");
    let reply = visitor.submit(&form, &[("answer", "allow")]).await;
    assert_eq!((reply.status.as_u16(), location(&reply)), (400, None));
    assert!(gateway.audit_of("consent_given").is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn who_does_not_log_in_sees_nothing_and_may_begin_again() {
    let gateway = Gateway::start().await;
    for (action, reason) in [("cancel", "login-cancelled"), ("fail", "login-failed")] {
        let mut visitor = Visitor::new(&gateway);
        let start = visitor.open("/toestemmingen?lang=en").await;
        assert!(text(&start).contains("Your consents"));
        let login = visitor.press(&start, &[("action", "continue")]).await;
        assert!(text(&login).contains("<html lang=\"en\">"));
        let again = visitor.press(&login, &[("bsn", "999950023"), ("action", "login")]).await;
        assert!(text(&again).contains("This is not a citizen service number"), "{}", text(&again));
        let back = visitor.press(&again, &[("action", action)]).await;
        assert!(text(&back).contains("Uw toestemmingen") && listed(&back).is_empty());
        let record = gateway.last_audit("authentication_failed");
        assert_eq!((&record["reason"], &record["client_id"]), (&reason.into(), &serde_json::Value::Null));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn an_app_that_comes_again_finds_the_way_to_stop_what_it_may() {
    let gateway = Gateway::start().await;
    let pgo = gateway.client("pgo");
    let bsn = gateway.patient();
    let token = consent_for_long(&gateway, &pgo, &bsn).await;
    let page = consent_page(&gateway, &pgo, &bsn).await;
    assert!(text(&page.1).contains("op <strong>21 november 2026</strong>"), "{}", text(&page.1));
    let (mut visitor, page) = page;
    let form = read_form(&text(&page)).unwrap();
    let sent = visitor.submit(&form, &[("answer", "stop")]).await;
    let answer = inzage::form::decode_pairs(location(&sent).unwrap().split_once('?').unwrap().1).unwrap();
    assert_eq!(single(&answer, "error"), Some("access_denied"));
    assert_eq!(gateway.last_audit("consent_withdrawn")["reason"], "withdrawn");
    let refused = gateway.last_audit("consent_refused");
    assert_eq!((&refused["reason"], &refused["client_id"]), (&"withdrawn".into(), &"pgo.localhost".into()));
    assert!(refused["subject"].is_string() && refused["correlation_id"].is_string(), "{refused}");
    assert_eq!(refresh(&pgo, &token).await.0, 400);
    let (_, page) = consent_page(&gateway, &pgo, &bsn).await;
    assert!(!text(&page).contains("value=\"stop\""));
    gateway.stop().await;
}

async fn consent_page<'a>(gateway: &'a Gateway, pgo: &PgoClient, bsn: &str) -> (Visitor<'a>, Reply) {
    let mut visitor = Visitor::new(gateway);
    let endpoints = pgo.endpoints(DELINDE, SERVICE).await.unwrap();
    let url = pgo.authorization_url(&endpoints, "huisarts.delinde", "s", &new_id());
    let landing = visitor.person.open(&visitor.through, &url).await.unwrap();
    let login = visitor.press(&landing, &[("action", "continue")]).await;
    let page = visitor.press(&login, &[("bsn", bsn), ("action", "login")]).await;
    (visitor, page)
}
