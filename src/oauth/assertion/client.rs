//! `private_key_jwt`: the portal proves with its key that it is itself (RFC 7523 section 2.2), beside its certificate.

use super::{AssertionError, AssertionRules};
use crate::medmij::Hostname;

/// The only `client_assertion_type`.
pub const CLIENT_ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A portal that proved with its key that it is itself. Only [`ProvenClient::prove`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenClient(Hostname);

impl ProvenClient {
    /// Verifies a `client_assertion` and spends it: `iss` and `sub` are the client_id (RFC 7523 section 3, rules 1 and 2).
    ///
    /// # Errors
    /// See [`AssertionError`].
    pub async fn prove(assertion: &str, rules: &AssertionRules<'_>) -> Result<Self, AssertionError> {
        rules.spend(assertion, Some(rules.client.as_str())).await?;
        Ok(Self(rules.client.clone()))
    }

    /// The client_id.
    #[must_use]
    pub const fn id(&self) -> &Hostname {
        &self.0
    }
}
