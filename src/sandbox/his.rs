//! The emulated HIS: a FHIR server for GP records, STU3 at its base and R4 below it, that computes every answer from its data,
//! keeps what is shared with it in memory, and can be told to fail.
//!
//! It behaves as the system of a practice does, with everything the gateway has to keep from a patient: BSNs in
//! identifiers, S and O lines, links on its internal host, and other people's records for who does not ask for one patient.

mod answer;
mod body;
mod bundle;
mod desk;
mod document;
mod endpoint;
pub mod faults;
mod format;
mod gzip;
mod load;
mod payload;
mod rest;
pub mod search;
mod serve;
pub mod store;
mod submit;
mod urns;

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use serde_json::Value;
use subtle::ConstantTimeEq as _;
use tokio::sync::watch;

use self::answer::{Answer, Problem};
use self::endpoint::Endpoint;
use self::faults::{Faults, RequestLog};
use self::rest::Refusal;
use self::store::ResourceError;
use crate::clock::SharedClock;
use crate::medmij::FhirVersion;
use crate::secret::Secret;

pub use self::desk::TokenDesk;
pub use self::load::LoadError;
pub use self::serve::{serve, serve_control};
pub use self::store::{PatientEntry, Records};

/// What a caller must show besides its client certificate.
#[derive(Debug, Clone, Default)]
pub struct EmulatorAuth {
    /// The value of the header `X-Api-Key`. `None`: no key is asked for.
    pub api_key: Option<Secret<String>>,
    /// Who gives tokens. `None`: no token is asked for.
    pub desk: Option<Arc<TokenDesk>>,
}

/// What an emulated HIS speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speech {
    /// FHIR.
    Fhir,
    /// The plain JSON API of `fixtures/his-rest/README.md`.
    Rest,
}

/// One emulated HIS.
pub struct Emulator {
    speech: Speech,
    stu3: Endpoint,
    r4: Endpoint,
    auth: EmulatorAuth,
    clock: SharedClock,
    faults: watch::Sender<Faults>,
    log: watch::Sender<RequestLog>,
}

/// What a HIS holds: the records of its practice in STU3, and what is kept in R4.
#[derive(Debug, Clone, Default)]
pub struct Holdings {
    /// At the base.
    pub stu3: Records,
    /// At [`Emulator::r4_base`].
    pub r4: Records,
}

impl From<Records> for Holdings {
    fn from(stu3: Records) -> Self {
        Self { stu3, r4: Records::default() }
    }
}

impl Emulator {
    /// Makes one that answers at `base_url`, such as `https://his-a.localhost:8460/fhir`; it stands in all links. The clock is
    /// read for `meta.lastUpdated` of an answer.
    #[must_use]
    pub fn new(base_url: &str, holdings: impl Into<Holdings>, auth: EmulatorAuth, clock: SharedClock) -> Arc<Self> {
        Self::speaking(Speech::Fhir, base_url, holdings.into(), auth, clock)
    }

    /// The same for one that does not speak FHIR, at a base such as `https://his-c.localhost:8464/api/v1`. What it holds in R4 is
    /// out of reach.
    #[must_use]
    pub fn rest(base_url: &str, holdings: impl Into<Holdings>, auth: EmulatorAuth, clock: SharedClock) -> Arc<Self> {
        Self::speaking(Speech::Rest, base_url, holdings.into(), auth, clock)
    }

    fn speaking(
        speech: Speech,
        base_url: &str,
        holdings: Holdings,
        auth: EmulatorAuth,
        clock: SharedClock,
    ) -> Arc<Self> {
        let base = base_url.trim_end_matches('/').to_owned();
        let Holdings { stu3, r4 } = holdings;
        let r4 = Endpoint::new(FhirVersion::R4, format!("{base}/r4"), r4);
        let stu3 = Endpoint::new(FhirVersion::Stu3, base, stu3);
        let (faults, log) = (watch::Sender::new(Faults::default()), watch::Sender::default());
        Arc::new(Self { speech, stu3, r4, auth, clock, faults, log })
    }

