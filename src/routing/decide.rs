//! The decision: may this grant, held by this caller, be used on this route now? Pure, without waiting or allocating, and
//! the same function on the hot path, in explanations and in tests.

use std::net::IpAddr;

use jiff::Timestamp;

use super::check::{Check, Unwatched, Watch};
use super::{Halt, Route, Snapshot};
use crate::availability::dutch_today;
use crate::clients::Portal;
use crate::medmij::{Hostname, ProviderName, ServiceId};
use crate::oauth::grant::{Grant, IssuedToken, Thumbprint};
use crate::oauth::smart_scope::{Access, SmartScope};
use crate::practices::golive::{Holder, NotYet, Visitor, Whom};
use crate::practices::{Place, Practice};
use crate::services::Service;

/// Who is at the other end of the mutual TLS connection: the names of its verified certificate.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// SAN dNSName entries, exact.
    pub names: &'a [Hostname],
    /// The certificate; `None` where no client certificate is asked for.
    pub thumbprint: Option<Thumbprint>,
    /// Their address, for the record of what they ask; nothing is decided on it.
    pub address: Option<IpAddr>,
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
    /// The practice is not served here.
    #[error("the care provider is not served here")]
    NotServed,
    /// The practice is not open to this person, app or day.
    #[error(transparent)]
    NotYet(NotYet),
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
    /// An operator has stopped it.
    #[error("the operator of the gateway has stopped this access")]
    Stopped(Halt),
}

/// What a token stands for, as far as a decision asks.
#[derive(Clone, Copy)]
pub(super) struct Claim<'a> {
    /// The client that it was given to.
    pub(super) client: &'a Hostname,
    /// The practice that it is for.
    pub(super) provider: &'a ProviderName,
    /// The services that it covers.
    pub(super) services: &'a [ServiceId],
    /// The types of resource that it covers; `None` for all.
    pub(super) scope: Option<&'a SmartScope>,
    /// Whose consent it is.
    pub(super) holder: Holder<'a>,
    /// The only certificate that may use it.
    pub(super) bound_to: Option<Thumbprint>,
    /// After this moment it is refused.
    pub(super) expires: Timestamp,
    /// Where the practice stands in the register, when it was looked up before.
    pub(super) place: Option<Place>,
}

impl<'a> Claim<'a> {
    fn of(token: &'a IssuedToken) -> Self {
        let grant = &*token.grant;
        Self {
            client: &grant.client,
            provider: &grant.provider,
            services: &grant.services,
            scope: grant.scope(),
            holder: Holder { person: Whom::Person(&grant.subject), consented: grant.consented },
            bound_to: token.bound_to,
            expires: token.expires,
            place: token.place(),
        }
    }
}

/// What a claim may be used on, and through whom.
#[derive(Debug, Clone, Copy)]
pub struct Admitted<'a> {
    /// The practice.
    pub practice: &'a Practice,
    /// The service.
    pub service: &'a Service,
    /// The name of the certificate that was admitted.
    pub peer: &'a Hostname,
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
    let Admitted { practice, service, peer } = weigh(snapshot, caller, &Claim::of(token), route, now, &mut Unwatched)?;
    Ok(Permit { practice, service, grant: &token.grant, peer })
}

/// Decides on a claim, and says on the way what it looks at.
///
/// # Errors
/// See [`decide`].
pub(super) fn weigh<'a>(
    snapshot: &'a Snapshot,
    caller: Caller<'a>,
    claim: &Claim<'_>,
    route: Route<'_>,
    now: Timestamp,
    watch: &mut impl Watch,
) -> Result<Admitted<'a>, Refusal> {
    let portal = snapshot.clients.portal(claim.client.as_str());
    let peer = admit(snapshot, caller, claim.client, portal, now, watch)?;
    watch.at(Check::Certificate);
    ensure(claim.bound_to.is_none() || claim.bound_to == caller.thumbprint, Refusal::OtherCertificate)?;
    watch.at(Check::Lifetime);
    ensure(now < claim.expires, Refusal::Expired)?;
    watch.at(Check::Provider);
    ensure(claim.provider.short() == route.provider, Refusal::OtherProvider)?;
    watch.at(Check::Consent);
    ensure(claim.services.iter().any(|service| service.as_str() == route.service), Refusal::ServiceNotGranted)?;
    watch.at(Check::Service);
    let (place, service) = snapshot.services.placed(route.service).ok_or(Refusal::UnknownService)?;
    ensure(service.fhir == route.version, Refusal::UnknownService)?;
    ensure(portal.is_some() || service.is_for_everyone(), Refusal::UnknownService)?;
    admit_registration(portal, claim.provider, service, watch)?;
    watch.at(Check::Scope);
    let (resource, access) = asked(route.rest);
    ensure(claim.scope.is_none_or(|scope| scope.covers(resource, access)), Refusal::TypeNotGranted)?;
    let practice = match claim.place.and_then(|practice| snapshot.open_and_listed(practice, place)) {
        Some(practice) => practice,
        None => open_practice(snapshot, claim, service, now, watch)?,
    };
    debug_assert_eq!(practice.provider, *claim.provider, "a place is that of the practice of the grant");
    watch.at(Check::PracticeStop);
    running(snapshot.stops.practice(practice))?;
    Ok(Admitted { practice, service, peer })
}

