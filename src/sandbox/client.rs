//! The back end of a PGO: finds endpoints in the ZAL, sends the person off, exchanges the code, asks for data. The
//! demonstration PGO and the tests use it; it knows the gateway only from the outside.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::clock::SharedClock;
use crate::form::encode_pairs;
use crate::lists::{EndpointUri, Reading, Zal, ZalService};
use crate::medmij::Hostname;
use crate::outgoing::Outgoing;
use crate::routing::INTERFACE_VERSION;
use crate::secret::random;
use crate::tls::client::{Deadlines, client_config, reqwest_client};
use crate::tls::identity::{Identity, Roots};
use crate::tls::{ALPN_H2, ALPN_HTTP1, TlsError};

/// How long one call may take; a little over the 60 s of core.rscint.202.
const DEADLINES: Deadlines = Deadlines { connect: Duration::from_secs(5), total: Duration::from_secs(65) };

/// A PGO's back end.
#[derive(Clone)]
pub struct PgoClient {
    /// Its client_id.
    pub client_id: String,
    /// Where people come back to.
    pub redirect_uri: String,
    zal: String,
    http: reqwest::Client,
}

/// Who a client is and where its files lie.
#[derive(Debug, Clone, Copy)]
pub struct ClientFiles<'a> {
    /// The client_id.
    pub client_id: &'a str,
    /// Where people come back to.
    pub redirect_uri: &'a str,
    /// Certificate in PEM; `None` for somebody without one.
    pub certificate: Option<(&'a Path, &'a Path)>,
    /// Roots in PEM.
    pub roots: &'a Path,
    /// URL of the ZAL.
    pub zal: &'a str,
}

/// Endpoints of one service of one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Authorization endpoint.
    pub authorization: String,
    /// Token endpoint.
    pub token: String,
    /// Resource endpoint by system role.
    pub resources: HashMap<String, String>,
}

/// What a token request brought.
#[derive(Clone, Deserialize)]
pub struct TokenAnswer {
    /// The token.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// Lifetime in seconds.
    pub expires_in: u64,
    /// Services, separated by spaces.
    pub scope: String,
    /// With lasting consent only.
    pub refresh_token: Option<String>,
    /// Through the door of portals only: the id of the person's Patient resource.
    pub patient: Option<String>,
}

impl std::fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenAnswer")
            .field("scope", &self.scope)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No answer.
    #[error("the other side does not answer")]
    Http(#[from] reqwest::Error),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] TlsError),
    /// The ZAL cannot be read.
    #[error("the ZAL cannot be read")]
    Zal,
    /// A key cannot be read, or does not do what it is for.
    #[error("a key cannot be used")]
    Key,
    /// The provider does not offer the service.
    #[error("the ZAL does not list this service for this provider")]
    NotOffered,
    /// No token.
    #[error("the token endpoint answered {status}: {error}")]
    NoToken {
        /// Status.
        status: StatusCode,
        /// Error code of the protocol.
        error: String,
    },
}

impl PgoClient {
    /// A client that finds hosts at these addresses; the port is that of the URL.
    ///
    /// # Errors
    /// When its files cannot be used.
    pub fn new(
        files: ClientFiles<'_>,
        addresses: &BTreeMap<Hostname, IpAddr>,
        clock: &SharedClock,
    ) -> Result<Self, ClientError> {
        let own =
            files.certificate.map(|(certificate, key)| Identity::load(certificate, key, clock.now())).transpose()?;
        let tls = client_config(&Roots::load(files.roots)?, own.as_ref(), &[ALPN_H2, ALPN_HTTP1], clock)?;
        Ok(Self {
            client_id: files.client_id.to_owned(),
            redirect_uri: files.redirect_uri.to_owned(),
            zal: files.zal.to_owned(),
            http: reqwest_client(tls, &Outgoing::new(addresses.clone(), &[]), DEADLINES)?,
        })
    }

    /// Looks a service up in the ZAL.
    ///
    /// # Errors
    /// When the ZAL cannot be fetched or read, or does not list it.
    pub async fn endpoints(&self, provider: &str, service: &str) -> Result<Endpoints, ClientError> {
        let zal = self.zal().await?;
        let found = zal.provider(provider).and_then(|provider| provider.service(INTERFACE_VERSION, service));
        found.and_then(endpoints).ok_or(ClientError::NotOffered)
    }

    /// What the ZAL lists for a provider, by the id of the service; empty when it is not listed.
    ///
    /// # Errors
    /// When the ZAL cannot be fetched or read.
    pub async fn offered(&self, provider: &str) -> Result<HashMap<String, Endpoints>, ClientError> {
        let zal = self.zal().await?;
        let services = zal.provider(provider).map_or(&[][..], |provider| provider.services(INTERFACE_VERSION));
        Ok(services.iter().filter_map(|service| Some((service.id().to_string(), endpoints(service)?))).collect())
    }

    async fn zal(&self) -> Result<Zal, ClientError> {
        let text = self.http.get(&self.zal).send().await?.error_for_status()?.bytes().await?;
        Zal::parse(&text, Reading { allow_ports: true, ..Reading::default() }).map_err(|_| ClientError::Zal)
    }

