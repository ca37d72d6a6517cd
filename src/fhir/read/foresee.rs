//! What would become of a request that nobody sent: decided, read against the catalogue and led to a HIS by the functions that
//! serve requests. Nothing is asked of a HIS and nobody's record is touched, so it ends where a HIS would be asked.

use jiff::Timestamp;

use super::{ReadError, document, floors};
use crate::fhir::request::{self, Asked, Demand, Format, Interaction, RequestError};
use crate::his::HisAdapter;
use crate::practices::Practice;
use crate::routing::explain::{Explained, Supposed, explain};
use crate::routing::{Admitted, Snapshot};
use crate::services::{Service, Source};

/// What would be answered from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// A search, in the catalogue's words.
    Search(String),
    /// A further page; whether there is one only its token says.
    Page(String),
    /// A document, which this search must name.
    Document(String),
    /// What is sent, when it is as the service wants it.
    Submission(&'static str),
}

/// The shape of a request inside its service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// What it asks.
    pub work: Work,
    /// In which format it is answered.
    pub format: Format,
    /// Where the answer comes from.
    pub source: Source,
}

/// A request that nobody sent, as far as the gateway alone says what becomes of it.
pub struct Foreseen<'a> {
    /// The decision.
    pub explained: Explained<'a>,
    /// What it asks, when it is let in.
    pub shape: Option<Result<Shape, ReadError>>,
    /// The installation that it leads to, when a HIS is to be asked.
    pub his: Option<Result<Led<'a>, ReadError>>,
}

/// Where a request leads.
#[derive(Debug, Clone, Copy)]
pub struct Led<'a> {
    /// The practice.
    pub practice: &'a Practice,
    /// The service.
    pub service: &'a Service,
}

impl Foreseen<'_> {
    /// What is answered in place of data; `None` when the HIS would be asked, or our own log.
    #[must_use]
    pub fn error(&self) -> Option<ReadError> {
        let decided = self.explained.decided.as_ref().err().map(|refusal| ReadError::Refused(*refusal));
        let shape = || self.shape.as_ref().and_then(|shape| shape.as_ref().err().copied());
        decided.or_else(shape).or_else(|| self.his.as_ref().and_then(|led| led.as_ref().err().copied()))
    }
}

/// Looks what would become of it at this moment.
#[must_use]
pub fn foresee<'a>(snapshot: &'a Snapshot, supposed: &Supposed<'a>, asked: Asked<'_>, now: Timestamp) -> Foreseen<'a> {
    let explained = explain(snapshot, supposed, now);
    let Ok(admitted) = explained.decided else { return Foreseen { explained, shape: None, his: None } };
    let shape = shape(admitted, supposed.route.rest, asked, now);
    let asks_his = shape.as_ref().is_ok_and(|shape| shape.source == Source::His);
    let his = asks_his.then(|| led(snapshot, admitted));
    Foreseen { explained, shape: Some(shape), his }
}

fn shape(admitted: Admitted<'_>, rest: &str, asked: Asked<'_>, now: Timestamp) -> Result<Shape, ReadError> {
    let Admitted { practice, service, .. } = admitted;
    let floors = floors(now, practice);
    let Demand { interaction, format } = request::parse(service, rest, asked, floors).map_err(ReadError::Request)?;
    let work = match interaction {
        Interaction::Search(shape) => Work::Search(shape.describe()),
        Interaction::Page(page) => Work::Page(page.resource.to_owned()),
        Interaction::Submit(sent) => Work::Submission(sent.submission.kind.as_str()),
        Interaction::Read(_) if service.source == Source::AccessLog => {
            return Err(ReadError::Request(RequestError::NotOffered));
        }
        Interaction::Read(read) => Work::Document(document::listed(service, read, format, floors)?.0.describe()),
    };
    Ok(Shape { work, format, source: service.source })
}

fn led<'a>(snapshot: &'a Snapshot, Admitted { practice, service, .. }: Admitted<'a>) -> Result<Led<'a>, ReadError> {
    let adapter = snapshot.adapters.of(&practice.his).ok_or(ReadError::NoAdapter)?;
    HisAdapter::base(adapter.as_ref(), service.fhir).ok_or(ReadError::NoAdapter)?;
    Ok(Led { practice, service })
}
