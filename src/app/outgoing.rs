//! Where our own calls may go, and the credentials of those that the control plane makes, each under the section of the configuration
//! that names them. The clients that make the calls stay when certificates, roots and addresses are renewed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::assemble::identity;
use super::limits::destinations;
use super::start::StartError;
use crate::clock::SharedClock;
use crate::config::{self, Config, Login, Store, WitnessKind};
use crate::monitor::vitals::{Certificate, Owner};
use crate::outgoing::Outgoing as Destinations;
use crate::tls::credentials::Credentials;
use crate::tls::identity::Roots;

/// The publisher of the lists.
pub(super) const LISTS: &str = "lists";
/// The central log component of MedMij.
pub(super) const CHAIN_LOG: &str = "chain_log";
/// The audit record repository.
pub(super) const SYSLOG: &str = "audit.syslog";
/// The OpenID provider.
pub(super) const LOGIN: &str = "login";
/// The OpenID provider of operators.
pub(super) const OPERATORS: &str = "admin.login";
/// The OpenID provider of practices, coalitions, the programme and insurers.
pub(super) const OPEN: &str = "open.login";
/// The database server, when it is asked over TLS.
pub(super) const STORE: &str = "store.postgres";

/// All of them. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Outgoing {
    /// What this configuration says.
    said: Destinations,
    /// What all calls of a node follow, whichever configuration they were made under.
    followed: Destinations,
    credentials: BTreeMap<String, Arc<Credentials>>,
}

impl Outgoing {
    /// Those of a configuration, from their files, in place of those of before.
    pub(super) fn load(config: &Config, clock: &SharedClock, before: &Self) -> Result<Self, StartError> {
        let mut all = read_witnesses(config)?;
        all.extend(read_store(config)?);
        all.push((LISTS.to_owned(), of_lists(config, clock)?));
        if let Login::Oidc(section) = &config.login {
            all.push((LOGIN.to_owned(), of_provider(&section.provider)?));
        }
        if let Some(section) = config.admin.as_ref().and_then(|admin| admin.login.as_ref()) {
            all.push((OPERATORS.to_owned(), of_provider(&section.provider)?));
        }
        if let Some(section) = &config.open {
            all.push((OPEN.to_owned(), of_provider(&section.login.provider)?));
        }
        if let Some(section) = &config.chain_log {
            all.push((CHAIN_LOG.to_owned(), read(&section.roots, Some(&section.identity), clock)?));
        }
        if let Some(section) = &config.audit.syslog {
            all.push((SYSLOG.to_owned(), read(&section.roots, Some(&section.identity), clock)?));
        }
        Ok(Self::placed(config, all, before))
    }

    /// Those for the witnesses of the log alone.
    pub(super) fn of_witnesses(config: &Config) -> Result<Self, StartError> {
        read_witnesses(config).map(|all| Self::placed(config, all, &Self::default()))
    }

    /// Those for the store alone.
    pub(super) fn of_store(config: &Config) -> Result<Self, StartError> {
        read_store(config).map(|store| Self::placed(config, store, &Self::default()))
    }

    fn placed(config: &Config, all: impl IntoIterator<Item = (String, Credentials)>, before: &Self) -> Self {
        let placed = all.into_iter().map(|(section, new)| {
            let credentials = match before.credentials.get(&section) {
                Some(held) => new.in_place_of(held),
                None => new,
            };
            (section, Arc::new(credentials))
        });
        let said = destinations(config);
        // The first ones are those of the start: they stay.
        let followed = if before.credentials.is_empty() { said.clone() } else { before.followed.clone() };
        Self { said, followed, credentials: placed.collect() }
    }

    /// Where calls may go, now and after each reload.
    pub(super) const fn destinations(&self) -> &Destinations {
        &self.followed
    }

    /// Those of a section.
    ///
    /// # Errors
    /// When the configuration has no such section.
    pub(super) fn of(&self, section: &str) -> Result<&Arc<Credentials>, StartError> {
        self.credentials.get(section).ok_or_else(|| StartError::NoCredentials { section: section.to_owned() })
    }

    /// Takes over what others hold. Sections neither come nor go while a node runs, save those of the logins of operators and of
    /// `[open]`, which are made anew with their credentials.
    pub(super) fn become_like(&self, others: &Self) {
        self.followed.become_like(&others.said);
        for (section, credentials) in &self.credentials {
            if let Some(other) = others.credentials.get(section) {
                credentials.become_like(other);
            }
        }
    }

    /// The certificates that we show in them, and those that we were shown last.
    pub(super) fn certificates(&self) -> Vec<Certificate> {
        let both = |(section, credentials): (&String, &Arc<Credentials>)| {
            let of = |owner, expires: Option<Timestamp>| {
                expires.map(|expires| Certificate { owner, name: section.clone(), expires })
            };
            [of(Owner::Us, credentials.expires()), of(Owner::Them, credentials.peer_expires())]
        };
        self.credentials.iter().flat_map(both).flatten().collect()
    }
}

/// The section of a witness, by its place among them.
pub(super) fn of_witness(number: usize) -> String {
    format!("audit.witness[{number}]")
}

/// What the publisher of the lists is asked with.
pub(super) fn of_lists(config: &Config, clock: &SharedClock) -> Result<Credentials, StartError> {
    read(&config.lists.roots, Some(&config.lists.identity), clock)
}

/// What an OpenID provider is asked with. That we are we is said by a signature, and not by a certificate.
pub(super) fn of_provider(provider: &config::Provider) -> Result<Credentials, StartError> {
    trusting(&provider.roots)
}

fn read_witnesses(config: &Config) -> Result<Vec<(String, Credentials)>, StartError> {
    let mut all = Vec::new();
    for (number, witness) in config.audit.witnesses.iter().enumerate() {
        if let WitnessKind::Server { roots, .. } = &witness.kind {
            all.push((of_witness(number), trusting(roots)?));
        }
    }
    Ok(all)
}

fn read_store(config: &Config) -> Result<Option<(String, Credentials)>, StartError> {
    let Store::Postgres(server) = &config.store else { return Ok(None) };
    server.roots.as_deref().map(|roots| Ok((STORE.to_owned(), trusting(roots)?))).transpose()
}

fn trusting(roots: &Path) -> Result<Credentials, StartError> {
    Ok(Credentials::new(&Roots::load(roots)?, None)?)
}

fn read(roots: &Path, own: Option<&config::Identity>, clock: &SharedClock) -> Result<Credentials, StartError> {
    let own = own.map(|written| identity(written, clock)).transpose()?;
    Ok(Credentials::new(&Roots::load(roots)?, own.as_ref())?)
}
