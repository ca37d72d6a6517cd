//! Every reason why not, in its order, and who is let through.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::date;

use super::*;
use crate::clients::{Client, ClientRegister, Pgo, Portal, PortalScope};
use crate::jose::Jwks;
use crate::lists::{
    ClientEntry, ListHeader, Lists, NameEntry, ProviderEntry, RawLists, Reading, RoleEntry, ServiceEntry, VersionEntry,
    write_gnl, write_ocl, write_whl, write_zal,
};
use crate::medmij::{Bsn, LocalId, ProviderName, ServiceId};
use crate::practices::{GoLive, PracticeRegister};
use crate::routing::{Freshness, INTERFACE_VERSION, Interfaces, is_plain, route};
use crate::services::Catalogue;

const NOW: &str = "2026-11-21T12:00:00Z";

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub(crate) fn host(name: &str) -> Hostname {
    Hostname::parse(name).unwrap()
}

fn lists(providers: &[&str], clients: &[&str], nodes: &[&str]) -> Arc<Lists> {
    let header = ListHeader { timestamp: now(), sequence: 1 };
    let service = ServiceEntry {
        id: "49".to_owned(),
        authorization: Some("https://front.example.nl/oauth/authorize".to_owned()),
        token: Some("https://back.example.nl/oauth/token".to_owned()),
        subscription: None,
        roles: vec![RoleEntry {
            role: "MM-2.0-HGB-FHIR".to_owned(),
            endpoint: "https://back.example.nl/fhir".to_owned(),
        }],
    };
    let version = VersionEntry { id: INTERFACE_VERSION.to_owned(), services: vec![service] };
    let provider = |name: &&str| ProviderEntry {
        name: (*name).to_owned(),
        kind: "ZA".to_owned(),
        versions: vec![version.clone()],
    };
    let client = |name: &&str| ClientEntry { hostname: (*name).to_owned(), organisation: "Een PGO".to_owned() };
    let name = NameEntry { service: "49".to_owned(), name: "Huisartsgegevens".to_owned() };
    let raw = RawLists {
        zal: write_zal(header, &providers.iter().map(provider).collect::<Vec<_>>()).into(),
        ocl: write_ocl(header, &clients.iter().map(client).collect::<Vec<_>>()).into(),
        whl: write_whl(header, &nodes.iter().map(|node| (*node).to_owned()).collect::<Vec<_>>()).into(),
        gnl: write_gnl(header, &[name]).into(),
    };
    Arc::new(Lists::parse(&raw, Reading::default()).unwrap())
}

fn practice(name: &str, state: GoLive) -> Practice {
    Practice {
        provider: ProviderName::parse(name).unwrap(),
        name: "Praktijk".to_owned(),
        place: "Zutphen".to_owned(),
        aliases: Vec::new(),
        his: "his-a".to_owned(),
        access_start: date(2020, 1, 1),
        minimum_age: 16,
        results_months: 14,
        closed_episodes: crate::practices::ClosedEpisodes::Flagged,
        state,
    }
}

fn register() -> ClientRegister {
    let pgo = Pgo { peers: vec![host("node.example.nl")], bind_tokens: false };
    let portal = |practices: &[&str]| Portal {
        name: "Praktijkportaal".to_owned(),
        peers: vec![host("portalnode.example.nl")],
        bind_tokens: true,
        scope: PortalScope::new(
            practices.iter().map(|name| ProviderName::parse(name).unwrap()),
            [ServiceId::parse("49").unwrap()],
        ),
        keys: Jwks::default(),
        encrypt: true,
        redirect_uris: Vec::new(),
        rate: NonZeroU32::MIN,
    };
    ClientRegister::new([
        (host("other.example.nl"), Client::Pgo(pgo)),
        (host("portal.example.nl"), Client::Portal(portal(&["open@medmij", "closed@medmij"]))),
        (host("narrow.example.nl"), Client::Portal(portal(&[]))),
        (host("both.example.nl"), Client::Portal(portal(&["open@medmij"]))),
    ])
}

