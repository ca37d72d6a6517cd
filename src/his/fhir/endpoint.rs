//! One FHIR base: how a request to it looks, and by what right.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};

use super::address::{Base, NoBase};
use crate::his::pool::{Failed, Pool, Question, Received, Wanted};
use crate::his::smart::Tokens;
use crate::his::{Ask, Format, HisError};
use crate::secret::Secret;
use crate::trace;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const PREFER: HeaderName = HeaderName::from_static("prefer");
/// As many as a request has at most, so that its headers are allocated once.
const HEADERS: usize = 8;

/// The base URL of an installation cannot be used.
pub type BadBase = NoBase;

/// Where one FHIR version of an installation answers.
pub struct Endpoint {
    base: Base,
    authority: HeaderValue,
    access: Access,
    pool: Arc<Pool>,
}

/// By what right an installation is asked, beside the certificate that we show.
#[derive(Debug, Clone)]
pub enum Access {
    /// None is wanted.
    Certificate,
    /// A key that goes along with each request.
    ApiKey(HeaderValue),
    /// A token that is good for some minutes.
    Tokens(Arc<Tokens>),
}

impl Access {
    /// With this key.
    ///
    /// # Errors
    /// When it cannot stand in a header.
    pub fn api_key(key: &Secret<String>) -> Result<Self, BadBase> {
        let mut key = HeaderValue::from_str(key.reveal()).map_err(|_| NoBase)?;
        key.set_sensitive(true);
        Ok(Self::ApiKey(key))
    }
}

/// A request in terms of FHIR.
pub(super) struct Asked {
    pub(super) method: Method,
    /// See [`Endpoint::at`] and [`Endpoint::below`].
    pub(super) target: String,
    pub(super) body: Option<Sent>,
    pub(super) accepted: Accepted,
    /// How resources are written.
    pub(super) format: Format,
}

/// A body and its media type.
pub(super) struct Sent {
    media_type: HeaderValue,
    bytes: Bytes,
}

/// What may come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accepted {
    /// A resource.
    Fhir,
    /// The bytes of a document. A FHIR media type would bring them as base64 in a resource (FHIR STU3 binary.html).
    Raw,
    /// What was stored, in full (FHIR STU3 http.html, 2.21.0.5.2).
    Stored,
}

/// Pairs as the body of a search by POST.
pub(super) fn form(pairs: String) -> Sent {
    let media_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    Sent { media_type, bytes: Bytes::from(pairs) }
}

/// A resource.
pub(super) const fn resource(format: Format, bytes: Bytes) -> Sent {
    Sent { media_type: media_type(format), bytes }
}

const fn media_type(format: Format) -> HeaderValue {
    match format {
        Format::Json => HeaderValue::from_static("application/fhir+json"),
        Format::Xml => HeaderValue::from_static("application/fhir+xml"),
    }
}

impl Endpoint {
    /// An endpoint at `base`, reached through `pool`, asked by right of `access`.
    ///
    /// # Errors
    /// When the base is no https URL.
    pub fn new(base: &str, access: Access, pool: Arc<Pool>) -> Result<Self, BadBase> {
        let base = Base::parse(base)?;
        let authority = HeaderValue::from_str(base.authority()).map_err(|_| NoBase)?;
        Ok(Self { base, authority, access, pool })
    }

    /// The base URL, without trailing slash.
    pub(super) fn base(&self) -> &str {
        self.base.as_str()
    }

    /// The target of a request for what comes below the base, or for the base itself.
    pub(super) fn at(&self, below: &str) -> String {
        self.base.join(below)
    }

    /// The target that an address below the base stands for; `None` when it lies elsewhere.
    pub(super) fn below<'a>(&self, address: &'a str) -> Option<&'a str> {
        self.base.below(address)
    }

    /// Sends it. A token that the HIS does not take (401) is dropped, and what only reads is asked once more with a new one.
    pub(super) async fn ask(&self, asked: Asked, ask: Ask<'_>, wanted: Wanted) -> Result<Received, Failed> {
        let unsent = |error| Failed { error, sent: false };
        let accepted = asked.accepted;
        let mut composed = Composed::new(self, asked, ask).map_err(unsent)?;
        let Access::Tokens(tokens) = &self.access else {
            return self.pool.exchange(&composed, wanted, ask.deadline).await;
        };
        let first = tokens.authorization(ask.deadline).await.map_err(unsent)?;
        composed.authorization = Some(first.clone());
        let received = self.pool.exchange(&composed, wanted, ask.deadline).await?;
        if received.head.status != StatusCode::UNAUTHORIZED {
            return Ok(received);
        }
        tokens.refused(&first);
        if accepted == Accepted::Stored {
            return Ok(received);
        }
        // Its turn is free before the next one is taken.
        drop(received);
        composed.authorization = Some(tokens.authorization(ask.deadline).await.map_err(unsent)?);
        self.pool.exchange(&composed, wanted, ask.deadline).await
    }
}

/// A request of which every part is ready.
struct Composed<'a> {
    endpoint: &'a Endpoint,
    uri: Uri,
    request_id: HeaderValue,
    authorization: Option<HeaderValue>,
    asked: Asked,
}

impl<'a> Composed<'a> {
    fn new(endpoint: &'a Endpoint, mut asked: Asked, ask: Ask<'_>) -> Result<Self, HisError> {
        let uri = std::mem::take(&mut asked.target).try_into().map_err(|_| HisError::Nonsense)?;
        let request_id = HeaderValue::from_str(ask.local_id).map_err(|_| HisError::Nonsense)?;
        Ok(Self { endpoint, uri, request_id, authorization: None, asked })
    }
}

impl Question for Composed<'_> {
    fn request(&self) -> Request<Bytes> {
        let Self { endpoint, uri, request_id, authorization, asked } = self;
        let mut headers = HeaderMap::with_capacity(HEADERS);
        headers.insert(header::HOST, endpoint.authority.clone());
        headers.insert(header::ACCEPT, asked.accepted.media_types(asked.format));
        // Compressed bytes cannot be judged before they are unpacked, and a small one may hold a large one.
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(X_REQUEST_ID, request_id.clone());
        if let Some(context) = trace::header().and_then(|context| HeaderValue::from_bytes(&context).ok()) {
            headers.insert(TRACEPARENT, context);
        }
        if asked.accepted == Accepted::Stored {
            headers.insert(PREFER, HeaderValue::from_static("return=representation"));
        }
        if let Access::ApiKey(key) = &endpoint.access {
            headers.insert(X_API_KEY, key.clone());
        }
        if let Some(authorization) = authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        let mut request = Request::new(Bytes::new());
        if let Some(sent) = &asked.body {
            headers.insert(header::CONTENT_TYPE, sent.media_type.clone());
            *request.body_mut() = sent.bytes.clone();
        }
        request.method_mut().clone_from(&asked.method);
        request.uri_mut().clone_from(uri);
        *request.headers_mut() = headers;
        request
    }

    fn is_safe(&self) -> bool {
        self.asked.method.is_safe()
    }
}

impl Accepted {
    const fn media_types(self, format: Format) -> HeaderValue {
        match self {
            Self::Fhir | Self::Stored => media_type(format),
            Self::Raw => HeaderValue::from_static("application/pdf, */*;q=0.1"),
        }
    }
}
