//! The *zorgaanbiederskoppellijst*: by which numbers a care provider is known outside the network. The network itself has no
//! other key than the provider name; this list serves people who look for their practice by a number.

use std::collections::HashMap;

use super::Reading;
use super::document::{Form, ListHeader, document};
use super::error::{BadValue, ListError};
use super::schema::Schema;
use super::unique::{Keyed, Unique};
use super::value::{InterfaceVersion, code, display_name, provider_name};
use super::xml::{Least, Xml};
use crate::medmij::{ProviderName, ServiceId};

const ROOT: &str = "Zorgaanbiederskoppellijst";

const FORMS: &[Form<Unique<CoupledProvider>>] = &[Form { schema: Schema::ZaklRelease1, read: release1 }];

/// The list that ties numbers to provider names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Zakl {
    header: ListHeader,
    providers: Unique<CoupledProvider>,
    /// Where the providers with this identifier stand; one number may be that of several.
    by_identifier: HashMap<Box<str>, Vec<usize>>,
}

/// A provider and its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoupledProvider {
    name: ProviderName,
    identifiers: Unique<Identifier>,
    services: Unique<CoupledService>,
}

/// A number by which a provider is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier {
    kind: IdentifierKind,
    /// Kind and number, which together are the key.
    text: Box<str>,
}

/// What kind of number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdentifierKind {
    /// AGB code: 8 digits.
    Agb,
    /// UZI register subscriber number: 8 digits.
    Ura,
    /// Organisation number of the government: 20 digits.
    Oin,
    /// Number in the trade register of another country; its form is not published.
    Hrn,
    /// Number in the trade register; its form is not published in this list.
    Kvk,
}

/// A service that a provider offers, as the ZAKL says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoupledService {
    id: ServiceId,
    name: Box<str>,
    versions: Unique<InterfaceVersion>,
}

impl Zakl {
    /// Reads the list.
    ///
    /// # Errors
    /// The first place where it is not a valid ZAKL.
    pub fn parse(bytes: &[u8], reading: Reading) -> Result<Self, ListError> {
        let (header, providers) = document(bytes, reading, ROOT, FORMS)?;
        let mut by_identifier: HashMap<Box<str>, Vec<usize>> = HashMap::new();
        for (at, provider) in providers.as_slice().iter().enumerate() {
            for identifier in provider.identifiers() {
                by_identifier.entry(identifier.text.clone()).or_default().push(at);
            }
        }
        Ok(Self { header, providers, by_identifier })
    }

    /// When it was published, and its number.
    #[must_use]
    pub const fn header(&self) -> ListHeader {
        self.header
    }

    /// The provider with this full name, `name@medmij`.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<&CoupledProvider> {
        self.providers.find(name)
    }

    /// All providers, in the order of the list.
    #[must_use]
    pub fn providers(&self) -> &[CoupledProvider] {
        self.providers.as_slice()
    }

    /// The names of the providers with this number, in the order of the list.
    pub fn names(&self, kind: IdentifierKind, number: &str) -> impl Iterator<Item = &ProviderName> {
        let found = self.by_identifier.get(key(kind, number).as_ref());
        found.into_iter().flatten().filter_map(|at| self.providers.as_slice().get(*at)).map(CoupledProvider::name)
    }
}

impl CoupledProvider {
    /// Its name in the network.
    #[must_use]
    pub const fn name(&self) -> &ProviderName {
        &self.name
    }

    /// Its numbers; at least one.
    #[must_use]
    pub fn identifiers(&self) -> &[Identifier] {
        self.identifiers.as_slice()
    }

    /// Its services; at least one.
    #[must_use]
    pub fn services(&self) -> &[CoupledService] {
        self.services.as_slice()
    }
}

impl CoupledService {
    /// Which service.
    #[must_use]
    pub const fn id(&self) -> &ServiceId {
        &self.id
    }

