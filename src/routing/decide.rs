//! The decision: may this grant, held by this caller, be used on this route now? Pure, without waiting or allocating, and
//! the same function on the hot path, in explanations and in tests.

use jiff::Timestamp;

use super::{Route, Snapshot};
use crate::medmij::Hostname;
use crate::oauth::grant::{Grant, IssuedToken, Thumbprint};
use crate::practices::{GoLive, Practice};
use crate::services::Service;

/// Who is at the other end of the mutual TLS connection: the names of its verified certificate.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// SAN dNSName entries, exact.
    pub names: &'a [Hostname],
    /// The certificate; `None` where no client certificate is asked for.
    pub thumbprint: Option<Thumbprint>,
}

/// The grant may be used: on this practice, for this service. Only [`decide`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct Permit<'a> {
    practice: &'a Practice,
    service: &'a Service,
    grant: &'a Grant,
    peer: &'a Hostname,
}

impl<'a> Permit<'a> {
    /// The practice.
    #[must_use]
    pub const fn practice(self) -> &'a Practice {
        self.practice
    }

    /// The service.
    #[must_use]
    pub const fn service(self) -> &'a Service {
        self.service
    }

    /// The grant.
    #[must_use]
    pub const fn grant(self) -> &'a Grant {
        self.grant
    }

    /// The name of the certificate that was admitted.
    #[must_use]
    pub const fn peer(self) -> &'a Hostname {
        self.peer
    }
}

/// Why not; one variant per reaction of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The lists are older than they may be, so nobody can be told from anybody.
    #[error("the MedMij lists are too old")]
    ListsTooOld,
    /// The token has had its time.
    #[error("the access token is expired")]
    Expired,
    /// The node is not on the whitelist.
    #[error("this node is not on the MedMij whitelist")]
    PeerNotListed,
    /// The node may not act for the client of the token.
    #[error("this node may not use a token of that client")]
    PeerNotOfClient,
    /// The client is not on the OAuth client list any more.
    #[error("the client is not on the OAuth client list")]
    ClientNotListed,
    /// The token is bound to another certificate (RFC 8705 section 3).
    #[error("the access token is bound to another certificate")]
    OtherCertificate,
    /// The token is for another practice.
    #[error("the token is for another care provider")]
    OtherProvider,
    /// The token does not cover the service.
    #[error("the token does not cover this service")]
    ServiceNotGranted,
    /// No such service, or not in this FHIR version.
    #[error("this service does not exist here")]
    UnknownService,
    /// The list does not say that the practice offers the service.
    #[error("the care provider does not offer this service")]
    NotOffered,
    /// The practice is not served here, or closed.
    #[error("the care provider is not open")]
    PracticeClosed,
    /// We registered a client of the MedMij lists as a portal. A portal is spared checks that a PGO is not, so it is neither.
    #[error("the client is registered as a portal, but is on the OAuth client list")]
    PortalOnClientList,
    /// The registration of the portal does not name the practice.
    #[error("the portal is not registered for this care provider")]
    PracticeNotRegistered,
    /// The scope of the token does not name the type of resource.
    #[error("the token does not cover this type of resource")]
    TypeNotGranted,
    /// The registration of the portal does not name the service.
    #[error("the portal is not registered for this service")]
    ServiceNotRegistered,
}

/// Decides.
///
/// # Errors
/// The first reason why not, in the order: caller, token, route.
pub fn decide<'a>(
    snapshot: &'a Snapshot,
    caller: Caller<'a>,
    token: &'a IssuedToken,
    route: Route<'_>,
    now: Timestamp,
) -> Result<Permit<'a>, Refusal> {
    let grant = &*token.grant;
    let peer = admit_caller(snapshot, caller, &grant.client, now)?;
    ensure(token.bound_to.is_none() || token.bound_to == caller.thumbprint, Refusal::OtherCertificate)?;
    ensure(now < token.expires, Refusal::Expired)?;
    ensure(grant.provider.short() == route.provider, Refusal::OtherProvider)?;
    ensure(grant.services.iter().any(|service| service.as_str() == route.service), Refusal::ServiceNotGranted)?;
    let service = snapshot.services.service(route.service).ok_or(Refusal::UnknownService)?;
    ensure(service.fhir == route.version, Refusal::UnknownService)?;
    admit_registration(snapshot, grant, service)?;
    ensure(grant.covers(resource_type(route.rest)), Refusal::TypeNotGranted)?;
    let offered = snapshot.offers(grant.provider.as_str(), route.service, now);
    ensure(offered, Refusal::NotOffered)?;
    let practice = snapshot.practices.practice(grant.provider.as_str()).ok_or(Refusal::PracticeClosed)?;
    ensure(practice.state == GoLive::Open, Refusal::PracticeClosed)?;
    Ok(Permit { practice, service, grant, peer })
}

/// The node at the other end may act for this client, and the client is one that we serve: a PGO by the lists of MedMij, a
/// portal by our register.
pub(crate) fn admit_caller<'a>(
    snapshot: &Snapshot,
    caller: Caller<'a>,
    client: &Hostname,
    now: Timestamp,
) -> Result<&'a Hostname, Refusal> {
    ensure(snapshot.freshness.holds(now), Refusal::ListsTooOld)?;
    match snapshot.clients.portal(client.as_str()) {
        Some(_) => admit_portal(snapshot, caller, client),
        None => admit_pgo(snapshot, caller, client),
    }
}

