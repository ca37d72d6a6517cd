//! People log in, and out. Each login that succeeds, and each that is refused here, is on record.

use std::net::IpAddr;
use std::time::Duration;

use super::desk::{OpenDesk, OpenError, Visitor};
use super::reader::Reader;
use crate::audit::{AuditEvent, Kind, Outcome, User, receipt};
use crate::language::Language;
use crate::signin::sessions::Session;
use crate::signin::{Leaving, NotIn};

/// How somebody stands in the log of whom nothing is known.
const UNKNOWN: &str = "unknown";

impl OpenDesk {
    /// The way to the provider.
    ///
    /// # Errors
    /// `NoProvider` when it does not answer.
    pub async fn leave(&self, language: Language) -> Result<Leaving, OpenError> {
        Ok(self.login.leave(language).await?)
    }

    /// Reads what a browser comes back with; the cookie of a new session, and how long it lasts. The session that the browser had
    /// is over.
    ///
    /// # Errors
    /// See [`OpenError`]. Why nobody came in is on record.
    pub async fn come_back(
        &self,
        (carries, before): (&str, Option<&str>),
        fields: &[(String, String)],
        address: IpAddr,
    ) -> Result<(String, Duration), OpenError> {
        let vouched = match self.login.come_back(carries, fields).await {
            Ok(vouched) => vouched,
            Err(not_in) => return Err(self.not_in(None, address, not_in.into(), not_in.code()).await),
        };
        let session = Session { name: vouched.name, roles: Reader::meaningful(vouched.roles) };
        let Some(reader) = Reader::of(&session.roles) else {
            let user = User::operator(session.name.as_str());
            return Err(self.not_in(user, address, OpenError::NoRole, "no-role").await);
        };
        self.on_record(&Visitor::new(session.name.clone(), reader, address), "logged in").await?;
        if let Some(before) = before {
            self.login.sessions.close(before).await?;
        }
        Ok((self.login.sessions.open(&session), self.login.sessions.lifetime))
    }

    /// Ends the session of this cookie, whosever it is.
    ///
    /// # Errors
    /// When the store does not answer; or when it cannot be recorded, and then the session is over all the same.
    pub async fn log_out(&self, cookie: &str, address: IpAddr) -> Result<(), OpenError> {
        let Some(session) = self.login.sessions.close(cookie).await? else { return Ok(()) };
        let Some(reader) = Reader::of(&session.roles) else { return Ok(()) };
        self.on_record(&Visitor::new(session.name, reader, address), "logged out").await
    }

    async fn on_record(&self, visitor: &Visitor, what: &str) -> Result<(), OpenError> {
        let event = self.of(visitor, Kind::Administration, Outcome::Done);
        let detail = format!("as {}: {what}", visitor.reader().as_str());
        receipt(self.audit.append(&AuditEvent { detail: Some(detail.into()), ..event })?).await?;
        Ok(())
    }

    /// Records that somebody did not come in, and why.
    async fn not_in(&self, user: Option<User>, address: IpAddr, error: OpenError, reason: &'static str) -> OpenError {
        if let Err(too_many) = self.refusals.count() {
            return too_many.into();
        }
        let mut event = AuditEvent::new(self.clock.now(), Kind::Administration, Outcome::Refused);
        event.user = user.or_else(|| User::operator(UNKNOWN));
        event.access_point = Some(address);
        let detail = Some("logging in at the pages of OPEN".into());
        self.note(AuditEvent { reason: Some(reason), detail, ..event }).await;
        error
    }
}

impl From<NotIn> for OpenError {
    fn from(not_in: NotIn) -> Self {
        match not_in {
            NotIn::Stale | NotIn::Replayed | NotIn::Cancelled | NotIn::Failed => Self::NotIn,
            NotIn::Unavailable => Self::NoProvider,
            NotIn::Store(error) => Self::Store(error),
        }
    }
}
