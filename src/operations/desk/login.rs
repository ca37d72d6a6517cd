//! Operators log in, and out. Each login that succeeds, and each that is refused here, is on record.

use std::net::IpAddr;
use std::time::Duration;

use super::{Desk, DeskError};
use crate::audit::{AuditEvent, Kind, Outcome, User, receipt};
use crate::form::single;
use crate::operations::login::{AWAY, Departed, Login, Vouched};
use crate::operations::operators::Person;
use crate::operations::sessions::Session;
use crate::secret::Handle;
use crate::session::login::LoginEnd;

/// How long the provider may take between two pages.
const DEADLINE: Duration = Duration::from_secs(10);

/// How somebody stands in the log of whom nothing is known.
const UNKNOWN: &str = "unknown";

/// Where a browser goes to log in, and what it carries there and back.
pub struct Leaving {
    /// Where it goes.
    pub address: String,
    /// What it carries.
    pub carries: String,
}

impl Desk {
    /// The way to the provider.
    ///
    /// # Errors
    /// `Nobody` when there is none, `NoProvider` when it does not answer.
    pub async fn leave(&self) -> Result<Leaving, DeskError> {
        let login = self.login.as_ref().ok_or(DeskError::Nobody)?;
        let ticket = Handle::draw();
        let way = login.provider.start(ticket.reveal(), self.clock.monotonic() + DEADLINE).await;
        let way = way.map_err(|_unavailable| DeskError::NoProvider)?;
        let departed = Departed::new(ticket, way.state, self.clock.now());
        Ok(Leaving { address: way.address, carries: departed.seal(&login.sealer) })
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
        let vouched = match self.vouched(login, carries, fields).await {
            Ok(vouched) => vouched,
            Err((error, reason)) => return Err(self.not_in(None, address, error, reason).await),
        };
        let session = Session { name: vouched.name, roles: self.operators.meaningful(vouched.roles) };
        let Some(person) = self.operators.logged_in(&session, address) else {
            let user = User::operator(session.name.as_str());
            return Err(self.not_in(user, address, DeskError::NoRole, "no-operator").await);
        };
        self.on_record(&person, "logged in").await?;
        Ok((login.sessions.open(session, &login.issuer, login.lifetime), login.lifetime))
    }

    /// Whom the provider vouches for, once for each departure.
    async fn vouched(
        &self,
        login: &Login,
        carries: &str,
        fields: &[(String, String)],
    ) -> Result<Vouched, (DeskError, &'static str)> {
        let departed = Departed::open(carries, &login.sealer, self.clock.now());
        let departed = departed.filter(|departed| single(fields, "state") == Some(departed.ticket.reveal()));
        let Departed { ticket, state, .. } = departed.ok_or((DeskError::NotIn, "login-stale"))?;
        if login.sessions.is_over(ticket.reveal()) {
            return Err((DeskError::NotIn, "login-replayed"));
        }
        let vouched = login.provider.finish(state, fields, self.clock.monotonic() + DEADLINE).await;
        let vouched = vouched.map_err(|end| match end {
            LoginEnd::Cancelled => (DeskError::NotIn, "login-cancelled"),
            LoginEnd::Failed | LoginEnd::NotABsn => (DeskError::NotIn, "login-failed"),
            LoginEnd::Unavailable(_) => (DeskError::NoProvider, "login-unavailable"),
        })?;
        let first = login.sessions.end_login(ticket.reveal(), AWAY);
        if first { Ok(vouched) } else { Err((DeskError::NotIn, "login-replayed")) }
    }

    /// Ends the session of this cookie, whosever it is.
    ///
    /// # Errors
    /// When it cannot be recorded; the session is over all the same.
    pub async fn log_out(&self, cookie: &str, address: IpAddr) -> Result<(), DeskError> {
        let session = self.login.as_ref().and_then(|login| login.sessions.close(cookie));
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
            return too_many;
        }
        let mut event = AuditEvent::new(self.clock.now(), Kind::Administration, Outcome::Refused);
        event.user = user.or_else(|| User::operator(UNKNOWN));
        event.access_point = Some(address);
        self.note(AuditEvent { reason: Some(reason), detail: Some("logging in".into()), ..event }).await;
        error
    }
}
