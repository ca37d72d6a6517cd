//! The right to ask a HIS that gives tokens: SMART Backend Services (HL7 SMART App Launch 2.2, backend-services.html). The
//! gateway proves with its key who it is (`private_key_jwt`, RFC 7523 section 2.2) and gets a token for some minutes. While one
//! is good a request does not wait for the next: it is fetched in the background before the end. One fetch at a time.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;
use zeroize::Zeroize;

use super::pool::{Pool, Wanted};
use super::{AnswerBody, HisError};
use crate::clock::SharedClock;
use crate::form::encode_pairs;
use crate::jose::{SignatureAlgorithm, SigningKey};
use crate::medmij::LocalId;
use crate::secret::{Handle, Secret};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Seconds that a proof lives; SMART allows five minutes.
const PROOF_SECONDS: i64 = 60;
/// A token that lives longer is fetched anew all the same, so that a right that was taken back does not outlive it by much.
const LONGEST_LIFE: Duration = Duration::from_secs(3600);
/// A token is not used in the last seconds of its life: the request takes time, and clocks differ.
const MARGIN: Duration = Duration::from_secs(5);
/// How long a fetch in the background may take.
const BACKGROUND_DEADLINE: Duration = Duration::from_secs(10);
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Who the gateway is to an installation, and where it gets its tokens.
pub struct SmartConfig {
    /// URL of the token endpoint, for which the proof is made out.
    pub url: String,
    /// The id under which the gateway is registered.
    pub client_id: String,
    /// What it may do: `system/*.rs` to read.
    pub scope: String,
    /// The key whose public half is registered, on P-384.
    pub key: SigningKey,
}

/// The tokens of an installation cannot be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SmartError {
    /// The key cannot sign the way SMART asks (client-confidential-asymmetric.html: ES384 or RS384; we sign with the first).
    #[error("SMART Backend Services are asked with a key on P-384 (ES384)")]
    Algorithm,
    /// The address is no URL.
    #[error("the token endpoint is no https URL")]
    Url,
}

/// The tokens of one installation. Prints as nothing.
pub struct Tokens {
    config: SmartConfig,
    target: Uri,
    authority: HeaderValue,
    pool: Arc<Pool>,
    clock: SharedClock,
    held: ArcSwapOption<Held>,
    turn: Semaphore,
}

/// A token as it goes out, and its times.
struct Held {
    authorization: HeaderValue,
    renew_at: Instant,
    until: Instant,
}

/// An answer of the token endpoint (RFC 6749 section 5.1); SMART requires `expires_in`.
#[derive(Deserialize)]
struct Written {
    access_token: String,
    token_type: String,
    expires_in: u64,
}

impl Drop for Written {
    fn drop(&mut self) {
        self.access_token.zeroize();
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens([redacted])")
    }
}

impl Tokens {
    /// No token yet; the first request fetches one.
    ///
    /// # Errors
    /// See [`SmartError`].
    pub fn new(config: SmartConfig, pool: Arc<Pool>, clock: SharedClock) -> Result<Arc<Self>, SmartError> {
        if config.key.algorithm() != SignatureAlgorithm::Es384 {
            return Err(SmartError::Algorithm);
        }
        let url: Uri = config.url.parse().map_err(|_| SmartError::Url)?;
        let authority = url.authority().ok_or(SmartError::Url)?;
        let authority = HeaderValue::from_str(authority.as_str()).map_err(|_| SmartError::Url)?;
        let target = Uri::from(url.path_and_query().cloned().ok_or(SmartError::Url)?);
        let (held, turn) = (ArcSwapOption::empty(), Semaphore::new(1));
        Ok(Arc::new(Self { config, target, authority, pool, clock, held, turn }))
    }

    /// The value of `Authorization` for a request.
    ///
    /// # Errors
    /// See [`HisError`]; `Refused` when the HIS gives us no token.
    pub async fn authorization(self: &Arc<Self>, deadline: Instant) -> Result<HeaderValue, HisError> {
        let now = self.clock.monotonic();
        match self.held.load_full() {
            Some(held) if now < held.renew_at => Ok(held.authorization.clone()),
            Some(held) if now < held.until => {
                self.renew();
                Ok(held.authorization.clone())
            }
            _ => self.fetch_in_turn(deadline).await,
        }
    }

    /// The HIS did not take this value, so nobody sends it again.
    pub fn refused(&self, authorization: &HeaderValue) {
        let held = self.held.load_full();
        if let Some(held) = held.filter(|held| held.authorization == authorization) {
            // Another that came in the meantime stays.
            self.held.compare_and_swap(&held, None);
        }
    }

    /// Fetches the next token while the present one is good. It ends by its own deadline.
    fn renew(self: &Arc<Self>) {
        if self.turn.available_permits() > 0 {
            let tokens = Arc::clone(self);
            tokio::spawn(async move {
                let Ok(_turn) = tokens.turn.try_acquire() else { return };
                let deadline = tokens.clock.monotonic() + BACKGROUND_DEADLINE;
                // Without one, the requests after the end of the present token tell.
                let _ = tokens.fetch(deadline).await;
            });
        }
    }

