//! What the publisher lists of the simulated country: the practices that are on the ZAL now, and the PGOs.

use super::Programme;
use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::market::Installation;
use crate::availability::dutch_midnight;
use crate::lists::{ClientEntry, ProviderEntry, RoleEntry, ServiceEntry, VersionEntry};
use crate::medmij::ProviderName;
use crate::report::store::NamedByZal;
use crate::routing::{INTERFACE_VERSION, resource_base};
use crate::services::Catalogue;

/// Where the practices of the simulation would be served.
const GATEWAY: &str = "https://programma.inzage.localhost";

/// Entries of lists.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    /// Of the ZAL.
    pub providers: Vec<ProviderEntry>,
    /// Of the OAuth client list, and their nodes of the whitelist.
    pub clients: Vec<ClientEntry>,
}

/// When the node fetches lists that changed.
pub(super) const LISTS_AT: SignedDuration = SignedDuration::from_hours(6);

impl Programme {
    /// Whom the ZAL named on each day on which it changed, in order.
    #[must_use]
    pub fn zal_history(&self) -> Vec<NamedByZal> {
        let stays = || self.country.practices.iter().flat_map(|practice| &practice.stays);
        let after = |until: &Option<Date>| until.and_then(|until| until.tomorrow().ok());
        let days: BTreeSet<Date> = stays().flat_map(|(from, until)| [Some(*from), after(until)]).flatten().collect();
        let named = |day: Date| {
            let at = dutch_midnight(day).saturating_add(LISTS_AT).unwrap_or(Timestamp::MAX);
            let on_list = self.country.practices.iter().filter(|practice| practice.is_listed(day));
            let number = u64::try_from(at.as_second()).unwrap_or_default();
            NamedByZal { at, number, providers: on_list.map(|practice| practice.provider.clone()).collect() }
        };
        days.into_iter().map(named).collect()
    }

    /// What stands on the lists after the last day of the year. PGOs of the sandbox itself are on them already.
    #[must_use]
    pub fn listed(&self) -> Listed {
        let (market, catalogue) = (&self.country.market, Catalogue::shipped());
        let today = self.plan.until;
        let on_list = self.country.practices.iter().filter(|practice| practice.is_listed(today));
        let providers = on_list.filter_map(|practice| {
            let runs = market.installations.get(practice.installation)?;
            Some(provider(&practice.provider, runs, &catalogue))
        });
        let ours = market.pgos().skip(2);
        let clients =
            ours.map(|client| ClientEntry { hostname: client.id.to_string(), organisation: client.name.to_owned() });
        Listed { providers: providers.collect(), clients: clients.collect() }
    }
}

fn provider(name: &ProviderName, runs: &Installation, catalogue: &Catalogue) -> ProviderEntry {
    let offered = runs.services.iter().filter_map(|id| catalogue.service(id.as_str()));
    let services = offered.map(|service| ServiceEntry {
        id: service.id.to_string(),
        authorization: Some(format!("{GATEWAY}/oauth/authorize")),
        token: Some(format!("{GATEWAY}/oauth/token")),
        subscription: None,
        roles: service
            .roles
            .iter()
            .map(|role| RoleEntry {
                role: role.as_str().to_owned(),
                endpoint: resource_base(GATEWAY, name, &service.id, service.fhir),
            })
            .collect(),
    });
    let version = VersionEntry { id: INTERFACE_VERSION.to_owned(), services: services.collect() };
    ProviderEntry { name: name.to_string(), kind: "ZA".to_owned(), versions: vec![version] }
}