/// The practice of the claim, the long way: it gives the service now, is ours, and lets this person in.
fn open_practice<'a>(
    snapshot: &'a Snapshot,
    claim: &Claim<'_>,
    service: &Service,
    now: Timestamp,
    watch: &mut impl Watch,
) -> Result<&'a Practice, Refusal> {
    watch.at(Check::Offered);
    ensure(snapshot.gives(claim.provider.as_str(), service, now), Refusal::NotOffered)?;
    watch.at(Check::Register);
    let practice = snapshot.practices.practice(claim.provider.as_str()).ok_or(Refusal::NotServed)?;
    watch.at(Check::GoLive);
    admit_stage(snapshot, practice, service, claim, now)?;
    Ok(practice)
}

/// The practice is so far with the service that this claim gets in (go-live).
fn admit_stage(
    snapshot: &Snapshot,
    practice: &Practice,
    service: &Service,
    claim: &Claim<'_>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let visitor = Visitor { client: claim.client, today: dutch_today(now) };
    let admitted = snapshot.stages.admits(&snapshot.people, practice, &service.id, (visitor, claim.holder));
    admitted.map_err(Refusal::NotYet)
}

/// The node at the other end may act for this client, and the client is one that we serve: a PGO by the lists of MedMij, a
/// portal by our register.
pub(crate) fn admit_caller<'a>(
    snapshot: &Snapshot,
    caller: Caller<'a>,
    client: &Hostname,
    now: Timestamp,
) -> Result<&'a Hostname, Refusal> {
    admit(snapshot, caller, client, snapshot.clients.portal(client.as_str()), now, &mut Unwatched)
}

fn admit<'a>(
    snapshot: &Snapshot,
    caller: Caller<'a>,
    client: &Hostname,
    portal: Option<&Portal>,
    now: Timestamp,
    watch: &mut impl Watch,
) -> Result<&'a Hostname, Refusal> {
    watch.at(Check::Lists);
    ensure(snapshot.freshness.holds(now), Refusal::ListsTooOld)?;
    watch.at(Check::Peer);
    let peer = match portal {
        Some(_) => admit_portal(snapshot, caller, client, watch),
        None => admit_pgo(snapshot, caller, client, watch),
    }?;
    // Only whoever may act for the client learns that it is stopped.
    watch.at(Check::ClientStop);
    running(snapshot.stops.client(client))?;
    Ok(peer)
}

/// No list of MedMij names a portal (`medmij.md` section 8), so only our register counts.
fn admit_portal<'a>(
    snapshot: &Snapshot,
    caller: Caller<'a>,
    client: &Hostname,
    watch: &mut impl Watch,
) -> Result<&'a Hostname, Refusal> {
    let peer = caller.names.iter().find(|name| snapshot.clients.may_act(name, client));
    let peer = peer.ok_or(Refusal::PeerNotOfClient)?;
    watch.at(Check::Client);
    ensure(snapshot.lists.ocl.client(client.as_str()).is_none(), Refusal::PortalOnClientList)?;
    Ok(peer)
}

/// A node on the whitelist that may act for a client on the OAuth client list.
fn admit_pgo<'a>(
    snapshot: &Snapshot,
    caller: Caller<'a>,
    client: &Hostname,
    watch: &mut impl Watch,
) -> Result<&'a Hostname, Refusal> {
    let mut listed = caller.names.iter().filter(|name| snapshot.lists.whl.contains(name)).peekable();
    ensure(listed.peek().is_some(), Refusal::PeerNotListed)?;
    let peer = listed.find(|name| snapshot.clients.may_act(name, client)).ok_or(Refusal::PeerNotOfClient)?;
    watch.at(Check::Client);
    ensure(snapshot.lists.ocl.client(client.as_str()).is_some(), Refusal::ClientNotListed)?;
    Ok(peer)
}

/// The registration may have become narrower since the portal got its grant.
fn admit_registration(
    portal: Option<&Portal>,
    provider: &ProviderName,
    service: &Service,
    watch: &mut impl Watch,
) -> Result<(), Refusal> {
    let Some(portal) = portal else { return Ok(()) };
    watch.at(Check::Registration);
    ensure(portal.scope.has_practice(provider), Refusal::PracticeNotRegistered)?;
    ensure(portal.scope.has_service(&service.id), Refusal::ServiceNotRegistered)
}

/// The type after the base, and what is done with it: what follows the type is an id, or the name of a kind of search.
fn asked(rest: &str) -> (&str, Access) {
    match rest.split_once('/') {
        Some((resource, what)) if !what.starts_with(['_', '$']) => (resource, Access::Read),
        Some((resource, _)) => (resource, Access::Search),
        None => (rest, Access::Search),
    }
}

const fn running(halt: Option<Halt>) -> Result<(), Refusal> {
    match halt {
        Some(halt) => Err(Refusal::Stopped(halt)),
        None => Ok(()),
    }
}

const fn ensure(holds: bool, refusal: Refusal) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(refusal) }
}

#[cfg(test)]
pub(crate) mod tests;
