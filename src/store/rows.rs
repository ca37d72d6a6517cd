//! Codes, grants, tokens and visits as rows of any SQL engine: texts, integers and sealed bytes. What comes back is parsed
//! again, and a row that does not parse is an error, never a panic.

mod matrix;

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::medmij::{Bsn, CorrelationId, Hostname, LocalId, ProviderName, RequestId, ServiceId};
use crate::oauth::authorize::RedirectUri;
use crate::oauth::code::{IssuedCode, Presented};
use crate::oauth::grant::{Grant, IssuedToken, LastingGrant, Node, SmartGrant, Thumbprint};
use crate::oauth::pkce::CodeChallenge;
use crate::oauth::refresh::{FoundRefresh, IssuedRefresh, RefreshKey, Turn, Turned};
use crate::oauth::smart_scope::SmartScope;
use crate::oauth::store::StoreError;
use crate::operations::switch::{PastStop, Reason, Stop};
use crate::practices::golive::places::Change;
use crate::practices::golive::{Entrance, Stage};
use crate::practices::programme::{EntryKind, Row};
use crate::routing::Target;
use crate::seal::Sealer;
use crate::secret::{HandleHash, Secret};
use crate::session::visit::{OpenVisit, Visit};

pub(super) use self::matrix::{MatrixStandingRow, matrix_position, matrix_visit, micros};

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
    pub(super) request: Option<String>,
    pub(super) lasting: bool,
    pub(super) node: Option<String>,
    pub(super) node_thumbprint: Option<[u8; 32]>,
    /// Stands in a row of a lasting grant; never read back.
    pub(super) subject_hash: Option<[u8; 32]>,
}

impl GrantRow {
    pub(super) fn write(grant: &Grant, sealer: &Sealer) -> Self {
        let services: Vec<&str> = grant.services.iter().map(ServiceId::as_str).collect();
        Self {
            id: grant.id.to_string(),
            client: grant.client.to_string(),
            provider: grant.provider.to_string(),
            services: services.join(" "),
            subject_sealed: sealer.seal(&Sealed::write(grant), &grant_place(grant.id)),
            correlation: grant.correlation.map(|id| id.to_string()),
            consented: grant.consented.as_microsecond(),
            request: grant.request.map(|id| id.to_string()),
            lasting: grant.lasting,
            node: grant.redeemed_by.as_ref().map(|node| node.name.to_string()),
            node_thumbprint: grant.redeemed_by.as_ref().map(|node| *node.thumbprint.as_bytes()),
            subject_hash: grant.lasting.then(|| sealer.mark(grant.subject.reveal().as_bytes())),
        }
    }

    pub(super) fn read(&self, sealer: &Sealer) -> Result<Grant, Unreadable> {
        let id = LocalId::parse(&self.id).ok_or(Unreadable)?;
        let services = self.services.split_ascii_whitespace().map(ServiceId::parse).collect::<Result<_, _>>();
        let correlation = self.correlation.as_deref().map(|text| CorrelationId::parse(text).ok_or(Unreadable));
        let request = self.request.as_deref().map(|text| RequestId::parse(text).ok_or(Unreadable));
        let sealed = sealer.open(&self.subject_sealed, &grant_place(id)).ok_or(Unreadable)?;
        let (subject, smart) = Sealed::read(&sealed).ok_or(Unreadable)?;
        Ok(Grant {
            id,
            client: Hostname::parse(&self.client).map_err(|_| Unreadable)?,
            provider: ProviderName::parse(&self.provider).map_err(|_| Unreadable)?,
            services: services.map_err(|_| Unreadable)?,
            subject,
            request: request.transpose()?,
            correlation: correlation.transpose()?,
            consented: time(self.consented)?,
            lasting: self.lasting,
            redeemed_by: self.redeemed_by()?,
            smart,
        })
    }

    fn redeemed_by(&self) -> Result<Option<Node>, Unreadable> {
        let (Some(name), Some(thumbprint)) = (&self.node, self.node_thumbprint) else { return Ok(None) };
        let name = Hostname::parse(name).map_err(|_| Unreadable)?;
        Ok(Some(Node { name, thumbprint: Thumbprint::new(thumbprint) }))
    }
}

/// What a grant says about a person: their number alone, or an object when a SMART client was told more.
#[derive(Serialize, Deserialize)]
struct Sealed<'a> {
    bsn: &'a str,
    scope: String,
    challenge: String,
    patient: &'a str,
}

