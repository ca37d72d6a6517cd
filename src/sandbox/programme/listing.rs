//! What the publisher lists of the simulated country: the practices that are on the ZAL now, and the PGOs.

use super::Programme;
use super::market::Installation;
use crate::lists::{ClientEntry, ProviderEntry, RoleEntry, ServiceEntry, VersionEntry};
use crate::medmij::ProviderName;
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

impl Programme {
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
