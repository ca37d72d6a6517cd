//! A page says what will be granted, whatever becomes of the lists while it stands open.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::date;

use super::*;
use crate::clients::ClientRegister;
use crate::lists::{
    ClientEntry, ListHeader, Lists, ProviderEntry, RawLists, Reading, RoleEntry, ServiceEntry, VersionEntry, write_gnl,
    write_ocl, write_whl, write_zal,
};
use crate::medmij::{Bsn, ProviderName};
use crate::oauth::authorize::{AuthorizeForm, AuthorizeRules};
use crate::practices::{GoLive, PracticeRegister};
use crate::routing::{Freshness, Interfaces};
use crate::services::Catalogue;
use crate::session::login::{AssuranceLevel, AuthenticatedPerson, LoginMethod, LoginState};
use crate::session::visit::Landed;

const SERVICES: &str = r#"
[[service]]
id = "49"
name = "Huisartsgegevens"
roles = ["MM-2.0-HGB-FHIR"]
fhir = "stu3"
purpose = "collect"
search = [{ resource = "Patient" }]

[[service]]
id = "51"
name = "Documenten"
roles = ["MM-3.0-PDB-FHIR"]
fhir = "stu3"
purpose = "collect"
search = [{ resource = "DocumentReference" }]

[[service]]
id = "900"
name = "Recepten"
roles = []
fhir = "stu3"
purpose = "collect"
audience = "portal_only"
search = [{ resource = "MedicationRequest" }]
"#;

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn service(id: &str) -> ServiceEntry {
    ServiceEntry {
        id: id.to_owned(),
        authorization: Some("https://front.example.nl/oauth/authorize".to_owned()),
        token: Some("https://back.example.nl/oauth/token".to_owned()),
        subscription: None,
        roles: vec![RoleEntry { role: "ROLE".to_owned(), endpoint: "https://back.example.nl/fhir".to_owned() }],
    }
}

/// A world in which one practice offers these services.
fn snapshot(offered: &[&str]) -> Snapshot {
    let header = ListHeader { timestamp: now(), sequence: 1 };
    let services = offered.iter().map(|id| service(id)).collect();
    let provider = ProviderEntry {
        name: "open@medmij".to_owned(),
        kind: "ZA".to_owned(),
        versions: vec![VersionEntry { id: "2".to_owned(), services }],
    };
    let client = ClientEntry { hostname: "pgo.example.nl".to_owned(), organisation: "Een PGO".to_owned() };
    let raw = RawLists {
        zal: write_zal(header, &[provider]).into(),
        ocl: write_ocl(header, &[client]).into(),
        whl: write_whl(header, &[]).into(),
        gnl: write_gnl(header, &[]).into(),
    };
    let practice = Practice {
        provider: ProviderName::parse("open@medmij").unwrap(),
        name: "Praktijk".to_owned(),
        place: "Zutphen".to_owned(),
        aliases: Vec::new(),
        his: "his-a".to_owned(),
        access_start: date(2020, 1, 1),
        minimum_age: 16,
        results_months: 14,
        closed_episodes: crate::practices::ClosedEpisodes::Flagged,
        state: GoLive::Open,
    };
    Snapshot {
        lists: Arc::new(Lists::parse(&raw, Reading::default()).unwrap()),
        practices: Arc::new(PracticeRegister::new([practice]).unwrap()),
        services: Arc::new(Catalogue::parse(SERVICES).unwrap()),
        interfaces: Interfaces::default(),
        clients: Arc::new(ClientRegister::default()),
        adapters: Arc::default(),
        freshness: Arc::new(Freshness::new(Duration::from_secs(60))),
        standing: crate::routing::Standing::default(),
        stops: Arc::default(),
        stages: Arc::default(),
        people: Arc::default(),
    }
}

fn request(snapshot: &Snapshot) -> AuthorizeRequest {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let pairs = [
        pair("client_id", "pgo.example.nl"),
        pair("redirect_uri", "https://pgo.example.nl/cb"),
        pair("response_type", "code"),
        pair("scope", "open"),
        pair("state", "s"),
    ];
    let rules = AuthorizeRules { lists: &snapshot.lists, allow_ports: false, form: AuthorizeForm::default() };
    AuthorizeRequest::parse(&pairs, rules).unwrap()
}

/// A person who logged in while these services were offered.
fn asked(offered: &[&str]) -> (Visit, AuthorizeRequest) {
    let snapshot = snapshot(offered);
    let request = request(&snapshot);
    let person = AuthenticatedPerson {
        bsn: Bsn::parse("999911132").unwrap(),
        level: AssuranceLevel::Basis,
        at: now(),
        method: LoginMethod::Oidc,
    };
    let services = available_services(&snapshot, &request, now());
    let at_login = Landed { request: request.clone() }.proceed(LoginState::new(String::new()));
    (Visit::Asked(at_login.authenticated(person, services)), request)
}

fn shown(snapshot: &Snapshot, visit: &Visit, request: &AuthorizeRequest) -> Vec<String> {
    let services = services_of(snapshot, visit, request, now());
    question(snapshot, request, &services).unwrap().services
}

#[test]
fn what_comes_while_the_page_stands_open_is_neither_shown_nor_granted() {
    let (visit, request) = asked(&["49"]);
    let later = snapshot(&["49", "51"]);
    assert_eq!(shown(&later, &visit, &request), ["Huisartsgegevens"]);
    let Visit::Asked(asked) = visit else { panic!("the person is asked") };
    let given = asked.consent(true);
    let granted = services_to_grant(&later, &given.request, &given.services, now()).unwrap();
    assert_eq!(granted, [ServiceId::parse("49").unwrap()]);
}

#[test]
fn what_is_for_portals_only_is_offered_to_no_pgo() {
    let snapshot = snapshot(&["49", "900"]);
    let request = request(&snapshot);
    assert_eq!(available_services(&snapshot, &request, now()), [ServiceId::parse("49").unwrap()]);
}

#[test]
fn what_goes_meanwhile_is_not_granted_and_with_nothing_left_there_is_no_grant() {
    let (visit, request) = asked(&["49", "51"]);
    assert_eq!(shown(&snapshot(&["49", "51"]), &visit, &request), ["Huisartsgegevens", "Documenten"]);
    let Visit::Asked(asked) = visit else { panic!("the person is asked") };
    let granted = services_to_grant(&snapshot(&["51"]), &request, &asked.services, now()).unwrap();
    assert_eq!(granted, [ServiceId::parse("51").unwrap()]);
    assert_eq!(services_to_grant(&snapshot(&["60"]), &request, &asked.services, now()), None);
}
