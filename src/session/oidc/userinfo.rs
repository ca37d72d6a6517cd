//! Userinfo (OpenID Connect Core section 5.3): the claims about the person, in exactly the form that the configuration asks.

use jiff::Timestamp;
use serde_json::Value;

use super::claims::{IdToken, signed_by};
use super::provider::Known;
use super::remote::Answer;
use super::tokens::Tokens;
use super::{LEEWAY, OidcError, RelyingParty, Userinfo};
use crate::jose::{Claims, Decrypted, Jwe, JwsError};

impl RelyingParty {
    /// Userinfo about the person of the id_token; `None` when the configuration does not ask for it.
    pub(super) async fn userinfo(&self, id_token: &IdToken, tokens: &Tokens) -> Result<Option<Claims>, OidcError> {
        if self.config.userinfo == Userinfo::None {
            return Ok(None);
        }
        let known = id_token.known();
        let endpoint = known.metadata.userinfo.as_ref().ok_or(OidcError::Unsupported("userinfo"))?;
        let answer = self.remote.get_with(endpoint, &tokens.access_token).await?.ok()?;
        let claims = self.read(known, &answer)?;
        // Section 5.3.2: without this, claims of one person could be put beside the login of another.
        if claims.text("sub") == Some(id_token.subject()) { Ok(Some(claims)) } else { Err(OidcError::OtherPerson) }
    }

    fn read(&self, known: &Known, answer: &Answer) -> Result<Claims, OidcError> {
        let expected = if self.config.userinfo == Userinfo::Plain { "application/json" } else { "application/jwt" };
        if answer.media_type != expected {
            return Err(match self.config.userinfo {
                Userinfo::Signed => OidcError::Userinfo(JwsError::Form),
                Userinfo::None | Userinfo::Plain | Userinfo::Encrypted | Userinfo::SignedEncrypted => {
                    OidcError::MediaType
                }
            });
        }
        let body = answer.text().ok_or(OidcError::UserinfoClaims)?;
        match self.config.userinfo {
            Userinfo::None | Userinfo::Plain => parse(body),
            Userinfo::Encrypted => parse(self.open(body)?.text().ok_or(OidcError::UserinfoClaims)?),
            Userinfo::Signed => self.signed(known, body),
            Userinfo::SignedEncrypted => {
                let opened = self.open(body)?;
                self.signed(known, opened.nested().ok_or(OidcError::Userinfo(JwsError::Form))?)
            }
        }
    }

    fn open(&self, body: &str) -> Result<Decrypted, OidcError> {
        let sealed = Jwe::parse(body).map_err(OidcError::SealedUserinfo)?;
        sealed.decrypt(&self.keys.decryption).map_err(OidcError::SealedUserinfo)
    }

    /// Signed userinfo names its issuer and us (section 5.3.2), or it could be an answer to somebody else.
    fn signed(&self, known: &Known, token: &str) -> Result<Claims, OidcError> {
        let claims = signed_by(known, token).map_err(OidcError::Userinfo)?.into_value();
        let from_the_issuer = claims.text("iss") == Some(&self.config.issuer);
        let for_us = names(claims.value("aud"), &self.config.client_id);
        let still_valid = claims.value("exp").is_none_or(|exp| is_after(exp, self.clock.now()));
        if from_the_issuer && for_us && still_valid { Ok(claims) } else { Err(OidcError::UserinfoClaims) }
    }
}

fn parse(text: &str) -> Result<Claims, OidcError> {
    serde_json::from_str(text).map_err(|_| OidcError::UserinfoClaims)
}

fn names(audience: Option<&Value>, client_id: &str) -> bool {
    match audience {
        Some(Value::Array(listed)) => listed.iter().any(|one| one == client_id),
        Some(one) => one == client_id,
        None => false,
    }
}

fn is_after(exp: &Value, now: Timestamp) -> bool {
    let expires = exp.as_i64().and_then(|seconds| Timestamp::from_second(seconds).ok());
    let earliest = now.saturating_sub(LEEWAY).unwrap_or(Timestamp::MIN);
    expires.is_some_and(|expires| expires > earliest)
}
