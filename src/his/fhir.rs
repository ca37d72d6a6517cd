//! The `fhir` dialect: a HIS that is a FHIR STU3 server. A patient is found by identifier once and then asked for by id.
//! The BSN travels in a request body only, never in an address.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use moka::sync::Cache;

use super::pool::{Pool, Received};
use super::{Answer, HisAdapter, HisError, HisFuture, HisPatient, Search};
use crate::fhir::shape::read_patient;
use crate::form::encode_pairs;
use crate::medmij::{Bsn, FhirVersion};
use crate::secret::{Secret, sha256};

/// For how long a patient's id and date of birth are remembered.
const PATIENT_MEMORY: Duration = Duration::from_secs(15 * 60);
/// How many patients are remembered at most.
const PATIENTS_REMEMBERED: u64 = 100_000;

/// One installation.
pub struct FhirHis {
    base: String,
    path: String,
    authority: HeaderValue,
    api_key: Option<Secret<String>>,
    pool: Pool,
    patients: Cache<[u8; 32], Arc<HisPatient>>,
}

/// The base URL of an installation cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the base URL of a HIS is https://host[:port]/path")]
pub struct BadBase;

impl FhirHis {
    /// An installation at `base` (no trailing slash), reached through `pool`.
    ///
    /// # Errors
    /// When the base is no https URL.
    pub fn new(base: &str, api_key: Option<Secret<String>>, pool: Pool) -> Result<Self, BadBase> {
        let rest = base.strip_prefix("https://").ok_or(BadBase)?;
        let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        Ok(Self {
            base: base.to_owned(),
            path: path.to_owned(),
            authority: HeaderValue::from_str(authority).map_err(|_| BadBase)?,
            api_key,
            pool,
            patients: Cache::builder().max_capacity(PATIENTS_REMEMBERED).time_to_live(PATIENT_MEMORY).build(),
        })
    }

    fn request(
        &self,
        method: Method,
        path_and_query: &str,
        local_id: &str,
        body: Bytes,
    ) -> Result<Request<Bytes>, HisError> {
        let form = !body.is_empty();
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = format!("{}/{path_and_query}", self.path).parse().map_err(|_| HisError::Nonsense)?;
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.authority.clone());
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/fhir+json"));
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert("x-request-id", HeaderValue::from_str(local_id).map_err(|_| HisError::Nonsense)?);
        if form {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        }
        if let Some(key) = &self.api_key {
            let mut key = HeaderValue::from_str(key.reveal()).map_err(|_| HisError::Refused)?;
            key.set_sensitive(true);
            headers.insert("x-api-key", key);
        }
        Ok(request)
    }

    async fn ask(&self, request: Request<Bytes>, deadline: Instant) -> Result<Bytes, HisError> {
        understand(self.pool.exchange(request, deadline).await?)
    }

    async fn look_up(&self, bsn: &Bsn, local_id: &str, deadline: Instant) -> Result<Option<HisPatient>, HisError> {
        match self.patients.get(&key_of(bsn)) {
            Some(known) => Ok(Some(HisPatient::clone(&known))),
            None => self.look_up_now(bsn, local_id, deadline).await,
        }
    }

    async fn look_up_now(&self, bsn: &Bsn, local_id: &str, deadline: Instant) -> Result<Option<HisPatient>, HisError> {
        let form = encode_pairs(&[("identifier".to_owned(), format!("{}|{}", Bsn::SYSTEM, bsn.reveal()))]);
        let request = self.request(Method::POST, "Patient/_search", local_id, Bytes::from(form))?;
        let body = self.ask(request, deadline).await?;
        let found = read_patient(&body, FhirVersion::Stu3, bsn, &self.base).map_err(|_| HisError::Nonsense)?;
        match &found {
            Some(patient) => self.patients.insert(key_of(bsn), Arc::new(patient.clone())),
            None => self.patients.invalidate(&key_of(bsn)),
        }
        Ok(found)
    }
}

/// What a patient is remembered under.
fn key_of(bsn: &Bsn) -> [u8; 32] {
    sha256(bsn.reveal().as_bytes())
}

/// A body of the right kind, or what its absence means.
fn understand(received: Received) -> Result<Bytes, HisError> {
    match received.head.status {
        StatusCode::OK if is_fhir_json(&received.head) => Ok(received.body),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(HisError::Refused),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Err(HisError::Busy),
        StatusCode::GATEWAY_TIMEOUT => Err(HisError::TimedOut),
        _ => Err(HisError::Nonsense),
    }
}

fn is_fhir_json(head: &http::response::Parts) -> bool {
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let plain = head.headers.get(header::CONTENT_ENCODING).is_none_or(|value| value == "identity");
    plain && matches!(kind.as_str(), "application/fhir+json" | "application/json" | "application/json+fhir")
}

impl HisAdapter for FhirHis {
    fn base(&self) -> &str {
        &self.base
    }

    fn find_patient<'a>(
        &'a self,
        bsn: &'a Bsn,
        local_id: &'a str,
        deadline: Instant,
    ) -> HisFuture<'a, Option<HisPatient>> {
        Box::pin(self.look_up(bsn, local_id, deadline))
    }

    fn ask_patient<'a>(
        &'a self,
        bsn: &'a Bsn,
        local_id: &'a str,
        deadline: Instant,
    ) -> HisFuture<'a, Option<HisPatient>> {
        Box::pin(self.look_up_now(bsn, local_id, deadline))
    }

    fn search<'a>(&'a self, patient: &'a HisPatient, search: Search<'a>) -> HisFuture<'a, Answer> {
        Box::pin(async move {
            let restriction = if search.resource == "Patient" { "_id" } else { "patient" };
            let mut pairs = vec![(restriction.to_owned(), patient.id.clone())];
            pairs.extend_from_slice(search.parameters);
            let target = format!("{}?{}", search.resource, encode_pairs(&pairs));
            let request = self.request(Method::GET, &target, search.local_id, Bytes::new())?;
            Ok(Answer { body: self.ask(request, search.deadline).await? })
        })
    }
}
