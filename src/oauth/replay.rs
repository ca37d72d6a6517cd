//! Ids that are good for one use: the `jti` of assertions (RFC 7523 section 3, rule 7).

use jiff::Timestamp;

use super::store::StoreFuture;
use crate::medmij::Hostname;
use crate::secret::{HandleHash, sha256};

/// The id of an assertion, as a store keeps it: one client's ids never meet another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsedId {
    /// SHA-256 of client and id.
    pub hash: HandleHash,
    /// Until when the assertion could be presented again; it is forgotten afterwards.
    pub expires: Timestamp,
}

impl UsedId {
    /// Of an assertion of this client that is of no use after `expires`.
    #[must_use]
    pub fn of(client: &Hostname, jti: &str, expires: Timestamp) -> Self {
        // A host name has no NUL, so no two pairs write the same bytes.
        Self { hash: sha256(format!("inzage jti {client}\0{jti}").as_bytes()), expires }
    }

    /// Of a login or a session of somebody at work, by the handle that only their browser has; it ends at `expires` by itself.
    #[must_use]
    pub fn of_login(handle: &str, expires: Timestamp) -> Self {
        Self { hash: sha256(format!("inzage login {handle}").as_bytes()), expires }
    }
}

/// Where used ids are remembered.
pub trait ReplayStore: Send + Sync + 'static {
    /// Remembers an id, in one atomic step: of any number of presentations at once exactly one is told `true`.
    fn first_use(&self, id: UsedId) -> StoreFuture<'_, bool>;

    /// Whether an id was used, for who only looks.
    fn is_used(&self, hash: HandleHash) -> StoreFuture<'_, bool>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_and_id_both_count() {
        let host = |name| Hostname::parse(name).unwrap();
        let id = |client, jti| UsedId::of(&host(client), jti, Timestamp::UNIX_EPOCH).hash;
        assert_eq!(id("a.example", "1"), id("a.example", "1"));
        assert_ne!(id("a.example", "1"), id("a.example", "2"));
        assert_ne!(id("a.example", "1"), id("b.example", "1"));
    }
}
