//! Operators log in, and out. Each login that succeeds, and each that is refused here, is on record.

use std::net::IpAddr;
use std::time::Duration;

use super::{Desk, DeskError};
use crate::audit::{AuditEvent, Kind, Outcome, User, receipt};
use crate::language::Language;
use crate::operations::operators::Person;
use crate::operations::switch::SwitchError;
use crate::secret::Handle;
use crate::signin::sessions::Session;
use crate::signin::{Leaving, NotIn};

/// How somebody stands in the log of whom nothing is known.
const UNKNOWN: &str = "unknown";

impl Desk {
    /// The way to the provider.
    ///
    /// # Errors
    /// `Nobody` when there is none, `NoProvider` when it does not answer.
    pub async fn leave(&self) -> Result<Leaving, DeskError> {
        let login = self.login.as_ref().ok_or(DeskError::Nobody)?;
        Ok(login.leave(Language::English).await?)
    }

    /// Reads what a browser comes back with; the handle of a session, and how long it lasts.
    ///
    /// # Errors
    /// See [`DeskError`]. Why nobody came in is on record.
    pub async fn come_back(
        &self,
        carries: &str,
        fields: &[(String, String)],
        address: IpAddr,
    ) -> Result<(Handle, Duration), DeskError> {
        let login = self.login.as_ref().ok_or(DeskError::Nobody)?;
        let vouched = match login.come_back(carries, fields).await {
            Ok(vouched) => vouched,
            Err(not_in) => return Err(self.not_in(None, address, not_in.into(), not_in.code()).await),
        };
        let session = Session { name: vouched.name, roles: self.operators.meaningful(vouched.roles) };
        let Some(person) = self.operators.logged_in(&session, address) else {
            let user = User::operator(session.name.as_str());
            return Err(self.not_in(user, address, DeskError::NoRole, "no-operator").await);
        };
        self.on_record(&person, "logged in").await?;
        Ok((login.sessions.open(session), login.sessions.lifetime))
    }

    /// Ends the session of this cookie, whosever it is.
    ///
    /// # Errors
    /// When it cannot be recorded; the session is over all the same.
    pub async fn log_out(&self, cookie: &str, address: IpAddr) -> Result<(), DeskError> {
        let session = self.login.as_ref().and_then(|login| login.sessions.all.close(cookie));
        match session.and_then(|session| self.operators.logged_in(&session, address)) {
            Some(person) => self.on_record(&person, "logged out").await,
            None => Ok(()),
        }
    }

    async fn on_record(&self, person: &Person, what: &str) -> Result<(), DeskError> {
        let event = self.event(person, Kind::Administration, Outcome::Done);
        receipt(self.audit.append(&AuditEvent { detail: Some(what.into()), ..event })?).await?;
        Ok(())
    }

    /// Records that somebody did not come in, and why.
    async fn not_in(&self, user: Option<User>, address: IpAddr, error: DeskError, reason: &'static str) -> DeskError {
        if let Err(too_many) = self.refusals.count() {
            return too_many.into();
        }
        let mut event = AuditEvent::new(self.clock.now(), Kind::Administration, Outcome::Refused);
        event.user = user.or_else(|| User::operator(UNKNOWN));
        event.access_point = Some(address);
        self.note(AuditEvent { reason: Some(reason), detail: Some("logging in".into()), ..event }).await;
        error
    }
}

impl From<NotIn> for DeskError {
    fn from(not_in: NotIn) -> Self {
        match not_in {
            NotIn::Stale | NotIn::Replayed | NotIn::Cancelled | NotIn::Failed => Self::NotIn,
            NotIn::Unavailable => Self::NoProvider,
            NotIn::Store(_) => Self::Switch(SwitchError::Store),
        }
    }
}
