//! The *gegevensdienstnamenlijst*: what services are called on screens.

use super::Reading;
use super::document::{Form, ListHeader, document};
use super::error::ListError;
use super::schema::Schema;
use super::unique::{Keyed, Unique};
use super::value::display_name;
use super::xml::{Least, Xml};
use crate::medmij::ServiceId;

const ROOT: &str = "Gegevensdienstnamenlijst";

const FORMS: &[Form<Unique<ServiceName>>] = &[Form { schema: Schema::GnlRelease1, read: release1 }];

/// The list of names of services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gnl {
    header: ListHeader,
    names: Unique<ServiceName>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ServiceName {
    id: ServiceId,
    name: Box<str>,
}

impl Keyed for ServiceName {
    const KEY_ELEMENT: &'static str = "GegevensdienstId";
    fn key(&self) -> &str {
        self.id.as_str()
    }
}

impl Gnl {
    /// Reads the list.
    ///
    /// # Errors
    /// The first place where it is not a valid list of names.
    pub fn parse(bytes: &[u8], reading: Reading) -> Result<Self, ListError> {
        let (header, names) = document(bytes, reading, ROOT, FORMS)?;
        Ok(Self { header, names })
    }

    /// When it was published, and its number.
    #[must_use]
    pub const fn header(&self) -> ListHeader {
        self.header
    }

    /// What this service is called, 3 to 50 characters. Plain text: escape it for the page it goes into.
    #[must_use]
    pub fn name(&self, service: &str) -> Option<&str> {
        self.names.find(service).map(|entry| &*entry.name)
    }

    /// All ids and names, in the order of the list.
    pub fn names(&self) -> impl ExactSizeIterator<Item = (&ServiceId, &str)> {
        self.names.as_slice().iter().map(|entry| (&entry.id, &*entry.name))
    }
}

fn release1(xml: &mut Xml<'_>) -> Result<Unique<ServiceName>, ListError> {
    xml.many(("Gegevensdiensten", "Gegevensdienst"), Least::Zero, |xml| {
        Ok(ServiceName {
            id: xml.value("GegevensdienstId", ServiceId::parse)?,
            name: xml.value("Weergavenaam", display_name)?,
        })
    })
}
