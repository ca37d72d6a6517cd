//! A search: intent, HIS, shaping, release.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;

use super::flow::Entries;
use super::{Flow, Outgoing, ReadError, Reader, Released, Request, Unread};
use crate::audit::{AuditEvent, AuditReceipt, Counts, Kind, Outcome, receipt};
use crate::availability::is_of_age;
use crate::fhir::disclosure::{Attempt, Disclosure};
use crate::fhir::request::{Floors, SearchShape};
use crate::fhir::shape::stream::Kept;
use crate::fhir::shape::{Page, Record, Rules, ShapeFault, Shaping, ShownEpisodes, flagged_episodes, shape_searchset};
use crate::his::{Answer, AnswerBody, Ask, Format, HisAdapter, HisError, HisPatient, Search};
use crate::medmij::LocalId;
use crate::practices::ClosedEpisodes;
use crate::routing::{Permit, resource_base};
use crate::services::AllowedSearch;

/// What one disclosure works with.
pub(super) struct Work<'a> {
    pub(super) permit: Permit<'a>,
    pub(super) shape: SearchShape<'a>,
    pub(super) floors: Floors,
    pub(super) adapter: &'a dyn HisAdapter,
    pub(super) his_base: &'a str,
}

struct Judged {
    body: Outgoing,
    grant: LocalId,
    counts: Counts,
}

impl Judged {
    fn released(self, receipt: AuditReceipt, disclosure: Disclosure) -> Released {
        let disclosure = disclosure.released(&receipt);
        Released { body: self.body, counts: self.counts, grant: self.grant, receipt, disclosure }
    }
}

impl Reader {
    /// From here on the HIS is asked, so the intent comes first. It becomes durable while the HIS works.
    pub(super) async fn release(
        &self,
        request: Request<'_>,
        attempt: &mut Attempt,
        work: Work<'_>,
    ) -> Result<Released, Unread> {
        let intent = AuditEvent { kind: Kind::DisclosureIntent, outcome: Outcome::Intended, ..attempt.event.clone() };
        let pending = self.audit.append(intent).map_err(ReadError::Audit)?;
        let disclosure = attempt.intended(Arc::clone(&self.clock));
        let judged = self.judged(request.local_id, &work).await;
        let receipt = receipt(pending).await;
        match (judged, receipt) {
            (Ok(judged), Ok(receipt)) => Ok(judged.released(receipt, disclosure)),
            (Ok(_), Err(error)) => Err(disclosure.failed(None, ReadError::Audit(error)).await.into()),
            (Err(error), receipt) => Err(disclosure.failed(receipt.ok(), error).await.into()),
        }
    }

    async fn judged(&self, local_id: LocalId, work: &Work<'_>) -> Result<Judged, ReadError> {
        let deadline = self.clock.monotonic() + self.his_deadline;
        let id = local_id.to_string();
        let ask = Ask { fhir: work.permit.service().fhir, local_id: &id, deadline };
        let subject = &work.permit.grant().subject;
        let found = work.adapter.find_patient(subject, ask).await.map_err(ReadError::His)?;
        let patient = found.filter(|patient| old_enough(patient, work)).ok_or(ReadError::NotAvailable)?;
        let flags = Search { ask, resource: "Flag", operation: None, parameters: &[] };
        let AllowedSearch { resource, operation, .. } = work.shape.search;
        let data = Search { ask, resource, operation: *operation, parameters: &work.shape.upstream };
        let data = work.adapter.search(&patient, data);
        let by_flag = work.permit.practice().closed_episodes == ClosedEpisodes::Flagged;
        let (data, flags) = if work.shape.search.needs_flags && by_flag {
            let flags = work.adapter.search(&patient, flags);
            let (data, flags) = tokio::try_join!(data, flags).map_err(ReadError::His)?;
            (data, Some(flags))
        } else {
            (data.await.map_err(ReadError::His)?, None)
        };
        let flags = flags.map(whole).transpose().map_err(ReadError::His)?;
        let grant = work.permit.grant().id;
        match (data.format, data.body) {
            (Format::Json, AnswerBody::Whole(body)) => {
                let shaped = self.held_against(&patient, work, flags.as_deref(), |shaping| shape_page(&body, shaping));
                let (body, counts) = shaped.flatten().map_err(ReadError::Shape)?;
                Ok(Judged { body: Outgoing::Whole(body), grant, counts })
            }
            (Format::Json, AnswerBody::Large(body)) => {
                let kept = self.held_against(&patient, work, flags.as_deref(), Kept::of).map_err(ReadError::Shape)?;
                let flow = Flow::open(body, Box::new(Entries::new(kept, None))).await?;
                Ok(Judged { body: Outgoing::Stream(flow), grant, counts: Counts::default() })
            }
            (Format::Xml, _) => Err(ReadError::His(HisError::Nonsense)),
        }
    }