/// No list of MedMij names a portal (`medmij.md` section 8), so only our register counts.
fn admit_portal<'a>(snapshot: &Snapshot, caller: Caller<'a>, client: &Hostname) -> Result<&'a Hostname, Refusal> {
    let peer = caller.names.iter().find(|name| snapshot.clients.may_act(name, client));
    let peer = peer.ok_or(Refusal::PeerNotOfClient)?;
    ensure(snapshot.lists.ocl.client(client.as_str()).is_none(), Refusal::PortalOnClientList)?;
    Ok(peer)
}

/// A node on the whitelist that may act for a client on the OAuth client list.
fn admit_pgo<'a>(snapshot: &Snapshot, caller: Caller<'a>, client: &Hostname) -> Result<&'a Hostname, Refusal> {
    let mut listed = caller.names.iter().filter(|name| snapshot.lists.whl.contains(name)).peekable();
    ensure(listed.peek().is_some(), Refusal::PeerNotListed)?;
    let peer = listed.find(|name| snapshot.clients.may_act(name, client)).ok_or(Refusal::PeerNotOfClient)?;
    ensure(snapshot.lists.ocl.client(client.as_str()).is_some(), Refusal::ClientNotListed)?;
    Ok(peer)
}

/// The registration may have become narrower since the portal got its grant.
fn admit_registration(snapshot: &Snapshot, grant: &Grant, service: &Service) -> Result<(), Refusal> {
    let Some(portal) = snapshot.clients.portal(grant.client.as_str()) else { return Ok(()) };
    ensure(portal.scope.has_practice(&grant.provider), Refusal::PracticeNotRegistered)?;
    ensure(portal.scope.has_service(&service.id), Refusal::ServiceNotRegistered)
}

/// The first segment after the base.
fn resource_type(rest: &str) -> &str {
    rest.split_once('/').map_or(rest, |(kind, _)| kind)
}

const fn ensure(holds: bool, refusal: Refusal) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(refusal) }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::sync::Arc;
    use std::time::Duration;

    use jiff::civil::date;

    use super::*;
    use crate::clients::{Client, ClientRegister, Pgo, Portal, PortalScope};
    use crate::jose::Jwks;
    use crate::lists::{
        ClientEntry, ListHeader, Lists, NameEntry, ProviderEntry, RawLists, Reading, RoleEntry, ServiceEntry,
        VersionEntry, write_gnl, write_ocl, write_whl, write_zal,
    };
    use crate::medmij::{Bsn, LocalId, ProviderName, ServiceId};
    use crate::practices::PracticeRegister;
    use crate::routing::{Freshness, INTERFACE_VERSION, Interfaces, route};
    use crate::services::Catalogue;

    const NOW: &str = "2026-11-21T12:00:00Z";

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    fn host(name: &str) -> Hostname {
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

    fn snapshot() -> Snapshot {
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
            freshness: Arc::new(freshness),
        }
    }

    fn grant(client: &str, provider: &str) -> Grant {
        Grant {
            id: LocalId::new(now()),
            client: host(client),
            provider: ProviderName::parse(provider).unwrap(),
            services: vec![ServiceId::parse("49").unwrap(), ServiceId::parse("51").unwrap()],
            subject: Bsn::parse("999911132").unwrap(),
            request: None,
            correlation: None,
            consented: now(),
            lasting: false,
            redeemed_by: None,
            smart: None,
        }
    }

    fn token(grant: &Grant, bound_to: Option<Thumbprint>) -> IssuedToken {
        let expires = "2026-11-21T12:15:00Z".parse().unwrap();
        IssuedToken { hash: [0; 32], expires, bound_to, grant: Arc::new(grant.clone()) }
    }

    fn decided(peer: &str, grant: &Grant, path: &str, now: Timestamp) -> Result<(), Refusal> {
        let token = token(grant, None);
        let names = [host("first.example.nl"), host(peer)];
        let caller = Caller { names: &names, thumbprint: Some(Thumbprint::new([1; 32])) };
        decide(&snapshot(), caller, &token, route(path).unwrap(), now).map(|permit| {
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
            ("pgo.example.nl", &own, "/fhir/open/51/stu3/Encounter", Err(Refusal::UnknownService)),
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
            let caller = Caller { names: &names, thumbprint: shown };
            assert_eq!(decide(&snapshot(), caller, &token, route, now()).map(|_| ()), expected);
        }
    }

    #[test]
    fn register_and_lists_must_both_know_the_practice() {
        let path = |name: &str| format!("/fhir/{name}/49/stu3/Encounter");
        for (name, refusal) in [
            ("closed", Refusal::PracticeClosed),
            ("elsewhere", Refusal::PracticeClosed),
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
                Err(Refusal::PracticeClosed),
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
        let caller = Caller { names: &names, thumbprint: None };
        let route = route("/fhir/open/49/stu3/Encounter").unwrap();
        let refusal = decide(&narrowed, caller, &token, route, now()).unwrap_err();
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
}
