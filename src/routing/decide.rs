//! The decision: may this grant, held by this caller, be used on this route now? Pure, without waiting or allocating, and
//! the same function on the hot path, in explanations and in tests.

use jiff::Timestamp;

use super::{Route, Snapshot};
use crate::medmij::Hostname;
use crate::oauth::grant::Grant;
use crate::practices::{GoLive, Practice};
use crate::services::Service;

/// Who is at the other end of the mutual TLS connection: the names of its verified certificate.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// SAN dNSName entries, exact.
    pub names: &'a [Hostname],
}

/// The grant may be used: on this practice, for this service. Only [`decide`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct Permit<'a> {
    practice: &'a Practice,
    service: &'a Service,
    grant: &'a Grant,
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
}

/// Why not; one variant per reaction of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
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
}

/// The interface version of release 2.x, as the ZAL names it.
pub const INTERFACE_VERSION: &str = "2";

/// Decides.
///
/// # Errors
/// The first reason why not, in the order: caller, token, route.
pub fn decide<'a>(
    snapshot: &'a Snapshot,
    caller: Caller<'_>,
    grant: &'a Grant,
    expires: Timestamp,
    route: Route<'_>,
    now: Timestamp,
) -> Result<Permit<'a>, Refusal> {
    admit_caller(snapshot, caller, &grant.client)?;
    ensure(now < expires, Refusal::Expired)?;
    ensure(grant.provider.short() == route.provider, Refusal::OtherProvider)?;
    ensure(grant.services.iter().any(|service| service.as_str() == route.service), Refusal::ServiceNotGranted)?;
    let service = snapshot.services.service(route.service).ok_or(Refusal::UnknownService)?;
    ensure(service.fhir == route.version, Refusal::UnknownService)?;
    let offered = snapshot.lists.zal.provider(grant.provider.as_str());
    let offered = offered.and_then(|provider| provider.service(INTERFACE_VERSION, route.service));
    ensure(offered.is_some(), Refusal::NotOffered)?;
    let practice = snapshot.practices.practice(grant.provider.as_str()).ok_or(Refusal::PracticeClosed)?;
    ensure(practice.state == GoLive::Open, Refusal::PracticeClosed)?;
    Ok(Permit { practice, service, grant })
}

/// A node on the whitelist that may act for a client on the OAuth client list.
pub(crate) fn admit_caller<'a>(
    snapshot: &Snapshot,
    caller: Caller<'a>,
    client: &Hostname,
) -> Result<&'a Hostname, Refusal> {
    let mut listed = caller.names.iter().filter(|name| snapshot.lists.whl.contains(name)).peekable();
    ensure(listed.peek().is_some(), Refusal::PeerNotListed)?;
    let peer = listed.find(|name| snapshot.peers.may_act(name, client)).ok_or(Refusal::PeerNotOfClient)?;
    ensure(snapshot.lists.ocl.client(client.as_str()).is_some(), Refusal::ClientNotListed)?;
    Ok(peer)
}

const fn ensure(holds: bool, refusal: Refusal) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(refusal) }
}