    /// Does something with what the answer to this search is held against.
    fn held_against<T>(
        &self,
        patient: &HisPatient,
        work: &Work<'_>,
        flags: Option<&[u8]>,
        then: impl FnOnce(&Shaping<'_>) -> T,
    ) -> Result<T, ShapeFault> {
        let grant = work.permit.grant();
        let service = work.permit.service();
        let our_base = resource_base(&self.origin, &grant.provider, &service.id, service.fhir);
        let record = Record {
            fhir: service.fhir,
            patient_id: &patient.id,
            bsn: &grant.subject,
            his_base: work.his_base,
            our_base: &our_base,
        };
        let practice = work.permit.practice();
        let rules = Rules {
            applied: service.rules_for(work.shape.search),
            access_start: practice.access_start,
            results_since: work.floors.results,
            today: work.floors.today,
            closed_episodes: match (practice.closed_episodes, flags) {
                (ClosedEpisodes::All, _) => ShownEpisodes::All,
                (ClosedEpisodes::Flagged, Some(flags)) => ShownEpisodes::Only(flagged(flags, &record)?),
                (ClosedEpisodes::Flagged, None) | (ClosedEpisodes::None, _) => ShownEpisodes::Only(HashSet::new()),
            },
        };
        let includes: Vec<&str> = work.shape.search.includes.iter().map(String::as_str).collect();
        let shaping = Shaping {
            record,
            rules: &rules,
            self_link: &work.shape.self_link(&our_base),
            resource: &work.shape.search.resource,
            includes: &includes,
            page: Page::First,
        };
        Ok(then(&shaping))
    }
}

fn shape_page(body: &[u8], shaping: &Shaping<'_>) -> Result<(Vec<u8>, Counts), ShapeFault> {
    let shaped = shape_searchset(body, shaping, &str::to_owned)?;
    // There are no cursors yet under which a client could ask for it.
    if shaped.next.is_some() {
        return Err(ShapeFault::MorePages);
    }
    let counts = Counts { entries: shaped.entries, withheld: shaped.withheld, bytes: 0 };
    Ok((shaped.body, counts))
}

fn flagged(body: &[u8], record: &Record<'_>) -> Result<HashSet<String>, ShapeFault> {
    let flagged = flagged_episodes(body, record, Page::First)?;
    if flagged.next.is_some() { Err(ShapeFault::MorePages) } else { Ok(flagged.episodes) }
}

/// The body of an answer that is judged whole.
fn whole(answer: Answer) -> Result<Bytes, HisError> {
    match (answer.format, answer.body) {
        (Format::Json, AnswerBody::Whole(body)) => Ok(body),
        (Format::Json, AnswerBody::Large(_)) => Err(HisError::TooLarge),
        (Format::Xml, _) => Err(HisError::Nonsense),
    }
}

fn old_enough(patient: &HisPatient, work: &Work<'_>) -> bool {
    is_of_age(patient.birth_date, work.permit.practice(), work.floors.today)
}
