//! A search: intent, HIS, shaping, release.

use std::sync::Arc;

use bytes::Bytes;

use super::flags::{known_episodes, shown_episodes};
use super::flow::{Entries, written};
use super::page::{PageLinks, Turn};
use super::{Flow, Outgoing, ReadError, Reader, Released, Unread};
use crate::audit::{AuditReceipt, Counts, receipt};
use crate::availability::is_of_age;
use crate::fhir::cursor::Bound;
use crate::fhir::disclosure::{Attempt, Disclosure};
use crate::fhir::request::{Floors, SearchShape};
use crate::fhir::shape::stream::Kept;
use crate::fhir::shape::{Page, Record, Rules, ShapeFault, Shaping, ShownEpisodes, say_incomplete, shape_searchset};
use crate::his::{Answer, AnswerBody, Ask, Format, HisAdapter, HisError, HisPatient, Search};
use crate::medmij::LocalId;
use crate::practices::Practice;
use crate::routing::Permit;
use crate::services::{AllowedSearch, Service};
use crate::trace::{self, Step};

/// What one disclosure works with.
pub(super) struct Work<'a> {
    pub(super) permit: Permit<'a>,
    pub(super) shape: SearchShape<'a>,
    pub(super) turn: Turn,
    pub(super) bound: Bound<'a>,
    pub(super) format: Format,
    pub(super) floors: Floors,
    pub(super) adapter: &'a dyn HisAdapter,
    pub(super) his_base: &'a str,
}

pub(super) struct Judged {
    pub(super) format: Format,
    pub(super) body: Outgoing,
    pub(super) grant: LocalId,
    pub(super) counts: Counts,
}

impl Judged {
    fn released(self, receipt: AuditReceipt, disclosure: Disclosure) -> Released {
        let disclosure = disclosure.released(&receipt);
        Released {
            format: self.format,
            body: self.body,
            counts: self.counts,
            grant: self.grant,
            receipt,
            disclosure: Some(disclosure),
        }
    }
}

impl Reader {
    /// From here on the HIS is asked, so the intent comes first. It becomes durable while the HIS works.
    pub(super) async fn release(
        &self,
        local_id: LocalId,
        attempt: &mut Attempt,
        work: &Work<'_>,
    ) -> Result<Released, Unread> {
        let (pending, disclosure) = attempt.intends(Arc::clone(&self.clock)).map_err(ReadError::Audit)?;
        trace::enter(Step::His, &*self.clock);
        let judged = self.judged(local_id, work).await;
        trace::enter(Step::Audit, &*self.clock);
        let receipt = receipt(pending).await;
        match (judged, receipt) {
            (Ok(judged), Ok(receipt)) => {
                trace::enter(Step::Answer, &*self.clock);
                Ok(judged.released(receipt, disclosure))
            }
            (Ok(_), Err(error)) => Err(disclosure.failed(None, ReadError::Audit(error)).await.into()),
            (Err(error), receipt) => Err(disclosure.failed(receipt.ok(), error).await.into()),
        }
    }

    async fn judged(&self, local_id: LocalId, work: &Work<'_>) -> Result<Judged, ReadError> {
        let deadline = self.clock.monotonic() + self.his_deadline;
        let id = local_id.text();
        let ask = Ask { fhir: work.permit.service().fhir, local_id: str::from_utf8(&id).unwrap_or_default(), deadline };
        let subject = &work.permit.grant().subject;
        let found = work.adapter.find_patient(subject, ask).await.map_err(ReadError::His)?;
        let patient = found.filter(|patient| old_enough(patient, work)).ok_or(ReadError::NotAvailable)?;
        let record = work.record(&patient.id);
        if let Turn::Document(target) = &work.turn {
            return Box::pin(work.document(&patient, ask, target, &*self.clock)).await;
        }
        let (data, episodes) = match known_episodes(work.permit.practice(), work.shape.search) {
            Some(known) => (work.data(&patient, ask).await?, known),
            // In a box, as few answers need both.
            None => Box::pin(work.data_and_episodes(&patient, ask, &record)).await?,
        };
        self.shape(work, record, ask, data, episodes).await
    }

