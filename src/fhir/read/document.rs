//! A document. It leaves when something that the patient may see names it, and as it comes from the HIS: whoever asks for
//! one that is another person's, hidden or nowhere gets one and the same answer, after the same work.

use super::flow::{PDF, Paper, Wrap};
use super::page::Turn;
use super::search::{Judged, Work, whole};
use super::{Flow, Outgoing, ReadError};
use crate::audit::Counts;
use crate::clock::Clock;
use crate::fhir::request::{self, Asked, Floors, Format, Interaction, ReadShape, RequestError, SearchShape};
use crate::fhir::shape::document::{BinaryStream, Expected, names_document};
use crate::fhir::shape::{Page, Record, Rules, ShapeFault, Shaping, shape_searchset};
use crate::form::encode_pairs;
use crate::his::{Ask, Document, HisError, HisPatient};
use crate::services::{Parameter, Service, Values};

/// Most pages of the list in which a document may be named.
const LIST_PAGES_MAX: usize = 64;

/// Which document is asked for.
pub(super) struct Target {
    id: String,
    /// As the resource, in this format; else the document itself.
    wrapped: Option<Format>,
}

impl Target {
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

/// What is asked of the HIS for a read: the search that must name it, and its target.
///
/// # Errors
/// `NotOffered` when the service has no such search.
pub(super) fn listed<'a>(
    service: &'a Service,
    read: ReadShape<'_>,
    format: Format,
    floors: Floors,
) -> Result<(SearchShape<'a>, Turn), ReadError> {
    let shape = listing(service, &read, floors).ok_or(ReadError::Request(RequestError::NotOffered))?;
    let wrapped = read.as_resource.then_some(format);
    Ok((shape, Turn::Document(Target { id: read.id, wrapped })))
}

/// The search that lists what may be read: one that the service allows, with what it requires and nothing else. `None` when
/// it has none, or requires a date.
fn listing<'a>(service: &'a Service, read: &ReadShape<'_>, floors: Floors) -> Option<SearchShape<'a>> {
    let resource = &read.read.listed_by;
    let search = service.searches_of(resource).find(|search| search.operation.is_none())?;
    let required = search.parameters.iter().filter(|parameter| parameter.required);
    let pairs: Vec<_> = required.map(widest).collect::<Option<_>>()?;
    let asked = encode_pairs(&pairs);
    match request::parse(service, resource, Asked::search(Some(&asked)), floors).ok()?.interaction {
        Interaction::Search(shape) => Some(shape),
        Interaction::Read(_) | Interaction::Page(_) | Interaction::Submit(_) => None,
    }
}

fn widest(parameter: &Parameter) -> Option<(String, String)> {
    let value = match &parameter.values {
        Values::OneOf(values) => values.first()?.clone(),
        Values::AnyOf(values) => values.join(","),
        Values::Date { .. } | Values::Count { .. } => return None,
    };
    Some((parameter.name.clone(), value))
}

impl Work<'_> {
    /// The document, once it is known to be one that the patient may see.
    pub(super) async fn document(
        &self,
        patient: &HisPatient,
        ask: Ask<'_>,
        target: &Target,
        clock: &dyn Clock,
    ) -> Result<Judged, ReadError> {
        if !self.lists(patient, ask, &target.id).await? {
            return Err(ReadError::NoDocument);
        }
        let document = self.adapter.binary(patient, ask, &target.id).await.map_err(no_document)?;
        let unwrap = unwrap(&document, self.expected(patient, target))?;
        let wrap = target.wrapped.map(|format| Wrap::new(format, ask.fhir, &target.id));
        let length = document.length.filter(|_| unwrap.is_none());
        let length = length.and_then(|length| wrap.as_ref().map_or(Some(length), |wrap| wrap.length(length)));
        let left = ask.deadline.saturating_duration_since(clock.monotonic());
        let flow = Flow::open(document.body, Box::new(Paper::new(unwrap, wrap)), left).await?;
        let body = Outgoing::Document { flow, length, wrapped: target.wrapped };
        let (format, grant) = (self.format, self.permit.grant().id);
        Ok(Judged { format, body, grant, counts: Counts::default() })
    }

    fn expected(&self, patient: &HisPatient, target: &Target) -> Expected {
        Expected {
            fhir: self.permit.service().fhir,
            id: target.id.clone(),
            media_type: PDF,
            patient_id: patient.id.clone(),
            his_base: self.his_base.to_owned(),
        }
    }

    /// Whether something that the patient sees names the document. All pages are read before the answer is no.
    async fn lists(&self, patient: &HisPatient, ask: Ask<'_>, id: &str) -> Result<bool, ReadError> {
        let record = self.record(&patient.id);
        let rules = self.rules(self.closed_episodes(patient, ask, &record).await?);
        let mut answer = self.data(patient, ask).await?;
        let mut page = Page::First;
        for _ in 0..LIST_PAGES_MAX {
            let body = whole(answer).map_err(ReadError::His)?;
            let (named, next) = self.names(&body, (record, &rules, page), id).map_err(ReadError::Shape)?;
            if named {
                return Ok(true);
            }
            let Some(next) = next else { return Ok(false) };
            page = Page::Later;
            answer = self.adapter.page(patient, ask, &next).await.map_err(ReadError::His)?;
        }
        Err(ReadError::Shape(ShapeFault::MorePages))
    }

    /// Whether a page of the list, as the patient may see it, names the document; and where the next page is.
    fn names(
        &self,
        body: &[u8],
        (record, rules, page): (Record<'_>, &Rules, Page),
        id: &str,
    ) -> Result<(bool, Option<String>), ShapeFault> {
        let resource = &self.shape.search.resource;
        let shaping = Shaping { record, rules, self_link: record.our_base, resource, includes: &[], page };
        let shaped = shape_searchset(body, &shaping, &|_| Some(String::new()))?;
        Ok((names_document(&shaped.body, resource, record.our_base, id)?, shaped.next))
    }
}

/// How the HIS sends it: bare, or in the resource.
fn unwrap(document: &Document, expected: Expected) -> Result<Option<BinaryStream>, ReadError> {
    let kind = document.media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        PDF => Ok(None),
        "application/fhir+json" | "application/json+fhir" | "application/json" => Ok(Some(BinaryStream::new(expected))),
        _ => Err(ReadError::Shape(ShapeFault::NotTheDocument)),
    }
}

/// What is named and not there is the same as what is not named.
fn no_document(error: HisError) -> ReadError {
    if error == HisError::NotFound { ReadError::NoDocument } else { ReadError::His(error) }
}
