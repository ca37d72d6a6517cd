//! Grants: what a person allowed a client, and the access tokens that stand for it.

use std::sync::Arc;

use jiff::Timestamp;

use super::store::StoreFuture;
use crate::medmij::{Bsn, CorrelationId, Hostname, LocalId, ProviderName, ServiceId};
use crate::secret::HandleHash;

/// A person's consent, as far as tokens need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its id; audit records refer to it.
    pub id: LocalId,
    /// The client that asked (MedMij: a host name on the OAuth client list).
    pub client: Hostname,
    /// The practice whose data may be collected.
    pub provider: ProviderName,
    /// The services that were available when the person consented.
    pub services: Vec<ServiceId>,
    /// Whose data it is. Stored sealed only.
    pub subject: Bsn,
    /// `X-Correlation-ID` of the authorization request.
    pub correlation: Option<CorrelationId>,
    /// When the person consented.
    pub consented: Timestamp,
}

/// An access token as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// SHA-256 of the token.
    pub hash: HandleHash,
    /// After this moment it is refused (900 s after issue).
    pub expires: Timestamp,
    /// What it stands for.
    pub grant: Arc<Grant>,
}

/// Where tokens live.
pub trait TokenStore: Send + Sync + 'static {
    /// Keeps a new token.
    fn keep(&self, token: IssuedToken) -> StoreFuture<'_, ()>;

    /// The token with this hash, expired or not, unless its grant was ended.
    fn find(&self, hash: HandleHash) -> StoreFuture<'_, Option<IssuedToken>>;

    /// Ends a grant: its tokens are refused from now on.
    fn end(&self, grant: LocalId, now: Timestamp) -> StoreFuture<'_, ()>;
}
