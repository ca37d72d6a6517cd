//! The four MedMij lists as one immutable, consistent set: read strictly, swapped whole, kept on disk.
//!
//! - [`Zal`]: which care provider offers which service, at which endpoints (*zorgaanbiederslijst*).
//! - [`Ocl`]: the PGOs that may send people to us (*OAuth client list*).
//! - [`Whl`]: the nodes that may connect to us on the back channel (*whitelist*).
//! - [`Gnl`]: the names of the services, for screens (*gegevensdienstnamenlijst*).
//!
//! A fifth list, [`Zakl`] (*zorgaanbiederskoppellijst*), ties AGB and URA to provider names. It is not published with the
//! others and nothing is decided by it.
//!
//! Every receiver must validate the lists against the published schemas. [`Lists::parse`] does that by construction: each
//! list is read by a grammar as strict as its schema, so what cannot be valid cannot become a value. A [`Refresher`] fetches
//! the four through a [`ListSource`], refuses a step back, holds back a list that lost too much until an operator accepts it
//! ([`Loss`]), and publishes all four together or none. What leaves the ZAL stays in [`Grace`] for a while.
//!
//! A list form is a row in a table (see `document`): a new release adds a namespace and a function, nothing else.

mod any;
mod copy;
mod digest;
mod document;
mod error;
mod gnl;
mod grace;
mod guard;
mod kind;
mod moment;
mod ocl;
mod port;
mod refresh;
mod schema;
mod source;
#[cfg(test)]
mod tests;
mod unique;
mod uri;
mod value;
mod whl;
mod write;
mod xml;
mod zakl;
mod zal;

use std::sync::Arc;

pub use any::{AnyList, Difference};
pub use copy::{AcceptError, Acceptance, CopyError, CopyFolder};
pub use document::ListHeader;
pub use error::{BadValue, Defect, Expected, ListError, Position};
pub use gnl::Gnl;
pub use grace::Grace;
pub use guard::Loss;
pub use kind::{ListKind, PerList, RawLists};
pub use ocl::{OauthClient, Ocl};
pub use port::{Fetched, ListSource, SourceError, SourceFuture, Validator};
pub use refresh::{Change, NewSet, Pace, Published, RefreshError, RefreshOutcome, Refresher, Rules};
pub use schema::{Schema, Schemas};
pub use source::{HttpsSource, HttpsSourceError};
pub use uri::{EndpointUri, UriError};
pub use value::InterfaceVersion;
pub use whl::Whl;
pub use write::{
    ClientEntry, NameEntry, ProviderEntry, RoleEntry, ServiceEntry, SubscriptionEntry, VersionEntry, write_gnl,
    write_ocl, write_whl, write_zal,
};
pub use zakl::{CoupledProvider, CoupledService, Identifier, IdentifierKind, Zakl};
pub use zal::{Provider, ProviderKind, RoleEndpoint, Subscription, Zal, ZalService};

/// The largest list that is read, in bytes. 20,000 providers with two services each take some 40 MB.
pub const MAX_LIST_BYTES: usize = 64 * 1024 * 1024;

/// What may differ between installations in how lists are read: the points that the framework leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Whether a front-channel URI may name a port. In the network it may not (type Frontchanneluri); a sandbox needs it.
    pub allow_ports: bool,
    /// The schemas that are accepted; a list in the namespace of another is refused.
    pub schemas: Schemas,
    /// The most characters of a provider name, `@medmij` included; no more than [`crate::medmij::ProviderName::LONGEST`] counts.
    pub provider_name_max: usize,
    /// The largest list, in bytes.
    pub max_bytes: usize,
}

/// No ports, every schema, [`MAX_LIST_BYTES`], and names of at most 57 characters, which is the published maximum (release 2).
impl Default for Reading {
    fn default() -> Self {
        Self { allow_ports: false, schemas: Schemas::default(), provider_name_max: 57, max_bytes: MAX_LIST_BYTES }
    }
}

/// The four lists that hold together. Never changed; a newer set replaces it. The default is what is known before any list
/// came: nobody and nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lists {
    /// Providers and their endpoints.
    pub zal: Arc<Zal>,
    /// PGOs.
    pub ocl: Arc<Ocl>,
    /// Nodes.
    pub whl: Arc<Whl>,
    /// Names of services.
    pub gnl: Arc<Gnl>,
    /// Services that left the ZAL a short time ago.
    pub grace: Arc<Grace>,
}

impl Lists {
    /// Reads all four. This is CPU work of up to some hundreds of milliseconds: not for an async thread.
    ///
    /// # Errors
    /// The first list that is not valid and what is wrong with it.
    pub fn parse(raw: &RawLists, reading: Reading) -> Result<Self, (ListKind, ListError)> {
        let mut lists = Self::default();
        for list in ListKind::ALL {
            lists.replace(list, raw.of(list), reading).map_err(|error| (list, error))?;
        }
        Ok(lists)
    }

    /// Reads one list in the place of the one that is here.
    fn replace(&mut self, list: ListKind, bytes: &[u8], reading: Reading) -> Result<(), ListError> {
        match list {
            ListKind::Zal => self.zal = Zal::parse(bytes, reading)?.into(),
            ListKind::Ocl => self.ocl = Ocl::parse(bytes, reading)?.into(),
            ListKind::Whl => self.whl = Whl::parse(bytes, reading)?.into(),
            ListKind::Gnl => self.gnl = Gnl::parse(bytes, reading)?.into(),
        }
        Ok(())
    }

    /// Whether this provider offers this service now: by the ZAL, or because it did until a short time ago
    /// (core.gegevensdiensten.104). Takes as long as one look-up in a ZAL of any size.
    #[must_use]
    pub fn offers(&self, provider: &str, interface_version: &str, service: &str, now: jiff::Timestamp) -> bool {
        let listed = self.zal.provider(provider);
        listed.is_some_and(|listed| listed.service(interface_version, service).is_some())
            || self.grace.covers(provider, interface_version, service, now)
    }

    /// When and as which number each list was published.
    #[must_use]
    pub fn headers(&self) -> PerList<ListHeader> {
        PerList { zal: self.zal.header(), ocl: self.ocl.header(), whl: self.whl.header(), gnl: self.gnl.header() }
    }
}
