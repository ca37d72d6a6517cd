//! The door of portals: SMART App Launch through our own login.

use std::collections::BTreeMap;
use std::sync::Arc;

use inzage::clock::SharedClock;
use inzage::form::encode_pairs;
use inzage::oauth::smart_scope::SmartScope;
use inzage::sandbox::client::{Endpoints, new_id};
use inzage::sandbox::person::{Choices, End, Person, location, read_form};
use inzage::sandbox::portal::client::PortalClient;
use inzage::sandbox::portal::smart::Server;
use inzage::services::{Catalogue, Service};
use serde_json::json;

use super::{Form, Site, with};
use crate::harness::{ROLE, json, send, text};

const SCOPE: &str = "launch/patient openid patient/Observation.rs patient/EpisodeOfCare.s patient/Condition.rs";
/// Long enough for 122 bits.
const STATE: &str = "een-toestand-die-lang-genoeg-is";
const VERIFIER: &str = "een-geheim-van-ten-minste-drieenveertig-tekens";

/// A token of a person who logs in at the gateway for the portal.
pub(super) async fn token_of(portal: &PortalClient, endpoints: &Endpoints, bsn: &str) -> String {
    let base = &endpoints.resources[ROLE];
    let server = portal.discover(base).await.unwrap();
    let mut question = portal.question(base, SCOPE, STATE, VERIFIER);
    question.push(("X-Correlation-ID".to_owned(), new_id()));
    let address = format!("{}?{}", server.authorization_endpoint, encode_pairs(&question));
    let end = Person::default().walk(&portal.back, &address, Choices::willing(bsn)).await.unwrap();
    let End::Client(answer) = end else { panic!("the walk ended on a page") };
    portal.redeem(&server, &answer["code"], VERIFIER, &new_id()).await.unwrap().access_token
}

impl Site {
    fn base(&self) -> &str {
        &self.endpoints.resources[ROLE]
    }

    async fn server(&self) -> Server {
        self.portal.discover(self.base()).await.unwrap()
    }

    fn question(&self) -> Form {
        self.portal.question(self.base(), SCOPE, STATE, VERIFIER)
    }

    async fn walk(&self, question: &Form, choices: Choices<'_>) -> BTreeMap<String, String> {
        let address = format!("{}?{}", self.server().await.authorization_endpoint, encode_pairs(question));
        match Person::default().walk(&self.portal.back, &address, choices).await.unwrap() {
            End::Client(answer) => answer,
            End::Page { status, html } => panic!("the walk ended on a page: {status} {html}"),
        }
    }

    async fn code(&self) -> String {
        let answer = self.walk(&self.question(), Choices::willing(&self.gateway.patient())).await;
        answer["code"].clone()
    }

    async fn get(&self, request: &str, token: &str) -> inzage::sandbox::client::Reply {
        self.portal.back.get(&format!("{}/{request}", self.base()), token, &new_id()).await.unwrap()
    }
}

#[tokio::test]
async fn a_person_logs_in_here_and_the_portal_reads_what_was_granted() {
    let site = Site::start().await;
    let answer = site.walk(&site.question(), Choices::willing(&site.gateway.patient())).await;
    let server = site.server().await;
    assert_eq!((&answer["state"], &answer["iss"]), (&STATE.to_owned(), &server.issuer));
    let token = site.portal.redeem(&server, &answer["code"], VERIFIER, &new_id()).await.unwrap();
    assert_eq!(token.scope, "launch/patient patient/EpisodeOfCare.s patient/Observation.s");
    assert!(token.refresh_token.is_none() && token.expires_in <= 900);
    let issued = site.gateway.last_audit("token_issued");
    assert_eq!((&issued["client_id"], &issued["detail"]), (&"portaal.localhost".into(), &"protocol smart".into()));

    assert_eq!(site.get("EpisodeOfCare", &token.access_token).await.status, 200);
    let outside = site.get("Patient", &token.access_token).await;
    assert_eq!(outside.status, 403);
    assert_eq!(json(&outside)["issue"][0]["details"]["coding"][0]["code"], "type-not-granted");
    let chain_log = site.gateway.world.chain_log.clone();
    site.gateway.stop().await;
    assert!(chain_log.received().lines.is_empty(), "a portal is no party of MedMij");
}

