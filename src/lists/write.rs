//! Writes lists, for the publisher of a sandbox and for tests. What is written is not checked; reading it is the check.

use quick_xml::escape::escape;

use super::{EndpointUri, Gnl, ListHeader, OauthClient, Ocl, Provider, RoleEndpoint, Subscription, Zal, ZalService};

/// A care provider to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderEntry {
    /// `name@medmij`.
    pub name: String,
    /// `ZA`, `BAZB` or another code.
    pub kind: String,
    /// Its offers; the schema demands one.
    pub versions: Vec<VersionEntry>,
}

/// The services in one interface version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionEntry {
    /// `2` for every release 2.x.
    pub id: String,
    /// The services; the schema demands one.
    pub services: Vec<ServiceEntry>,
}

/// A service to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceEntry {
    /// `GegevensdienstId`.
    pub id: String,
    /// Authorization endpoint.
    pub authorization: Option<String>,
    /// Token endpoint.
    pub token: Option<String>,
    /// Offer to take subscriptions.
    pub subscription: Option<SubscriptionEntry>,
    /// Roles; the schema demands one.
    pub roles: Vec<RoleEntry>,
}

/// An offer to take subscriptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionEntry {
    /// The longest one, in days.
    pub max_days: u64,
    /// Where.
    pub endpoint: String,
}

/// A role of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleEntry {
    /// `Systeemrolcode`.
    pub role: String,
    /// Resource endpoint.
    pub endpoint: String,
}

/// A PGO to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientEntry {
    /// Host name of its front channel.
    pub hostname: String,
    /// Name for the consent screen.
    pub organisation: String,
}

/// The name of a service to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameEntry {
    /// `GegevensdienstId`.
    pub service: String,
    /// `Weergavenaam`.
    pub name: String,
}

/// What was read, to be written; a provider of a list of release 2 becomes one of release 3.
impl From<&Provider> for ProviderEntry {
    fn from(provider: &Provider) -> Self {
        let versions = provider.interface_versions().map(|version| VersionEntry {
            id: version.to_string(),
            services: provider.services(version.as_str()).iter().map(ServiceEntry::from).collect(),
        });
        Self {
            name: provider.name().to_string(),
            kind: provider.kind().as_str().to_owned(),
            versions: versions.collect(),
        }
    }
}

impl From<&ZalService> for ServiceEntry {
    fn from(service: &ZalService) -> Self {
        Self {
            id: service.id().to_string(),
            authorization: service.authorization().map(EndpointUri::to_string),
            token: service.token().map(EndpointUri::to_string),
            subscription: service.subscription().map(SubscriptionEntry::from),
            roles: service.roles().iter().map(RoleEntry::from).collect(),
        }
    }
}

impl From<&Subscription> for SubscriptionEntry {
    fn from(offer: &Subscription) -> Self {
        Self { max_days: offer.max_days(), endpoint: offer.endpoint().to_string() }
    }
}

impl From<&RoleEndpoint> for RoleEntry {
    fn from(role: &RoleEndpoint) -> Self {
        Self { role: role.role().as_str().to_owned(), endpoint: role.endpoint().to_string() }
    }
}

impl From<&OauthClient> for ClientEntry {
    fn from(client: &OauthClient) -> Self {
        Self { hostname: client.hostname().to_string(), organisation: client.organisation().to_owned() }
    }
}

impl ProviderEntry {
    /// Every provider of a list.
    #[must_use]
    pub fn all(list: &Zal) -> Vec<Self> {
        list.providers().iter().map(Self::from).collect()
    }
}

impl ClientEntry {
    /// Every PGO of a list.
    #[must_use]
    pub fn all(list: &Ocl) -> Vec<Self> {
        list.clients().iter().map(Self::from).collect()
    }
}

impl NameEntry {
    /// Every name of a list.
    #[must_use]
    pub fn all(list: &Gnl) -> Vec<Self> {
        list.names().map(|(id, name)| Self { service: id.to_string(), name: name.to_owned() }).collect()
    }
}

