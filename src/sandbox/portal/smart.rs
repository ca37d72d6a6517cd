//! The portal's side of SMART App Launch: finds the server from the FHIR base, sends the person off, and exchanges the code.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::client::PortalClient;
use crate::form::encode_pairs;
use crate::sandbox::client::{ClientError, Reply, TokenAnswer, token_answer};
use crate::secret::{Handle, sha256};

/// What the server says of itself, as far as the portal needs it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Server {
    /// Who it is; its answers name it (RFC 9207).
    pub issuer: String,
    /// Where people are sent.
    pub authorization_endpoint: String,
    /// Where codes are exchanged.
    pub token_endpoint: String,
    /// Where tokens are given back (RFC 7009).
    pub revocation_endpoint: String,
}

/// A person about to leave for the server, and what the portal keeps until they come back.
pub struct Departure {
    /// Where to send them.
    pub address: String,
    /// What comes back with them.
    pub state: String,
    /// What the code is brought with (RFC 7636).
    pub verifier: String,
}

impl PortalClient {
    /// Reads the SMART configuration under a FHIR base.
    ///
    /// # Errors
    /// When there is none.
    pub async fn discover(&self, base: &str) -> Result<Server, ClientError> {
        let url = format!("{base}/.well-known/smart-configuration");
        Ok(self.back.http().get(url).send().await?.error_for_status()?.json().await?)
    }

    /// Prepares a departure to read `scope` under `base`. The gateway notes the correlation id with what comes of it.
    #[must_use]
    pub fn depart(&self, server: &Server, base: &str, scope: &str, correlation_id: &str) -> Departure {
        let (state, verifier) = (Handle::draw().reveal().to_owned(), Handle::draw().reveal().to_owned());
        let mut pairs = self.question(base, scope, &state, &verifier);
        pairs.push(("X-Correlation-ID".to_owned(), correlation_id.to_owned()));
        let address = format!("{}?{}", server.authorization_endpoint, encode_pairs(&pairs));
        Departure { address, state, verifier }
    }

    /// The parameters of an authorization request.
    #[must_use]
    pub fn question(&self, base: &str, scope: &str, state: &str, verifier: &str) -> Vec<(String, String)> {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![
            pair("response_type", "code"),
            pair("client_id", &self.back.client_id),
            pair("redirect_uri", &self.back.redirect_uri),
            pair("scope", scope),
            pair("state", state),
            pair("aud", base),
            pair("code_challenge", &URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()))),
            pair("code_challenge_method", "S256"),
        ]
    }

    /// The form with which a code is exchanged; the portal proves itself with its key, too.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn code_form(&self, server: &Server, code: &str, verifier: &str) -> Result<Vec<(String, String)>, ClientError> {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Ok(vec![
            pair("grant_type", "authorization_code"),
            pair("code", code),
            pair("client_id", &self.back.client_id),
            pair("redirect_uri", &self.back.redirect_uri),
            pair("code_verifier", verifier),
            pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            pair("client_assertion", &self.sign(&self.client_claims(&server.token_endpoint))?),
        ])
    }

    /// Exchanges a code.
    ///
    /// # Errors
    /// When there is no token.
    pub async fn redeem(
        &self,
        server: &Server,
        code: &str,
        verifier: &str,
        correlation_id: &str,
    ) -> Result<TokenAnswer, ClientError> {
        let form = self.code_form(server, code, verifier)?;
        token_answer(&self.back.token_request(&server.token_endpoint, &form, correlation_id).await?)
    }

    /// Gives a token back, of either way: it opens nothing any more (RFC 7009).
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn give_back(&self, server: &Server, token: &str, correlation_id: &str) -> Result<Reply, ClientError> {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let form = [pair("token", token), pair("client_id", &self.back.client_id)];
        self.back.token_request(&server.revocation_endpoint, &form, correlation_id).await
    }
}
