//! `[admin]`: who looks after the node through its operations face, and where.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::files::Role as FileRole;
use super::kind::{self, choice};
use super::log::Read;
use super::origin::Origin;
use super::parts::Identity;
use super::revocation::Revocation;
use super::section::Section;
use crate::medmij::Hostname;

/// The operations face for people and their tools; without it there is health and metrics only, and nothing can be changed.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Where to listen; mutual TLS always.
    pub listen: SocketAddr,
    /// How people reach it.
    pub origin: Origin,
    /// Certificate and key; by default those of the back channel.
    pub identity: Identity,
    /// The roots that the certificates of operators lead to; never those of PGOs.
    pub client_roots: PathBuf,
    /// The revocation lists that they are held against.
    pub revocation: Revocation,
    /// Who, by the host name in their certificate.
    pub operators: BTreeMap<Hostname, OperatorRole>,
}

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatorRole {
    /// See the state.
    Reader,
    /// Change it.
    Operator,
    /// See it, and who changed what.
    Auditor,
}

const ROLES: &[(&str, OperatorRole)] =
    &[("reader", OperatorRole::Reader), ("operator", OperatorRole::Operator), ("auditor", OperatorRole::Auditor)];

impl Admin {
    pub(super) fn read(section: &mut Section<'_, '_>, back: Read<&Identity>) -> Read<Self> {
        let listen = section.required("listen", &kind::address());
        let origin = section.required("origin", &kind::origin());
        let own = Identity::read_optional(section);
        let client_roots = section.file("client_roots", FileRole::Roots);
        let revocation = Revocation::read(section);
        let operators = section.names("operators", &kind::host(), |section, _, path, value| {
            section.enter(path, "admin.operators.*", value, |section| section.required("role", &choice(ROLES)))
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
            operators: operators?,
        })
    }
}
