//! Who asked for the person's data at the practice of the token: from our own access log, and nothing is asked of the practice.
//! Only what is about this person and this practice: what other practices did is between them and the person (Wabvpz article
//! 15e speaks of the file of one care provider). The look is on record before anything leaves.

use super::page::{PageLinks, Turn};
use super::{Outgoing, ReadError, Reader, Released, Unread};
use crate::accesslog::{Extent, LookError, Looked, Question, Unseen};
use crate::audit::{AuditEvent, Counts, Cursor, Kind, Outcome};
use crate::availability::dutch_midnight;
use crate::fhir::cursor::Bound;
use crate::fhir::disclosure::{Attempt, Unanswered};
use crate::fhir::request::{Demand, Floors, Interaction, RequestError, SearchShape};
use crate::medmij::FhirVersion;
use crate::routing::Permit;

/// Records of a page when the client names no number.
const COUNT: u16 = 50;

impl Reader {
    pub(super) async fn look(
        &self,
        attempt: &mut Attempt,
        permit: Permit<'_>,
        demand: Demand<'_>,
        bound: Bound<'_>,
        floors: Floors,
    ) -> Result<Released, Unread> {
        let (shape, turn) = match demand.interaction {
            Interaction::Search(shape) => (shape, Turn::First),
            Interaction::Page(page) => self.open_page(permit.service(), &page, bound, floors)?,
            Interaction::Read(_) | Interaction::Submit(_) => {
                return Err(ReadError::Request(RequestError::NotOffered).into());
            }
        };
        attempt.event.query = Some(shape.describe().into());
        let looked = self.looked(attempt, permit, &shape, &turn).await?;
        let body = self.searchset(&looked, &shape, &turn, bound);
        let counts = Counts { entries: u32::try_from(looked.records().len()).unwrap_or(u32::MAX), ..Counts::default() };
        let receipt = looked.receipt().clone();
        match Outgoing::written(body, demand.format, FhirVersion::R4) {
            Ok(body) => {
                let (format, grant) = (demand.format, permit.grant().id);
                Ok(Released { format, body, counts, grant, receipt, disclosure: None })
            }
            Err(error) => Err(Unanswered { error, receipt: Some(receipt) }.into()),
        }
    }

    async fn looked(
        &self,
        attempt: &mut Attempt,
        permit: Permit<'_>,
        shape: &SearchShape<'_>,
        turn: &Turn,
    ) -> Result<Looked, Unread> {
        let after = match turn {
            Turn::Later { page, .. } => Some(Cursor::parse(&page.address).ok_or(ReadError::UnknownPage)?),
            Turn::First | Turn::Document(_) => None,
        };
        let (begins, ends) = shape.span();
        let begins = begins.max(dutch_midnight(self.log.reach().oldest));
        let extent = Extent::Records(shape.count().unwrap_or(COUNT), after);
        let grant = permit.grant();
        let question = Question { person: &grant.subject, provider: Some(&grant.provider), begins, ends, extent };
        let event = AuditEvent { kind: Kind::LogRead, outcome: Outcome::Done, ..AuditEvent::clone(&attempt.event) };
        match self.log.look(question, event).await {
            Ok(looked) => {
                attempt.decided();
                Ok(looked)
            }
            Err(Unseen { error: LookError::Audit(error), .. }) => Err(ReadError::Audit(error).into()),
            // The log knows that this look came to nothing.
            Err(Unseen { error: LookError::Index | LookError::NoKey, receipt }) => {
                attempt.decided();
                Err(Unanswered { error: ReadError::Index, receipt }.into())
            }
        }
    }

    fn searchset(&self, looked: &Looked, shape: &SearchShape<'_>, turn: &Turn, bound: Bound<'_>) -> Vec<u8> {
        let self_link = match turn {
            Turn::First | Turn::Document(_) => shape.self_link(bound.base),
            Turn::Later { self_link, .. } => self_link.clone(),
        };
        let links = PageLinks { cursors: &self.cursors, shape, patient: "", bound };
        let next = looked.next().and_then(|next| links.to(&next.to_string()));
        self.log.searchset(looked, bound.base, &self_link, next.as_deref())
    }
}