    async fn fetch_in_turn(&self, deadline: Instant) -> Result<HeaderValue, HisError> {
        let left = deadline.saturating_duration_since(self.clock.monotonic());
        let turn = tokio::time::timeout(left, self.turn.acquire()).await.map_err(|_| HisError::TimedOut)?;
        let _turn = turn.map_err(|_| HisError::Busy)?;
        // Whoever had the turn before may have fetched one.
        let now = self.clock.monotonic();
        match self.held.load_full().filter(|held| now < held.until) {
            Some(held) => Ok(held.authorization.clone()),
            None => self.fetch(deadline).await,
        }
    }

    async fn fetch(&self, deadline: Instant) -> Result<HeaderValue, HisError> {
        let asked = self.clock.monotonic();
        let received = self.pool.exchange(&self.request()?, Wanted::Judged, deadline).await?;
        match (received.head.status, received.body) {
            (StatusCode::OK, AnswerBody::Whole(body)) => self.hold(&body, asked),
            (StatusCode::OK, AnswerBody::Large(_)) => Err(HisError::TooLarge),
            (StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => Err(HisError::Refused),
            (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, _) => Err(HisError::Busy),
            (StatusCode::GATEWAY_TIMEOUT, _) => Err(HisError::TimedOut),
            _ => Err(HisError::Nonsense),
        }
    }

    fn hold(&self, body: &[u8], asked: Instant) -> Result<HeaderValue, HisError> {
        let held = Held::read(body, asked).ok_or(HisError::Nonsense)?;
        let authorization = held.authorization.clone();
        self.held.store(Some(Arc::new(held)));
        Ok(authorization)
    }

    fn request(&self) -> Result<Request<Bytes>, HisError> {
        let proof = self.proof(self.clock.now())?;
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut form = [
            pair("grant_type", "client_credentials"),
            pair("scope", &self.config.scope),
            pair("client_assertion_type", ASSERTION_TYPE),
            pair("client_assertion", proof.reveal()),
        ];
        let mut request = Request::new(Bytes::from(encode_pairs(&form)));
        form.iter_mut().for_each(|(_, value)| value.zeroize());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.target.clone();
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.authority.clone());
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let id = LocalId::new(self.clock.now()).to_string();
        headers.insert(X_REQUEST_ID, HeaderValue::from_str(&id).map_err(|_| HisError::Nonsense)?);
        Ok(request)
    }

    fn proof(&self, now: Timestamp) -> Result<Secret<String>, HisError> {
        let SmartConfig { client_id, url, key, .. } = &self.config;
        let claims = json!({
            "iss": client_id,
            "sub": client_id,
            "aud": url,
            "jti": Handle::draw().reveal(),
            "iat": now.as_second(),
            "exp": now.as_second().saturating_add(PROOF_SECONDS),
        });
        key.sign("JWT", &claims).map_err(|_| HisError::Refused)
    }
}

impl Held {
    /// Reads an answer; `None` when it is no bearer token that lives long enough to be used.
    fn read(body: &[u8], asked: Instant) -> Option<Self> {
        let written: Written = serde_json::from_slice(body).ok()?;
        let usable = written.token_type.eq_ignore_ascii_case("bearer") && is_token(&written.access_token);
        let life = Duration::from_secs(written.expires_in).min(LONGEST_LIFE).checked_sub(MARGIN)?;
        let mut text = format!("Bearer {}", written.access_token);
        let authorization = HeaderValue::from_str(&text);
        text.zeroize();
        let mut authorization = authorization.ok().filter(|_| usable && !life.is_zero())?;
        authorization.set_sensitive(true);
        Some(Self { authorization, renew_at: asked + life.mul_f32(0.7), until: asked + life })
    }
}

/// RFC 6750 section 2.1: b64token.
fn is_token(text: &str) -> bool {
    let fits = |c: u8| c.is_ascii_alphanumeric() || b"-._~+/=".contains(&c);
    !text.is_empty() && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, TestClock};

    fn read(body: &str) -> Option<Held> {
        let clock = TestClock::at("2026-11-21T11:00:00Z".parse().unwrap());
        Held::read(body.as_bytes(), clock.monotonic())
    }

    #[test]
    fn a_bearer_token_has_an_end_and_is_renewed_before_it() {
        let held = read(r#"{"access_token":"a.b-c","token_type":"Bearer","expires_in":300,"scope":"x"}"#).unwrap();
        assert_eq!(held.authorization, "Bearer a.b-c");
        assert!(held.authorization.is_sensitive(), "so that it prints nowhere");
        assert!(held.renew_at < held.until);
        let clock = TestClock::at("2026-11-21T11:00:00Z".parse().unwrap());
        let long = Held::read(br#"{"access_token":"a","token_type":"bearer","expires_in":999999}"#, clock.monotonic());
        clock.advance(LONGEST_LIFE);
        assert!(long.unwrap().until < clock.monotonic());
    }

    #[test]
    fn anything_else_is_no_token() {
        for body in [
            "",
            "[]",
            r#"{"access_token":"a","token_type":"bearer"}"#,
            r#"{"access_token":"","token_type":"bearer","expires_in":300}"#,
            r#"{"access_token":"a\r\nX: y","token_type":"bearer","expires_in":300}"#,
            r#"{"access_token":"a","token_type":"mac","expires_in":300}"#,
            r#"{"access_token":"a","token_type":"bearer","expires_in":5}"#,
            r#"{"access_token":"a","token_type":"bearer","expires_in":-1}"#,
        ] {
            assert!(read(body).is_none(), "{body}");
        }
    }
}
