//! The way to the provider: the authorization request (OpenID Connect Core section 3.1.2.1), and what we keep of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use super::OidcConfig;
use super::metadata::Metadata;
use crate::language::Language;
use crate::secret::{Handle, Secret, sha256};
use crate::session::login::LoginState;

/// A person on their way: what the answer must fit.
pub(super) struct Departed {
    /// `code_verifier` (RFC 7636 section 4.1): 43 characters, 256 random bits.
    pub(super) verifier: Secret<String>,
    /// Comes back inside the id_token.
    pub(super) nonce: Secret<String>,
    /// When they left, in whole seconds.
    pub(super) at: Timestamp,
}

impl Departed {
    pub(super) fn now(now: Timestamp) -> Self {
        let draw = || Secret::new(Handle::draw().reveal().to_owned());
        let at = Timestamp::from_second(now.as_second()).unwrap_or(now);
        Self { verifier: draw(), nonce: draw(), at }
    }

    /// Where the browser goes; `ticket` is the `state` that it brings back.
    pub(super) fn address(&self, metadata: &Metadata, config: &OidcConfig, ticket: &str, language: Language) -> String {
        let mut url = metadata.authorization.url().clone();
        let scope = [&["openid".to_owned()], config.scopes.as_slice()].concat().join(" ");
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("response_type", "code");
            query.append_pair("client_id", &config.client_id);
            query.append_pair("redirect_uri", &config.redirect_uri);
            query.append_pair("scope", &scope);
            query.append_pair("state", ticket);
            query.append_pair("nonce", self.nonce.reveal());
            query.append_pair("code_challenge", &self.challenge());
            query.append_pair("code_challenge_method", "S256");
            query.append_pair("ui_locales", language.tag());
            if !config.acr_values.is_empty() {
                query.append_pair("acr_values", &config.acr_values.join(" "));
            }
            if config.fresh_login {
                // The same as prompt=login, but with an auth_time to hold it against (section 15.1).
                query.append_pair("max_age", "0");
            }
        }
        url.into()
    }

    /// RFC 7636 section 4.2.
    fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(sha256(self.verifier.reveal().as_bytes()))
    }

    pub(super) fn into_state(self) -> LoginState {
        LoginState::new(format!("{}.{}.{}", self.verifier.reveal(), self.nonce.reveal(), self.at.as_second()))
    }

    pub(super) fn read(state: &LoginState) -> Option<Self> {
        let (verifier, rest) = state.reveal().split_once('.')?;
        let (nonce, at) = rest.split_once('.')?;
        let at = Timestamp::from_second(at.parse().ok()?).ok()?;
        Some(Self { verifier: Secret::new(verifier.to_owned()), nonce: Secret::new(nonce.to_owned()), at })
    }
}
