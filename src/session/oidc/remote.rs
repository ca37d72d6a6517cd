//! Calls to the provider's servers: only to its configured origins, no redirect followed, every answer bounded.

use std::fmt;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, RequestBuilder, Response, Url};
use zeroize::Zeroizing;

use super::OidcError;
use crate::form::encode_pairs;
use crate::secret::Secret;

/// Largest answer that is read, in bytes.
pub(super) const BODY_MAX_BYTES: usize = 64 * 1024;

/// An https URL on an origin that the configuration names: the only addresses that are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint(Url);

impl Endpoint {
    /// Takes a URL whose origin is one of these, as browsers write them, without user information and fragment.
    pub(super) fn parse(text: &str, origins: &[String]) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        let origin = url.origin().ascii_serialization();
        (url.scheme() == "https" && plain && origins.contains(&origin)).then_some(Self(url))
    }

    pub(super) const fn url(&self) -> &Url {
        &self.0
    }
}

/// What a server of the provider answered, whole.
pub(super) struct Answer {
    pub(super) status: u16,
    /// In lower case, without parameters; empty when there is none.
    pub(super) media_type: String,
    body: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// The body of a 200, as text.
    pub(super) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok()
    }

    /// Holds the status to 200.
    pub(super) fn ok(self) -> Result<Self, OidcError> {
        if self.status == 200 { Ok(self) } else { Err(OidcError::Status { status: self.status }) }
    }

    /// Holds the media type to JSON or a format made of it.
    pub(super) fn json(self) -> Result<Self, OidcError> {
        let is_json = self.media_type == "application/json" || self.media_type.ends_with("+json");
        if is_json { Ok(self) } else { Err(OidcError::MediaType) }
    }
}

/// It may hold tokens and data of a person.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({}, {}, [redacted])", self.status, self.media_type)
    }
}

/// The provider's servers.
#[derive(Debug, Clone)]
pub(super) struct Remote(Client);

impl Remote {
    pub(super) const fn new(client: Client) -> Self {
        Self(client)
    }

    pub(super) async fn get(&self, endpoint: &Endpoint) -> Result<Answer, OidcError> {
        exchange(self.0.get(endpoint.url().clone()).header(ACCEPT, "application/json")).await
    }

    pub(super) async fn get_with(&self, endpoint: &Endpoint, token: &Secret<String>) -> Result<Answer, OidcError> {
        exchange(self.0.get(endpoint.url().clone()).bearer_auth(token.reveal())).await
    }

    pub(super) async fn post(&self, endpoint: &Endpoint, form: &[(String, String)]) -> Result<Answer, OidcError> {
        let request = self.0.post(endpoint.url().clone()).header(ACCEPT, "application/json");
        exchange(request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(encode_pairs(form))).await
    }
}

async fn exchange(request: RequestBuilder) -> Result<Answer, OidcError> {
    let answer = request.send().await.map_err(|error| sort(&error))?;
    if answer.status().is_redirection() {
        return Err(OidcError::Redirected);
    }
    let status = answer.status().as_u16();
    let media_type = media_type(&answer);
    Ok(Answer { status, media_type, body: read_body(answer).await? })
}

fn media_type(answer: &Response) -> String {
    let written = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    written.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

async fn read_body(mut answer: Response) -> Result<Zeroizing<Vec<u8>>, OidcError> {
    // Room for any answer at once: a buffer that grows would leave copies of tokens behind.
    let mut body = Zeroizing::new(Vec::with_capacity(BODY_MAX_BYTES));
    while let Some(chunk) = answer.chunk().await.map_err(|error| sort(&error))? {
        if body.len().saturating_add(chunk.len()) > BODY_MAX_BYTES {
            return Err(OidcError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn sort(error: &reqwest::Error) -> OidcError {
    if error.is_timeout() { OidcError::TimedOut } else { OidcError::Unreachable }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_on_a_configured_origin_is_an_endpoint() {
        let origins = ["https://login.example".to_owned(), "https://login.example:8443".to_owned()];
        for text in ["https://login.example/token", "https://login.example:443/t?x=1", "https://login.example:8443/"] {
            assert!(Endpoint::parse(text, &origins).is_some(), "{text}");
        }
        for text in [
            "",
            "/token",
            "http://login.example/token",
            "https://login.example:8444/token",
            "https://login.example.evil/token",
            "https://login.example@evil.example/token",
            "https://me@login.example/token",
            "https://login.example/token#x",
            "https://127.0.0.1/token",
            "https://LOGIN.example.:443/token",
            "file:///etc/passwd",
            "data:application/json,{}",
        ] {
            assert_eq!(Endpoint::parse(text, &origins), None, "{text}");
        }
    }
}
