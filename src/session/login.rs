//! The port to login services: who is at the browser? The sandbox has a simulator; a service of the outside world comes by
//! the same port.

use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use jiff::Timestamp;

use crate::language::Language;
use crate::medmij::{Bsn, LocalId};
use crate::secret::{Handle, Secret};

/// How sure a login service is, from the weakest; the words are those of DigiD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AssuranceLevel {
    /// A name and a password.
    Basis,
    /// Two factors.
    Midden,
    /// Two factors, of which one was tied to the person by an identity document; eIDAS "substantial".
    Substantieel,
    /// The chip of an identity document; eIDAS "high".
    Hoog,
}

impl AssuranceLevel {
    /// Each level with its word.
    pub const WORDS: &'static [(&'static str, Self)] =
        &[("basis", Self::Basis), ("midden", Self::Midden), ("substantieel", Self::Substantieel), ("hoog", Self::Hoog)];

    /// The word in configuration, store and audit, stable over versions.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Basis => "basis",
            Self::Midden => "midden",
            Self::Substantieel => "substantieel",
            Self::Hoog => "hoog",
        }
    }

    /// The level of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, level)| *level)
    }
}

/// Which kind of service vouched for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginMethod {
    /// The pages on which anybody says who they are.
    Simulator,
    /// An OpenID provider.
    Oidc,
}

impl LoginMethod {
    /// The word in configuration, store and audit, stable over versions.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Simulator => "simulator",
            Self::Oidc => "oidc",
        }
    }

    /// The method of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Simulator, Self::Oidc].into_iter().find(|method| method.as_str() == word)
    }
}

/// A person whose identity a login service vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticatedPerson {
    /// Their citizen service number.
    pub bsn: Bsn,
    /// How sure the service is.
    pub level: AssuranceLevel,
    /// When they proved it.
    pub at: Timestamp,
    /// To what kind of service.
    pub method: LoginMethod,
}

/// How a login ended without a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginEnd {
    /// The person went back.
    #[error("the person cancelled at the login service")]
    Cancelled,
    /// The login service did not vouch for them, or not in a way that we accept.
    #[error("the login failed")]
    Failed,
    /// The person typed something that is no BSN; they may try again.
    #[error("what was typed is no citizen service number")]
    NotABsn,
    /// See [`LoginUnavailable`].
    #[error(transparent)]
    Unavailable(#[from] LoginUnavailable),
}

/// The login service does not answer, not in time, or with something that is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the login service does not answer")]
pub struct LoginUnavailable;

/// Whether the person was at the login page before, in this visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// They come for the first time.
    First,
    /// What they typed was no citizen service number.
    AfterATypo,
}

/// A person about to go to the login service.
#[derive(Debug, Clone, Copy)]
pub struct Departure<'a> {
    /// Their visit.
    pub visit: LocalId,
    /// What the service must bring back: it ties the answer to the visit.
    pub key: &'a Handle,
    /// Whether they were there before.
    pub attempt: Attempt,
    /// The language that they read.
    pub language: Language,
    /// After this moment the answer is of no use.
    pub deadline: Instant,
}

impl Departure<'_> {
    /// Visit and key in one word, for a service that brings back one: `state` of RFC 6749 section 4.1.1.
    #[must_use]
    pub fn ticket(&self) -> String {
        format!("{}.{}", self.visit, self.key.reveal())
    }
}

/// Reads what [`Departure::ticket`] wrote: the visit and the key. The key proves nothing by itself; a visit is found by it
/// only together with the cookie of the browser that left.
#[must_use]
pub fn read_ticket(text: &str) -> Option<(LocalId, &str)> {
    let (visit, key) = text.split_once('.')?;
    Some((LocalId::parse(visit)?, key))
}

/// What a login service needs again to read its answer. The journey keeps it, sealed, in the visit, and does not look into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginState(Secret<String>);

impl LoginState {
    /// From a text of the service's own.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(Secret::new(text))
    }

    /// The text.
    #[must_use]
    pub const fn reveal(&self) -> &String {
        self.0.reveal()
    }
}

/// The way to the login service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayToLogin {
    /// Where the browser goes.
    pub address: String,
    /// What comes back to [`IdentityProvider::finish`].
    pub state: LoginState,
}

/// A future of a login service.
pub type LoginFuture<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// A login service. `start` says where the browser goes; `finish` reads what it comes back with. Both answer by the deadline.
pub trait IdentityProvider: Send + Sync + 'static {
    /// Origins other than our own through which the browser passes on its way to the page of the service, and to which the
    /// form of our landing page may therefore lead.
    fn origins(&self) -> &[String];

    /// The way to the login page.
    fn start<'a>(&'a self, departure: Departure<'a>) -> LoginFuture<'a, WayToLogin, LoginUnavailable>;

    /// Reads the fields that the browser brings back. Whoever calls has made sure that it is the browser that left.
    fn finish<'a>(
        &'a self,
        state: LoginState,
        fields: &'a [(String, String)],
        deadline: Instant,
    ) -> LoginFuture<'a, AuthenticatedPerson, LoginEnd>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_holds_visit_and_key() {
        let (visit, key) = (LocalId::new(Timestamp::UNIX_EPOCH), Handle::draw());
        #[expect(clippy::disallowed_methods, reason = "any moment will do")]
        let deadline = Instant::now();
        let ticket =
            Departure { visit, key: &key, attempt: Attempt::First, language: Language::Dutch, deadline }.ticket();
        assert_eq!(read_ticket(&ticket), Some((visit, key.reveal())));
        for text in ["", ".", "x.y", &ticket.replace('.', "-"), key.reveal()] {
            assert_eq!(read_ticket(text), None, "{text}");
        }
    }

    #[test]
    fn levels_are_ordered_and_words_lead_back() {
        assert!(
            AssuranceLevel::Basis < AssuranceLevel::Midden && AssuranceLevel::Midden < AssuranceLevel::Substantieel
        );
        assert!(AssuranceLevel::Substantieel < AssuranceLevel::Hoog);
        for (word, level) in AssuranceLevel::WORDS {
            assert_eq!((level.as_str(), AssuranceLevel::parse(word)), (*word, Some(*level)));
        }
        assert_eq!(AssuranceLevel::parse("Hoog"), None);
        assert_eq!(LoginMethod::parse("oidc"), Some(LoginMethod::Oidc));
        assert_eq!(LoginMethod::parse(LoginMethod::Simulator.as_str()), Some(LoginMethod::Simulator));
    }

    #[test]
    fn the_state_of_a_login_does_not_print() {
        assert!(!format!("{:?}", LoginState::new("verifier".to_owned())).contains("verifier"));
    }
}
