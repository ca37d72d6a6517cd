//! The `fhir` dialect: a HIS that is a FHIR server of STU3, and of R4 when it has one. A patient is found by identifier once
//! and then asked for by id. The BSN travels in a request body only, never in an address.

mod address;
mod endpoint;
mod understand;

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use moka::sync::Cache;

use self::endpoint::{Accepted, Asked, form, resource};
pub use self::endpoint::{Access, BadBase, Endpoint};
use self::understand::{answer, document, stored};
use super::pool::Wanted;
use super::{About, Answer, Ask, Document, Format, HisAdapter, HisError, HisFuture, HisPatient, Search, Submission};
use crate::audit::AuditReceipt;
use crate::fhir::shape::read_patient;
use crate::fhir::xml::to_xml;
use crate::form::push_pair;
use crate::his::AnswerBody;
use crate::medmij::{Bsn, FhirVersion};
use crate::secret::sha256;

/// For how long a patient's id and date of birth are remembered.
const PATIENT_MEMORY: Duration = Duration::from_secs(15 * 60);
/// How many patients are remembered at most.
const PATIENTS_REMEMBERED: u64 = 100_000;
/// Longest logical id of a resource (FHIR STU3 and R4 datatypes.html#id).
const ID_MAX: usize = 64;

/// How an installation wants to be asked, where FHIR leaves it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// How it writes resources; what is sent to it is written alike.
    pub format: Format,
    /// Whether searches go by POST (FHIR STU3 http.html, 2.21.0.9), so that no id of a patient stands in an address. Such a
    /// request is not repeated. Operations, for which there is no such form, still go by GET.
    pub post_search: bool,
    /// How many entries a page is to hold (`_count`); else as many as the HIS chooses.
    pub page_size: Option<u16>,
}

impl Default for Manner {
    /// As most servers do.
    fn default() -> Self {
        Self { format: Format::Json, post_search: false, page_size: None }
    }
}

/// One installation.
pub struct FhirHis {
    stu3: Endpoint,
    r4: Option<Endpoint>,
    manner: Manner,
    patients: Cache<(FhirVersion, [u8; 32]), Arc<HisPatient>>,
}

impl FhirHis {
    /// An installation with an endpoint of STU3, and perhaps one of R4.
    #[must_use]
    pub fn new(stu3: Endpoint, r4: Option<Endpoint>, manner: Manner) -> Self {
        let patients = Cache::builder().max_capacity(PATIENTS_REMEMBERED).time_to_live(PATIENT_MEMORY).build();
        Self { stu3, r4, manner, patients }
    }

    fn endpoint(&self, fhir: FhirVersion) -> Result<&Endpoint, HisError> {
        match fhir {
            FhirVersion::Stu3 => Ok(&self.stu3),
            FhirVersion::R4 => self.r4.as_ref().ok_or(HisError::Unsupported),
        }
    }

    async fn look_up(&self, bsn: &Bsn, ask: Ask<'_>) -> Result<Option<HisPatient>, HisError> {
        let endpoint = self.endpoint(ask.fhir)?;
        let mut who = String::new();
        push_pair(&mut who, "identifier", &format!("{}|{}", Bsn::SYSTEM, bsn.reveal()));
        let found = self.search_by_post(endpoint, "Patient", who, ask).await?;
        let found = whole(found)?;
        let found = read_patient(&found, ask.fhir, bsn, endpoint.base()).map_err(|_| HisError::Nonsense)?;
        match &found {
            Some(patient) => self.patients.insert(key_of(bsn, ask.fhir), Arc::new(patient.clone())),
            None => self.patients.invalidate(&key_of(bsn, ask.fhir)),
        }
        Ok(found)
    }

    async fn search(&self, patient: &HisPatient, search: Search<'_>) -> Result<Answer, HisError> {
        let Search { ask, resource, operation, parameters } = search;
        let endpoint = self.endpoint(ask.fhir)?;
        let restrict = |out: &mut String| self.restrict(out, patient, resource, parameters);
        if operation.is_none() && self.manner.post_search {
            let mut body = String::new();
            restrict(&mut body);
            return self.search_by_post(endpoint, resource, body, ask).await;
        }
        let mut target = endpoint.at(resource);
        if let Some(operation) = operation {
            target.extend(["/", operation.as_str()]);
        }
        target.push('?');
        restrict(&mut target);
        self.get(endpoint, target, ask).await
    }

    /// Writes the parameters, the patient first.
    fn restrict(&self, out: &mut String, patient: &HisPatient, resource: &str, parameters: &[(String, String)]) {
        let restriction = if resource == "Patient" { "_id" } else { "patient" };
        push_pair(out, restriction, &patient.id);
        parameters.iter().for_each(|(name, value)| push_pair(out, name, value));
        if let Some(size) = self.manner.page_size {
            push_pair(out, "_count", &size.to_string());
        }
    }

    async fn search_by_post(
        &self,
        endpoint: &Endpoint,
        resource: &str,
        pairs: String,
        ask: Ask<'_>,
    ) -> Result<Answer, HisError> {
        let target = endpoint.at(&format!("{resource}/_search"));
        let format = self.manner.format;
        let body = Some(form(pairs));
        let asked = Asked { method: Method::POST, target, body, accepted: Accepted::Fhir, format };
        answer(endpoint.ask(asked, ask, Wanted::Judged).await?, ask.fhir)
    }