/// A service that no list names.
const PORTAL_ONLY: &str = "[[service]]\nid='900'\nname='Recepten'\nroles=[]\nfhir='stu3'\npurpose='collect'\n\
     audience='portal_only'\nsearch=[{resource='MedicationRequest'}]\n";

pub(crate) fn snapshot() -> Snapshot {
    let freshness = Freshness::new(Duration::from_secs(3600));
    freshness.note(now());
    let practices = [
        practice("open@medmij", GoLive::Open),
        practice("closed@medmij", GoLive::Closed),
        practice("delisted@medmij", GoLive::Open),
    ];
    Snapshot {
        lists: lists(
            &["open@medmij", "closed@medmij", "elsewhere@medmij"],
            &["pgo.example.nl", "other.example.nl", "both.example.nl"],
            &["pgo.example.nl", "node.example.nl", "other.example.nl"],
        ),
        practices: Arc::new(PracticeRegister::new(practices).unwrap()),
        services: Arc::new(Catalogue::shipped()),
        interfaces: Interfaces::default(),
        clients: Arc::new(register()),
        adapters: Arc::default(),
        freshness: Arc::new(freshness),
        standing: crate::routing::Standing::default(),
        stops: Arc::default(),
        stages: Arc::default(),
        people: Arc::default(),
    }
}

pub(crate) fn grant(client: &str, provider: &str) -> Grant {
    Grant {
        id: LocalId::new(now()),
        client: host(client),
        provider: ProviderName::parse(provider).unwrap(),
        services: vec![ServiceId::parse("49").unwrap(), ServiceId::parse("50").unwrap()],
        subject: Bsn::parse("999911132").unwrap(),
        request: None,
        correlation: None,
        consented: now(),
        lasting: false,
        redeemed_by: None,
        smart: None,
    }
}

pub(crate) fn token(grant: &Grant, bound_to: Option<Thumbprint>) -> IssuedToken {
    let expires = "2026-11-21T12:15:00Z".parse().unwrap();
    IssuedToken::new([0; 32], expires, bound_to, Arc::new(grant.clone()))
}

/// What is made ready decides nothing new, nor does what was made ready for another snapshot.
fn both_ways<'a>(
    snapshot: &'a Snapshot,
    caller: Caller<'a>,
    token: &'a IssuedToken,
    route: Route<'_>,
    now: Timestamp,
) -> Result<Permit<'a>, Refusal> {
    let plain = decide(snapshot, caller, token, route, now);
    let told = |decided: &Result<Permit<'_>, Refusal>| {
        decided.map(|permit| (permit.practice().provider.clone(), permit.service().id.clone(), permit.peer().clone()))
    };
    let (indexed, placed) = (snapshot.clone().indexed(), token.clone().placed(&snapshot.practices));
    assert_eq!(told(&decide(&indexed, caller, &placed, route, now)), told(&plain));
    let others = [practice("first@medmij", GoLive::Closed), practice("open@medmij", GoLive::Open)];
    let others = Arc::new(PracticeRegister::new(others).unwrap());
    let left = Snapshot { practices: Arc::clone(&others), ..indexed };
    let without = Snapshot { practices: others, ..snapshot.clone() };
    assert_eq!(told(&decide(&left, caller, &placed, route, now)), told(&decide(&without, caller, token, route, now)));
    plain
}

#[test]
fn what_is_granted_is_ready_for_open_practices_that_list_it_only() {
    let snapshot = snapshot().indexed();
    let place = |service: &str| snapshot.services.placed(service).unwrap().0;
    let practice = |provider: &str| snapshot.practices.place(&format!("{provider}@medmij"));
    let ready = |provider: &str, service: &str| {
        let practice = snapshot.open_and_listed(practice(provider)?, place(service))?;
        Some(practice.provider.short().to_owned())
    };
    assert_eq!(ready("open", "49").as_deref(), Some("open"));
    for (provider, service) in [("open", "51"), ("closed", "49"), ("elsewhere", "49"), ("delisted", "49")] {
        assert_eq!(ready(provider, service), None, "{provider} {service}");
    }
    assert!(snapshot.open_and_listed(practice("open").unwrap(), 64).is_none());
    let other = self::snapshot().indexed();
    assert!(other.open_and_listed(practice("open").unwrap(), place("49")).is_none(), "a place in another register");
}

