//! The *zorgaanbiederslijst*: which care provider offers which service in which interface version, at which endpoints.

use super::Reading;
use super::document::{Form, ListHeader, document};
use super::error::{BadValue, ListError};
use super::schema::Schema;
use super::unique::{Keyed, Unique};
use super::uri::EndpointUri;
use super::value::{InterfaceVersion, code};
use crate::medmij::{ProviderName, ServiceId, SystemRole};

mod grammar;

const ROOT: &str = "Zorgaanbiederslijst";

const FORMS: &[Form<Unique<Provider>>] = &[
    Form { schema: Schema::ZalRelease3, read: grammar::release3 },
    Form { schema: Schema::ZalRelease2, read: grammar::release2 },
];

/// The list of care providers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Zal {
    header: ListHeader,
    providers: Unique<Provider>,
}

impl Zal {
    /// Reads the list.
    ///
    /// # Errors
    /// The first place where it is not a valid list of providers.
    pub fn parse(bytes: &[u8], reading: Reading) -> Result<Self, ListError> {
        let (header, providers) = document(bytes, reading, ROOT, FORMS)?;
        Ok(Self { header, providers })
    }

    /// When it was published, and its number.
    #[must_use]
    pub const fn header(&self) -> ListHeader {
        self.header
    }

    /// The provider with this full name, `name@medmij`. The cost does not depend on the size of the list.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers.find(name)
    }

    /// All providers, in the order of the list.
    #[must_use]
    pub fn providers(&self) -> &[Provider] {
        self.providers.as_slice()
    }
}

/// A care provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    name: ProviderName,
    kind: ProviderKind,
    versions: Unique<Version>,
}

impl Provider {
    /// Its name, the only key of a provider in the network.
    #[must_use]
    pub const fn name(&self) -> &ProviderName {
        &self.name
    }

    /// What kind of provider it is.
    #[must_use]
    pub const fn kind(&self) -> &ProviderKind {
        &self.kind
    }

    /// The interface versions in which it offers services.
    pub fn interface_versions(&self) -> impl ExactSizeIterator<Item = &InterfaceVersion> {
        self.versions.as_slice().iter().map(|version| &version.id)
    }

    /// All services in this interface version, in the order of the list; none when it has no offer in that version.
    #[must_use]
    pub fn services(&self, interface_version: &str) -> &[ZalService] {
        self.versions.find(interface_version).map_or(&[], |version| version.services.as_slice())
    }

    /// One service in this interface version.
    #[must_use]
    pub fn service(&self, interface_version: &str, service: &str) -> Option<&ZalService> {
        self.versions.find(interface_version)?.services.find(service)
    }
}

/// `Aanbiedertype`. Later releases add kinds, so an unknown one is kept, not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderKind {
    /// `ZA`: a care provider that treats people.
    CareProvider,
    /// `BAZB`: a provider without a treatment relation.
    WithoutTreatment,
    /// Another code, 1 to 30 letters, digits, dots or hyphens.
    Other(Box<str>),
}

impl ProviderKind {
    fn parse(text: &str) -> Result<Self, BadValue> {
        Ok(match text {
            "ZA" => Self::CareProvider,
            "BAZB" => Self::WithoutTreatment,
            _ => Self::Other(code(text)?),
        })
    }

    /// The code in the list.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::CareProvider => "ZA",
            Self::WithoutTreatment => "BAZB",
            Self::Other(code) => code,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    id: InterfaceVersion,
    services: Unique<ZalService>,
}

/// A service that a provider offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZalService {
    id: ServiceId,
    authorization: Option<EndpointUri>,
    token: Option<EndpointUri>,
    subscription: Option<Subscription>,
    roles: Unique<RoleEndpoint>,
}

impl ZalService {
    /// Which service.
    #[must_use]
    pub const fn id(&self) -> &ServiceId {
        &self.id
    }

    /// Where people are sent to give consent.
    #[must_use]
    pub const fn authorization(&self) -> Option<&EndpointUri> {
        self.authorization.as_ref()
    }

    /// Where codes become tokens.
    #[must_use]
    pub const fn token(&self) -> Option<&EndpointUri> {
        self.token.as_ref()
    }

    /// Where subscriptions are made, when the provider takes them.
    #[must_use]
    pub const fn subscription(&self) -> Option<&Subscription> {
        self.subscription.as_ref()
    }

    /// The system roles and where each is served; at least one.
    #[must_use]
    pub fn roles(&self) -> &[RoleEndpoint] {
        self.roles.as_slice()
    }

    /// Where this system role is served.
    #[must_use]
    pub fn resource(&self, role: &str) -> Option<&EndpointUri> {
        self.roles.find(role).map(RoleEndpoint::endpoint)
    }
}

/// `Abonneren`: an offer to take subscriptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    max_days: u64,
    endpoint: EndpointUri,
}

impl Subscription {
    /// The longest subscription, in days; at least 1.
    #[must_use]
    pub const fn max_days(&self) -> u64 {
        self.max_days
    }

    /// Where.
    #[must_use]
    pub const fn endpoint(&self) -> &EndpointUri {
        &self.endpoint
    }
}

/// A system role and its endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleEndpoint {
    role: SystemRole,
    endpoint: EndpointUri,
}

impl RoleEndpoint {
    /// The role.
    #[must_use]
    pub const fn role(&self) -> &SystemRole {
        &self.role
    }

    /// The base URL of its FHIR server.
    #[must_use]
    pub const fn endpoint(&self) -> &EndpointUri {
        &self.endpoint
    }
}

impl Keyed for Provider {
    const KEY_ELEMENT: &'static str = "Zorgaanbiedernaam";
    fn key(&self) -> &str {
        self.name.as_str()
    }
}

impl Keyed for Version {
    const KEY_ELEMENT: &'static str = "InterfaceversieId";
    fn key(&self) -> &str {
        self.id.as_str()
    }
}

impl Keyed for ZalService {
    const KEY_ELEMENT: &'static str = "GegevensdienstId";
    fn key(&self) -> &str {
        self.id.as_str()
    }
}

impl Keyed for RoleEndpoint {
    const KEY_ELEMENT: &'static str = "Systeemrolcode";
    fn key(&self) -> &str {
        self.role.as_str()
    }
}
