//! The port to login services: who is at the browser? The sandbox has a simulator; DigiD comes by the same port.

use crate::medmij::{Bsn, LocalId};
use crate::secret::Handle;

/// A person whose identity a login service vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticatedPerson {
    /// Their citizen service number.
    pub bsn: Bsn,
}

/// How a login ended without a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginEnd {
    /// The person went back.
    #[error("the person cancelled at the login service")]
    Cancelled,
    /// The login service did not vouch for them.
    #[error("the login failed")]
    Failed,
    /// The person typed something that is no BSN; they may try again.
    #[error("what was typed is no citizen service number")]
    NotABsn,
}

/// Whether the person was at the login page before, in this visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// They come for the first time.
    First,
    /// What they typed was no citizen service number.
    AfterATypo,
}

/// A login service. `start` says where the browser goes; `finish` reads what it comes back with.
pub trait IdentityProvider: Send + Sync + 'static {
    /// The address of the login page for a visit. The service must bring `nonce` back; it ties its answer to the visit.
    fn start(&self, visit: LocalId, nonce: &Handle, attempt: Attempt) -> String;

    /// Reads the fields that the browser brings back.
    ///
    /// # Errors
    /// How the login ended without a person.
    fn finish(&self, fields: &[(String, String)]) -> Result<AuthenticatedPerson, LoginEnd>;
}
