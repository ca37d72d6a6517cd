//! A list of any kind, told by its root element: what it holds, one line a fact, and what came and went between two.

use std::collections::BTreeMap;

use super::document::ListHeader;
use super::error::ListError;
use super::xml::Xml;
use super::zakl::{CoupledProvider, CoupledService};
use super::{Gnl, ListKind, OauthClient, Ocl, Provider, Reading, Whl, Zakl, Zal, ZalService};

/// One list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnyList {
    /// *Zorgaanbiederslijst*.
    Zal(Zal),
    /// OAuth client list.
    Ocl(Ocl),
    /// Whitelist.
    Whl(Whl),
    /// *Gegevensdienstnamenlijst*.
    Gnl(Gnl),
    /// *Zorgaanbiederskoppellijst*.
    Zakl(Zakl),
}

/// What changed about one entry between two lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// It is new.
    Came(String),
    /// It is no longer there.
    Went(String),
    /// Other facts are true of it.
    Changed {
        /// The entry.
        entry: String,
        /// What is no longer true.
        before: Vec<String>,
        /// What is true instead.
        after: Vec<String>,
    },
}

impl AnyList {
    /// Reads a list; its root element says of which kind it is, its namespace of which release.
    ///
    /// # Errors
    /// The first place where it is not a valid list.
    pub fn parse(bytes: &[u8], reading: Reading) -> Result<Self, ListError> {
        let mut xml = Xml::new(bytes, reading)?;
        match xml.root_name()? {
            "Zorgaanbiederslijst" => Self::parse_as(ListKind::Zal, bytes, reading),
            "OAuthclientlist" => Self::parse_as(ListKind::Ocl, bytes, reading),
            "Whitelist" => Self::parse_as(ListKind::Whl, bytes, reading),
            "Gegevensdienstnamenlijst" => Self::parse_as(ListKind::Gnl, bytes, reading),
            "Zorgaanbiederskoppellijst" => Zakl::parse(bytes, reading).map(Self::Zakl),
            other => Err(xml.no_list(other)),
        }
    }

    /// Reads a list of this kind.
    ///
    /// # Errors
    /// The first place where it is not a valid list of this kind.
    pub fn parse_as(kind: ListKind, bytes: &[u8], reading: Reading) -> Result<Self, ListError> {
        Ok(match kind {
            ListKind::Zal => Self::Zal(Zal::parse(bytes, reading)?),
            ListKind::Ocl => Self::Ocl(Ocl::parse(bytes, reading)?),
            ListKind::Whl => Self::Whl(Whl::parse(bytes, reading)?),
            ListKind::Gnl => Self::Gnl(Gnl::parse(bytes, reading)?),
        })
    }

    /// Its name in the framework.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Zal(_) => "Zorgaanbiederslijst",
            Self::Ocl(_) => "OAuthclientlist",
            Self::Whl(_) => "Whitelist",
            Self::Gnl(_) => "Gegevensdienstnamenlijst",
            Self::Zakl(_) => "Zorgaanbiederskoppellijst",
        }
    }

    /// When it was published, and its number.
    #[must_use]
    pub const fn header(&self) -> ListHeader {
        match self {
            Self::Zal(list) => list.header(),
            Self::Ocl(list) => list.header(),
            Self::Whl(list) => list.header(),
            Self::Gnl(list) => list.header(),
            Self::Zakl(list) => list.header(),
        }
    }

    /// Each entry by its key, with every fact that the list has about it, one line each, in the order of the list.
    #[must_use]
    pub fn entries(&self) -> Vec<(String, Vec<String>)> {
        match self {
            Self::Zal(list) => list.providers().iter().map(of_provider).collect(),
            Self::Ocl(list) => list.clients().iter().map(of_client).collect(),
            Self::Whl(list) => list.hosts().map(|host| (host.to_string(), Vec::new())).collect(),
            Self::Gnl(list) => list.names().map(|(id, name)| (id.to_string(), vec![format!("name {name}")])).collect(),
            Self::Zakl(list) => list.providers().iter().map(of_coupled).collect(),
        }
    }

    /// What there is how much of: services of a ZAL by interface version, numbers of a ZAKL by kind; nothing of the others.
    #[must_use]
    pub fn summary(&self) -> Vec<String> {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        let mut count = |what: String| *counts.entry(what).or_default() += 1;
        match self {
            Self::Zal(list) => list.providers().iter().flat_map(offers).for_each(&mut count),
            Self::Zakl(list) => {
                let numbers = list.providers().iter().flat_map(CoupledProvider::identifiers);
                numbers.for_each(|number| count(format!("providers with {}", number.kind().as_str())));
            }
            Self::Ocl(_) | Self::Whl(_) | Self::Gnl(_) => {}
        }
        counts.into_iter().map(|(what, count)| format!("{what}: {count}")).collect()
    }

    /// What came, went and changed since an older list, by key. `None`: they are lists of different kinds.
    #[must_use]
    pub fn since(&self, older: &Self) -> Option<Vec<Difference>> {
        if self.name() != older.name() {
            return None;
        }
        let before: BTreeMap<_, _> = older.entries().into_iter().collect();
        let after: BTreeMap<_, _> = self.entries().into_iter().collect();
        let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        Some(keys.into_iter().filter_map(|key| differs(key, before.get(key), after.get(key))).collect())
    }
}

