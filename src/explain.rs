//! What would become of a request and why, step by step, for who has to answer a call: a PGO that gets nothing, a practice that
//! asks whether it is open. It is the decision itself, the parser of requests and the table of faults that say so
//! ([`foresee`], [`Fault`]); here only their words are put in a row. Nothing is asked of a HIS, and nobody's record is touched.

mod question;
mod told;

use jiff::Timestamp;

pub use self::question::{Person, Question, QuestionFault, REQUEST_MAX, Written};
use crate::fault::{Fault, reason_of};
use crate::fhir::read::{Foreseen, Led, ReadError, foresee, route_of};
use crate::his::{BreakerState, HisError};
use crate::medmij::FhirVersion;
use crate::routing::Snapshot;
use crate::routing::explain::Supposed;

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It lets the request on.
    Passed,
    /// It ends the request.
    Refused,
    /// It cannot be told here.
    Unknown,
}

impl Verdict {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// A step on the way of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What was looked at: the name of a [`Check`](crate::routing::Check), or `address`, `request`, `his`, `breaker` or `source`.
    pub name: &'static str,
    /// How it went.
    pub verdict: Verdict,
    /// What was seen.
    pub because: String,
    /// In which list, with its number.
    pub version: Option<String>,
}

/// The way of a request that nobody sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// At which moment it was looked.
    pub at: Timestamp,
    /// Each step that was taken, in order. Only the last can be a refusal.
    pub steps: Vec<Step>,
    /// What is answered; `None` when the request goes on to a HIS, or to our own log.
    pub refused: Option<Refused>,
}

/// An answer that is not data, and what stands in the log about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The answer.
    pub fault: Fault,
    /// The reason in the audit, which may say more than the client is told.
    pub reason: &'static str,
}

/// An endpoint of an installation of a HIS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// What it is for: `fhir`, `r4`, `rest` or `token`.
    pub name: &'static str,
    /// The host.
    pub host: String,
    /// Whether it is asked now; `None` where no node runs that could say so.
    pub breaker: Option<BreakerState>,
}

/// Tells the endpoints of an installation, by its id.
pub type Endpoints<'a> = &'a dyn Fn(&str) -> Vec<Endpoint>;

/// Looks what would become of a request, at this moment.
#[must_use]
pub fn explain(snapshot: &Snapshot, question: &Question, endpoints: Endpoints<'_>, now: Timestamp) -> Explanation {
    let route = match route_of(question.path()) {
        Ok(route) => route,
        Err(error) => {
            let step =
                Step { verdict: Verdict::Refused, ..told::step("address", format!("{error}: {}", question.path())) };
            let refused = Refused { fault: error.into(), reason: reason_of(error) };
            return Explanation { at: now, steps: vec![step], refused: Some(refused) };
        }
    };
    let supposed = Supposed {
        client: question.client(),
        names: question.names(),
        provider: question.provider(),
        service: question.service(),
        scope: question.scope(),
        person: question.person().as_whom(),
        consented: question.consented().unwrap_or(Timestamp::MIN),
        route,
    };
    let foreseen = foresee(snapshot, &supposed, question.asked(route.version), now);
    let mut steps = told::steps(&foreseen);
    let mut error = foreseen.error();
    if let Some(step) = led(&foreseen, endpoints) {
        error = error.or((step.verdict == Verdict::Refused).then_some(ReadError::His(HisError::Open)));
        steps.push(step);
    }
    let refused = error.map(|error| Refused { fault: error.into(), reason: reason_of(error) });
    Explanation { at: now, steps, refused }
}

/// Whether the endpoint that would be asked is asked now.
fn led(foreseen: &Foreseen<'_>, endpoints: Endpoints<'_>) -> Option<Step> {
    let Led { practice, service } = foreseen.his.as_ref()?.as_ref().ok()?;
    let all = endpoints(&practice.his);
    Some(told::breaker(chosen(&all, service.fhir)?))
}

/// The endpoint of a FHIR version: an installation with a base of its own for R4 has two.
fn chosen(all: &[Endpoint], fhir: FhirVersion) -> Option<&Endpoint> {
    let named = |name: &'static str| all.iter().find(move |endpoint| endpoint.name == name);
    let own = named("r4").filter(|_| fhir == FhirVersion::R4);
    own.or_else(|| named("fhir")).or_else(|| named("rest"))
}

#[cfg(test)]
mod tests;
