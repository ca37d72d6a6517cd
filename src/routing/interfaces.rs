//! The interface versions of the ZAL in which a node serves.

use std::sync::Arc;

use jiff::Timestamp;

use super::Snapshot;
use crate::lists::{InterfaceVersion, Provider, ZalService};
use crate::services::{Audience, Service};

/// The interface version of release 2.x, as the ZAL names it.
pub const INTERFACE_VERSION: &str = "2";

/// The versions that are served. What a provider offers in another is no matter of ours.
#[derive(Debug, Clone)]
pub struct Interfaces(Arc<[InterfaceVersion]>);

/// Release 2.x.
impl Default for Interfaces {
    fn default() -> Self {
        InterfaceVersion::parse(INTERFACE_VERSION).into_iter().collect()
    }
}

impl FromIterator<InterfaceVersion> for Interfaces {
    fn from_iter<I: IntoIterator<Item = InterfaceVersion>>(versions: I) -> Self {
        Self(versions.into_iter().collect())
    }
}

impl Interfaces {
    /// Whether both are one and the same value.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Snapshot {
    /// Whether this provider offers this service now, in a version that is served; see
    /// [`Lists::offers`](crate::lists::Lists::offers).
    #[must_use]
    pub fn offers(&self, provider: &str, service: &str, now: Timestamp) -> bool {
        self.interfaces.0.iter().any(|version| self.lists.offers(provider, version.as_str(), service, now))
    }

    /// Whether this provider gives this service now. What is for portals only is in no list: each of our practices gives it,
    /// and the registration of a portal says which may be asked.
    #[must_use]
    pub fn gives(&self, provider: &str, service: &Service, now: Timestamp) -> bool {
        match service.audience {
            Audience::Everyone => self.offers(provider, service.id.as_str(), now),
            Audience::PortalOnly => self.practices.practice(provider).is_some(),
        }
    }

    /// What the list says of this provider in the versions that are served.
    pub fn entries<'a>(&'a self, provider: &'a Provider) -> impl Iterator<Item = &'a ZalService> {
        self.interfaces.0.iter().flat_map(|version| provider.services(version.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clients::ClientRegister;
    use crate::lists::{Lists, Reading, Zal};
    use crate::practices::PracticeRegister;
    use crate::routing::Freshness;
    use crate::services::Catalogue;

    /// A node that serves in these versions, with a list of 1.0.
    fn snapshot(versions: &[&str]) -> Snapshot {
        let list = include_bytes!("../../fixtures/lists/zal-release2-good.xml");
        let zal = Arc::new(Zal::parse(list, Reading::default()).unwrap());
        Snapshot {
            lists: Arc::new(Lists { zal, ..Lists::default() }),
            practices: Arc::new(PracticeRegister::default()),
            services: Arc::new(Catalogue::shipped()),
            interfaces: versions.iter().map(|version| InterfaceVersion::parse(version).unwrap()).collect(),
            clients: Arc::new(ClientRegister::default()),
            adapters: Arc::default(),
            freshness: Arc::new(Freshness::new(Duration::from_secs(60))),
            standing: crate::routing::Standing::default(),
            stops: Arc::default(),
            stages: Arc::default(),
            people: Arc::default(),
        }
    }

    #[test]
    fn only_what_is_offered_in_a_version_that_is_served_counts() {
        for (versions, served) in [(&["2"][..], false), (&["2", "1"], true), (&["1"], true)] {
            let snapshot = snapshot(versions);
            assert_eq!(snapshot.offers("praktijkdeberk@medmij", "6", Timestamp::UNIX_EPOCH), served, "{versions:?}");
            let provider = snapshot.lists.zal.provider("praktijkdeberk@medmij").unwrap();
            assert_eq!(snapshot.entries(provider).count(), if served { 2 } else { 0 }, "{versions:?}");
        }
    }
}
