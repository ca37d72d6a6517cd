//! The back end of a portal: proves itself with its key, says who is logged in, and asks for data. It knows the gateway only
//! from the outside.

use std::path::Path;

use serde_json::{Value, json};

use crate::clock::SharedClock;
use crate::jose::{Jwks, SigningKey, encrypt};
use crate::sandbox::client::{ClientError, Endpoints, PgoClient, Reply, TokenAnswer, new_id, token_answer};

/// How long its assertions live, in seconds.
const LIFETIME_SECONDS: i64 = 60;

/// A portal's back end.
pub struct PortalClient {
    /// Its side of mutual TLS, its client_id and its redirect URI.
    pub back: PgoClient,
    key: SigningKey,
    clock: SharedClock,
}

impl PortalClient {
    /// A portal that signs with this private JWK.
    ///
    /// # Errors
    /// When the file holds none.
    pub fn new(back: PgoClient, key: &Path, clock: SharedClock) -> Result<Self, ClientError> {
        let text = std::fs::read_to_string(key).map_err(|_| ClientError::Key)?;
        let key = SigningKey::parse(&text).map_err(|_| ClientError::Key)?;
        Ok(Self { back, key, clock })
    }

    /// What every assertion says: who makes it, for whom, and for how long.
    #[must_use]
    pub fn claims(&self, subject: &str, audience: &str) -> Value {
        let now = self.clock.now().as_second();
        json!({
            "iss": self.back.client_id,
            "sub": subject,
            "aud": audience,
            "jti": new_id(),
            "iat": now,
            "exp": now.saturating_add(LIFETIME_SECONDS),
        })
    }

    /// That the portal is itself (RFC 7523 section 2.2).
    #[must_use]
    pub fn client_claims(&self, audience: &str) -> Value {
        self.claims(&self.back.client_id, audience)
    }

    /// Who is logged in (RFC 7523 section 2.1).
    #[must_use]
    pub fn person_claims(&self, bsn: &str, audience: &str) -> Value {
        let mut claims = self.claims("een-account-van-het-portaal", audience);
        if let Some(members) = claims.as_object_mut() {
            members.insert("bsn".to_owned(), bsn.into());
        }
        claims
    }

    /// Signs claims.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign(&self, claims: &Value) -> Result<String, ClientError> {
        self.key.sign("JWT", claims).map(|token| token.reveal().clone()).map_err(|_| ClientError::Key)
    }

    /// Encrypts a signed token to the key that the gateway publishes.
    ///
    /// # Errors
    /// When it publishes none.
    pub async fn seal(&self, token: &str, endpoints: &Endpoints) -> Result<String, ClientError> {
        let url = endpoints.token.replace("/oauth/token", "/.well-known/jwks.json");
        let text = self.back.http().get(url).send().await?.error_for_status()?.text().await?;
        let keys = Jwks::parse_published(&text).map_err(|_| ClientError::Key)?;
        let key = keys.keys().first().ok_or(ClientError::Key)?;
        encrypt(token.as_bytes(), key, Some("JWT")).map(|token| token.reveal().clone()).map_err(|_| ClientError::Key)
    }

    /// The form with which a token for this person is asked.
    ///
    /// # Errors
    /// When it cannot be signed or encrypted.
    pub async fn form(
        &self,
        endpoints: &Endpoints,
        bsn: &str,
        scope: &str,
    ) -> Result<Vec<(String, String)>, ClientError> {
        let person = self.sign(&self.person_claims(bsn, &endpoints.token))?;
        let pair = |name: &str, value: String| (name.to_owned(), value);
        Ok(vec![
            pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned()),
            pair("assertion", self.seal(&person, endpoints).await?),
            pair("client_id", self.back.client_id.clone()),
            pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned()),
            pair("client_assertion", self.sign(&self.client_claims(&endpoints.token))?),
            pair("scope", scope.to_owned()),
        ])
    }

    /// Sends a form to the token endpoint.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn present(&self, endpoints: &Endpoints, form: &[(String, String)]) -> Result<Reply, ClientError> {
        self.back.token_request(&endpoints.token, form, &new_id()).await
    }

    /// A token for a person who is logged in.
    ///
    /// # Errors
    /// When there is none.
    pub async fn assert(
        &self,
        endpoints: &Endpoints,
        bsn: &str,
        scope: &str,
        correlation_id: &str,
    ) -> Result<TokenAnswer, ClientError> {
        let form = self.form(endpoints, bsn, scope).await?;
        token_answer(&self.back.token_request(&endpoints.token, &form, correlation_id).await?)
    }
}
