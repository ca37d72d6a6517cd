//! The desk of operators: knows who is there, shows the state of the node, and throws the emergency switch, on record.

mod actions;
mod explain;
mod golive;
mod login;
mod matrix;
mod register;

pub use matrix::DeskMatrixError;
pub use register::DeskRegisterError;

use std::net::IpAddr;
use std::sync::Arc;

pub use self::golive::StageWish;
use super::golive::GoLive;
use super::operators::{Changes, Name, NotAllowed, Operators, Person, Reads, Reviews, Right};
use super::state::{self, Part, Sources};
use super::switch::{Reason, Stop, Switch, SwitchError};
use super::upkeep::{Duty, LogLevel, OnDuty, Reload};
use super::view::{ClientsView, DoneView, HisView, ListView, NodeView, PastStopView, PracticesView, StopView};
use crate::audit::{
    AuditError, AuditEvent, AuditLog, AuditReceipt, Authorization, Keyring, Kind, Outcome, User, receipt,
};
use crate::clock::SharedClock;
use crate::explain::QuestionFault;
use crate::medmij::{Hostname, LocalId};
use crate::practices::programme::Registry;
use crate::report::matrix::store::MatrixStore;
use crate::routing::{SharedSnapshot, Target};
use crate::signin::sessions::NodeSessions;
use crate::signin::{Refusals, SignIn, TooManyRefused};

/// What the desk needs.
pub struct Desk {
    /// Who may come.
    pub operators: Operators,
    /// How people log in; `None`: they have certificates.
    pub login: Option<SignIn<NodeSessions>>,
    /// What only the running node knows.
    pub sources: Sources,
    /// The snapshot in force.
    pub snapshot: SharedSnapshot,
    /// The emergency switch.
    pub switch: Arc<Switch>,
    /// How far practices are, and who takes part.
    pub golive: Arc<GoLive>,
    /// What stands for a person in the audit.
    pub keyring: Arc<Keyring>,
    /// Whether the node is there for requests.
    pub duty: Arc<Duty>,
    /// Reads the configuration again.
    pub reload: Arc<Reload>,
    /// What the technical log tells.
    pub log_level: Arc<LogLevel>,
    /// The register of the OPEN programme.
    pub register: Arc<Registry>,
    /// The matrix of combinations.
    pub matrix: Arc<dyn MatrixStore>,
    /// Where it is recorded what somebody did.
    pub audit: Arc<dyn AuditLog>,
    /// Bounds what is recorded of who is refused.
    pub refusals: Arc<Refusals>,
    /// Time.
    pub clock: SharedClock,
}

