//! One FHIR base: how a request to it looks, and by what right.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, header};

use super::address::{Base, NoBase};
use crate::form::encode_pairs;
use crate::his::pool::{Failed, Pool, Received, Wanted};
use crate::his::{Ask, HisError};
use crate::secret::Secret;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The base URL of an installation cannot be used.
pub type BadBase = NoBase;

/// Where one FHIR version of an installation answers.
pub struct Endpoint {
    base: Base,
    authority: HeaderValue,
    api_key: Option<HeaderValue>,
    pool: Arc<Pool>,
}

/// A request in terms of FHIR.
pub(super) struct Asked<'a> {
    pub(super) method: Method,
    /// See [`Endpoint::at`] and [`Endpoint::below`].
    pub(super) target: &'a str,
    pub(super) body: Option<Sent>,
    pub(super) accepted: Accepted,
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
pub(super) fn form(pairs: &[(String, String)]) -> Option<Sent> {
    let bytes = Bytes::from(encode_pairs(pairs));
    Some(Sent { media_type: HeaderValue::from_static("application/x-www-form-urlencoded"), bytes })
}

/// A resource.
pub(super) const fn json(bytes: Bytes) -> Sent {
    Sent { media_type: HeaderValue::from_static("application/fhir+json"), bytes }
}

impl Endpoint {
    /// An endpoint at `base`, reached through `pool`, that wants `api_key` when there is one.
    ///
    /// # Errors
    /// When the base is no https URL, or the key cannot stand in a header.
    pub fn new(base: &str, api_key: Option<&Secret<String>>, pool: Arc<Pool>) -> Result<Self, BadBase> {
        let base = Base::parse(base)?;
        let authority = HeaderValue::from_str(base.authority()).map_err(|_| NoBase)?;
        let api_key = api_key.map(|key| HeaderValue::from_str(key.reveal())).transpose().map_err(|_| NoBase)?;
        let api_key = api_key.map(|mut key| {
            key.set_sensitive(true);
            key
        });
        Ok(Self { base, authority, api_key, pool })
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

    /// Sends it.
    pub(super) async fn ask(&self, asked: Asked<'_>, ask: Ask<'_>, wanted: Wanted) -> Result<Received, Failed> {
        let request = self.request(asked, ask).map_err(|error| Failed { error, sent: false })?;
        self.pool.exchange(request, wanted, ask.deadline).await
    }

    fn request(&self, asked: Asked<'_>, ask: Ask<'_>) -> Result<Request<Bytes>, HisError> {
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = asked.method;
        *request.uri_mut() = asked.target.parse().map_err(|_| HisError::Nonsense)?;
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.authority.clone());
        headers.insert(header::ACCEPT, asked.accepted.media_types());
        // Compressed bytes cannot be judged before they are unpacked, and a small one may hold a large one.
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(X_REQUEST_ID, HeaderValue::from_str(ask.local_id).map_err(|_| HisError::Nonsense)?);
        if asked.accepted == Accepted::Stored {
            headers.insert(PREFER, HeaderValue::from_static("return=representation"));
        }
        if let Some(key) = &self.api_key {
            headers.insert(X_API_KEY, key.clone());
        }
        if let Some(sent) = asked.body {
            headers.insert(header::CONTENT_TYPE, sent.media_type);
            *request.body_mut() = sent.bytes;
        }
        Ok(request)
    }
}

impl Accepted {
    const fn media_types(self) -> HeaderValue {
        match self {
            Self::Fhir | Self::Stored => HeaderValue::from_static("application/fhir+json"),
            Self::Raw => HeaderValue::from_static("application/pdf, */*;q=0.1"),
        }
    }
}
