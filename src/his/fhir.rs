//! The `fhir` dialect: a HIS that is a FHIR server of STU3, and of R4 when it has one. A patient is found by identifier once
//! and then asked for by id. The BSN travels in a request body only, never in an address.

mod address;
mod endpoint;
mod understand;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use moka::sync::Cache;

use self::endpoint::{Accepted, Asked, form, json};
pub use self::endpoint::{BadBase, Endpoint};
use self::understand::{answer, document, stored};
use super::pool::Wanted;
use super::{Answer, Ask, Document, Format, HisAdapter, HisError, HisFuture, HisPatient, Search, Submission};
use crate::audit::AuditReceipt;
use crate::fhir::shape::read_patient;
use crate::form::encode_pairs;
use crate::his::AnswerBody;
use crate::medmij::{Bsn, FhirVersion};
use crate::secret::sha256;

/// For how long a patient's id and date of birth are remembered.
const PATIENT_MEMORY: Duration = Duration::from_secs(15 * 60);
/// How many patients are remembered at most.
const PATIENTS_REMEMBERED: u64 = 100_000;
/// Longest logical id of a resource (FHIR STU3 and R4 datatypes.html#id).
const ID_MAX: usize = 64;

/// One installation.
pub struct FhirHis {
    stu3: Endpoint,
    r4: Option<Endpoint>,
    patients: Cache<(FhirVersion, [u8; 32]), Arc<HisPatient>>,
}

impl FhirHis {
    /// An installation with an endpoint of STU3, and perhaps one of R4.
    #[must_use]
    pub fn new(stu3: Endpoint, r4: Option<Endpoint>) -> Self {
        let patients = Cache::builder().max_capacity(PATIENTS_REMEMBERED).time_to_live(PATIENT_MEMORY).build();
        Self { stu3, r4, patients }
    }

    fn endpoint(&self, fhir: FhirVersion) -> Result<&Endpoint, HisError> {
        match fhir {
            FhirVersion::Stu3 => Ok(&self.stu3),
            FhirVersion::R4 => self.r4.as_ref().ok_or(HisError::Unsupported),
        }
    }

    async fn look_up(&self, bsn: &Bsn, ask: Ask<'_>) -> Result<Option<HisPatient>, HisError> {
        match self.patients.get(&key_of(bsn, ask.fhir)) {
            Some(known) => Ok(Some(HisPatient::clone(&known))),
            None => self.look_up_now(bsn, ask).await,
        }
    }

    async fn look_up_now(&self, bsn: &Bsn, ask: Ask<'_>) -> Result<Option<HisPatient>, HisError> {
        let endpoint = self.endpoint(ask.fhir)?;
        let pairs = [("identifier".to_owned(), format!("{}|{}", Bsn::SYSTEM, bsn.reveal()))];
        let target = endpoint.at("Patient/_search");
        let asked = Asked { method: Method::POST, target: &target, body: form(&pairs), accepted: Accepted::Fhir };
        let found = whole_json(answer(endpoint.ask(asked, ask, Wanted::Judged).await?)?)?;
        let found = read_patient(&found, ask.fhir, bsn, endpoint.base()).map_err(|_| HisError::Nonsense)?;
        match &found {
            Some(patient) => self.patients.insert(key_of(bsn, ask.fhir), Arc::new(patient.clone())),
            None => self.patients.invalidate(&key_of(bsn, ask.fhir)),
        }
        Ok(found)
    }

    async fn search(&self, patient: &HisPatient, search: Search<'_>) -> Result<Answer, HisError> {
        let restriction = if search.resource == "Patient" { "_id" } else { "patient" };
        let mut pairs = vec![(restriction.to_owned(), patient.id.clone())];
        pairs.extend_from_slice(search.parameters);
        let resource = search.resource;
        let query = encode_pairs(&pairs);
        let target = search.operation.map_or_else(
            || format!("{resource}?{query}"),
            |operation| format!("{resource}/{}?{query}", operation.as_str()),
        );
        let endpoint = self.endpoint(search.ask.fhir)?;
        get(endpoint, &endpoint.at(&target), search.ask).await
    }

    async fn page(&self, ask: Ask<'_>, next: &str) -> Result<Answer, HisError> {
        let endpoint = self.endpoint(ask.fhir)?;
        get(endpoint, endpoint.below(next).ok_or(HisError::Nonsense)?, ask).await
    }

    async fn binary(&self, ask: Ask<'_>, id: &str) -> Result<Document, HisError> {
        if !is_id(id) {
            return Err(HisError::NotFound);
        }
        let endpoint = self.endpoint(ask.fhir)?;
        let target = endpoint.at(&format!("Binary/{id}"));
        let asked = Asked { method: Method::GET, target: &target, body: None, accepted: Accepted::Raw };
        document(endpoint.ask(asked, ask, Wanted::Streamed).await?)
    }

    async fn submit(&self, ask: Ask<'_>, submission: Submission) -> Result<Answer, HisError> {
        let endpoint = self.endpoint(ask.fhir)?;
        let (target, body) = (endpoint.at(""), Some(json(submission.body)));
        let asked = Asked { method: Method::POST, target: &target, body, accepted: Accepted::Stored };
        stored(endpoint.ask(asked, ask, Wanted::Judged).await)
    }
}

async fn get(endpoint: &Endpoint, target: &str, ask: Ask<'_>) -> Result<Answer, HisError> {
    let asked = Asked { method: Method::GET, target, body: None, accepted: Accepted::Fhir };
    answer(endpoint.ask(asked, ask, Wanted::Judged).await?)
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

/// The body of an answer that has to be known whole.
fn whole_json(answer: Answer) -> Result<Bytes, HisError> {
    match (answer.format, answer.body) {
        (Format::Json, AnswerBody::Whole(body)) => Ok(body),
        (Format::Json, AnswerBody::Large(_)) => Err(HisError::TooLarge),
        (Format::Xml, _) => Err(HisError::Nonsense),
    }
}

impl HisAdapter for FhirHis {
    fn base(&self, fhir: FhirVersion) -> Option<&str> {
        self.endpoint(fhir).ok().map(Endpoint::base)
    }

    fn find_patient<'a>(&'a self, bsn: &'a Bsn, ask: Ask<'a>) -> HisFuture<'a, Option<HisPatient>> {
        Box::pin(self.look_up(bsn, ask))
    }

    fn ask_patient<'a>(&'a self, bsn: &'a Bsn, ask: Ask<'a>) -> HisFuture<'a, Option<HisPatient>> {
        Box::pin(self.look_up_now(bsn, ask))
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