/// Why something is not shown or done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    /// The certificate names nobody who may come.
    #[error("this certificate names no operator")]
    Nobody,
    /// No certificate, and nobody is logged in, but they could.
    #[error("log in first, or show a certificate")]
    LogIn,
    /// They did not come back from the provider in time, or as somebody it vouches for.
    #[error("you are not logged in; try again")]
    NotIn,
    /// The provider vouches for somebody who has no role here.
    #[error("your organisation gives you no role here")]
    NoRole,
    /// The provider does not answer.
    #[error("the login service of your organisation does not answer; try again, or use a certificate")]
    NoProvider,
    /// Their role does not allow it.
    #[error("your role does not allow this")]
    NotAllowed,
    /// So many requests were refused that no more are recorded.
    #[error(transparent)]
    TooManyRefused(#[from] TooManyRefused),
    /// Nothing can be stopped by that name.
    #[error("say what: everything, client:<client_id>, his:<id> or practice:<name>, one that is known here")]
    Target,
    /// No reason is given, or it is too short, too long, or names a person by their number.
    #[error("say why in 10 to 500 characters on one line, without a BSN")]
    Reason,
    /// No level, or a time that is too long.
    #[error("say error, warn, info, debug or trace, for 1 to 1440 minutes")]
    Level,
    /// No entrance, or none of ours.
    #[error("say where: name@medmij, or name@medmij~49 for one service, of a practice and service that are known here")]
    Entrance,
    /// No stage.
    #[error(
        "say closed, field_test, pilot, open or paused; a pilot has 1 to 5000 places, at most 50 clients, from and until"
    )]
    Stage,
    /// Somebody else changed it since it was looked at.
    #[error("somebody changed this meanwhile: look again, and change what is there now")]
    SeenOther,
    /// A question that cannot be answered.
    #[error(transparent)]
    Question(QuestionFault),
    /// No BSN.
    #[error("this is no citizen service number")]
    Bsn,
    /// The node serves.
    #[error(transparent)]
    OnDuty(#[from] OnDuty),
    /// What was sent cannot be read.
    #[error("what was sent cannot be read")]
    Form,
    /// The switch was not thrown.
    #[error(transparent)]
    Switch(#[from] SwitchError),
    /// It cannot be recorded, so it is not done.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

/// By what somebody may be known who asks for something.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The names of a verified certificate.
    pub names: &'a [Hostname],
    /// The handle of a session.
    pub cookie: Option<&'a str>,
    /// From which address.
    pub address: IpAddr,
}

impl Desk {
    /// Somebody with this right. Who has it not is on record with what they asked for, unless they show nothing at all and may
    /// still log in.
    ///
    /// # Errors
    /// `Nobody`, `LogIn`, `NotAllowed` or `TooManyRefused`.
    pub async fn admit<R: Right>(&self, shown: Shown<'_>, asked: &str) -> Result<R, DeskError> {
        let Some(person) = self.known(shown) else {
            let Shown { names, address, .. } = shown;
            if names.is_empty() && self.login.is_some() {
                return Err(DeskError::LogIn);
            }
            self.refusals.count()?;
            let mut event = AuditEvent::new(self.clock.now(), Kind::Administration, Outcome::Refused);
            event.peer = names.first().cloned();
            event.user = names.first().and_then(|name| User::operator(name.as_str()));
            event.access_point = Some(address);
            self.note(AuditEvent { reason: Some("no-operator"), detail: Some(asked.into()), ..event }).await;
            return Err(DeskError::Nobody);
        };
        match R::of(person) {
            Ok(right) => Ok(right),
            Err(NotAllowed(person)) => {
                self.refusals.count()?;
                let event = self.event(&person, Kind::Administration, Outcome::Refused);
                self.note(AuditEvent { reason: Some("not-their-role"), detail: Some(asked.into()), ..event }).await;
                Err(DeskError::NotAllowed)
            }
        }
    }

    /// By their certificate, or else by their session.
    fn known(&self, shown: Shown<'_>) -> Option<Person> {
        let logged_in = || {
            let login = self.login.as_ref()?;
            self.operators.logged_in(&login.sessions.find(shown.cookie?)?, shown.address)
        };
        self.operators.recognise(shown.names, shown.address).or_else(logged_in)
    }

    /// The node as a whole.
    #[must_use]
    pub fn node(&self, _: &Reads) -> NodeView {
        (self.sources.node)()
    }

    /// Practices.
    #[must_use]
    pub fn practices(&self, _: &Reads, part: &Part) -> PracticesView {
        state::practices(&self.snapshot.load(), part, self.clock.now())
    }

    /// Clients.
    #[must_use]
    pub fn clients(&self, _: &Reads, part: &Part) -> ClientsView {
        state::clients(&self.snapshot.load(), part)
    }

    /// Installations of a HIS.
    #[must_use]
    pub fn his(&self, _: &Reads) -> Vec<HisView> {
        state::his(&self.snapshot.load(), &self.sources.his)
    }

    /// The lists.
    #[must_use]
    pub fn lists(&self, _: &Reads) -> Vec<ListView> {
        (self.sources.lists)()
    }

    /// What is stopped.
    #[must_use]
    pub fn stops(&self, _: &Reads) -> Vec<StopView> {
        self.switch.known().iter().map(state::stop).collect()
    }

    /// What was stopped, and by whom.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn past_stops(&self, _: &Reviews) -> Result<Vec<PastStopView>, DeskError> {
        Ok(self.switch.past().await?.iter().map(state::past).collect())
    }

    /// Stops something, on record before it happens.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub async fn stop(&self, by: &Changes, target: &str, reason: &str) -> Result<DoneView, DeskError> {
        let target = self.to_stop(target)?;
        let reason = Reason::parse(reason).ok_or(DeskError::Reason)?;
        let (person, now) = (by.person(), self.clock.now());
        let mut event = self.about(person, Kind::AccessStopped, &target);
        let id = LocalId::new(now);
        event.local_id = Some(id);
        event.detail = Some(format!("{target}: {}", reason.as_str()).into());
        let intent = self.intend(&event).await?;
        let stop = Stop { id, target, reason, by: person.name().to_string(), at: now };
        let done = self.switch.stop(stop).await;
        self.done(event, intent, done).await
    }

    /// Lets something go on, on record before it happens. Anything may go on, also what is not known here any more.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub async fn lift(&self, by: &Changes, target: &str) -> Result<DoneView, DeskError> {
        let target = Target::parse(target).ok_or(DeskError::Target)?;
        let (person, now) = (by.person(), self.clock.now());
        let mut event = self.about(person, Kind::AccessRestored, &target);
        event.detail = Some(target.to_string().into());
        let intent = self.intend(&event).await?;
        let done = self.switch.lift(&target, person.name().as_str(), now).await;
        self.done(event, intent, done).await
    }

    /// Something that there is to stop: a name with a typo would stop nothing, and say that it did.
    fn to_stop(&self, text: &str) -> Result<Target, DeskError> {
        let target = Target::parse(text).ok_or(DeskError::Target)?;
        let snapshot = self.snapshot.load();
        let known = match &target {
            Target::Everything => true,
            Target::Client(id) => {
                snapshot.lists.ocl.client(id.as_str()).is_some() || snapshot.clients.portal(id.as_str()).is_some()
            }
            Target::His(id) => self.sources.his.iter().any(|one| one.id == *id),
            Target::Practice(provider) => snapshot.practices.practice(provider.as_str()).is_some(),
        };
        if known { Ok(target) } else { Err(DeskError::Target) }
    }

    async fn intend(&self, event: &AuditEvent) -> Result<AuditReceipt, DeskError> {
        let intent = AuditEvent { outcome: Outcome::Intended, ..event.clone() };
        Ok(receipt(self.audit.append(&intent)?).await?)
    }

    /// Records what became of it. The intent stands in any case, so a log that cannot take this changes nothing.
    async fn done(
        &self,
        event: AuditEvent,
        intent: AuditReceipt,
        done: Result<bool, SwitchError>,
    ) -> Result<DoneView, DeskError> {
        let (outcome, reason) = match done {
            Ok(true) => (Outcome::Done, None),
            Ok(false) => (Outcome::Done, Some("no-change")),
            Err(SwitchError::TooMany) => (Outcome::Refused, Some("too-many-stops")),
            Err(SwitchError::Store) => (Outcome::Failed, Some("store-down")),
        };
        self.note(AuditEvent { outcome, reason, intent: Some(intent.index()), ..event }).await;
        Ok(DoneView { changed: done?, receipt: intent.to_string() })
    }

    async fn note(&self, event: AuditEvent) {
        if let Ok(pending) = self.audit.append(&event) {
            let _ = receipt(pending).await;
        }
    }

    fn about(&self, person: &Person, kind: Kind, target: &Target) -> AuditEvent {
        let mut event = self.event(person, kind, Outcome::Done);
        match target {
            Target::Client(id) => event.client_id = Some(id.clone()),
            Target::Practice(provider) => event.provider = Some(provider.clone()),
            Target::Everything | Target::His(_) => {}
        }
        event
    }

    fn event(&self, person: &Person, kind: Kind, outcome: Outcome) -> AuditEvent {
        let mut event = AuditEvent::new(self.clock.now(), kind, outcome);
        event.peer = match person.name() {
            Name::Certificate(host) => Some(host.clone()),
            Name::Login(_) => None,
        };
        event.access_point = Some(person.address());
        event.user = User::operator(person.name().as_str());
        event.authorization = Some(Authorization::Operator);
        event
    }
}