    /// What it is called, 3 to 50 characters.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The interface versions in which it is offered; at least one.
    #[must_use]
    pub fn versions(&self) -> &[InterfaceVersion] {
        self.versions.as_slice()
    }
}

impl Identifier {
    /// What kind of number it is.
    #[must_use]
    pub const fn kind(&self) -> IdentifierKind {
        self.kind
    }

    /// The number itself.
    #[must_use]
    pub fn number(&self) -> &str {
        self.text.split_once(' ').map_or("", |(_, number)| number)
    }
}

impl IdentifierKind {
    const ELEMENTS: &'static [(Self, &'static str)] =
        &[(Self::Agb, "AGB"), (Self::Ura, "URA"), (Self::Oin, "OIN"), (Self::Hrn, "HRN"), (Self::Kvk, "KVK")];
    const NAMES: &'static [&'static str] = &["AGB", "URA", "OIN", "HRN", "KVK"];

    /// The element in the list, which is also what people call it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agb => "AGB",
            Self::Ura => "URA",
            Self::Oin => "OIN",
            Self::Hrn => "HRN",
            Self::Kvk => "KVK",
        }
    }

    /// How many digits a number of this kind has, where that is published.
    const fn digits(self) -> Option<usize> {
        match self {
            Self::Agb | Self::Ura => Some(8),
            Self::Oin => Some(20),
            Self::Hrn | Self::Kvk => None,
        }
    }
}

impl Keyed for CoupledProvider {
    const KEY_ELEMENT: &'static str = "Zorgaanbiedernaam";
    fn key(&self) -> &str {
        self.name.as_str()
    }
}

impl Keyed for Identifier {
    const KEY_ELEMENT: &'static str = "IdentificerendKenmerk";
    fn key(&self) -> &str {
        &self.text
    }
}

impl Keyed for CoupledService {
    const KEY_ELEMENT: &'static str = "GegevensdienstId";
    fn key(&self) -> &str {
        self.id.as_str()
    }
}

impl Keyed for InterfaceVersion {
    const KEY_ELEMENT: &'static str = "InterfaceversieId";
    fn key(&self) -> &str {
        self.as_str()
    }
}

fn release1(xml: &mut Xml<'_>) -> Result<Unique<CoupledProvider>, ListError> {
    xml.many(("Zorgaanbieders", "Zorgaanbieder"), Least::Zero, |xml| {
        let longest = xml.reading().provider_name_max;
        Ok(CoupledProvider {
            name: xml.value("Zorgaanbiedernaam", |text| provider_name(text, longest))?,
            identifiers: xml.many(("IdentificerendeKenmerken", "IdentificerendKenmerk"), Least::One, |xml| {
                xml.one_of(IdentifierKind::NAMES, IdentifierKind::ELEMENTS, identifier)
            })?,
            services: xml.many(("Gegevensdiensten", "Gegevensdienst"), Least::One, service)?,
        })
    })
}

fn service(xml: &mut Xml<'_>) -> Result<CoupledService, ListError> {
    Ok(CoupledService {
        id: xml.value("GegevensdienstId", ServiceId::parse)?,
        name: xml.value("Weergavenaam", display_name)?,
        versions: xml.many(("Interfaceversies", "Interfaceversie"), Least::One, |xml| {
            xml.value("InterfaceversieId", InterfaceVersion::parse)
        })?,
    })
}

fn identifier(kind: IdentifierKind, number: &str) -> Result<Identifier, BadValue> {
    match kind.digits() {
        Some(digits) if number.len() != digits || !number.bytes().all(|c| c.is_ascii_digit()) => {
            Err(BadValue::Digits { digits })
        }
        Some(_) => Ok(Identifier { kind, text: key(kind, number) }),
        None => code(number).map(|number| Identifier { kind, text: key(kind, &number) }),
    }
}

fn key(kind: IdentifierKind, number: &str) -> Box<str> {
    format!("{} {number}", kind.as_str()).into()
}
