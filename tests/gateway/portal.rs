//! Portals: a token for a person whom the portal asserts, and everything that gets none.

mod assertions;
mod pages;
mod share;
mod smart;

use std::sync::Arc;
use std::time::Duration;

use inzage::clock::SharedClock;
use inzage::lists::ListKind;
use inzage::sandbox::client::{Endpoints, Reply, new_id};
use inzage::sandbox::his::faults::Faults;
use inzage::sandbox::portal::client::PortalClient;
use serde_json::Value;

use crate::harness::{COLLECTED, Gateway, ROLE, SERVICE, json};
use crate::lists::{publish, without};

/// Scope and provider of the first practice.
const DELINDE: &str = "huisarts.delinde";

type Form = Vec<(String, String)>;

/// A gateway with its portal.
struct Site {
    gateway: Gateway,
    portal: PortalClient,
    endpoints: Endpoints,
}

impl Site {
    async fn start() -> Self {
        Self::start_with("").await
    }

    async fn start_with(settings: &str) -> Self {
        let gateway = Gateway::start_with(settings).await;
        let clock: SharedClock = Arc::clone(&gateway.clock) as _;
        let portal = gateway.world.portal(&clock).unwrap();
        let endpoints = portal.back.endpoints(&format!("{DELINDE}@medmij"), SERVICE).await.unwrap();
        Self { gateway, portal, endpoints }
    }

    /// The form of a request that is in order.
    async fn form(&self) -> Form {
        self.portal.form(&self.endpoints, &self.gateway.patient(), DELINDE).await.unwrap()
    }

    async fn present(&self, form: &Form) -> Reply {
        self.portal.present(&self.endpoints, form).await.unwrap()
    }

    /// Expects a refusal as RFC 6749 section 5.2 writes it, and its record as the last of the log.
    async fn refused(&self, form: &Form, status: u16, error: &str, reason: &str) -> Value {
        let reply = self.present(form).await;
        assert_eq!((reply.status.as_u16(), json(&reply)["error"].as_str().unwrap()), (status, error), "{reply:?}");
        assert_eq!(reply.headers["cache-control"], "no-store");
        let record = self.gateway.audit().pop().unwrap();
        assert_eq!((&record["kind"], &record["reason"]), (&"token_refused".into(), &reason.into()), "{record}");
        json(&reply)
    }
}

/// The form with one field changed, or left out.
fn with(mut form: Form, name: &str, value: Option<&str>) -> Form {
    form.retain(|(key, _)| key != name);
    form.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    form
}

