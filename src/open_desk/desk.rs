//! The desk itself: knows who is there, decides what they may see, and puts on record what they saw.

use std::net::IpAddr;
use std::sync::Arc;

use super::ground::Ground;
use super::reader::{Page, Reader};
use super::view::Seen;
use crate::audit::{AuditError, AuditEvent, AuditLog, Authorization, Kind, Outcome, User, receipt};
use crate::clock::SharedClock;
use crate::oauth::store::StoreError;
use crate::operations::register::Scene;
use crate::practices::programme::{RegisterError, Registry};
use crate::routing::SharedSnapshot;
use crate::session::journey::Operator;
use crate::signin::shared::SharedSessions;
use crate::signin::{LoginName, Refusals, SignIn, TooManyRefused};

/// What the desk needs.
pub struct OpenDesk {
    /// How people log in.
    pub login: SignIn<SharedSessions>,
    /// The register of the OPEN programme.
    pub register: Arc<Registry>,
    /// The snapshot in force.
    pub snapshot: SharedSnapshot,
    /// Who runs the gateway, for the texts for patients.
    pub operator: Operator,
    /// Where patients reach it.
    pub front: String,
    /// Where it is recorded what somebody saw.
    pub audit: Arc<dyn AuditLog>,
    /// Bounds what is recorded of who is refused.
    pub refusals: Arc<Refusals>,
    /// Time.
    pub clock: SharedClock,
}

/// Somebody who is logged in, and for whom they come. Only the desk makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    name: LoginName,
    reader: Reader,
    address: IpAddr,
}

impl Visitor {
    pub(super) const fn new(name: LoginName, reader: Reader, address: IpAddr) -> Self {
        Self { name, reader, address }
    }

    /// What their provider calls them.
    #[must_use]
    pub const fn name(&self) -> &LoginName {
        &self.name
    }

    /// For whom they come.
    #[must_use]
    pub const fn reader(&self) -> &Reader {
        &self.reader
    }
}

/// Why something is not shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Nobody is logged in.
    #[error("nobody is logged in")]
    LogIn,
    /// They did not come back from their provider in time, or as somebody it vouches for.
    #[error("the login did not succeed")]
    NotIn,
    /// The provider vouches for somebody who comes for nobody here.
    #[error("this person has no role here")]
    NoRole,
    /// The provider does not answer.
    #[error("the login service does not answer")]
    NoProvider,
    /// There is no such page, or it is not theirs: they are not told which.
    #[error("there is no such page")]
    NoPage,
    /// So many requests were refused that no more are recorded.
    #[error(transparent)]
    TooManyRefused(#[from] TooManyRefused),
    /// The register cannot be read.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot be recorded, so it is not shown.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

impl OpenDesk {
    /// Who is logged in by this cookie.
    ///
    /// # Errors
    /// `LogIn` when nobody is, `Store` when it cannot be known.
    pub async fn admit(&self, cookie: Option<&str>, address: IpAddr) -> Result<Visitor, OpenError> {
        let session = self.login.sessions.find(cookie.ok_or(OpenError::LogIn)?).await?.ok_or(OpenError::LogIn)?;
        let reader = Reader::of(&session.roles).ok_or(OpenError::LogIn)?;
        Ok(Visitor::new(session.name, reader, address))
    }

    /// A page, when it is there and theirs; that they see it is on record. Who asks for another one is on record, too, and hears
    /// the same as who asks for one that is not there.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn see(&self, visitor: &Visitor, page: Page) -> Result<Seen, OpenError> {
        let register = self.register.read().await?;
        let (snapshot, now) = (self.snapshot.load_full(), self.clock.now());
        let scene = Scene::of(&register, &snapshot, now).ok_or(OpenError::NoPage)?;
        let is_theirs = visitor.reader.may_see(&page, register.entries(), scene.today);
        let ground = Ground { scene, operator: &self.operator, front: &self.front, now };
        let seen = if is_theirs { ground.page(&page) } else { None };
        let Some(seen) = seen else {
            self.refusals.count()?;
            let event = self.event(visitor, &page, Outcome::Refused);
            self.note(AuditEvent { reason: Some("not-their-page"), ..event }).await;
            return Err(OpenError::NoPage);
        };
        let event = self.event(visitor, &page, Outcome::Done);
        receipt(self.audit.append(&event)?).await?;
        Ok(seen)
    }

    fn event(&self, visitor: &Visitor, page: &Page, outcome: Outcome) -> AuditEvent {
        let mut event = self.of(visitor, Kind::OverviewRead, outcome);
        let asked = match page {
            Page::Practice(provider) | Page::Texts(provider) => {
                event.provider = Some(provider.clone());
                if matches!(page, Page::Practice(_)) { "practice".to_owned() } else { "texts for patients".to_owned() }
            }
            Page::Coalition(id) => format!("coalition {id}"),
            Page::Programme => "programme".to_owned(),
            Page::Declarations(_) => "declarations".to_owned(),
        };
        AuditEvent { detail: Some(format!("as {}: {asked}", visitor.reader.as_str()).into()), ..event }
    }

    pub(super) fn of(&self, visitor: &Visitor, kind: Kind, outcome: Outcome) -> AuditEvent {
        let mut event = AuditEvent::new(self.clock.now(), kind, outcome);
        event.access_point = Some(visitor.address);
        event.user = User::operator(visitor.name.as_str());
        event.authorization = Some(Authorization::Operator);
        event
    }

    pub(super) async fn note(&self, event: AuditEvent) {
        if let Ok(pending) = self.audit.append(&event) {
            let _ = receipt(pending).await;
        }
    }
}
