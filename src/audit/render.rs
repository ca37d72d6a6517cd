//! A record in the forms that others read: FHIR AuditEvent, NEN 7513, the DICOM audit message over syslog, JSON and CSV. Pure
//! functions of the record and of the place it stands in: the same record always gives the same bytes, and none of these forms
//! holds a BSN, open or sealed.

pub mod atna;
mod balp;
mod codes;
pub mod csv;
mod interaction;
mod ndjson;
pub mod nen7513;
pub mod words;

use std::sync::Arc;

pub use self::balp::{SYSTEM_CONSENT, SYSTEM_LOG, SYSTEM_PSEUDONYM, balp, full_url, id};
pub use self::ndjson::ndjson;

use super::{Record, User};

/// Where records were made: what a record does not repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The id of the log.
    pub log: Arc<str>,
    /// The organisation that runs the gateway, as it names itself; absent when it is not known here.
    pub operator: Option<Arc<str>>,
    /// The host name under which clients know the gateway; absent when it is not known here.
    pub host: Option<Arc<str>>,
}

impl Site {
    /// The log of this record: what the record says, as records of several logs may stand together.
    fn log_of<'a>(&'a self, record: &'a Record) -> &'a str {
        record.source.as_deref().unwrap_or(&self.log)
    }

    /// What the gateway is called: its host name, or else its log.
    fn name(&self) -> &str {
        self.host.as_deref().unwrap_or(&self.log)
    }
}

/// Who did it. Records of version 1 do not say; their kind does.
fn user(record: &Record) -> User {
    let by_kind = || record.kind.known().map_or(User::Node, |kind| kind.user());
    record.user.clone().unwrap_or_else(by_kind)
}

/// On whose behalf it was done. Records of version 1 do not say; it follows from who did it.
fn responsible(record: &Record) -> User {
    record.responsible.clone().unwrap_or_else(|| user(record).principal())
}

#[cfg(test)]
mod tests;