#[tokio::test]
async fn the_consent_page_promises_a_portal_nothing_of_medmij() {
    let site = Site::start().await;
    let (through, mut person) = (&site.portal.back, Person::default());
    let origin = site.gateway.world.layout.front_origin();
    let address = format!("{}?{}", site.server().await.authorization_endpoint, encode_pairs(&site.question()));
    let mut reply = person.open(through, &address).await.unwrap();
    for fields in [vec![("action", "continue")], vec![("bsn", &*site.gateway.patient()), ("action", "login")]] {
        let form = read_form(&text(&reply)).unwrap();
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let sent: Vec<_> = form.hidden.iter().cloned().chain(fields).collect();
        let onward = person.submit(through, &format!("{origin}{}", form.action), &sent).await.unwrap();
        reply = person.open(through, &format!("{origin}{}", location(&onward).unwrap())).await.unwrap();
    }
    let html = text(&reply);
    assert!(html.contains("Toestemming geven") && html.contains("hoogstens een half uur"), "{html}");
    for promise in ["MedMij", "onbepaalde tijd", "Toestemmingen aanpassen"] {
        assert!(!html.contains(promise), "{promise} in {html}");
    }
    site.gateway.stop().await;
}

#[tokio::test]
async fn the_patient_of_the_token_is_the_patient_of_the_record() {
    let site = Site::start().await;
    let question = with(site.question(), "scope", Some("launch/patient patient/*.rs"));
    let answer = site.walk(&question, Choices::willing(&site.gateway.patient())).await;
    let token = site.portal.redeem(&site.server().await, &answer["code"], VERIFIER, &new_id()).await.unwrap();
    let record = json(&site.get("Patient?_include=Patient:general-practitioner", &token.access_token).await);
    let patient =
        record["entry"].as_array().unwrap().iter().find(|entry| entry["resource"]["resourceType"] == "Patient");
    assert_eq!(patient.unwrap()["resource"]["id"].as_str(), token.patient.as_deref());
    assert!(!token.patient.unwrap().contains(&site.gateway.patient()));
    site.gateway.stop().await;
}

/// Without a proof of its key the portal is known by its certificate; with a wrong one it is not known.
#[tokio::test]
async fn a_code_needs_its_verifier_and_a_proof_that_holds() {
    let site = Site::start().await;
    let server = site.server().await;
    let form = async || site.portal.code_form(&server, &site.code().await, VERIFIER).unwrap();
    let by_certificate = with(with(form().await, "client_assertion", None), "client_assertion_type", None);
    assert_eq!(site.present(&by_certificate).await.status, 200);
    for verifier in [None, Some("kort"), Some("een-ander-geheim-van-minstens-drieenveertig-tekens")] {
        let wrong = with(form().await, "code_verifier", verifier);
        site.refused(&wrong, 400, "invalid_grant", "invalid_grant").await;
        let late = with(with(wrong, "code_verifier", Some(VERIFIER)), "client_assertion", None);
        let late = with(late, "client_assertion_type", None);
        site.refused(&late, 400, "invalid_grant", "invalid_grant").await;
    }
    let forged = with(form().await, "client_assertion", Some("a.b.c"));
    site.refused(&forged, 401, "invalid_client", "client-assertion-refused").await;
    let elsewhere = with(form().await, "redirect_uri", Some("https://portaal.localhost/elders"));
    site.refused(&elsewhere, 400, "invalid_grant", "invalid_grant").await;
    site.gateway.stop().await;
}