#[test]
fn neither_the_route_nor_the_decision_allocates() {
    let (snapshot, now) = (snapshot().indexed(), now());
    let token = token(&grant("pgo.example.nl", "open@medmij"), None).placed(&snapshot.practices);
    let names = [host("pgo.example.nl")];
    let caller = Caller { names: &names, thumbprint: None, address: None };
    for (path, expected) in
        [("/fhir/open/49/stu3/Encounter", Ok(())), ("/fhir/open/50/stu3", Err(Refusal::UnknownService))]
    {
        let both = || {
            let route = Some(path).filter(|path| is_plain(path)).and_then(route).unwrap();
            assert_eq!(decide(&snapshot, caller, &token, route, now).map(|_| ()), expected);
        };
        assert_eq!(allocation_counter::measure(both).count_total, 0, "{path}");
    }
}

fn decided(peer: &str, grant: &Grant, path: &str, now: Timestamp) -> Result<(), Refusal> {
    let token = token(grant, None);
    let names = [host("first.example.nl"), host(peer)];
    let caller = Caller { names: &names, thumbprint: Some(Thumbprint::new([1; 32])), address: None };
    both_ways(&snapshot(), caller, &token, route(path).unwrap(), now).map(|permit| {
        assert_eq!(permit.practice().provider, grant.provider);
        assert_eq!(permit.service().id.as_str(), "49");
        assert_eq!(permit.peer().as_str(), peer);
    })
}

#[test]
fn the_first_reason_why_not_is_given() {
    let own = grant("pgo.example.nl", "open@medmij");
    let open = "/fhir/open/49/stu3/Encounter";
    for (peer, grant, path, expected) in [
        ("pgo.example.nl", &own, open, Ok(())),
        ("unlisted.example.nl", &own, open, Err(Refusal::PeerNotListed)),
        ("other.example.nl", &own, open, Err(Refusal::PeerNotOfClient)),
        ("node.example.nl", &own, open, Err(Refusal::PeerNotOfClient)),
        ("pgo.example.nl", &own, "/fhir/closed/49/stu3/Encounter", Err(Refusal::OtherProvider)),
        ("pgo.example.nl", &own, "/fhir/open/48/stu3/Encounter", Err(Refusal::ServiceNotGranted)),
        ("pgo.example.nl", &own, "/fhir/open/50/stu3/Encounter", Err(Refusal::UnknownService)),
        ("pgo.example.nl", &own, "/fhir/open/49/r4/Encounter", Err(Refusal::UnknownService)),
    ] {
        assert_eq!(decided(peer, grant, path, now()), expected, "{peer} {path}");
    }
}

#[test]
fn a_bound_token_is_for_its_certificate_only() {
    let names = [host("pgo.example.nl")];
    let route = route("/fhir/open/49/stu3/Encounter").unwrap();
    let print = |byte| Thumbprint::new([byte; 32]);
    for (bound_to, shown, expected) in [
        (Some(print(1)), Some(print(1)), Ok(())),
        (Some(print(1)), Some(print(2)), Err(Refusal::OtherCertificate)),
        (Some(print(1)), None, Err(Refusal::OtherCertificate)),
        (None, Some(print(2)), Ok(())),
    ] {
        let token = token(&grant("pgo.example.nl", "open@medmij"), bound_to);
        let caller = Caller { names: &names, thumbprint: shown, address: None };
        assert_eq!(both_ways(&snapshot(), caller, &token, route, now()).map(|_| ()), expected);
    }
}

#[test]
fn register_and_lists_must_both_know_the_practice() {
    let path = |name: &str| format!("/fhir/{name}/49/stu3/Encounter");
    for (name, refusal) in [
        ("closed", Refusal::NotYet(NotYet::Closed)),
        ("elsewhere", Refusal::NotServed),
        ("delisted", Refusal::NotOffered),
    ] {
        let grant = grant("pgo.example.nl", &format!("{name}@medmij"));
        assert_eq!(decided("pgo.example.nl", &grant, &path(name), now()), Err(refusal), "{name}");
    }
}

