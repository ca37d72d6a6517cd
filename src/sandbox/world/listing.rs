//! What the sandbox publishes: the four lists, with everybody of the sandbox on them.

use jiff::Timestamp;

use super::layout::{BACK_HOST, DIALECTS, LISTS_HOST, Layout};
use crate::lists::{
    ClientEntry, ListHeader, ListKind, NameEntry, ProviderEntry, RoleEntry, ServiceEntry, VersionEntry, write_gnl,
    write_ocl, write_whl, write_zal,
};
use crate::medmij::ProviderName;
use crate::routing::{INTERFACE_VERSION, resource_base};
use crate::sandbox::programme::Listed;
use crate::services::Catalogue;

impl Layout {
    /// The four lists, under this sequence number.
    #[must_use]
    pub fn lists(&self, sequence: u64, now: Timestamp) -> Vec<(ListKind, String)> {
        self.lists_beside(&Listed::default(), sequence, now)
    }

    /// The same with what else is listed.
    #[must_use]
    pub fn lists_beside(&self, others: &Listed, sequence: u64, now: Timestamp) -> Vec<(ListKind, String)> {
        let header = ListHeader {
            timestamp: now,
            sequence: sequence.saturating_add(u64::try_from(now.as_second()).unwrap_or(1)),
        };
        let catalogue = Catalogue::shipped();
        let with_his = self.providers.iter().zip(DIALECTS);
        let own = with_his.map(|(provider, dialect)| self.listed(provider, dialect, &catalogue));
        let providers: Vec<_> = own.chain(others.providers.iter().cloned()).collect();
        let listed = self.clients.iter().filter_map(|client| Some((client, client.organisation?)));
        let own = listed
            .map(|(client, name)| ClientEntry { hostname: client.client_id.clone(), organisation: name.to_owned() });
        let clients: Vec<_> = own.chain(others.clients.iter().cloned()).collect();
        let nodes: Vec<String> = clients
            .iter()
            .map(|client| client.hostname.clone())
            .chain([BACK_HOST.to_owned(), LISTS_HOST.to_owned()])
            .collect();
        let names: Vec<_> = catalogue
            .iter()
            .filter(|service| service.is_for_everyone())
            .map(|service| NameEntry { service: service.id.to_string(), name: service.name.clone() })
            .collect();
        vec![
            (ListKind::Zal, write_zal(header, &providers)),
            (ListKind::Ocl, write_ocl(header, &clients)),
            (ListKind::Whl, write_whl(header, &nodes)),
            (ListKind::Gnl, write_gnl(header, &names)),
        ]
    }

    fn listed(&self, provider: &ProviderName, dialect: &str, catalogue: &Catalogue) -> ProviderEntry {
        let listed =
            catalogue.iter().filter(|service| service.is_for_everyone() && offers(dialect, service.id.as_str()));
        let services = listed.map(|service| ServiceEntry {
            id: service.id.to_string(),
            authorization: Some(format!("{}/oauth/authorize", self.front_origin())),
            token: Some(format!("{}/oauth/token", self.back_origin())),
            subscription: None,
            roles: service
                .roles
                .iter()
                .map(|role| RoleEntry {
                    role: role.as_str().to_owned(),
                    endpoint: resource_base(&self.back_origin(), provider, &service.id, service.fhir),
                })
                .collect(),
        });
        let version = VersionEntry { id: INTERFACE_VERSION.to_owned(), services: services.collect() };
        ProviderEntry { name: provider.to_string(), kind: "ZA".to_owned(), versions: vec![version] }
    }
}

/// Whether a practice whose HIS speaks so offers a service: one of plain JSON has the GP record, appointments and documents.
fn offers(dialect: &str, service: &str) -> bool {
    dialect != "his-rest" || ["47", "49", "51"].contains(&service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_practice_offers_what_its_system_can_give() {
        let offered = |dialect: &str| -> Vec<String> {
            let catalogue = Catalogue::shipped();
            let listed = catalogue.iter().filter(|service| service.is_for_everyone());
            let ids = listed.map(|service| service.id.to_string());
            ids.filter(|service| offers(dialect, service)).collect()
        };
        assert_eq!(offered("his-rest"), ["47", "49", "51"]);
        assert_eq!(offered("fhir").len(), Catalogue::shipped().iter().filter(|one| one.is_for_everyone()).count());
        assert_eq!(offered("smart-backend"), offered("fhir"));
    }
}