impl Sealed<'_> {
    fn write(grant: &Grant) -> Zeroizing<Vec<u8>> {
        let bsn = grant.subject.reveal();
        let Some(smart) = &grant.smart else { return Zeroizing::new(bsn.as_bytes().to_vec()) };
        let sealed = Sealed {
            bsn,
            scope: smart.scope.to_string(),
            challenge: smart.challenge.to_text(),
            patient: smart.patient.reveal(),
        };
        Zeroizing::new(serde_json::to_vec(&sealed).unwrap_or_default())
    }

    fn read(bytes: &[u8]) -> Option<(Bsn, Option<SmartGrant>)> {
        let text = std::str::from_utf8(bytes).ok()?;
        if !text.starts_with('{') {
            return Some((Bsn::parse(text).ok()?, None));
        }
        let sealed: Sealed<'_> = serde_json::from_str(text).ok()?;
        let smart = SmartGrant {
            scope: SmartScope::from_written(&sealed.scope)?,
            challenge: CodeChallenge::from_text(&sealed.challenge)?,
            patient: Secret::new(sealed.patient.to_owned()),
        };
        Some((Bsn::parse(sealed.bsn).ok()?, Some(smart)))
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
    pub(super) bound_to: Option<[u8; 32]>,
    pub(super) grant: GrantRow,
}

impl TokenRow {
    pub(super) fn write(token: &IssuedToken, sealer: &Sealer) -> Self {
        Self {
            hash: token.hash,
            expires: token.expires.as_microsecond(),
            bound_to: token.bound_to.map(|thumbprint| *thumbprint.as_bytes()),
            grant: GrantRow::write(&token.grant, sealer),
        }
    }

    pub(super) fn read(&self, sealer: &Sealer) -> Result<IssuedToken, Unreadable> {
        let bound_to = self.bound_to.map(Thumbprint::new);
        Ok(IssuedToken::new(self.hash, time(self.expires)?, bound_to, Arc::new(self.grant.read(sealer)?)))
    }
}

pub(super) struct RefreshRow {
    pub(super) key: RefreshKey,
    pub(super) expires: i64,
    pub(super) grant: GrantRow,
}

impl RefreshRow {
    pub(super) fn write(refresh: &IssuedRefresh, sealer: &Sealer) -> Self {
        let grant = GrantRow::write(&refresh.grant, sealer);
        Self { key: refresh.key, expires: refresh.expires.as_microsecond(), grant }
    }

    fn read(&self, sealer: &Sealer) -> Result<IssuedRefresh, Unreadable> {
        Ok(IssuedRefresh { key: self.key, expires: time(self.expires)?, grant: Arc::new(self.grant.read(sealer)?) })
    }

    pub(super) fn read_lasting(&self, sealer: &Sealer) -> Result<LastingGrant, Unreadable> {
        Ok(LastingGrant { grant: self.grant.read(sealer)?, lapses: time(self.expires)? })
    }
}

/// [`FoundRefresh`] before anything was opened: the row of the family, whose turn may be another one.
pub(super) struct FoundRow(pub(super) Option<RefreshRow>);

impl FoundRow {
    pub(super) fn read(&self, asked: RefreshKey, sealer: &Sealer) -> Result<FoundRefresh, Unreadable> {
        Ok(match &self.0 {
            Some(row) if row.key == asked => FoundRefresh::Current(Box::new(row.read(sealer)?)),
            Some(row) => FoundRefresh::Old { grant: LocalId::parse(&row.grant.id).ok_or(Unreadable)? },
            None => FoundRefresh::Unknown,
        })
    }
}

pub(super) struct TurnRow {
    pub(super) presented: RefreshKey,
    pub(super) next: HandleHash,
    pub(super) expires: i64,
    pub(super) token: TokenRow,
}

impl TurnRow {
    pub(super) fn write(turn: &Turn, sealer: &Sealer) -> Self {
        let token = TokenRow::write(&turn.token, sealer);
        Self { presented: turn.presented, next: turn.next, expires: turn.expires.as_microsecond(), token }
    }
}

/// [`Turned`] as a statement gives it.
pub(super) enum TurnedRow {
    Done,
    Old { grant: String },
    Unknown,
}

impl TurnedRow {
    pub(super) fn read(&self) -> Result<Turned, Unreadable> {
        Ok(match self {
            Self::Done => Turned::Done,
            Self::Old { grant } => Turned::Old { grant: LocalId::parse(grant).ok_or(Unreadable)? },
            Self::Unknown => Turned::Unknown,
        })
    }
}

/// A stop, or what is left of it.
#[derive(Clone)]
pub(super) struct StopRow {
    pub(super) id: String,
    pub(super) target: String,
    pub(super) reason: String,
    pub(super) stopped_by: String,
    pub(super) stopped_at: i64,
    pub(super) lifted_by: Option<String>,
    pub(super) lifted_at: Option<i64>,
}

