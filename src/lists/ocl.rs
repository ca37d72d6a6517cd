//! The OAuth client list: the PGOs, by the host name of their front channel.

use super::Reading;
use super::document::{Form, ListHeader, document};
use super::error::ListError;
use super::schema::Schema;
use super::unique::{Keyed, Unique};
use super::value::{display_name, hostname};
use super::xml::{Least, Xml};
use crate::medmij::Hostname;

const ROOT: &str = "OAuthclientlist";

const FORMS: &[Form<Unique<OauthClient>>] = &[Form { schema: Schema::OclRelease2, read: release2 }];

/// The OAuth client list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ocl {
    header: ListHeader,
    clients: Unique<OauthClient>,
}

/// One PGO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OauthClient {
    hostname: Hostname,
    organisation: Box<str>,
}

impl OauthClient {
    /// The host that its redirect URIs are on; its client id.
    #[must_use]
    pub const fn hostname(&self) -> &Hostname {
        &self.hostname
    }

    /// The name for the consent screen, 3 to 50 characters. Plain text: escape it for the page it goes into.
    #[must_use]
    pub fn organisation(&self) -> &str {
        &self.organisation
    }
}

impl Keyed for OauthClient {
    const KEY_ELEMENT: &'static str = "Hostname";
    fn key(&self) -> &str {
        self.hostname.as_str()
    }
}

impl Ocl {
    /// Reads the list.
    ///
    /// # Errors
    /// The first place where it is not a valid OAuth client list.
    pub fn parse(bytes: &[u8], reading: Reading) -> Result<Self, ListError> {
        let (header, clients) = document(bytes, reading, ROOT, FORMS)?;
        Ok(Self { header, clients })
    }

    /// When it was published, and its number.
    #[must_use]
    pub const fn header(&self) -> ListHeader {
        self.header
    }

    /// The PGO with this host name (a client id), compared byte for byte.
    #[must_use]
    pub fn client(&self, hostname: &str) -> Option<&OauthClient> {
        self.clients.find(hostname)
    }

    /// All PGOs, in the order of the list.
    #[must_use]
    pub fn clients(&self) -> &[OauthClient] {
        self.clients.as_slice()
    }
}

fn release2(xml: &mut Xml<'_>) -> Result<Unique<OauthClient>, ListError> {
    xml.many(("OAuthclients", "OAuthclient"), Least::Zero, |xml| {
        Ok(OauthClient {
            hostname: xml.value("Hostname", hostname)?,
            organisation: xml.value("OAuthclientOrganisatienaam", display_name)?,
        })
    })
}
