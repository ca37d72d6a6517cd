//! The token endpoint of an emulated HIS: SMART Backend Services (HL7 SMART App Launch 2.2, backend-services.html). The
//! gateway proves with its key who it is; each proof is good for one token, and each token for five minutes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::{Answer, JSON, json_answer};
use crate::form::{decode_pairs, single};
use crate::jose::{AudienceRule, Expected, Jwks, Jws, Rules, SignatureAlgorithm};
use crate::secret::{Handle, sha256};

/// How long a token is good.
const TOKEN_LIFE: Duration = Duration::from_secs(300);
/// The longest life of a proof (SMART App Launch, client-confidential-asymmetric.html).
const PROOF_LIFE: Duration = Duration::from_secs(300);
/// Tokens and spent proofs that are remembered at most; beyond it nobody gets a token until some have passed.
const REMEMBERED_MAX: usize = 10_000;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A token endpoint and the tokens it gave.
#[derive(Debug)]
pub struct TokenDesk {
    client_id: String,
    keys: Jwks,
    url: String,
    path: String,
    /// Hashes of tokens, and ids of proofs, each until its end.
    tokens: Mutex<Until<[u8; 32]>>,
    proofs: Mutex<Until<String>>,
}

type Until<T> = HashMap<T, Timestamp>;

/// Why there is no token (RFC 6749 section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum NoToken {
    #[error("invalid_request")]
    Request,
    #[error("unsupported_grant_type")]
    Grant,
    #[error("invalid_scope")]
    Scope,
    #[error("invalid_client")]
    Client,
}

impl TokenDesk {
    /// A desk at `url` for the one client that is registered, with its public keys.
    #[must_use]
    pub fn new(url: &str, client_id: &str, keys: Jwks) -> Self {
        let path = url.match_indices('/').nth(2).and_then(|(at, _)| url.get(at..)).unwrap_or("/").to_owned();
        let (tokens, proofs) = (Mutex::default(), Mutex::default());
        Self { client_id: client_id.to_owned(), keys, url: url.to_owned(), path, tokens, proofs }
    }