#[tokio::test]
async fn a_code_that_comes_too_soon_can_be_brought_again() {
    let site = Site::start_with(
        "[clients.\"klein.localhost\"]\nkind = \"portal\"\nname = \"Klein\"\nrate = 2\n\
        peers = [\"portaal.localhost\"]\npractices = [\"huisarts.delinde@medmij\"]\nservices = [\"49\"]\n\
        jwks = \"portaal.jwks.json\"\nredirect_uris = [\"https://klein.localhost/terug\"]\n",
    )
    .await;
    let mut small = site.gateway.world.portal(&(Arc::clone(&site.gateway.clock) as SharedClock)).unwrap();
    small.back.client_id = "klein.localhost".to_owned();
    small.back.redirect_uri = "https://klein.localhost/terug".to_owned();
    let site = Site { portal: small, ..site };
    let code = site.code().await;
    let form = async || site.portal.code_form(&site.server().await, &code, VERIFIER).unwrap();
    for _ in 0..2 {
        let wrong = with(form().await, "grant_type", Some("password"));
        site.refused(&with(wrong, "code", None), 400, "unsupported_grant_type", "unsupported_grant_type").await;
    }
    site.refused(&form().await, 429, "slow_down", "slow_down").await;
    site.gateway.clock.advance(std::time::Duration::from_secs(30));
    assert_eq!(site.present(&form().await).await.status, 200);
    let chain_log = site.gateway.world.chain_log.clone();
    site.gateway.stop().await;
    assert!(chain_log.received().lines.is_empty(), "a portal is no party of MedMij");
}

/// Cases 1 to 8, for the door of portals: nobody is redirected anywhere.
#[tokio::test]
async fn an_unknown_portal_and_another_address_get_a_page() {
    let site = Site::start().await;
    let authorize = site.server().await.authorization_endpoint;
    let registered = site.portal.back.redirect_uri.clone();
    let other = [
        ("client_id", "nergens.localhost".to_owned()),
        ("client_id", "pgo.localhost".to_owned()),
        ("redirect_uri", "https://elders.localhost/cb".to_owned()),
        ("redirect_uri", format!("{registered}/")),
        ("redirect_uri", format!("{registered}?a=b")),
        ("redirect_uri", registered.replace("https", "http")),
        ("redirect_uri", format!("{registered}@elders.localhost")),
        ("redirect_uri", registered.to_ascii_uppercase()),
    ];
    let twice = [("client_id", site.portal.back.client_id.clone()), ("redirect_uri", registered)];
    let changed = other.iter().map(|(name, value)| with(site.question(), name, Some(value)));
    let doubled = twice.iter().map(|(name, value)| {
        let mut question = site.question();
        question.push(((*name).to_owned(), value.clone()));
        question
    });
    for question in changed.chain(doubled) {
        let reply = send(site.portal.back.http().get(format!("{authorize}?{}", encode_pairs(&question)))).await;
        assert_eq!((reply.status.as_u16(), location(&reply)), (400, None), "{question:?}");
        assert!(text(&reply).contains("<html"));
    }
    site.gateway.stop().await;
}

#[tokio::test]
async fn a_request_that_is_not_in_order_goes_back_with_its_error() {
    let site = Site::start().await;
    let base = site.base().to_owned();
    for (name, value, error) in [
        ("response_type", Some("token"), "unsupported_response_type"),
        ("response_type", None, "invalid_request"),
        ("state", None, "invalid_request"),
        ("state", Some("te kort"), "invalid_request"),
        ("code_challenge", None, "invalid_request"),
        ("code_challenge", Some("te-kort"), "invalid_request"),
        ("code_challenge_method", None, "invalid_request"),
        ("code_challenge_method", Some("plain"), "invalid_request"),
        ("aud", None, "invalid_request"),
        ("aud", Some("https://elders.localhost/fhir/huisarts.delinde/49/stu3"), "invalid_request"),
        ("aud", Some(&format!("{base}/")), "invalid_request"),
        ("aud", Some(&base.replace("/49/", "/99/")), "invalid_request"),
        // Registered, but no scope is for sharing.
        ("aud", Some(&base.replace("/49/", "/53/")), "invalid_scope"),
        ("aud", Some(&base.replace("huisarts.delinde", "huisarts.nergens")), "invalid_request"),
        ("scope", None, "invalid_scope"),
        ("scope", Some("openid fhirUser"), "invalid_scope"),
        ("scope", Some("huisarts.delinde"), "invalid_scope"),
        ("scope", Some("user/*.rs system/*.rs"), "invalid_scope"),
    ] {
        let answer = site.walk(&with(site.question(), name, value), Choices::willing("")).await;
        assert_eq!(answer["error"], error, "{name} {value:?}");
        assert_eq!(answer["iss"], site.server().await.issuer);
        let state = (name != "state" || value.is_some()).then(|| value.filter(|_| name == "state").unwrap_or(STATE));
        assert_eq!(answer.get("state").map(String::as_str), state);
    }
    let mut question = site.question();
    question.push(("nonce".to_owned(), "onbekend".to_owned()));
    assert!(site.walk(&question, Choices::willing(&site.gateway.patient())).await.contains_key("code"));
    site.gateway.stop().await;
}

