//! Where the network is told to find us, beside where we are. A ZAL that names another address sends people or PGOs of our
//! practices elsewhere, so an operator must know; we ourselves never call an address of a list.

use std::fmt;

use super::{Route, Snapshot, resource_base, route};
use crate::lists::{EndpointUri, RoleEndpoint, ZalService};
use crate::medmij::{Hostname, ProviderName, ServiceId};
use crate::services::Service;

/// Path of the authorization endpoint on the front channel.
pub const AUTHORIZATION_PATH: &str = "/oauth/authorize";
/// Path of the token endpoint on the back channel.
pub const TOKEN_PATH: &str = "/oauth/token";

/// How one of our channels is reached from outside.
#[derive(Debug, Clone)]
pub struct OwnOrigin {
    /// Host.
    pub host: Hostname,
    /// Port; 443 when the origin names none.
    pub port: u16,
    /// As it is written, without a slash at the end.
    pub text: String,
}

/// Our public origins. Where a node listens behind them does not matter.
#[derive(Debug, Clone)]
pub struct OwnAddresses {
    /// Of the front channel.
    pub front: OwnOrigin,
    /// Of the back channel.
    pub back: OwnOrigin,
}

/// An endpoint in the ZAL that is not ours, for a practice and service that we serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The practice.
    pub provider: ProviderName,
    /// The service.
    pub service: ServiceId,
    /// What the ZAL says.
    pub listed: String,
    /// What it should say.
    pub ours: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { provider, service, listed, ours } = self;
        write!(f, "the zal names {listed} for {provider} service {service}, ours is {ours}")
    }
}

impl OwnAddresses {
    /// Every endpoint that the ZAL names for our practices and that is not ours. A service that is not in our catalogue may
    /// well be served by somebody else.
    #[must_use]
    pub fn differences(&self, snapshot: &Snapshot) -> Vec<Difference> {
        let mut found = Vec::new();
        for practice in snapshot.practices.iter() {
            let listed = snapshot.lists.zal.provider(practice.provider.as_str());
            for entry in listed.into_iter().flat_map(|listed| snapshot.entries(listed)) {
                let known = snapshot.services.service(entry.id().as_str());
                if let Some(service) = known.filter(|service| service.is_for_everyone()) {
                    self.compare(&practice.provider, service, entry, &mut found);
                }
            }
        }
        found.sort_by(|one, other| (&one.provider, &one.service).cmp(&(&other.provider, &other.service)));
        found
    }

    /// Says what differs; what does not costs no allocation.
    fn compare(&self, provider: &ProviderName, service: &Service, entry: &ZalService, found: &mut Vec<Difference>) {
        let mut differs = |listed: &EndpointUri, ours: String| {
            let (provider, service) = (provider.clone(), service.id.clone());
            found.push(Difference { provider, service, listed: listed.to_string(), ours });
        };
        let is_at = |listed: &EndpointUri, own: &OwnOrigin, path: &str| own.has(listed) && listed.path() == path;
        if let Some(listed) = entry.authorization().filter(|listed| !is_at(listed, &self.front, AUTHORIZATION_PATH)) {
            differs(listed, format!("{}{AUTHORIZATION_PATH}", self.front.text));
        }
        if let Some(listed) = entry.token().filter(|listed| !is_at(listed, &self.back, TOKEN_PATH)) {
            differs(listed, format!("{}{TOKEN_PATH}", self.back.text));
        }
        let ours =
            Some(Route { provider: provider.short(), service: service.id.as_str(), version: service.fhir, rest: "" });
        for listed in entry.roles().iter().map(RoleEndpoint::endpoint) {
            if !(self.back.has(listed) && route(listed.path()) == ours) {
                differs(listed, resource_base(&self.back.text, provider, &service.id, service.fhir));
            }
        }
    }
}

impl OwnOrigin {
    fn has(&self, listed: &EndpointUri) -> bool {
        *listed.host() == self.host && listed.port().unwrap_or(443) == self.port
    }
}