#[test]
fn a_registered_peer_acts_for_its_client_and_the_clients_own_name_does_not_any_more() {
    let grant = grant("other.example.nl", "open@medmij");
    assert_eq!(decided("node.example.nl", &grant, "/fhir/open/49/stu3", now()), Ok(()));
    assert_eq!(decided("other.example.nl", &grant, "/fhir/open/49/stu3", now()), Err(Refusal::PeerNotOfClient));
}

#[test]
fn a_portal_is_admitted_by_its_registration_alone() {
    let open = "/fhir/open/49/stu3/Encounter";
    for (peer, client, provider, path, expected) in [
        ("portalnode.example.nl", "portal.example.nl", "open@medmij", open, Ok(())),
        ("portal.example.nl", "portal.example.nl", "open@medmij", open, Err(Refusal::PeerNotOfClient)),
        ("pgo.example.nl", "portal.example.nl", "open@medmij", open, Err(Refusal::PeerNotOfClient)),
        ("portalnode.example.nl", "pgo.example.nl", "open@medmij", open, Err(Refusal::PeerNotListed)),
        ("portalnode.example.nl", "both.example.nl", "open@medmij", open, Err(Refusal::PortalOnClientList)),
        ("portalnode.example.nl", "narrow.example.nl", "open@medmij", open, Err(Refusal::PracticeNotRegistered)),
        (
            "portalnode.example.nl",
            "portal.example.nl",
            "closed@medmij",
            "/fhir/closed/49/stu3/Encounter",
            Err(Refusal::NotYet(NotYet::Closed)),
        ),
    ] {
        assert_eq!(decided(peer, &grant(client, provider), path, now()), expected, "{peer} for {client}");
    }
}

#[test]
fn a_portal_gets_no_service_outside_its_registration() {
    let mut narrowed = snapshot();
    let portal = Portal {
        scope: PortalScope::new([ProviderName::parse("open@medmij").unwrap()], [ServiceId::parse("51").unwrap()]),
        ..register().portal("portal.example.nl").unwrap().clone()
    };
    narrowed.clients = Arc::new(ClientRegister::new([(host("portal.example.nl"), Client::Portal(portal))]));
    let grant = grant("portal.example.nl", "open@medmij");
    let (names, token) = ([host("portalnode.example.nl")], token(&grant, None));
    let caller = Caller { names: &names, thumbprint: None, address: None };
    let route = route("/fhir/open/49/stu3/Encounter").unwrap();
    let refusal = both_ways(&narrowed, caller, &token, route, now()).unwrap_err();
    assert_eq!(refusal, Refusal::ServiceNotRegistered);
}

#[test]
fn time_ends_tokens_and_lists() {
    let grant = grant("pgo.example.nl", "open@medmij");
    let at = |text: &str| decided("pgo.example.nl", &grant, "/fhir/open/49/stu3", text.parse().unwrap());
    assert_eq!(at("2026-11-21T12:14:59Z"), Ok(()));
    assert_eq!(at("2026-11-21T12:15:00Z"), Err(Refusal::Expired));
    assert_eq!(at("2026-11-21T13:00:01Z"), Err(Refusal::ListsTooOld));
}

