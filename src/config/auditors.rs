//! `[auditors]`: who may read in the access log of others, and where.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::balancers;
use super::files::Role as FileRole;
use super::kind::{self, boolean, choice};
use super::log::Read;
use super::origin::Origin;
use super::parts::Identity;
use super::revocation::Revocation;
use super::section::Section;
use crate::edge::Balancers;
use crate::medmij::{Hostname, ProviderName};

/// The desk for reading in the log; without it there is none.
#[derive(Debug, Clone)]
pub struct Auditors {
    /// Where to listen; mutual TLS always.
    pub listen: SocketAddr,
    /// How people reach it.
    pub origin: Origin,
    /// Certificate and key; by default those of the back channel.
    pub identity: Identity,
    /// The roots that the certificates of people lead to; never those of PGOs.
    pub client_roots: PathBuf,
    /// The revocation lists that they are held against.
    pub revocation: Revocation,
    /// Who says by PROXY protocol for whom it connects; default nobody.
    pub balancers: Balancers,
    /// Whether a search for one person waits until somebody else agrees; default false.
    pub four_eyes: bool,
    /// Who, by the host name in their certificate.
    pub people: BTreeMap<Hostname, AuditorRole>,
}

/// What somebody may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditorRole {
    /// Everything.
    Auditor,
    /// The records of these practices.
    Practice(Vec<ProviderName>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Auditor,
    Practice,
}

const WORDS: &[(&str, Word)] = &[("auditor", Word::Auditor), ("practice", Word::Practice)];

impl Auditors {
    pub(super) fn read(section: &mut Section<'_, '_>, back: Read<&Identity>) -> Read<Self> {
        let listen = section.required("listen", &kind::address());
        let origin = section.required("origin", &kind::origin());
        let own = Identity::read_optional(section);
        let client_roots = section.file("client_roots", FileRole::Roots);
        let revocation = Revocation::read(section);
        let balancers = balancers::read(section);
        let four_eyes = section.or_default("four_eyes", &boolean(), false);
        let people = section.names("people", &kind::host(), |section, _, path, value| {
            section.enter(path, "auditors.people.*", value, read_role)
        });
        let identity = match own? {
            Some(own) => own,
            None => back?.clone(),
        };
        Ok(Self {
            listen: listen?,
            origin: origin?,
            identity,
            client_roots: client_roots?,
            revocation: revocation?,
            balancers: balancers?,
            four_eyes: four_eyes?,
            people: people?,
        })
    }
}

fn read_role(section: &mut Section<'_, '_>) -> Read<AuditorRole> {
    Ok(match section.required("role", &choice(WORDS))? {
        Word::Auditor => AuditorRole::Auditor,
        Word::Practice => AuditorRole::Practice(section.required("practices", &kind::providers())?),
    })
}
