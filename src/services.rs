//! The service catalogue: which data services there are and exactly which requests each allows. It is data, read once at
//! start from a document of this form; the one that ships is [`Catalogue::shipped`].

use serde::Deserialize;

use crate::medmij::{FhirVersion, ServiceId, SystemRole};

/// All services, in the order of the document.
#[derive(Debug, Clone)]
pub struct Catalogue {
    services: Vec<Service>,
}

/// One data service (*gegevensdienst*).
#[derive(Debug, Clone)]
pub struct Service {
    /// Its id in the lists.
    pub id: ServiceId,
    /// What people call it when the list of names has no entry.
    pub name: String,
    /// The system roles that serve it.
    pub roles: Vec<SystemRole>,
    /// The FHIR version of its endpoints.
    pub fhir: FhirVersion,
    /// Whether data goes out or comes in.
    pub purpose: Purpose,
    /// The searches it allows; at most one a resource type.
    pub searches: Vec<AllowedSearch>,
}

/// The direction of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// *Verzamelen*.
    Collect,
    /// *Delen*.
    Share,
}

/// One allowed search. Every parameter outside this list is refused.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedSearch {
    /// The resource type in the path.
    pub resource: String,
    /// Types that may come along as included entries.
    #[serde(default)]
    pub includes: Vec<String>,
    /// Whether the attention flags of the patient must be known to judge the answer.
    #[serde(default)]
    pub needs_flags: bool,
    /// The parameters.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
}

/// One allowed parameter; it has either a closed set of values or dates.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "ParameterAsWritten")]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Whether a request without it is refused.
    pub required: bool,
    /// What it may hold.
    pub values: Values,
}

/// What a parameter may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// Exactly one of these, after percent-decoding.
    OneOf(Vec<String>),
    /// A date with one of these prefixes, never before the floor; absent, the floor itself is asked.
    Date {
        /// Allowed comparison prefixes.
        prefixes: Vec<String>,
        /// The earliest date that a lower bound may have.
        floor: Floor,
    },
}

/// The earliest date of a lower bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Floor {
    /// The day of the request, Dutch time.
    Today,
    /// The start of the period over which a practice shows results (14 months by default).
    Results,
}

/// Why a document is not a catalogue.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// Not TOML of this form.
    #[error("the service catalogue cannot be read: {0}")]
    Malformed(#[from] toml::de::Error),
    /// Two services share an id, or two searches of a service a resource type.
    #[error("{0} stands twice in the service catalogue")]
    Twice(String),
}

impl Catalogue {
    /// The catalogue that ships with this version.
    ///
    /// # Panics
    /// Never: a test reads it.
    #[must_use]
    pub fn shipped() -> Self {
        Self::parse(include_str!("services/default.toml")).expect("the shipped catalogue is read by a test")
    }

    /// Parses a document.
    ///
    /// # Errors
    /// When it is malformed or ambiguous.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        let services = toml::from_str::<CatalogueAsWritten>(text)?.service;
        refuse_doubles(services.iter().map(|service| service.id.as_str()))?;
        for service in &services {
            refuse_doubles(service.searches.iter().map(|search| search.resource.as_str()))?;
        }
        Ok(Self { services })
    }

    /// The service with this id.
    #[must_use]
    pub fn service(&self, id: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.id.as_str() == id)
    }

    /// All services.
    pub fn iter(&self) -> impl Iterator<Item = &Service> {
        self.services.iter()
    }
}

impl Service {
    /// The search on this resource type, when the service has one.
    #[must_use]
    pub fn search(&self, resource: &str) -> Option<&AllowedSearch> {
        self.searches.iter().find(|search| search.resource == resource)
    }
}

impl AllowedSearch {
    /// The parameter with this name.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}

fn refuse_doubles<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), CatalogueError> {
    let mut seen = std::collections::HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(CatalogueError::Twice(name.to_owned()));
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogueAsWritten {
    service: Vec<Service>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceAsWritten {
    id: String,
    name: String,
    roles: Vec<String>,
    fhir: String,
    purpose: Purpose,
    #[serde(default)]
    search: Vec<AllowedSearch>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParameterAsWritten {
    name: String,
    #[serde(default)]
    required: bool,
    one_of: Option<Vec<String>>,
    date: Option<Vec<String>>,
    not_before: Option<Floor>,
}

impl<'de> Deserialize<'de> for Service {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let written = ServiceAsWritten::deserialize(deserializer)?;
        let roles = written.roles.iter().map(|role| SystemRole::parse(role)).collect::<Result<_, _>>();
        Ok(Self {
            id: ServiceId::parse(&written.id).map_err(D::Error::custom)?,
            name: written.name,
            roles: roles.map_err(D::Error::custom)?,
            fhir: FhirVersion::parse(&written.fhir).map_err(D::Error::custom)?,
            purpose: written.purpose,
            searches: written.search,
        })
    }
}

/// A parameter must say either `one_of`, or `date` with `not_before`.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("a parameter has either one_of, or date and not_before")]
struct NeitherOrBoth;

impl TryFrom<ParameterAsWritten> for Parameter {
    type Error = NeitherOrBoth;

    fn try_from(written: ParameterAsWritten) -> Result<Self, NeitherOrBoth> {
        let values = match (written.one_of, written.date, written.not_before) {
            (Some(values), None, None) => Values::OneOf(values),
            (None, Some(prefixes), Some(floor)) => Values::Date { prefixes, floor },
            _ => return Err(NeitherOrBoth),
        };
        Ok(Self { name: written.name, required: written.required, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_catalogue_has_the_seven_searches_of_service_49() {
        let catalogue = Catalogue::shipped();
        let service = catalogue.service("49").unwrap();
        assert_eq!(service.searches.len(), 7);
        assert_eq!(service.fhir, FhirVersion::Stu3);
        assert!(service.search("EpisodeOfCare").unwrap().needs_flags);
        assert!(service.search("Flag").is_none());
    }

    #[test]
    fn ambiguous_and_unknown_things_are_refused() {
        let service = "[[service]]\nid='1'\nname='x'\nroles=[]\nfhir='stu3'\npurpose='collect'\n";
        assert!(matches!(Catalogue::parse(&service.repeat(2)), Err(CatalogueError::Twice(_))));
        let both = format!(
            "{service}[[service.search]]\nresource='A'\nparameters=[{{name='a',one_of=['b'],date=['ge'],not_before='today'}}]"
        );
        assert!(matches!(Catalogue::parse(&both), Err(CatalogueError::Malformed(_))));
        assert!(matches!(Catalogue::parse(&format!("{service}colour='red'")), Err(CatalogueError::Malformed(_))));
    }
}
