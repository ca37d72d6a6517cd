//! The service catalogue: which data services there are and exactly which requests each allows. It is data, read once at
//! start from a document of this form; the one that ships is [`Catalogue::shipped`].

mod allowed;
mod written;

pub use allowed::{
    AllowedEntry, AllowedRead, AllowedSearch, AllowedSubmission, Floor, Operation, Parameter, Rule, SubmissionKind,
    Values,
};

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
    /// Who may use it.
    pub audience: Audience,
    /// Where its answers come from.
    pub source: Source,
    /// The requirements that it instantiates: canonical URLs of published capability statements.
    pub instantiates: Vec<String>,
    /// The searches it allows. Several may be of one resource type; of those that a request fits, the first counts.
    pub searches: Vec<AllowedSearch>,
    /// The resources that may be read by their id.
    pub reads: Vec<AllowedRead>,
    /// What may be sent to it; `None` when nothing may.
    pub submission: Option<AllowedSubmission>,
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

/// Who may use a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// PGOs by the rules of MedMij, and portals whose registration names it.
    #[default]
    Everyone,
    /// Only portals: it is no service of MedMij, so no PGO is offered it and no list names it.
    PortalOnly,
}

/// Where the answers of a service come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The information system of the practice.
    #[default]
    His,
    /// Our own access log: what is recorded about the person of the token at that practice. Nothing is asked of the practice.
    AccessLog,
}

/// Why a document is not a catalogue.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// Not TOML of this form.
    #[error("the service catalogue cannot be read: {0}")]
    Malformed(#[from] toml::de::Error),
    /// Two services share an id.
    #[error("{id} stands twice in the service catalogue")]
    Twice {
        /// The id.
        id: String,
        /// Where the second begins, in bytes.
        at: usize,
    },
}

impl CatalogueError {
    /// The line on which it stands in this document, and what it is.
    #[must_use]
    pub fn explain(&self, text: &str) -> (usize, String) {
        let (at, what) = match self {
            Self::Malformed(error) => (error.span().map_or(0, |span| span.start), error.message().to_owned()),
            Self::Twice { id, at } => (*at, format!("service {id} stands twice")),
        };
        let before = text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        (before + 1, what)
    }
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
        Ok(Self { services: written::services(text)? })
    }

    /// The service with this id.
    #[must_use]
    pub fn service(&self, id: &str) -> Option<&Service> {
        self.placed(id).map(|(_, service)| service)
    }

    /// The service with this id, and its place in [`Self::iter`].
    #[must_use]
    pub fn placed(&self, id: &str) -> Option<(usize, &Service)> {
        self.services.iter().enumerate().find(|(_, service)| service.id.as_str() == id)
    }

    /// All services.
    pub fn iter(&self) -> impl Iterator<Item = &Service> {
        self.services.iter()
    }
}

impl Service {
    /// The searches of this resource type, in the order of the catalogue.
    pub fn searches_of<'a>(&'a self, resource: &str) -> impl Iterator<Item = &'a AllowedSearch> {
        self.searches.iter().filter(move |search| search.resource == resource)
    }

    /// The rules that hold for the answer to one of the searches: its own, and those of the searches of other types, as
    /// resources of such types can come along or be contained. What a search hides cannot be had by way of another.
    #[must_use]
    pub fn rules_for(&self, search: &AllowedSearch) -> Vec<Rule> {
        let others = self.searches.iter().filter(|other| other.resource != search.resource);
        search.rules.iter().chain(others.flat_map(|other| &other.rules)).copied().collect()
    }

    /// The permission to read resources of this type by their id.
    #[must_use]
    pub fn read_of(&self, resource: &str) -> Option<&AllowedRead> {
        self.reads.iter().find(|read| read.resource == resource)
    }

    /// Whether the service knows this resource type in any way.
    #[must_use]
    pub fn has_type(&self, resource: &str) -> bool {
        let sent = self.submission.iter().flat_map(|submission| &submission.entries);
        self.searches.iter().any(|search| search.resource == resource)
            || self.read_of(resource).is_some()
            || sent.into_iter().any(|entry| entry.resource == resource)
    }

    /// Whether PGOs may use it.
    #[must_use]
    pub fn is_for_everyone(&self) -> bool {
        self.audience == Audience::Everyone
    }
}

#[cfg(test)]
mod tests;
