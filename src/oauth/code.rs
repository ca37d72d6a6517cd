//! Authorization codes: random, short-lived, spent by their first presentation (core.tknint.204).

use jiff::Timestamp;

use super::authorize::RedirectUri;
use super::grant::Grant;
use super::store::StoreFuture;
use crate::secret::HandleHash;

/// What a code stands for until it is spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedCode {
    /// SHA-256 of the code.
    pub hash: HandleHash,
    /// The redirect URI of the authorization request; the token request must repeat it (core.tknint.205).
    pub redirect_uri: RedirectUri,
    /// After this moment the code is of no use (900 s after issue).
    pub expires: Timestamp,
    /// What the person consented to.
    pub grant: Grant,
}

/// What became of a presented code. In each case it is of no use any more.
#[derive(Debug)]
pub enum Presented {
    /// This was its first presentation.
    First(Box<IssuedCode>),
    /// It was presented before: whoever holds its token must lose it (RFC 6749 section 4.1.2).
    Again {
        /// The grant that the first presentation may have led to.
        grant: crate::medmij::LocalId,
    },
    /// There is no such code.
    Unknown,
}

/// Where codes wait to be presented.
pub trait CodeStore: Send + Sync + 'static {
    /// Keeps a new code.
    fn keep(&self, code: IssuedCode) -> StoreFuture<'_, ()>;

    /// Spends a code, in one atomic step: of any number of presentations at once exactly one is the first.
    fn present(&self, hash: HandleHash, now: Timestamp) -> StoreFuture<'_, Presented>;
}
