//! The credentials of the calls that the control plane makes, each under the section of the configuration that names them. The
//! clients that make the calls stay when certificates and roots are renewed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::assemble::identity;
use super::start::StartError;
use crate::clock::SharedClock;
use crate::config::{self, Config, WitnessKind};
use crate::tls::credentials::Credentials;
use crate::tls::identity::Roots;

/// The publisher of the lists.
pub(super) const LISTS: &str = "lists";
/// The central log component of MedMij.
pub(super) const CHAIN_LOG: &str = "chain_log";
/// The audit record repository.
pub(super) const SYSLOG: &str = "audit.syslog";

/// All of them.
pub(super) struct Outgoing(BTreeMap<String, Arc<Credentials>>);

impl Outgoing {
    /// Those of a configuration, from their files.
    pub(super) fn load(config: &Config, clock: &SharedClock) -> Result<Self, StartError> {
        let mut all = Self::of_witnesses(config, clock)?;
        all.insert(LISTS.to_owned(), of_lists(config, clock)?);
        if let Some(section) = &config.chain_log {
            all.insert(CHAIN_LOG.to_owned(), read(&section.roots, Some(&section.identity), clock)?);
        }
        if let Some(section) = &config.audit.syslog {
            all.insert(SYSLOG.to_owned(), read(&section.roots, Some(&section.identity), clock)?);
        }
        Ok(all)
    }

    /// Those for the witnesses of the log alone.
    pub(super) fn of_witnesses(config: &Config, clock: &SharedClock) -> Result<Self, StartError> {
        let mut all = Self(BTreeMap::new());
        for (number, witness) in config.audit.witnesses.iter().enumerate() {
            if let WitnessKind::Server { roots, .. } = &witness.kind {
                all.insert(of_witness(number), read(roots, None, clock)?);
            }
        }
        Ok(all)
    }

    fn insert(&mut self, section: String, credentials: Credentials) {
        self.0.insert(section, Arc::new(credentials));
    }

    /// Those of a section.
    ///
    /// # Errors
    /// When the configuration has no such section.
    pub(super) fn of(&self, section: &str) -> Result<&Arc<Credentials>, StartError> {
        self.0.get(section).ok_or_else(|| StartError::NoCredentials { section: section.to_owned() })
    }

    /// Takes over what others hold. Sections neither come nor go while a node runs.
    pub(super) fn become_like(&self, others: &Self) {
        for (section, credentials) in &self.0 {
            if let Some(other) = others.0.get(section) {
                credentials.become_like(other);
            }
        }
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

fn read(roots: &Path, own: Option<&config::Identity>, clock: &SharedClock) -> Result<Credentials, StartError> {
    let own = own.map(|written| identity(written, clock)).transpose()?;
    Ok(Credentials::new(&Roots::load(roots)?, own.as_ref())?)
}