    async fn get(&self, endpoint: &Endpoint, target: String, ask: Ask<'_>) -> Result<Answer, HisError> {
        let format = self.manner.format;
        let asked = Asked { method: Method::GET, target, body: None, accepted: Accepted::Fhir, format };
        answer(endpoint.ask(asked, ask, Wanted::Judged).await?, ask.fhir)
    }

    /// Its capability statement (FHIR STU3 http.html, 2.21.0.14).
    async fn about(&self, ask: Ask<'_>) -> Result<About, HisError> {
        let endpoint = self.endpoint(ask.fhir)?;
        let statement = whole(self.get(endpoint, endpoint.at("metadata"), ask).await?)?;
        About::of_statement(&statement).ok_or(HisError::Nonsense)
    }

    async fn page(&self, ask: Ask<'_>, next: &str) -> Result<Answer, HisError> {
        let endpoint = self.endpoint(ask.fhir)?;
        self.get(endpoint, endpoint.below(next).ok_or(HisError::Nonsense)?.to_owned(), ask).await
    }

    async fn binary(&self, ask: Ask<'_>, id: &str) -> Result<Document, HisError> {
        if !is_id(id) {
            return Err(HisError::NotFound);
        }
        let endpoint = self.endpoint(ask.fhir)?;
        let target = endpoint.at(&format!("Binary/{id}"));
        let format = self.manner.format;
        let asked = Asked { method: Method::GET, target, body: None, accepted: Accepted::Raw, format };
        document(endpoint.ask(asked, ask, Wanted::Streamed).await?)
    }

    async fn submit(&self, ask: Ask<'_>, submission: Submission) -> Result<Answer, HisError> {
        let endpoint = self.endpoint(ask.fhir)?;
        let (target, format) = (endpoint.at(""), self.manner.format);
        let body = match format {
            Format::Json => submission.body,
            // Ours, so it can be written otherwise; nothing was sent when it cannot.
            Format::Xml => Bytes::from(to_xml(&submission.body, ask.fhir).map_err(|_| HisError::Rejected)?),
        };
        let body = Some(resource(format, body));
        let asked = Asked { method: Method::POST, target, body, accepted: Accepted::Stored, format };
        stored(endpoint.ask(asked, ask, Wanted::Judged).await, ask.fhir)
    }
}

/// What a patient is remembered under.
fn key_of(bsn: &Bsn, fhir: FhirVersion) -> (FhirVersion, [u8; 32]) {
    (fhir, sha256(bsn.reveal().as_bytes()))
}

/// A logical id (FHIR STU3 datatypes.html#id), so that what comes after `Binary/` is one segment of a path.
fn is_id(text: &str) -> bool {
    let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.');
    (1..=ID_MAX).contains(&text.len()) && text.bytes().all(plain) && !matches!(text, "." | "..")
}

/// The body of an answer that has to be known whole. It is JSON by now.
fn whole(answer: Answer) -> Result<Bytes, HisError> {
    match answer.body {
        AnswerBody::Whole(body) => Ok(body),
        AnswerBody::Large(_) => Err(HisError::TooLarge),
    }
}

impl HisAdapter for FhirHis {
    fn base(&self, fhir: FhirVersion) -> Option<&str> {
        self.endpoint(fhir).ok().map(Endpoint::base)
    }

    fn about<'a>(&'a self, ask: Ask<'a>) -> HisFuture<'a, About> {
        Box::pin(Self::about(self, ask))
    }

    fn find_patient<'a>(&'a self, bsn: &'a Bsn, ask: Ask<'a>) -> HisFuture<'a, Option<HisPatient>> {
        match self.patients.get(&key_of(bsn, ask.fhir)) {
            Some(known) => Box::pin(ready(Ok(Some(HisPatient::clone(&known))))),
            None => self.ask_patient(bsn, ask),
        }
    }

    fn ask_patient<'a>(&'a self, bsn: &'a Bsn, ask: Ask<'a>) -> HisFuture<'a, Option<HisPatient>> {
        Box::pin(self.look_up(bsn, ask))
    }

    fn search<'a>(&'a self, patient: &'a HisPatient, search: Search<'a>) -> HisFuture<'a, Answer> {
        Box::pin(Self::search(self, patient, search))
    }

    fn page<'a>(&'a self, _: &'a HisPatient, ask: Ask<'a>, next: &'a str) -> HisFuture<'a, Answer> {
        Box::pin(Self::page(self, ask, next))
    }

    fn binary<'a>(&'a self, _: &'a HisPatient, ask: Ask<'a>, id: &'a str) -> HisFuture<'a, Document> {
        Box::pin(Self::binary(self, ask, id))
    }

    fn submit<'a>(
        &'a self,
        _: &'a HisPatient,
        ask: Ask<'a>,
        submission: Submission,
        _: &'a AuditReceipt,
    ) -> HisFuture<'a, Answer> {
        Box::pin(Self::submit(self, ask, submission))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_segment_of_a_path() {
        for id in ["1", "doc-1.pdf", "a".repeat(64).as_str()] {
            assert!(is_id(id), "{id}");
        }
        for id in ["", ".", "..", "a/b", "a?b", "a%2fb", "a b", "a".repeat(65).as_str()] {
            assert!(!is_id(id), "{id}");
        }
    }
}
