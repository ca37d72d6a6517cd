//! `[admin]`: who looks after the node through its operations face, and where.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::balancers;
use super::files::Role as FileRole;
use super::kind::{self, choice, minutes, word, words};
use super::log::Read;
use super::origin::Origin;
use super::parts::Identity;
use super::provider::Provider;
use super::revocation::Revocation;
use super::section::Section;
use crate::edge::Balancers;
use crate::medmij::Hostname;

/// The operations face for people and their tools; without it there is health and metrics only, and nothing can be changed.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Where to listen; mutual TLS, or with [`Admin::login`] also without a certificate.
    pub listen: SocketAddr,
    /// How people reach it.
    pub origin: Origin,
    /// Certificate and key; by default those of the back channel.
    pub identity: Identity,
    /// The roots that the certificates of operators lead to; never those of PGOs.
    pub client_roots: PathBuf,
    /// The revocation lists that they are held against.
    pub revocation: Revocation,
    /// Who says by PROXY protocol for whom it connects; default nobody.
    pub balancers: Balancers,
    /// Who, by the host name in their certificate.
    pub operators: BTreeMap<Hostname, OperatorRole>,
    /// How people log in who have no certificate; `None`: they do not.
    pub login: Option<OperatorLogin>,
}

/// `[admin.login]`: the OpenID provider of the organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorLogin {
    /// Which one. Whom it still knows need not log in anew, unless it says otherwise.
    pub provider: Provider,
    /// The claim with the name under which somebody stands in the log; default `sub`.
    pub name_claim: String,
    /// The claim with what somebody is; default `roles`.
    pub role_claim: String,
    /// What its values mean, at least one.
    pub roles: BTreeMap<String, OperatorRole>,
    /// How long somebody stays logged in, 5 min to 12 h, default 1 h.
    pub session: Duration,
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
        let balancers = balancers::read(section);
        let login = section.optional_table("login", OperatorLogin::read);
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
            balancers: balancers?,
            operators: operators?,
            login: login?,
        })
    }
}

impl OperatorLogin {
    fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        let provider = Provider::read(section, false);
        let name_claim = section.or_default("name_claim", &word(), "sub".to_owned());
        let role_claim = section.or_default("role_claim", &word(), "roles".to_owned());
        let session = section.or_default("session_minutes", &minutes(5..=720), Duration::from_hours(1));
        let roles = section
            .names("roles", &words(255), |section, _, path, value| section.parse(path, value, &choice(ROLES)))?;
        if roles.is_empty() {
            return Err(section.missing("roles", "what the values of role_claim mean".into()));
        }
        Ok(Self { provider: provider?, name_claim: name_claim?, role_claim: role_claim?, roles, session: session? })
    }
}
