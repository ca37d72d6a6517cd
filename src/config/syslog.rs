//! `[audit.syslog]`: the audit record repository that gets the records.

use std::path::PathBuf;
use std::time::Duration;

use super::files::Role;
use super::kind::{host, kinds, millis, number};
use super::log::Read;
use super::parts::Identity;
use super::section::Section;
use crate::audit::Kind;
use crate::medmij::Hostname;

/// `[audit.syslog]`.
#[derive(Debug, Clone)]
pub struct Syslog {
    /// The host; its certificate must name it.
    pub host: Hostname,
    /// The port, default 6514 (RFC 5425 section 4.1).
    pub port: u16,
    /// The roots that its certificate leads to.
    pub roots: PathBuf,
    /// Our certificate; by default that of the back channel.
    pub identity: Identity,
    /// How long records gather before they are sent, 50 ms to 1 h, default 5 s.
    pub every: Duration,
    /// The kinds of records that are sent, default all.
    pub kinds: Option<Vec<Kind>>,
}

impl Syslog {
    pub(super) fn read(section: &mut Section<'_, '_>, back: Read<&Identity>) -> Read<Self> {
        let host = section.required("host", &host());
        let port = section.or_default("port", &number(1..=65_535, ""), 6514);
        let roots = section.file("roots", Role::Roots);
        let own = Identity::read_optional(section);
        let every = section.or_default("every_ms", &millis(50..=3_600_000), Duration::from_secs(5));
        let kinds = section.optional("kinds", &kinds());
        Ok(Self {
            host: host?,
            port: port?,
            roots: roots?,
            identity: own?.map_or_else(|| back.cloned(), Ok)?,
            every: every?,
            kinds: kinds?,
        })
    }
}