#[tokio::test]
async fn a_person_who_says_no_is_one_about_whom_there_is_nothing() {
    let site = Site::start().await;
    let (here, elsewhere) =
        (site.gateway.patient(), site.gateway.world.practices[1].patients[0].bsn.reveal().to_owned());
    let refused = Choices { consent: "refuse", ..Choices::willing(&here) };
    let no = site.walk(&site.question(), refused).await;
    let nothing = site.walk(&site.question(), Choices::willing(&elsewhere)).await;
    assert_eq!((no["error"].as_str(), &no["iss"]), ("access_denied", &site.server().await.issuer));
    assert_eq!(no, nothing);
    site.gateway.stop().await;
}

/// The doors do not mix: a portal is unknown at the door of MedMij, and its code is of no use to a PGO.
#[tokio::test]
async fn the_two_doors_are_apart() {
    let site = Site::start().await;
    let medmij = format!("{}?{}", site.endpoints.authorization, encode_pairs(&site.question()));
    let reply = send(site.portal.back.http().get(medmij)).await;
    assert_eq!((reply.status.as_u16(), location(&reply)), (400, None));
    let pgo = site.gateway.client("pgo");
    let form = with(
        site.portal.code_form(&site.server().await, &site.code().await, VERIFIER).unwrap(),
        "client_id",
        Some("pgo.localhost"),
    );
    let reply = pgo.token_request(&site.endpoints.token, &form, &new_id()).await.unwrap();
    assert_eq!((reply.status.as_u16(), &json(&reply)["error"]), (400, &"invalid_grant".into()));
    site.gateway.stop().await;
}

#[tokio::test]
async fn the_configuration_is_what_is_served() {
    let site = Site::start().await;
    let (front, back) = (site.gateway.world.layout.front_origin(), site.gateway.world.layout.back_origin());
    let http = site.portal.back.http();
    let told = json(&send(http.get(format!("{}/.well-known/smart-configuration", site.base()))).await);
    for address in [
        format!("{front}/.well-known/smart-configuration"),
        format!("{front}/.well-known/oauth-authorization-server/smart"),
        format!("{back}/.well-known/oauth-authorization-server/smart"),
    ] {
        let reply = send(http.get(&address).header("accept", "application/fhir+xml")).await;
        assert_eq!((reply.headers["content-type"].to_str().unwrap(), json(&reply)), ("application/json", told.clone()));
    }
    assert_eq!(told["issuer"], format!("{front}/smart"));
    assert_eq!(told["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(told["authorization_response_iss_parameter_supported"], true);
    assert_eq!(told["grant_types_supported"], json!(["authorization_code"]));
    let catalogue = Catalogue::shipped();
    for scope in told["scopes_supported"].as_array().unwrap().iter().filter(|scope| *scope != "launch/patient") {
        let gives = |service: &&Service| SmartScope::parse(scope.as_str().unwrap(), service).is_ok();
        let service = catalogue.iter().find(gives).unwrap();
        let base = site.base().replace("/49/stu3", &format!("/{}/{}", service.id, service.fhir.as_str()));
        let question = with(with(site.question(), "scope", scope.as_str()), "aud", Some(&base));
        let answer = site.walk(&question, Choices::willing(&site.gateway.patient())).await;
        let token = site.portal.redeem(&site.server().await, &answer["code"], VERIFIER, &new_id()).await.unwrap();
        assert_eq!(token.scope, scope.as_str().unwrap());
    }
    site.gateway.stop().await;
}

#[tokio::test]
async fn a_portal_gets_no_lasting_consent() {
    let site = Site::start().await;
    let bsn = site.gateway.patient();
    let lasting = Choices { indefinite: true, ..Choices::willing(&bsn) };
    let answer = site.walk(&site.question(), lasting).await;
    let token = site.portal.redeem(&site.server().await, &answer["code"], VERIFIER, &new_id()).await.unwrap();
    assert!(token.refresh_token.is_none());
    site.gateway.stop().await;
}