    /// Where to send the person (core.authint.200).
    #[must_use]
    pub fn authorization_url(&self, endpoints: &Endpoints, scope: &str, state: &str, correlation_id: &str) -> String {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let query = encode_pairs(&[
            pair("response_type", "code"),
            pair("client_id", &self.client_id),
            pair("redirect_uri", &self.redirect_uri),
            pair("scope", scope),
            pair("state", state),
            pair("MedMij-Request-ID", &new_id()),
            pair("X-Correlation-ID", correlation_id),
        ]);
        format!("{}?{query}", endpoints.authorization)
    }

    /// Exchanges a code.
    ///
    /// # Errors
    /// When there is no token.
    pub async fn exchange(
        &self,
        endpoints: &Endpoints,
        code: &str,
        correlation_id: &str,
    ) -> Result<TokenAnswer, ClientError> {
        let pair = |name: &'static str, value: &str| (name.to_owned(), value.to_owned());
        let form = [
            pair("grant_type", "authorization_code"),
            pair("code", code),
            pair("client_id", &self.client_id),
            pair("redirect_uri", &self.redirect_uri),
        ];
        let reply = self.token_request(&endpoints.token, &form, correlation_id).await?;
        token_answer(&reply)
    }

    /// Exchanges a refresh token, under a correlation id of its own (core.tknint.208).
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn refresh(&self, endpoints: &Endpoints, refresh_token: &str) -> Result<Reply, ClientError> {
        let pair = |name: &'static str, value: &str| (name.to_owned(), value.to_owned());
        let form = [
            pair("grant_type", "refresh_token"),
            pair("refresh_token", refresh_token),
            pair("client_id", &self.client_id),
        ];
        self.token_request(&endpoints.token, &form, &new_id()).await
    }

    /// A token request with exactly this form.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn token_request(
        &self,
        url: &str,
        form: &[(String, String)],
        correlation_id: &str,
    ) -> Result<Reply, ClientError> {
        let request =
            self.http.post(url).header("MedMij-Request-ID", new_id()).header("X-Correlation-ID", correlation_id);
        reply(request.header("content-type", "application/x-www-form-urlencoded").body(encode_pairs(form))).await
    }

    /// Asks for data, with a fresh request id.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get(&self, url: &str, token: &str, correlation_id: &str) -> Result<Reply, ClientError> {
        self.get_as(url, token, correlation_id, &new_id()).await
    }

    /// Asks for data, with this request id.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get_as(
        &self,
        url: &str,
        token: &str,
        correlation_id: &str,
        request_id: &str,
    ) -> Result<Reply, ClientError> {
        let request = self.http.get(url).bearer_auth(token).header("accept", "application/fhir+json");
        reply(request.header("MedMij-Request-ID", request_id).header("X-Correlation-ID", correlation_id)).await
    }

    /// Asks for bytes of this media type.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get_of_kind(
        &self,
        url: &str,
        token: &str,
        correlation_id: &str,
        kind: &str,
    ) -> Result<Reply, ClientError> {
        let request = self.http.get(url).bearer_auth(token).header("accept", kind);
        reply(request.header("MedMij-Request-ID", new_id()).header("X-Correlation-ID", correlation_id)).await
    }

    /// Sends a Bundle to a FHIR base, and asks for the resources back.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn share(
        &self,
        base: &str,
        token: &str,
        correlation_id: &str,
        bundle: &serde_json::Value,
    ) -> Result<Reply, ClientError> {
        let request = self.http.post(base).bearer_auth(token).header("accept", "application/fhir+json");
        let request = request.header("content-type", "application/fhir+json").header("Prefer", "return=representation");
        let request = request.header("MedMij-Request-ID", new_id()).header("X-Correlation-ID", correlation_id);
        reply(request.body(bundle.to_string())).await
    }

    /// A request of any form, for tests.
    #[must_use]
    pub const fn http(&self) -> &reqwest::Client {
        &self.http
    }
}

/// `None` when it has no endpoints for people to log in at.
fn endpoints(service: &ZalService) -> Option<Endpoints> {
    let uri = |uri: Option<&EndpointUri>| uri.map(|uri| uri.as_str().to_owned());
    let roles = service.roles().iter();
    let resources = roles.map(|role| (role.role().as_str().to_owned(), role.endpoint().as_str().to_owned()));
    Some(Endpoints {
        authorization: uri(service.authorization())?,
        token: uri(service.token())?,
        resources: resources.collect(),
    })
}

async fn reply(request: reqwest::RequestBuilder) -> Result<Reply, ClientError> {
    let response = request.send().await?;
    Ok(Reply { status: response.status(), headers: response.headers().clone(), body: response.bytes().await? })
}

/// Reads the answer of a token endpoint.
///
/// # Errors
/// When it is no token.
pub(super) fn token_answer(reply: &Reply) -> Result<TokenAnswer, ClientError> {
    match reply.status {
        StatusCode::OK => serde_json::from_slice(&reply.body).map_err(|_| no_token(reply)),
        _ => Err(no_token(reply)),
    }
}

fn no_token(reply: &Reply) -> ClientError {
    #[derive(Deserialize)]
    struct Refused {
        error: String,
    }
    let error =
        serde_json::from_slice::<Refused>(&reply.body).map_or_else(|_| "no error code".to_owned(), |body| body.error);
    ClientError::NoToken { status: reply.status, error }
}

/// A random UUID.
#[must_use]
pub fn new_id() -> String {
    uuid::Builder::from_random_bytes(random()).into_uuid().to_string()
}
