//! Signing in of people at their work, through an OpenID provider that vouches for them: what it takes, and what a browser carries to
//! the provider and back. Operators come in so, and the people of practices and the OPEN programme, each through a provider of their
//! own. What somebody may do is no matter of this module: it says who they are, and what their provider says that they are.

mod departed;
mod refusals;
pub mod sessions;
pub mod shared;

use std::sync::Arc;
use std::time::{Duration, Instant};

use self::departed::Departed;
pub use self::refusals::{Refusals, TooManyRefused};
use crate::audit::User;
use crate::clock::SharedClock;
use crate::form::single;
use crate::language::Language;
use crate::medmij::Bsn;
use crate::oauth::store::{StoreError, StoreFuture};
use crate::seal::Sealer;
use crate::secret::Handle;
use crate::session::login::{LoginEnd, LoginFuture, LoginState, LoginUnavailable, WayToLogin};

/// How long somebody may take at the provider.
pub const AWAY: Duration = Duration::from_mins(10);
/// How long the provider may take between two pages.
const DEADLINE: Duration = Duration::from_secs(10);

/// The name of somebody who logged in, as their provider says it: it can stand in the audit log, and is no BSN.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoginName(String);

impl LoginName {
    /// Reads what a provider says: 1 to 128 bytes without control characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (User::operator(text).is_some() && Bsn::parse(text).is_err()).then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Somebody whom a provider vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    /// What it calls them.
    pub name: LoginName,
    /// What they are to it; not all of it means something here.
    pub roles: Vec<String>,
}

/// A provider that vouches for people at their work. Both answer by the deadline.
pub trait OrganisationProvider: Send + Sync + 'static {
    /// The way to its page, in this language as far as it has it; `ticket` must come back as `state`.
    fn start<'a>(
        &'a self,
        ticket: &'a str,
        language: Language,
        deadline: Instant,
    ) -> LoginFuture<'a, WayToLogin, LoginUnavailable>;

    /// Reads what the browser brings back. Whoever calls has made sure that it is the browser that left.
    fn finish<'a>(
        &'a self,
        state: LoginState,
        fields: &'a [(String, String)],
        deadline: Instant,
    ) -> LoginFuture<'a, Vouched, LoginEnd>;
}

/// Where a browser goes to log in, and what it carries there and back.
pub struct Leaving {
    /// Where it goes.
    pub address: String,
    /// What it carries.
    pub carries: String,
}

/// Remembers which logins came to their end, until their way back would be too late anyhow.
pub trait Logins: Send + Sync {
    /// Whether a login is over.
    fn is_over<'a>(&'a self, ticket: &'a str) -> StoreFuture<'a, bool>;

    /// Marks a login as over; `false` when it was already.
    fn end<'a>(&'a self, ticket: &'a str) -> StoreFuture<'a, bool>;
}

/// Why somebody did not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotIn {
    /// This browser did not leave, or not as long ago as that.
    #[error("the login was begun elsewhere, or too long ago")]
    Stale,
    /// The way back was taken before.
    #[error("the login is over")]
    Replayed,
    /// They chose not to.
    #[error("the login was cancelled")]
    Cancelled,
    /// The provider vouches for nobody, or for somebody else.
    #[error("the login failed")]
    Failed,
    /// The provider does not answer.
    #[error("the login service does not answer")]
    Unavailable,
    /// It cannot be remembered that they came in.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl NotIn {
    /// The reason in the audit.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Stale => "login-stale",
            Self::Replayed => "login-replayed",
            Self::Cancelled => "login-cancelled",
            Self::Failed => "login-failed",
            Self::Unavailable => "login-unavailable",
            Self::Store(_) => "store-down",
        }
    }
}

impl From<LoginEnd> for NotIn {
    fn from(end: LoginEnd) -> Self {
        match end {
            LoginEnd::Cancelled => Self::Cancelled,
            LoginEnd::Failed | LoginEnd::NotABsn => Self::Failed,
            LoginEnd::Unavailable(_) => Self::Unavailable,
        }
    }
}

/// What signing in takes.
pub struct SignIn<S> {
    /// Who vouches.
    pub provider: Arc<dyn OrganisationProvider>,
    /// Who is logged in.
    pub sessions: S,
    /// Seals what the browser carries.
    pub sealer: Sealer,
    /// Time.
    pub clock: SharedClock,
}

impl<S: Logins> SignIn<S> {
    /// The way to the provider.
    ///
    /// # Errors
    /// `Unavailable` when it does not answer.
    pub async fn leave(&self, language: Language) -> Result<Leaving, NotIn> {
        let (ticket, deadline) = (Handle::draw(), self.clock.monotonic() + DEADLINE);
        let way = self.provider.start(ticket.reveal(), language, deadline).await;
        let way = way.map_err(|_unavailable| NotIn::Unavailable)?;
        let departed = Departed::new(ticket, way.state, self.clock.now());
        Ok(Leaving { address: way.address, carries: departed.seal(&self.sealer) })
    }

    /// Whom the provider vouches for, once for each departure.
    ///
    /// # Errors
    /// Why nobody came in.
    pub async fn come_back(&self, carries: &str, fields: &[(String, String)]) -> Result<Vouched, NotIn> {
        let departed = Departed::open(carries, &self.sealer, self.clock.now());
        let departed = departed.filter(|departed| single(fields, "state") == Some(departed.ticket.reveal()));
        let Departed { ticket, state, .. } = departed.ok_or(NotIn::Stale)?;
        if self.sessions.is_over(ticket.reveal()).await? {
            return Err(NotIn::Replayed);
        }
        let vouched = self.provider.finish(state, fields, self.clock.monotonic() + DEADLINE).await?;
        let first = self.sessions.end(ticket.reveal()).await?;
        if first { Ok(vouched) } else { Err(NotIn::Replayed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_stand_in_the_log() {
        assert!(LoginName::parse("8c6e1f0a-55ab-4d7e-9e0e-1f0a55ab4d7e").is_some());
        for text in ["", "a\nb", "999911132", &"a".repeat(129)] {
            assert_eq!(LoginName::parse(text), None, "{text}");
        }
    }
}
