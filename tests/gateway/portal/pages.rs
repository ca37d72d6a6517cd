//! The demonstration portal's pages: both ways from its start page to the record, and astray.

use inzage::form::encode_pairs;
use inzage::sandbox::client::{Reply, new_id};
use inzage::sandbox::his::faults::Faults;
use inzage::sandbox::person::{Choices, End, Person, location};
use serde_json::Value;

use super::{DELINDE, Site};
use crate::harness::{ROLE, text};

/// A browser at the portal.
struct Visit {
    site: Site,
    person: Person,
    origin: String,
    /// Every address the browser was at or was sent to.
    seen: Vec<String>,
}

impl Visit {
    async fn begin() -> Self {
        let site = Site::start().await;
        let origin = site.gateway.world.layout.portal_url().trim_end_matches('/').to_owned();
        Self { site, person: Person::default(), origin, seen: Vec::new() }
    }

    async fn open(&mut self, path: &str) -> Reply {
        let url = format!("{}{path}", self.origin);
        let reply = self.person.open(&self.site.portal.back, &url).await.unwrap();
        self.note(url, &reply);
        reply
    }

    async fn submit(&mut self, path: &str, name: &str, value: &str) -> Reply {
        let url = format!("{}{path}", self.origin);
        let fields = [(name.to_owned(), value.to_owned())];
        let reply = self.person.submit(&self.site.portal.back, &url, &fields).await.unwrap();
        self.note(url, &reply);
        reply
    }

    fn note(&mut self, url: String, reply: &Reply) {
        self.seen.push(url);
        self.seen.extend(location(reply));
    }

    /// Logs in at the practice as somebody, who is a number in the form.
    async fn log_in(&mut self, bsn: &str) -> Reply {
        let world = &self.site.gateway.world;
        let people = world.layout.people(&world.practices, &world.his);
        let number = people.iter().position(|person| person.bsn == bsn).unwrap();
        self.submit("/account", "person", &number.to_string()).await
    }

    /// Leaves for the gateway and walks there until it sends back; path and query of the return.
    async fn walk(&mut self, choices: Choices<'_>) -> String {
        let gone = self.submit("/launch", "practice", &format!("{DELINDE}@medmij")).await;
        let End::Client(answer) =
            self.person.walk(&self.site.portal.back, &location(&gone).unwrap(), choices).await.unwrap()
        else {
            panic!("the walk ends at the portal")
        };
        format!("/cb?{}", encode_pairs(&answer.into_iter().collect::<Vec<_>>()))
    }

    /// Sees the record of the first patient, and that no address named them or their token; the token.
    async fn see_record(&mut self, returned: &Reply) -> String {
        assert_eq!((returned.status.as_u16(), location(returned).as_deref()), (303, Some("/record")), "{returned:?}");
        let page = self.open("/record").await;
        let (html, patient) = (text(&page), self.site.gateway.world.practices[0].patients[0].clone());
        assert_eq!(page.status, 200);
        assert!(html.contains(&patient.given) && html.contains(&patient.family), "{html}");
        assert!(!html.contains("class=\"problem\"") && html.contains("afgeschermd"));
        assert!(!html.contains(patient.bsn.reveal()), "the record page repeats no BSN");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let (_, token) = html.split_once("Bearer ").unwrap();
        let token = token.split(['&', '\'']).next().unwrap().to_owned();
        for address in &self.seen {
            assert!(!address.contains(patient.bsn.reveal()) && !address.contains(&token), "{address}");
        }
        token
    }

    /// What the gateway answers to a token.
    async fn status_of(&self, token: &str) -> u16 {
        let url = format!("{}/EpisodeOfCare", self.site.endpoints.resources[ROLE]);
        self.site.portal.back.get(&url, token, &new_id()).await.unwrap().status.as_u16()
    }

    fn last(&self, kind: &str) -> Value {
        self.site.gateway.last_audit(kind)
    }
}

#[tokio::test]
async fn who_is_logged_in_at_the_practice_sees_their_record_until_they_log_out() {
    let mut visit = Visit::begin().await;
    let bsn = visit.site.gateway.patient();
    let returned = visit.log_in(&bsn).await;
    let cookie = returned.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-praktijk=") && cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"));
    let token = visit.see_record(&returned).await;
    let issued = visit.last("token_issued");
    assert!(issued["detail"].as_str().unwrap().starts_with("protocol portal jwt-bearer, services "), "{issued}");
    assert!(text(&visit.open("/").await).contains("href=\"/record\""));
    assert_eq!(visit.status_of(&token).await, 200);

    let left = visit.submit("/logout", "", "").await;
    assert_eq!(location(&left).as_deref(), Some("/left"));
    assert!(text(&visit.open("/left").await).contains("U bent uitgelogd"));
    assert_eq!(visit.open("/record").await.status, 404);
    assert_eq!(visit.status_of(&token).await, 401, "the portal gave its token back");
    visit.site.gateway.stop().await;
}

