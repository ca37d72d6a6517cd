//! The `his-rest` dialect: a HIS whose API is plain JSON in the vendor's own words (`fixtures/his-rest/README.md`). The rows
//! are mapped to the profiles of the services; from there on the answer is judged and shaped like that of any other HIS.

mod answer;
mod element;
mod map;
mod node;
mod question;
mod rows;
#[cfg(test)]
mod tests;
mod value;
mod vendor;

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use self::answer::Joined;
use self::question::Question;
use self::rows::Release;
use self::value::Id;
pub use self::vendor::BadEndpoint;
use self::vendor::Vendor;
use super::pool::Pool;
use super::{
    About, Answer, AnswerBody, Ask, Document, Format, HisAdapter, HisError, HisFuture, HisPatient, Search, Submission,
};
use crate::audit::AuditReceipt;
use crate::fhir::shape::read_patient;
use crate::medmij::{Bsn, FhirVersion};
use crate::secret::{Secret, sha256};

/// For how long a patient's id and date of birth are remembered.
const PATIENT_MEMORY: Duration = Duration::from_secs(15 * 60);
/// How many patients are remembered at most.
const PATIENTS_REMEMBERED: u64 = 100_000;

/// One installation.
pub struct RestHis {
    vendor: Vendor,
    patients: Cache<[u8; 32], Arc<HisPatient>>,
}

impl RestHis {
    /// An installation whose API begins at `base`, reached through `pool`.
    ///
    /// # Errors
    /// When the base is no https URL, or the key cannot stand in a header.
    pub fn new(base: &str, api_key: Option<&Secret<String>>, pool: Arc<Pool>) -> Result<Self, BadEndpoint> {
        let patients = Cache::builder().max_capacity(PATIENTS_REMEMBERED).time_to_live(PATIENT_MEMORY).build();
        Ok(Self { vendor: Vendor::new(base, api_key, pool)?, patients })
    }

    async fn look_up(&self, bsn: &Bsn, ask: Ask<'_>) -> Result<Option<HisPatient>, HisError> {
        match self.patients.get(&key_of(bsn)) {
            Some(known) => Ok(Some(HisPatient::clone(&known))),
            None => self.look_up_now(bsn, ask).await,
        }
    }

    /// The rows become a searchset, so that the same checks hold as for a FHIR server: one match, with this BSN.
    async fn look_up_now(&self, bsn: &Bsn, ask: Ask<'_>) -> Result<Option<HisPatient>, HisError> {
        only_stu3(ask)?;
        let found = self.vendor.find(bsn, ask).await?;
        let matches = found.patienten.iter().map(map::person::patient).collect();
        let searchset = map::searchset(self.vendor.base(), &Joined { matches, ..Joined::default() });
        let found = read_patient(&searchset, ask.fhir, bsn, self.vendor.base()).map_err(|_| HisError::Nonsense)?;
        match &found {
            Some(patient) => self.patients.insert(key_of(bsn), Arc::new(patient.clone())),
            None => self.patients.invalidate(&key_of(bsn)),
        }
        Ok(found)
    }

    async fn search(&self, patient: &HisPatient, search: Search<'_>) -> Result<Answer, HisError> {
        only_stu3(search.ask)?;
        let question = Question::parse(search.resource, search.operation, search.parameters);
        let question = question.ok_or(HisError::Unsupported)?;
        let patient = Id::parse(&patient.id).ok_or(HisError::Nonsense)?;
        let joined = answer::answer(&self.vendor, &patient, question, search.ask).await?;
        let body = AnswerBody::Whole(map::searchset(self.vendor.base(), &joined).into());
        Ok(Answer { format: Format::Json, body, incomplete: joined.incomplete })
    }

    /// Product and version of the API, and the lists that this installation has.
    async fn about(&self, ask: Ask<'_>) -> Result<About, HisError> {
        only_stu3(ask)?;
        let Release { product, api, onderdelen } = self.vendor.one("/versie", ask).await?.ok_or(HisError::Nonsense)?;
        Ok(About::of(Some(&product), Some(&api), &["json".to_owned()], &onderdelen))
    }

    async fn document(&self, ask: Ask<'_>, id: &str) -> Result<Document, HisError> {
        only_stu3(ask)?;
        self.vendor.document(&Id::parse(id).ok_or(HisError::NotFound)?, ask).await
    }
}

/// What one page of a list becomes: a searchset on `base`, with everything that can come along. Without a connection, to hold
/// what a vendor sends against its description.
///
/// # Errors
/// `Unsupported` for a list that is not mapped row by row, `Nonsense` for a page that is not as described.
pub fn map_page(base: &str, list: &str, page: &[u8]) -> Result<Vec<u8>, HisError> {
    Ok(map::searchset(base, &answer::of_page(list, page)?))
}

/// The same for the reports of a patient, made of a page of contacts and one of journal lines.
///
/// # Errors
/// `Nonsense` for a page that is not as described, or what is no id.
pub fn map_reports(base: &str, patient_id: &str, contacts: &[u8], lines: &[u8]) -> Result<Vec<u8>, HisError> {
    let patient = Id::parse(patient_id).ok_or(HisError::Nonsense)?;
    Ok(map::searchset(base, &answer::of_reports(&patient, contacts, lines)?))
}

/// The rows are mapped to the profiles of STU3 only.
fn only_stu3(ask: Ask<'_>) -> Result<(), HisError> {
    match ask.fhir {
        FhirVersion::Stu3 => Ok(()),
        FhirVersion::R4 => Err(HisError::Unsupported),
    }
}

/// What a patient is remembered under.
fn key_of(bsn: &Bsn) -> [u8; 32] {
    sha256(bsn.reveal().as_bytes())
}

impl HisAdapter for RestHis {
    fn base(&self, fhir: FhirVersion) -> Option<&str> {
        match fhir {
            FhirVersion::Stu3 => Some(self.vendor.base()),
            FhirVersion::R4 => None,
        }
    }

    fn about<'a>(&'a self, ask: Ask<'a>) -> HisFuture<'a, About> {
        Box::pin(Self::about(self, ask))
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

    /// The pages of the vendor are joined: no answer of ours names a next one.
    fn page<'a>(&'a self, _: &'a HisPatient, _: Ask<'a>, _: &'a str) -> HisFuture<'a, Answer> {
        Box::pin(async { Err(HisError::Nonsense) })
    }

    fn binary<'a>(&'a self, _: &'a HisPatient, ask: Ask<'a>, id: &'a str) -> HisFuture<'a, Document> {
        Box::pin(self.document(ask, id))
    }

    /// The vendor takes nothing in.
    fn submit<'a>(
        &'a self,
        _: &'a HisPatient,
        _: Ask<'a>,
        _: Submission,
        _: &'a AuditReceipt,
    ) -> HisFuture<'a, Answer> {
        Box::pin(async { Err(HisError::Unsupported) })
    }
}