fn differs(entry: &str, before: Option<&Vec<String>>, after: Option<&Vec<String>>) -> Option<Difference> {
    let entry = entry.to_owned();
    match (before, after) {
        (None, None) => None,
        (None, Some(_)) => Some(Difference::Came(entry)),
        (Some(_), None) => Some(Difference::Went(entry)),
        (Some(before), Some(after)) => {
            let only = |these: &[String], those: &[String]| -> Vec<String> {
                these.iter().filter(|fact| !those.contains(fact)).cloned().collect()
            };
            let (before, after) = (only(before, after), only(after, before));
            let same = before.is_empty() && after.is_empty();
            (!same).then_some(Difference::Changed { entry, before, after })
        }
    }
}

fn of_provider(provider: &Provider) -> (String, Vec<String>) {
    let services = provider.interface_versions().flat_map(|version| {
        provider.services(version.as_str()).iter().flat_map(move |service| of_service(version.as_str(), service))
    });
    let kind = format!("kind {}", provider.kind().as_str());
    (provider.name().to_string(), std::iter::once(kind).chain(services).collect())
}

fn offers(provider: &Provider) -> impl Iterator<Item = String> {
    provider.interface_versions().flat_map(|version| {
        let services = provider.services(version.as_str()).iter();
        services.map(move |service| format!("providers of service {} in version {version}", service.id()))
    })
}

/// Every fact names version and service, so that it says the same in any place.
fn of_service(version: &str, service: &ZalService) -> Vec<String> {
    let about = format!("version {version} service {}", service.id());
    let endpoint = |what: &str, uri: &dyn std::fmt::Display| format!("{about} {what} {uri}");
    let mut facts = Vec::new();
    facts.extend(service.authorization().map(|uri| endpoint("authorization", uri)));
    facts.extend(service.token().map(|uri| endpoint("token", uri)));
    facts.extend(
        service
            .subscription()
            .map(|offer| endpoint(&format!("subscription of at most {} days", offer.max_days()), offer.endpoint())),
    );
    facts.extend(
        service.roles().iter().map(|role| endpoint(&format!("role {}", role.role().as_str()), role.endpoint())),
    );
    facts
}

fn of_client(client: &OauthClient) -> (String, Vec<String>) {
    (client.hostname().to_string(), vec![format!("organisation {}", client.organisation())])
}

fn of_coupled(provider: &CoupledProvider) -> (String, Vec<String>) {
    let numbers = provider.identifiers().iter().map(|one| format!("{} {}", one.kind().as_str(), one.number()));
    (provider.name().to_string(), numbers.chain(provider.services().iter().map(of_coupled_service)).collect())
}

fn of_coupled_service(service: &CoupledService) -> String {
    let versions: Vec<_> = service.versions().iter().map(ToString::to_string).collect();
    format!("service {} ({}) in versions {}", service.id(), service.name(), versions.join(", "))
}