#[tokio::test]
async fn who_logs_in_at_the_gateway_sees_their_record_and_comes_back_once() {
    let mut visit = Visit::begin().await;
    let bsn = visit.site.gateway.patient();
    let start = visit.open("/").await;
    let front = visit.site.gateway.world.layout.front_origin();
    let policy = start.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains(&format!("form-action 'self' {front};")), "{policy}");

    let back = visit.walk(Choices::willing(&bsn)).await;
    let returned = visit.open(&back).await;
    let token = visit.see_record(&returned).await;
    assert_eq!(visit.last("token_issued")["detail"], "protocol smart");
    assert_eq!(visit.open(&back).await.status, 403, "one return is good for one time");
    visit.submit("/logout", "", "").await;
    assert_eq!(visit.status_of(&token).await, 401);
    visit.site.gateway.stop().await;
}

#[tokio::test]
async fn a_return_that_is_not_this_persons_or_not_the_gateways_lets_nobody_in() {
    let mut visit = Visit::begin().await;
    let bsn = visit.site.gateway.patient();
    let back = visit.walk(Choices::willing(&bsn)).await;
    let own = std::mem::take(&mut visit.person);
    assert_eq!(visit.open(&back).await.status, 403, "somebody else's browser");
    visit.person = own;
    assert_eq!(visit.open(&back.replace("state=", "state=A")).await.status, 403);
    // RFC 9207 section 2.4: the code of another server is not brought to this one.
    for forged in [back.replace("iss=", "iss=A"), back.replace("iss=", "was=")] {
        let back = visit.walk(Choices::willing(&bsn)).await;
        let state = |query: &str| query.split(['&', '?']).find(|pair| pair.starts_with("state=")).unwrap().to_owned();
        let reply = visit.open(&forged.replace(&state(&forged), &state(&back))).await;
        assert!(reply.status == 403 && text(&reply).contains("komt niet van Inzage"), "{forged}");
    }
    assert!(visit.site.gateway.audit_of("token_issued").is_empty());
    let request = visit.site.portal.back.http().post(format!("{}/account", visit.origin));
    let foreign = request.header("sec-fetch-site", "cross-site").body("person=0").send().await.unwrap();
    assert_eq!(foreign.status(), 403, "a form of another site");
    visit.site.gateway.stop().await;
}

#[tokio::test]
async fn who_gets_no_data_is_told_so_with_the_number_that_the_gateway_noted() {
    let mut visit = Visit::begin().await;
    let bsn = visit.site.gateway.patient();
    let no = Choices { consent: "refuse", ..Choices::willing(&bsn) };
    let refused = visit.walk(no).await;
    assert!(text(&visit.open(&refused).await).contains("U ziet nu geen gegevens"));
    visit.site.gateway.world.his[0].set_faults(Faults::parse(br#"{"fail": "reset"}"#).unwrap());
    let silent = visit.log_in(&bsn).await;
    let noted = visit.last("token_refused")["correlation_id"].as_str().unwrap().to_owned();
    assert_eq!(silent.status, 503);
    assert!(text(&silent).contains(&format!("<code>{noted}</code>")), "{}", text(&silent));

    for (path, name, value) in
        [("/account", "person", ""), ("/account", "person", "99999"), ("/launch", "practice", "x")]
    {
        assert_eq!(visit.submit(path, name, value).await.status, 400, "{path} {value}");
    }
    for (path, status) in [("/record", 404), ("/nergens", 404), ("/account", 404), ("/cb", 403)] {
        let reply = visit.open(path).await;
        assert!(reply.status.as_u16() == status && text(&reply).contains("Opnieuw beginnen"), "{path}");
    }
    visit.site.gateway.stop().await;
}

#[tokio::test]
async fn a_child_is_told_that_there_is_nothing_yet() {
    let mut visit = Visit::begin().await;
    let world = &visit.site.gateway.world;
    let born_after = jiff::civil::date(2015, 1, 1);
    let people = world.layout.people(&world.practices, &world.his);
    let child = people.iter().find(|person| person.birth_date.is_some_and(|born| born > born_after)).unwrap();
    let reply = visit.log_in(&child.bsn.clone()).await;
    assert!(text(&reply).contains("Er zijn geen gegevens voor u"), "{}", text(&reply));
    visit.site.gateway.stop().await;
}