/// A person of the first practice at its portal, by the word of the portal and by their own login; both look.
pub(crate) async fn visit_both_ways(gateway: &Gateway, bsn: &str) {
    let clock: SharedClock = Arc::clone(&gateway.clock) as _;
    let portal = gateway.world.portal(&clock).unwrap();
    let endpoints = portal.back.endpoints(&format!("{DELINDE}@medmij"), SERVICE).await.unwrap();
    let form = portal.form(&endpoints, bsn, DELINDE).await.unwrap();
    let asserted = json(&portal.present(&endpoints, &form).await.unwrap());
    let tokens =
        [asserted["access_token"].as_str().unwrap().to_owned(), smart::token_of(&portal, &endpoints, bsn).await];
    for token in tokens {
        let url = format!("{}/EpisodeOfCare", endpoints.resources[ROLE]);
        assert_eq!(portal.back.get(&url, &token, &new_id()).await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn a_portal_gets_a_token_for_the_person_it_asserts() {
    let site = Site::start().await;
    let reply = site.present(&site.form().await).await;
    assert_eq!((reply.status.as_u16(), &reply.headers["cache-control"]), (200, &"no-store".parse().unwrap()));
    let answer = json(&reply);
    assert_eq!(
        (&answer["token_type"], &answer["expires_in"], &answer["scope"]),
        (&"Bearer".into(), &900.into(), &COLLECTED.into())
    );
    assert!(answer.get("refresh_token").is_none(), "{answer}");
    let issued = site.gateway.last_audit("token_issued");
    assert_eq!((&issued["client_id"], &issued["peer"]), (&"portaal.localhost".into(), &"portaal.localhost".into()));
    let detail = format!("protocol portal jwt-bearer, services {COLLECTED}");
    assert_eq!((&issued["provider"], &issued["detail"]), (&"huisarts.delinde@medmij".into(), &detail.into()));
    assert!(issued["subject"].is_string() && issued["grant"].is_string(), "{issued}");

    let url = format!("{}/EpisodeOfCare", site.endpoints.resources[ROLE]);
    let token = answer["access_token"].as_str().unwrap();
    let data = site.portal.back.get(&url, token, &new_id()).await.unwrap();
    assert_eq!((data.status.as_u16(), &json(&data)["resourceType"]), (200, &"Bundle".into()));
    let intent = site.gateway.last_audit("disclosure_intent");
    assert_eq!((&intent["client_id"], &intent["grant"]), (&"portaal.localhost".into(), &issued["grant"]));
    let chain_log = site.gateway.world.chain_log.clone();
    site.gateway.stop().await;
    assert!(chain_log.received().lines.is_empty(), "a portal is no party of MedMij");
}

/// Case 49: the token of a portal is bound to its certificate, also where another one may act for the portal.
#[tokio::test]
async fn a_portals_token_works_with_its_certificate_only() {
    let site = Site::start_with("[clients.\"klein.localhost\"]\nkind = \"portal\"\nname = \"Klein\"\nencrypt = false\n\
        peers = [\"portaal.localhost\", \"pgo2.localhost\"]\npractices = [\"huisarts.delinde@medmij\"]\nservices = [\"49\"]\n\
        jwks = \"portaal.jwks.json\"\n").await;
    let mut small = site.gateway.world.portal(&(Arc::clone(&site.gateway.clock) as SharedClock)).unwrap();
    small.back.client_id = "klein.localhost".to_owned();
    let token = small.assert(&site.endpoints, &site.gateway.patient(), DELINDE, &new_id()).await.unwrap();
    let url = format!("{}/EpisodeOfCare", site.endpoints.resources[ROLE]);
    let status = async |client: &inzage::sandbox::client::PgoClient| {
        client.get(&url, &token.access_token, &new_id()).await.unwrap()
    };
    assert_eq!(status(&small.back).await.status, 200);
    let other = status(&site.gateway.client("pgo2")).await;
    assert_eq!(other.status, 401);
    assert!(other.headers["www-authenticate"].to_str().unwrap().contains("invalid_token"));
    assert_eq!(status(&site.gateway.client("pgo")).await.status, 403);
    site.gateway.stop().await;
}

#[tokio::test]
async fn a_form_that_came_a_hundred_times_gives_one_token() {
    let site = Arc::new(Site::start().await);
    let form = site.form().await;
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (site, form) = (Arc::clone(&site), form.clone());
        running.spawn(async move { site.present(&form).await.status.as_u16() });
    }
    let statuses = running.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 99);
    assert_eq!(site.gateway.audit_of("token_issued").len(), 1);
}

#[tokio::test]
async fn a_portal_asks_within_its_registration() {
    let site = Site::start_with(
        "[clients.\"klein.localhost\"]\nkind = \"portal\"\nname = \"Klein\"\n\
        peers = [\"portaal.localhost\"]\npractices = [\"huisarts.delinde@medmij\"]\nservices = [\"49\"]\n\
        jwks = \"portaal.jwks.json\"\n",
    )
    .await;
    let mut small = site.gateway.world.portal(&(Arc::clone(&site.gateway.clock) as SharedClock)).unwrap();
    small.back.client_id = "klein.localhost".to_owned();
    let site = Site { portal: small, ..site };
    let other = site.gateway.world.practices[1].provider.short().to_owned();
    for scope in [
        Some(other.as_str()),
        Some("huisarts.nergens"),
        Some("huisarts.delinde~48"),
        Some("patient/*.rs"),
        Some(""),
        None,
    ] {
        let form = with(site.form().await, "scope", scope);
        site.refused(&form, 400, "invalid_scope", "invalid_scope").await;
    }
    let named = with(site.form().await, "scope", Some("huisarts.delinde~49"));
    assert_eq!(site.present(&named).await.status, 200);
    site.gateway.stop().await;
}

/// Cases 25 and 27: a certificate of the same authority acts for nobody's portal, and a PGO is no portal.
#[tokio::test]
async fn only_the_portals_node_and_only_portals_are_served() {
    let site = Site::start().await;
    for name in ["pgo", "not_listed"] {
        let thief = site.gateway.client(name);
        let reply = thief.token_request(&site.endpoints.token, &site.form().await, &new_id()).await.unwrap();
        assert_eq!((reply.status.as_u16(), &json(&reply)["error"]), (401, &"invalid_client".into()), "{name}");
        let own = with(site.form().await, "client_id", Some(&thief.client_id));
        let reply = thief.token_request(&site.endpoints.token, &own, &new_id()).await.unwrap();
        let expected = if name == "pgo" { (400, "unauthorized_client") } else { (401, "invalid_client") };
        assert_eq!((reply.status.as_u16(), json(&reply)["error"].as_str().unwrap()), expected, "{name}");
    }
    for client in ["nergens.localhost", "Niet Eens Een Naam"] {
        let form = with(site.form().await, "client_id", Some(client));
        site.refused(&form, 401, "invalid_client", "invalid_client").await;
    }
    site.gateway.stop().await;
}

#[tokio::test]
async fn a_client_of_the_list_is_no_portal() {
    let site = Site::start_with(
        "[clients.\"pgo.localhost\"]\nkind = \"portal\"\nname = \"Niet zo\"\n\
        practices = [\"huisarts.delinde@medmij\"]\nservices = [\"49\"]\njwks = \"portaal.jwks.json\"\n",
    )
    .await;
    let pgo = site.gateway.client("pgo");
    let (code, endpoints, correlation) =
        site.gateway.code(&pgo, "huisarts.delinde@medmij", &site.gateway.patient()).await;
    let refused = pgo.exchange(&endpoints, &code, &correlation).await.unwrap_err().to_string();
    assert!(refused.contains("401") && refused.contains("invalid_client"), "{refused}");
    let own = with(site.form().await, "client_id", Some("pgo.localhost"));
    let reply = pgo.token_request(&site.endpoints.token, &own, &new_id()).await.unwrap();
    assert_eq!((reply.status.as_u16(), &json(&reply)["error"]), (401, &"invalid_client".into()));
    site.gateway.stop().await;
}

/// core.gegevensdiensten.104: a practice that left the ZAL is served for an hour more, also to portals.
#[tokio::test]
async fn a_practice_that_leaves_the_list_is_asked_for_an_hour_more() {
    let site = Site::start().await;
    let provider = format!("{DELINDE}@medmij");
    publish(&site.gateway, 2, |kind, list| match kind {
        ListKind::Zal => without(&list, "Zorgaanbieder", &provider),
        ListKind::Ocl | ListKind::Whl | ListKind::Gnl => list,
    });
    site.gateway.refresh_lists().await;
    site.gateway.clock.advance(Duration::from_secs(3_599));
    for scope in [DELINDE, "huisarts.delinde~49"] {
        let form = with(site.form().await, "scope", Some(scope));
        assert_eq!(site.present(&form).await.status, 200, "{scope}");
    }
    site.gateway.clock.advance(Duration::from_secs(1));
    site.refused(&site.form().await, 400, "invalid_scope", "invalid_scope").await;
    site.gateway.stop().await;
}

#[tokio::test]
async fn too_many_requests_are_slowed_down_and_other_portals_are_not() {
    let site = Site::start_with(
        "[clients.\"klein.localhost\"]\nkind = \"portal\"\nname = \"Klein\"\nrate = 2\n\
        peers = [\"portaal.localhost\"]\npractices = [\"huisarts.delinde@medmij\"]\nservices = [\"49\"]\n\
        jwks = \"portaal.jwks.json\"\n",
    )
    .await;
    let small = with(site.form().await, "client_id", Some("klein.localhost"));
    for _ in 0..2 {
        site.refused(&small, 401, "invalid_client", "client-assertion-refused").await;
    }
    let reply = site.present(&small).await;
    assert_eq!((reply.status.as_u16(), &json(&reply)["error"]), (429, &"slow_down".into()));
    assert_eq!(reply.headers["retry-after"], "30");
    assert_eq!(site.present(&site.form().await).await.status, 200);
    site.gateway.clock.advance(Duration::from_secs(30));
    let again = with(site.form().await, "client_id", Some("klein.localhost"));
    site.refused(&again, 401, "invalid_client", "client-assertion-refused").await;
    site.gateway.stop().await;
}

/// Case 21: not known, known elsewhere and too young are one and the same answer.
#[tokio::test]
async fn who_is_not_available_is_one_answer() {
    let site = Site::start().await;
    let elsewhere = site.gateway.world.practices[1].patients[0].bsn.reveal().to_owned();
    let mut bodies = Vec::new();
    for bsn in ["999990019", &elsewhere] {
        let form = site.portal.form(&site.endpoints, bsn, DELINDE).await.unwrap();
        bodies.push(site.refused(&form, 400, "invalid_grant", "not-available").await);
    }
    assert_eq!(bodies[0], bodies[1]);
    assert!(site.gateway.audit_of("token_issued").is_empty());
    site.gateway.stop().await;
}

#[tokio::test]
async fn a_his_that_does_not_answer_is_said_to_be_ours_to_wait_for() {
    let site = Site::start().await;
    site.gateway.world.his[0].set_faults(Faults::parse(br#"{"fail": "reset"}"#).unwrap());
    let form = site.form().await;
    let reply = site.present(&form).await;
    assert_eq!((reply.status.as_u16(), &json(&reply)["error"]), (503, &"temporarily_unavailable".into()));
    assert!(reply.headers.contains_key("retry-after"));
    site.refused(&form, 401, "invalid_client", "client-assertion-replayed").await;
    site.gateway.stop().await;
}