impl StopRow {
    pub(super) fn write(stop: &Stop) -> Self {
        Self {
            id: stop.id.to_string(),
            target: stop.target.to_string(),
            reason: stop.reason.as_str().to_owned(),
            stopped_by: stop.by.clone(),
            stopped_at: stop.at.as_microsecond(),
            lifted_by: None,
            lifted_at: None,
        }
    }

    pub(super) fn read(&self) -> Result<PastStop, Unreadable> {
        let stop = Stop {
            id: LocalId::parse(&self.id).ok_or(Unreadable)?,
            target: Target::parse(&self.target).ok_or(Unreadable)?,
            reason: Reason::parse(&self.reason).ok_or(Unreadable)?,
            by: self.stopped_by.clone(),
            at: time(self.stopped_at)?,
        };
        let lifted = self.lifted_by.clone().zip(self.lifted_at);
        let lifted = lifted.map(|(by, at)| Ok((by, time(at)?))).transpose()?;
        Ok(PastStop { stop, lifted })
    }
}

pub(super) struct RegisterRow {
    pub(super) kind: EntryKind,
    pub(super) id: String,
    pub(super) version: i64,
    pub(super) document: Option<String>,
    pub(super) changed_by: String,
    pub(super) changed_at: i64,
    pub(super) revision: i64,
}

impl RegisterRow {
    pub(super) fn write(row: &Row) -> Self {
        Self {
            kind: row.kind,
            id: row.id.clone(),
            version: row.version.into(),
            document: row.document.clone(),
            changed_by: row.by.clone(),
            changed_at: row.at.as_microsecond(),
            revision: i64::try_from(row.revision).unwrap_or(i64::MAX),
        }
    }

    pub(super) fn read(&self) -> Result<Row, Unreadable> {
        Ok(Row {
            kind: self.kind,
            id: self.id.clone(),
            version: u32::try_from(self.version).map_err(|_| Unreadable)?,
            document: self.document.clone(),
            by: self.changed_by.clone(),
            at: time(self.changed_at)?,
            revision: u64::try_from(self.revision).map_err(|_| Unreadable)?,
        })
    }
}

/// An entrance as columns; an empty service is none.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) provider: String,
    pub(super) service: String,
}

impl Door {
    pub(super) fn of(entrance: &Entrance) -> Self {
        let service = entrance.service.as_ref().map(ToString::to_string).unwrap_or_default();
        Self { provider: entrance.provider.to_string(), service }
    }
}

pub(super) fn entrance(provider: &str, service: &str) -> Result<Entrance, Unreadable> {
    let service = (!service.is_empty()).then(|| ServiceId::parse(service).map_err(|_| Unreadable)).transpose()?;
    Ok(Entrance { provider: ProviderName::parse(provider).map_err(|_| Unreadable)?, service })
}

/// A change of a stage; an empty stage is the configured one.
pub(super) struct ChangeRow {
    pub(super) door: Door,
    pub(super) number: i64,
    pub(super) id: String,
    pub(super) stage: String,
    pub(super) reason: String,
    pub(super) set_by: String,
    pub(super) set_at: i64,
}

impl ChangeRow {
    pub(super) fn write(change: &Change) -> Self {
        Self {
            door: Door::of(&change.entrance),
            number: i64::from(change.number),
            id: change.id.to_string(),
            stage: change.stage.as_ref().map(Stage::write).unwrap_or_default(),
            reason: change.reason.clone(),
            set_by: change.by.clone(),
            set_at: change.at.as_microsecond(),
        }
    }

    pub(super) fn read(&self) -> Result<Change, Unreadable> {
        let stage = Some(self.stage.as_str()).filter(|text| !text.is_empty());
        Ok(Change {
            id: LocalId::parse(&self.id).ok_or(Unreadable)?,
            entrance: entrance(&self.door.provider, &self.door.service)?,
            number: u32::try_from(self.number).map_err(|_| Unreadable)?,
            stage: stage.map(|text| Stage::read(text).map_err(|_| Unreadable)).transpose()?,
            reason: self.reason.clone(),
            by: self.set_by.clone(),
            at: time(self.set_at)?,
        })
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
        let plain = Zeroizing::new(visit.visit.to_bytes(visit.language));
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
        let (visit, language) = Visit::from_bytes(&plain).ok_or(Unreadable)?;
        Ok(OpenVisit { id, cookie: self.cookie, form: self.form, expires: time(self.expires)?, visit, language })
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
