//! A practice portal: an own website of practices, whose maker we know by contract. What it may ask for is registered.

use std::collections::HashSet;
use std::num::NonZeroU32;

use crate::jose::Jwks;
use crate::medmij::{Hostname, ProviderName, ServiceId};
use crate::oauth::authorize::RedirectUri;

/// What is registered of a portal.
#[derive(Debug, Clone)]
pub struct Portal {
    /// Its name for people.
    pub name: String,
    /// The names in back-channel certificates that may act for it.
    pub peers: Vec<Hostname>,
    /// Whether its tokens work with the certificate only with which they were asked for (RFC 8705 section 3).
    pub bind_tokens: bool,
    /// The practices and services that it may ask for.
    pub scope: PortalScope,
    /// Its public keys, which verify what it signs.
    pub keys: Jwks,
    /// Whether an assertion about a person must be encrypted to our key.
    pub encrypt: bool,
    /// Where people may be sent back to, exactly; empty when it does not use our login.
    pub redirect_uris: Vec<RedirectUri>,
    /// Token requests a minute.
    pub rate: NonZeroU32,
}

/// The practices and services of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalScope {
    practices: HashSet<ProviderName>,
    services: HashSet<ServiceId>,
}

impl PortalScope {
    /// Each of these services of each of these practices.
    #[must_use]
    pub fn new(
        practices: impl IntoIterator<Item = ProviderName>,
        services: impl IntoIterator<Item = ServiceId>,
    ) -> Self {
        Self { practices: practices.into_iter().collect(), services: services.into_iter().collect() }
    }

    /// Whether the registration names this practice.
    #[must_use]
    pub fn has_practice(&self, provider: &ProviderName) -> bool {
        self.practices.contains(provider)
    }

    /// Whether the registration names this service.
    #[must_use]
    pub fn has_service(&self, service: &ServiceId) -> bool {
        self.services.contains(service)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::clients) fn portal(client: &str) -> Portal {
        let client = Hostname::parse(client).unwrap();
        Portal {
            name: "Praktijkportaal".to_owned(),
            peers: vec![client.clone()],
            bind_tokens: true,
            scope: PortalScope::new([ProviderName::parse("open@medmij").unwrap()], [ServiceId::parse("49").unwrap()]),
            keys: Jwks::default(),
            encrypt: true,
            redirect_uris: Vec::new(),
            rate: NonZeroU32::MIN,
        }
    }

    #[test]
    fn only_what_is_named_is_in_scope() {
        let scope = portal("portaal.example").scope;
        let practice = |name| ProviderName::parse(name).unwrap();
        assert!(scope.has_practice(&practice("open@medmij")) && !scope.has_practice(&practice("other@medmij")));
        assert!(
            scope.has_service(&ServiceId::parse("49").unwrap()) && !scope.has_service(&ServiceId::parse("48").unwrap())
        );
    }
}