    /// Its base URL without trailing slash.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.stu3.base
    }

    /// Base URL of what it keeps in R4.
    #[must_use]
    pub fn r4_base(&self) -> &str {
        &self.r4.base
    }

    /// What it holds now in STU3.
    #[must_use]
    pub fn records(&self) -> Arc<Records> {
        self.stu3.records()
    }

    /// Puts resources of a version in; those with the same type and id are replaced.
    ///
    /// # Errors
    /// When one of them is no resource, or has no usable id.
    pub fn put(&self, version: FhirVersion, resources: Vec<Value>) -> Result<(), ResourceError> {
        let endpoint = match version {
            FhirVersion::Stu3 => &self.stu3,
            FhirVersion::R4 => &self.r4,
        };
        endpoint.put(resources)
    }

    /// Forgets the tokens that it gave, as a system does that was restarted.
    pub fn forget_tokens(&self) {
        self.auth.desk.iter().for_each(|desk| desk.revoke_all());
    }

    /// Replaces the faults; what hangs on the old ones goes on under the new.
    pub fn set_faults(&self, faults: Faults) {
        self.faults.send_replace(faults);
    }

    /// The requests that came in so far.
    #[must_use]
    pub fn log(&self) -> RequestLog {
        self.log.borrow().clone()
    }

    /// Waits until this many requests came in since the start.
    pub async fn asked(&self, count: u64) {
        // Ends early only without a sender, and the sender lives as long as `self`.
        let _ = self.log.subscribe().wait_for(|log| log.count >= count).await;
    }

    /// Notes a request and gives its number, from 1.
    fn note(&self, request: &Parts) -> u64 {
        self.log.send_modify(|log| log.note(request));
        self.log.borrow().count
    }

    /// Answers one request from the data; `faults` may taint what it holds.
    fn answer(&self, request: &Parts, body: Option<&Bytes>, faults: &Faults) -> Answer {
        match self.speech {
            Speech::Fhir => self.answer_fhir(request, body, faults),
            Speech::Rest => self.answer_rest(request, body, faults),
        }
    }

    fn answer_rest(&self, request: &Parts, body: Option<&Bytes>, faults: &Faults) -> Answer {
        let admitted = self.admits(request).map_err(|_| Refusal::NotAdmitted);
        let body = admitted.and_then(|()| body.ok_or(Refusal::Malformed));
        let path = self.stu3.below(request.uri.path()).ok_or(Refusal::NotFound);
        let answer = body.and_then(|body| rest::answer(&self.stu3.records(), path?, request, body, faults));
        answer.unwrap_or_else(|refusal| rest::refuse(refusal, self.base()))
    }

    fn answer_fhir(&self, request: &Parts, body: Option<&Bytes>, faults: &Faults) -> Answer {
        let given = self.auth.desk.as_ref().zip(body);
        if let Some(answer) = given.and_then(|(desk, body)| desk.answer(self.base(), request, body, self.clock.now())) {
            return answer;
        }
        let endpoint = if self.r4.holds(request.uri.path()) { &self.r4 } else { &self.stu3 };
        let body = body.ok_or(Problem::TooLarge).and_then(|body| self.admits(request).map(|()| body));
        let answer = body.and_then(|body| endpoint.answer(request, body, faults, self.clock.now()));
        let answer = answer.unwrap_or_else(|problem| answer::outcome(&problem, &endpoint.base));
        if format::is_xml(request, faults) { format::in_xml(answer, endpoint.version, faults) } else { answer }
    }

    fn admits(&self, request: &Parts) -> Result<(), Problem> {
        if self.auth.desk.as_ref().is_some_and(|desk| !desk.admits(request, self.clock.now())) {
            return Err(Problem::NotAdmitted);
        }
        let Some(key) = &self.auth.api_key else { return Ok(()) };
        let shown = request.headers.get("x-api-key").map(http::HeaderValue::as_bytes).unwrap_or_default();
        if shown.ct_eq(key.reveal().as_bytes()).into() { Ok(()) } else { Err(Problem::NotAdmitted) }
    }
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emulator").field("base", &self.stu3.base).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