/// The list of care providers, release 3.
#[must_use]
pub fn write_zal(header: ListHeader, providers: &[ProviderEntry]) -> String {
    document("Zorgaanbiederslijst", "zorgaanbiederslijst/release3", header, |page| {
        page.each("Zorgaanbieders", "Zorgaanbieder", providers, |page, provider| {
            page.text("Zorgaanbiedernaam", &provider.name);
            page.text("Aanbiedertype", &provider.kind);
            page.each("Interfaceversies", "Interfaceversie", &provider.versions, write_version);
        });
    })
}

/// The OAuth client list, release 2.
#[must_use]
pub fn write_ocl(header: ListHeader, clients: &[ClientEntry]) -> String {
    document("OAuthclientlist", "oauthclientlist/release2", header, |page| {
        page.each("OAuthclients", "OAuthclient", clients, |page, client| {
            page.text("Hostname", &client.hostname);
            page.text("OAuthclientOrganisatienaam", &client.organisation);
        });
    })
}

/// The whitelist, release 2, of these host names.
#[must_use]
pub fn write_whl(header: ListHeader, hosts: &[String]) -> String {
    document("Whitelist", "whitelist/release2", header, |page| {
        page.each("MedMijNodes", "MedMijNode", hosts, |page, host| page.text("Hostname", host));
    })
}

/// The list of names of services, release 1.
#[must_use]
pub fn write_gnl(header: ListHeader, names: &[NameEntry]) -> String {
    document("Gegevensdienstnamenlijst", "gegevensdienstnamenlijst/release1", header, |page| {
        page.each("Gegevensdiensten", "Gegevensdienst", names, |page, entry| {
            page.text("GegevensdienstId", &entry.service);
            page.text("Weergavenaam", &entry.name);
        });
    })
}

fn write_version(page: &mut Page, version: &VersionEntry) {
    page.text("InterfaceversieId", &version.id);
    page.each("Gegevensdiensten", "Gegevensdienst", &version.services, write_service);
}

fn write_service(page: &mut Page, service: &ServiceEntry) {
    page.text("GegevensdienstId", &service.id);
    if let Some(uri) = &service.authorization {
        page.within("AuthorizationEndpoint", |page| page.text("AuthorizationEndpointuri", uri));
    }
    if let Some(uri) = &service.token {
        page.within("TokenEndpoint", |page| page.text("TokenEndpointuri", uri));
    }
    if let Some(subscription) = &service.subscription {
        page.within("Abonneren", |page| {
            page.text("MaximaleDuur", &subscription.max_days.to_string());
            page.text("SubscriptionEndpointuri", &subscription.endpoint);
        });
    }
    page.each("Systeemrollen", "Systeemrol", &service.roles, |page, role| {
        page.text("Systeemrolcode", &role.role);
        page.within("ResourceEndpoint", |page| page.text("ResourceEndpointuri", &role.endpoint));
    });
}

fn document(root: &str, namespace: &str, header: ListHeader, content: impl FnOnce(&mut Page)) -> String {
    let mut page = Page { text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(), depth: 1 };
    page.push(&["<", root, " xmlns=\"xmlns://afsprakenstelsel.medmij.nl/", namespace, "/\">\n"]);
    page.text("Tijdstempel", &header.timestamp.to_string());
    page.text("Volgnummer", &header.sequence.to_string());
    content(&mut page);
    page.push(&["</", root, ">\n"]);
    page.text
}

/// A pretty-printed document in the making.
struct Page {
    text: String,
    depth: usize,
}

impl Page {
    fn each<T>(&mut self, container: &str, item: &str, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.within(container, |page| items.iter().for_each(|each| page.within(item, |page| write(page, each))));
    }

    fn within(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.indent();
        self.push(&["<", name, ">\n"]);
        self.depth = self.depth.saturating_add(1);
        content(self);
        self.depth = self.depth.saturating_sub(1);
        self.indent();
        self.push(&["</", name, ">\n"]);
    }

    fn text(&mut self, name: &str, value: &str) {
        self.indent();
        self.push(&["<", name, ">", &escape(value), "</", name, ">\n"]);
    }

    fn indent(&mut self) {
        self.text.extend(std::iter::repeat_n("  ", self.depth));
    }

    fn push(&mut self, parts: &[&str]) {
        self.text.extend(parts.iter().copied());
    }
}