    async fn shape(
        &self,
        work: &Work<'_>,
        record: Record<'_>,
        ask: Ask<'_>,
        data: Answer,
        closed_episodes: ShownEpisodes,
    ) -> Result<Judged, ReadError> {
        trace::enter(Step::Shape, &*self.clock);
        let AllowedSearch { resource, includes, .. } = work.shape.search;
        let includes: Vec<&str> = includes.iter().map(String::as_str).collect();
        let shaping = Shaping {
            record,
            rules: &work.rules(closed_episodes),
            self_link: &work.self_link(),
            resource,
            includes: &includes,
            page: work.page(),
        };
        let (cursors, shape) = (&self.cursors, &work.shape);
        let links = PageLinks { cursors, shape, patient: record.patient_id, bound: work.bound };
        let (grant, format) = (work.permit.grant().id, work.format);
        match (data.format, data.body) {
            (Format::Json, AnswerBody::Whole(body)) => {
                let (body, counts) = shape_page(&body, &shaping, links).map_err(ReadError::Shape)?;
                let body = if data.incomplete { say_incomplete(&body).map_err(ReadError::Shape)? } else { body };
                Ok(Judged { format, body: Outgoing::written(body, format, record.fhir)?, grant, counts })
            }
            // An adapter that joins pages gives them whole; a stream has no place to say that something is missing.
            (Format::Json, AnswerBody::Large(_)) if data.incomplete => Err(ReadError::His(HisError::TooLarge)),
            (Format::Json, AnswerBody::Large(body)) => {
                let entries = Entries::new(Kept::of(&shaping), Some(links.into_link()));
                let left = ask.deadline.saturating_duration_since(self.clock.monotonic());
                let flow = Box::pin(Flow::open(body, written(Box::new(entries), format, record.fhir), left)).await?;
                Ok(Judged { format, body: Outgoing::Stream(flow), grant, counts: Counts::default() })
            }
            (Format::Xml, _) => Err(ReadError::His(HisError::Nonsense)),
        }
    }
}

fn shape_page(body: &[u8], shaping: &Shaping<'_>, links: PageLinks<'_>) -> Result<(Vec<u8>, Counts), ShapeFault> {
    let shaped = shape_searchset(body, shaping, &|address: &str| links.to(address))?;
    let counts = Counts { entries: shaped.entries, withheld: shaped.withheld, bytes: 0 };
    Ok((shaped.body, counts))
}

impl<'a> Work<'a> {
    pub(super) fn record(&self, patient_id: &'a str) -> Record<'a> {
        Record {
            fhir: self.permit.service().fhir,
            patient_id,
            bsn: &self.permit.grant().subject,
            his_base: self.his_base,
            our_base: self.bound.base,
        }
    }
}

impl Work<'_> {
    fn self_link(&self) -> String {
        match &self.turn {
            Turn::First | Turn::Document(_) => self.shape.self_link(self.bound.base),
            Turn::Later { self_link, .. } => self_link.clone(),
        }
    }

    const fn page(&self) -> Page {
        match self.turn {
            Turn::First | Turn::Document(_) => Page::First,
            Turn::Later { .. } => Page::Later,
        }
    }

    pub(super) fn rules(&self, closed_episodes: ShownEpisodes) -> Rules {
        let (service, practice) = (self.permit.service(), self.permit.practice());
        rules(service, self.shape.search, practice, self.floors, closed_episodes)
    }

    pub(super) async fn data(&self, patient: &HisPatient, ask: Ask<'_>) -> Result<Answer, ReadError> {
        let AllowedSearch { resource, operation, .. } = self.shape.search;
        let answer = match &self.turn {
            Turn::First | Turn::Document(_) => {
                let search = Search { ask, resource, operation: *operation, parameters: &self.shape.upstream };
                self.adapter.search(patient, search).await
            }
            // A cursor of another patient's answer, under the same token: a HIS that gave a person a new id.
            Turn::Later { page, .. } if page.patient != patient.id => return Err(ReadError::UnknownPage),
            Turn::Later { page, .. } => self.adapter.page(patient, ask, &page.address).await,
        };
        answer.map_err(ReadError::His)
    }

    async fn data_and_episodes(
        &self,
        patient: &HisPatient,
        ask: Ask<'_>,
        record: &Record<'_>,
    ) -> Result<(Answer, ShownEpisodes), ReadError> {
        tokio::try_join!(self.data(patient, ask), self.closed_episodes(patient, ask, record))
    }

    /// See [`shown_episodes`].
    pub(super) async fn closed_episodes(
        &self,
        patient: &HisPatient,
        ask: Ask<'_>,
        record: &Record<'_>,
    ) -> Result<ShownEpisodes, ReadError> {
        shown_episodes(self.permit.practice(), self.shape.search, self.adapter, patient, ask, record).await
    }
}

/// What the guideline lets a patient of this practice see in the answer to this search.
pub(super) fn rules(
    service: &Service,
    search: &AllowedSearch,
    practice: &Practice,
    floors: Floors,
    closed_episodes: ShownEpisodes,
) -> Rules {
    Rules {
        applied: service.rules_for(search),
        access_start: practice.access_start,
        results_since: floors.results,
        today: floors.today,
        closed_episodes,
    }
}

/// The body of an answer that must be there whole.
pub(super) fn whole(answer: Answer) -> Result<Bytes, HisError> {
    if answer.incomplete {
        return Err(HisError::Unreachable);
    }
    match (answer.format, answer.body) {
        (Format::Json, AnswerBody::Whole(body)) => Ok(body),
        (Format::Json, AnswerBody::Large(_)) => Err(HisError::TooLarge),
        (Format::Xml, _) => Err(HisError::Nonsense),
    }
}

fn old_enough(patient: &HisPatient, work: &Work<'_>) -> bool {
    is_of_age(patient.birth_date, work.permit.practice(), work.floors.today)
}