#[test]
fn a_client_that_left_the_list_is_refused() {
    let gone = grant("node.example.nl", "open@medmij");
    assert_eq!(decided("node.example.nl", &gone, "/fhir/open/49/stu3", now()), Err(Refusal::ClientNotListed));
}
#[test]
fn what_is_for_portals_only_does_not_exist_for_a_pgo() {
    let portal = Portal {
        scope: PortalScope::new(
            [ProviderName::parse("open@medmij").unwrap(), ProviderName::parse("closed@medmij").unwrap()],
            [ServiceId::parse("900").unwrap()],
        ),
        ..register().portal("portal.example.nl").unwrap().clone()
    };
    let mut snapshot = snapshot();
    snapshot.services = Arc::new(Catalogue::parse(PORTAL_ONLY).unwrap());
    snapshot.clients = Arc::new(ClientRegister::new([(host("portal.example.nl"), Client::Portal(portal))]));
    let decided = |peer: &str, client: &str, provider: &str| {
        let services = vec![ServiceId::parse("900").unwrap()];
        let token = token(&Grant { services, ..grant(client, &format!("{provider}@medmij")) }, None);
        let names = [host(peer)];
        let path = format!("/fhir/{provider}/900/stu3/MedicationRequest");
        let caller = Caller { names: &names, thumbprint: None, address: None };
        both_ways(&snapshot, caller, &token, route(&path).unwrap(), now()).map(|_| ())
    };
    assert_eq!(decided("portalnode.example.nl", "portal.example.nl", "open"), Ok(()));
    assert_eq!(decided("portalnode.example.nl", "portal.example.nl", "closed"), Err(Refusal::NotYet(NotYet::Closed)));
    assert_eq!(decided("pgo.example.nl", "pgo.example.nl", "open"), Err(Refusal::UnknownService));
}

#[test]
fn what_an_operator_stopped_is_refused_and_nothing_else() {
    use super::super::{Halt, Stops, Target};
    let own = grant("pgo.example.nl", "open@medmij");
    let token = token(&own, None);
    let (names, stranger) = ([host("pgo.example.nl")], [host("unlisted.example.nl")]);
    let caller = Caller { names: &names, thumbprint: None, address: None };
    let route = route("/fhir/open/49/stu3/Encounter").unwrap();
    let decided = |stop: &str, caller| {
        let stops: Stops = Target::parse(stop).into_iter().collect();
        let snapshot = Snapshot { stops: Arc::new(stops), ..snapshot() };
        both_ways(&snapshot, caller, &token, route, now()).map(|_| ())
    };
    for (stop, expected) in [
        ("everything", Err(Refusal::Stopped(Halt::Everything))),
        ("client:pgo.example.nl", Err(Refusal::Stopped(Halt::Client))),
        ("client:other.example.nl", Ok(())),
        ("his:his-a", Err(Refusal::Stopped(Halt::His))),
        ("his:his-b", Ok(())),
        ("practice:open@medmij", Err(Refusal::Stopped(Halt::Practice))),
        ("practice:closed@medmij", Ok(())),
    ] {
        assert_eq!(decided(stop, caller), expected, "{stop}");
    }
    let nobody = Caller { names: &stranger, ..caller };
    assert_eq!(decided("client:pgo.example.nl", nobody), Err(Refusal::PeerNotListed), "no stranger learns of it");
}

#[test]
fn a_stop_costs_no_allocation_and_leaves_the_rest_of_the_snapshot_in_place() {
    use super::super::{Halt, Stops, Target, put_stops};
    let shared = Arc::new(arc_swap::ArcSwap::from_pointee(snapshot().indexed()));
    let token = token(&grant("pgo.example.nl", "open@medmij"), None).placed(&shared.load().practices);
    let (names, now) = ([host("pgo.example.nl")], now());
    let caller = Caller { names: &names, thumbprint: None, address: None };
    let route = route("/fhir/open/49/stu3/Encounter").unwrap();
    for (stop, expected) in [("practice:open@medmij", Err(Refusal::Stopped(Halt::Practice))), ("his:his-b", Ok(()))] {
        put_stops(&shared, &Arc::new(Target::parse(stop).into_iter().collect::<Stops>()));
        let snapshot = shared.load_full();
        let place = snapshot.practices.place("open@medmij").unwrap();
        let service = snapshot.services.placed("49").unwrap().0;
        assert!(snapshot.open_and_listed(place, service).is_some(), "what was made ready is still believed");
        let decided = || assert_eq!(decide(&snapshot, caller, &token, route, now).map(|_| ()), expected);
        assert_eq!(allocation_counter::measure(decided).count_total, 0, "{stop}");
    }
}
