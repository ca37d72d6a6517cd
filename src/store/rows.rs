//! Codes, grants, tokens and visits as rows of any SQL engine: texts, integers and sealed bytes. What comes back is parsed
//! again, and a row that does not parse is an error, never a panic.

use std::sync::Arc;

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::seal::Sealer;
use crate::medmij::{Bsn, CorrelationId, Hostname, LocalId, ProviderName, ServiceId};
use crate::oauth::authorize::RedirectUri;
use crate::oauth::code::{IssuedCode, Presented};
use crate::oauth::grant::{Grant, IssuedToken};
use crate::oauth::store::StoreError;
use crate::secret::HandleHash;
use crate::session::visit::{OpenVisit, Visit};

/// A row does not parse: it was sealed with a key that we do not have, or it is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a row cannot be read: it was sealed with another key, or it is damaged")]
pub(super) struct Unreadable;

impl From<Unreadable> for StoreError {
    fn from(error: Unreadable) -> Self {
        tracing::error!(%error, "the store cannot read what it holds");
        Self
    }
}

pub(super) struct GrantRow {
    pub(super) id: String,
    pub(super) client: String,
    pub(super) provider: String,
    pub(super) services: String,
    pub(super) subject_sealed: Vec<u8>,
    pub(super) correlation: Option<String>,
    pub(super) consented: i64,
}

impl GrantRow {
    pub(super) fn write(grant: &Grant, sealer: &Sealer) -> Self {
        let services: Vec<&str> = grant.services.iter().map(ServiceId::as_str).collect();
        Self {
            id: grant.id.to_string(),
            client: grant.client.to_string(),
            provider: grant.provider.to_string(),
            services: services.join(" "),
            subject_sealed: sealer.seal(grant.subject.reveal().as_bytes(), &grant_place(grant.id)),
            correlation: grant.correlation.map(|id| id.to_string()),
            consented: grant.consented.as_microsecond(),
        }
    }

    pub(super) fn read(&self, sealer: &Sealer) -> Result<Grant, Unreadable> {
        let id = LocalId::parse(&self.id).ok_or(Unreadable)?;
        let services = self.services.split_ascii_whitespace().map(ServiceId::parse).collect::<Result<_, _>>();
        let correlation = self.correlation.as_deref().map(|text| CorrelationId::parse(text).ok_or(Unreadable));
        let subject = sealer.open(&self.subject_sealed, &grant_place(id)).ok_or(Unreadable)?;
        Ok(Grant {
            id,
            client: Hostname::parse(&self.client).map_err(|_| Unreadable)?,
            provider: ProviderName::parse(&self.provider).map_err(|_| Unreadable)?,
            services: services.map_err(|_| Unreadable)?,
            subject: std::str::from_utf8(&subject).ok().and_then(|text| Bsn::parse(text).ok()).ok_or(Unreadable)?,
            correlation: correlation.transpose()?,
            consented: time(self.consented)?,
        })
    }
}

pub(super) struct CodeRow {
    pub(super) hash: HandleHash,
    pub(super) redirect_uri: String,
    pub(super) expires: i64,
    pub(super) grant: GrantRow,
}

impl CodeRow {
    pub(super) fn write(code: &IssuedCode, sealer: &Sealer) -> Self {
        Self {
            hash: code.hash,
            redirect_uri: code.redirect_uri.as_str().to_owned(),
            expires: code.expires.as_microsecond(),
            grant: GrantRow::write(&code.grant, sealer),
        }
    }

    pub(super) fn read(&self, sealer: &Sealer) -> Result<IssuedCode, Unreadable> {
        let grant = self.grant.read(sealer)?;
        // Whether a port is allowed was decided when the URI came in; here it was.
        let redirect_uri = RedirectUri::parse(&self.redirect_uri, &grant.client, true).ok_or(Unreadable)?;
        Ok(IssuedCode { hash: self.hash, redirect_uri, expires: time(self.expires)?, grant })
    }
}

/// [`Presented`] before anything was opened.
pub(super) enum PresentedRow {
    First(Box<CodeRow>),
    Again { grant: String },
    Unknown,
}

impl PresentedRow {
    pub(super) fn read(&self, sealer: &Sealer) -> Result<Presented, Unreadable> {
        Ok(match self {
            Self::First(code) => Presented::First(Box::new(code.read(sealer)?)),
            Self::Again { grant } => Presented::Again { grant: LocalId::parse(grant).ok_or(Unreadable)? },
            Self::Unknown => Presented::Unknown,
        })
    }
}

pub(super) struct TokenRow {
    pub(super) hash: HandleHash,
    pub(super) expires: i64,
    pub(super) grant: GrantRow,
}

impl TokenRow {
    pub(super) fn write(token: &IssuedToken, sealer: &Sealer) -> Self {
        Self { hash: token.hash, expires: token.expires.as_microsecond(), grant: GrantRow::write(&token.grant, sealer) }
    }

    pub(super) fn read(&self, sealer: &Sealer) -> Result<IssuedToken, Unreadable> {
        Ok(IssuedToken { hash: self.hash, expires: time(self.expires)?, grant: Arc::new(self.grant.read(sealer)?) })
    }
}

pub(super) struct VisitRow {
    pub(super) id: String,
    pub(super) cookie: HandleHash,
    pub(super) form: HandleHash,
    pub(super) expires: i64,
    pub(super) sealed: Vec<u8>,
}

impl VisitRow {
    pub(super) fn write(visit: &OpenVisit, sealer: &Sealer) -> Self {
        let plain = Zeroizing::new(visit.visit.to_bytes());
        Self {
            id: visit.id.to_string(),
            cookie: visit.cookie,
            form: visit.form,
            expires: visit.expires.as_microsecond(),
            sealed: sealer.seal(&plain, &visit_place(visit.id)),
        }
    }

    pub(super) fn read(&self, sealer: &Sealer) -> Result<OpenVisit, Unreadable> {
        let id = LocalId::parse(&self.id).ok_or(Unreadable)?;
        let plain = sealer.open(&self.sealed, &visit_place(id)).ok_or(Unreadable)?;
        Ok(OpenVisit {
            id,
            cookie: self.cookie,
            form: self.form,
            expires: time(self.expires)?,
            visit: Visit::from_bytes(&plain).ok_or(Unreadable)?,
        })
    }
}

/// What a sealed subject is bound to: moved to another grant, it does not open.
fn grant_place(id: LocalId) -> Vec<u8> {
    format!("inzage grant {id}").into_bytes()
}

fn visit_place(id: LocalId) -> Vec<u8> {
    format!("inzage visit {id}").into_bytes()
}

fn time(microseconds: i64) -> Result<Timestamp, Unreadable> {
    Timestamp::from_microsecond(microseconds).map_err(|_| Unreadable)
}
