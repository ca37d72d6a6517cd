//! A code becomes tokens at the provider's token endpoint (OpenID Connect Core section 3.1.3).

use serde::Deserialize;
use zeroize::Zeroize;

use super::assertion::{ASSERTION_TYPE, sign};
use super::departure::Departed;
use super::provider::Known;
use super::remote::Answer;
use super::{OidcError, RelyingParty};
use crate::secret::Secret;

/// What the provider gave for the code.
pub(super) struct Tokens {
    pub(super) id_token: Secret<String>,
    pub(super) access_token: Secret<String>,
}

#[derive(Deserialize)]
struct Written {
    access_token: String,
    token_type: String,
    id_token: String,
}

#[derive(Deserialize)]
struct WrittenError {
    error: String,
}

impl RelyingParty {
    pub(super) async fn exchange(
        &self,
        known: &Known,
        code: &Secret<String>,
        departed: &Departed,
    ) -> Result<Tokens, OidcError> {
        let assertion = sign(&self.config, &known.metadata, &self.keys.signing, self.clock.now())?;
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut form = [
            pair("grant_type", "authorization_code"),
            pair("code", code.reveal()),
            pair("redirect_uri", &self.config.redirect_uri),
            pair("code_verifier", departed.verifier.reveal()),
            pair("client_id", &self.config.client_id),
            pair("client_assertion_type", ASSERTION_TYPE),
            pair("client_assertion", assertion.reveal()),
        ];
        let answer = self.remote.post(&known.metadata.token, &form).await;
        form.iter_mut().for_each(|(_, value)| value.zeroize());
        Tokens::read(answer?)
    }
}

impl Tokens {
    fn read(answer: Answer) -> Result<Self, OidcError> {
        match answer.status {
            200 => Self::parse(answer.json()?.text().unwrap_or_default()),
            400 | 401 => Err(refusal(&answer)),
            status => Err(OidcError::Status { status }),
        }
    }

    /// RFC 6749 section 5.1: the type of a token is compared without regard to case.
    pub(super) fn parse(text: &str) -> Result<Self, OidcError> {
        let written: Written = serde_json::from_str(text).map_err(|_| OidcError::Tokens)?;
        let usable = written.token_type.eq_ignore_ascii_case("bearer") && is_token(&written.access_token);
        let tokens = Self { id_token: Secret::new(written.id_token), access_token: Secret::new(written.access_token) };
        if usable { Ok(tokens) } else { Err(OidcError::Tokens) }
    }
}

/// RFC 6750 section 2.1 in short: something that can stand in a header.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// RFC 6749 section 5.2.
fn refusal(answer: &Answer) -> OidcError {
    let written: Option<WrittenError> = answer.text().and_then(|text| serde_json::from_str(text).ok());
    match written.as_ref().map(|written| written.error.as_str()) {
        Some("invalid_grant") => OidcError::CodeRefused,
        Some(_) => OidcError::ClientRefused,
        None => OidcError::Status { status: answer.status },
    }
}