    /// Forgets every token, as a system does that was restarted.
    pub fn revoke_all(&self) {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The answer to a request for a token, or for where the desk is; `None` for any other request.
    pub(super) fn answer(&self, base: &str, request: &Parts, body: &Bytes, now: Timestamp) -> Option<Answer> {
        let path = request.uri.path();
        if path == self.path {
            return Some(self.token(request, body, now).unwrap_or_else(refused));
        }
        let described = format!("{base}/.well-known/smart-configuration").ends_with(path);
        (described && path.ends_with("/.well-known/smart-configuration")).then(|| self.description())
    }

    /// Whether the request carries a living token.
    pub(super) fn admits(&self, request: &Parts, now: Timestamp) -> bool {
        let shown = request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(token) = shown.and_then(|text| text.strip_prefix("Bearer ")) else { return false };
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(&sha256(token.as_bytes())).is_some_and(|until| *until > now)
    }

    fn token(&self, request: &Parts, body: &Bytes, now: Timestamp) -> Result<Answer, NoToken> {
        if request.method != Method::POST {
            return Err(NoToken::Request);
        }
        let text = std::str::from_utf8(body).map_err(|_| NoToken::Request)?;
        let form = decode_pairs(text).map_err(|_| NoToken::Request)?;
        if single(&form, "grant_type") != Some("client_credentials") {
            return Err(NoToken::Grant);
        }
        let scope = single(&form, "scope").ok_or(NoToken::Scope)?;
        if scope.is_empty() || !scope.split(' ').all(|scope| scope.starts_with("system/")) {
            return Err(NoToken::Scope);
        }
        if single(&form, "client_assertion_type") != Some(ASSERTION_TYPE) {
            return Err(NoToken::Client);
        }
        self.prove(single(&form, "client_assertion").ok_or(NoToken::Client)?, now)?;
        let token = Handle::draw();
        remember(&self.tokens, sha256(token.reveal().as_bytes()), later(now, TOKEN_LIFE), now)?;
        Ok(Answer {
            media_type: JSON,
            ..json_answer(&json!({"access_token": token.reveal(), "token_type": "bearer",
            "expires_in": TOKEN_LIFE.as_secs(), "scope": scope}))
        })
    }

    /// The signature is one of the registered keys, the claims are for this desk, and the proof was not used before.
    fn prove(&self, assertion: &str, now: Timestamp) -> Result<(), NoToken> {
        let rules = Rules { algorithms: &[SignatureAlgorithm::Es384], typ: None };
        let verified = Jws::parse(assertion).and_then(|token| token.verify(&self.keys, &rules)?.claims());
        let expected = Expected {
            issuer: &self.client_id,
            subject: Some(&self.client_id),
            audience: &[&self.url],
            others: AudienceRule::Only,
            nonce: None,
            issued_at: false,
            token_id: true,
            lifetime: PROOF_LIFE,
            leeway: Duration::ZERO,
        };
        let checked = verified.map_err(|_| NoToken::Client)?.check(&expected, now).map_err(|_| NoToken::Client)?;
        let id = checked.token_id().ok_or(NoToken::Client)?.to_owned();
        remember(&self.proofs, id, checked.expires_at(), now)
    }

    /// What SMART's discovery says of the desk.
    fn description(&self) -> Answer {
        let body: Value = json!({
            "token_endpoint": self.url,
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES384"],
            "scopes_supported": ["system/*.rs", "system/*.cruds"],
            "capabilities": ["client-confidential-asymmetric", "permission-v2"],
        });
        Answer { media_type: JSON, ..json_answer(&body) }
    }
}

/// Remembers it, once.
fn remember<T: std::hash::Hash + Eq>(
    store: &Mutex<Until<T>>,
    what: T,
    until: Timestamp,
    now: Timestamp,
) -> Result<(), NoToken> {
    let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
    store.retain(|_, until| *until > now);
    if store.len() >= REMEMBERED_MAX || store.insert(what, until).is_some() { Err(NoToken::Client) } else { Ok(()) }
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

fn refused(why: NoToken) -> Answer {
    let status = if why == NoToken::Client { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    Answer { status, media_type: JSON, ..json_answer(&json!({"error": why.to_string()})) }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::jose::SigningKey;

    const URL: &str = "https://his.localhost/token";
    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    struct Asker {
        desk: TokenDesk,
        key: SigningKey,
    }

    impl Asker {
        fn new() -> Self {
            let key = SigningKey::generate(SignatureAlgorithm::Es384).unwrap();
            let keys = Jwks::parse(&json!({"keys": [key.published()]}).to_string()).unwrap();
            Self { desk: TokenDesk::new(URL, "inzage", keys), key }
        }

        fn form(&self, claims: &Value) -> String {
            let assertion = self.key.sign("JWT", claims).unwrap();
            let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            crate::form::encode_pairs(&[
                pair("grant_type", "client_credentials"),
                pair("scope", "system/*.rs"),
                pair("client_assertion_type", ASSERTION_TYPE),
                pair("client_assertion", assertion.reveal()),
            ])
        }

        /// Status and body.
        fn ask(&self, form: &str) -> (u16, Value) {
            let (head, ()) = Request::post("/token").body(()).unwrap().into_parts();
            let answer =
                self.desk.answer("https://his.localhost/fhir", &head, &Bytes::from(form.to_owned()), NOW).unwrap();
            (answer.status.as_u16(), serde_json::from_slice(answer.body.at_hand()).unwrap())
        }

        fn admits(&self, token: &str, at: i64) -> bool {
            let request = Request::get("/fhir/Patient").header("authorization", format!("Bearer {token}"));
            let (head, ()) = request.body(()).unwrap().into_parts();
            self.desk.admits(&head, Timestamp::from_second(at).unwrap())
        }
    }

    fn claims(jti: &str) -> Value {
        json!({"iss": "inzage", "sub": "inzage", "aud": URL, "exp": 300, "jti": jti})
    }

    #[test]
    fn a_proof_is_good_for_one_token_and_a_token_for_five_minutes() {
        let asker = Asker::new();
        let form = asker.form(&claims("1"));
        let (status, answer) = asker.ask(&form);
        let token = answer["access_token"].as_str().unwrap();
        assert_eq!((status, &answer["expires_in"]), (200, &json!(300)));
        assert!(asker.admits(token, 299) && !asker.admits(token, 300) && !asker.admits("another", 0));
        assert_eq!(asker.ask(&form), (401, json!({"error": "invalid_client"})), "the proof was used");
        asker.desk.revoke_all();
        assert!(!asker.admits(token, 0));
    }

    #[test]
    fn a_proof_that_is_not_as_it_must_be_gives_nothing() {
        let asker = Asker::new();
        let changed = |name: &str, value: Value| {
            let mut claims = claims("2");
            claims[name] = value;
            asker.form(&claims)
        };
        let stranger = Asker::new();
        let cases = [
            (changed("iss", json!("other")), "invalid_client"),
            (changed("sub", json!("other")), "invalid_client"),
            (changed("aud", json!("https://elsewhere.example/token")), "invalid_client"),
            (changed("exp", json!(0)), "invalid_client"),
            (changed("exp", json!(301)), "invalid_client"),
            (changed("jti", json!("")), "invalid_client"),
            (stranger.form(&claims("3")), "invalid_client"),
            (asker.form(&claims("4")).replace("client_credentials", "password"), "unsupported_grant_type"),
            (asker.form(&claims("5")).replace("system", "user"), "invalid_scope"),
            ("%".to_owned(), "invalid_request"),
        ];
        for (form, expected) in cases {
            assert_eq!(asker.ask(&form).1, json!({"error": expected}), "{form}");
        }
    }

    #[test]
    fn the_desk_says_where_it_is() {
        let asker = Asker::new();
        let find = |path: &str| {
            let (head, ()) = Request::get(path).body(()).unwrap().into_parts();
            asker.desk.answer("https://his.localhost/fhir", &head, &Bytes::new(), NOW)
        };
        let found = find("/fhir/.well-known/smart-configuration").unwrap();
        assert!(String::from_utf8_lossy(found.body.at_hand()).contains(URL));
        assert!(find("/fhir/Patient").is_none());
    }
}
