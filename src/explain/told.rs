//! Steps in words.

use super::{Endpoint, Step, Verdict};
use crate::fhir::read::{Foreseen, ForeseenWork as Work, Led, ReadError, Shape};
use crate::his::BreakerState;
use crate::services::Source;

/// A step that passed, in no list.
pub(super) const fn step(name: &'static str, because: String) -> Step {
    Step { name, verdict: Verdict::Passed, because, version: None }
}

/// Every step that the gateway takes alone.
pub(super) fn steps(foreseen: &Foreseen<'_>) -> Vec<Step> {
    let decision = foreseen.explained.steps.iter().map(|taken| {
        let (verdict, because) = match taken.refused {
            Some(refusal) => (Verdict::Refused, format!("{refusal}: {}", taken.because)),
            None => (Verdict::Passed, taken.because.clone()),
        };
        Step { name: taken.check.name(), verdict, because, version: taken.version.clone() }
    });
    let shape = foreseen.shape.as_ref().map(shape);
    let source = foreseen.shape.as_ref().and_then(|shape| shape.as_ref().ok()).filter(|shape| is_own(shape));
    let source = source.map(|_| step("source", "it is answered from our own access log; no HIS is asked".to_owned()));
    let his = foreseen.his.as_ref().map(his);
    decision.chain(shape).chain(source).chain(his).collect()
}

fn is_own(shape: &Shape) -> bool {
    shape.source == Source::AccessLog
}

fn shape(shape: &Result<Shape, ReadError>) -> Step {
    match shape {
        Ok(Shape { work, format, .. }) => {
            let work = match work {
                Work::Search(query) => format!("a search that the service has: {query}"),
                Work::Page(resource) => {
                    format!("a further page of {resource}; only its token says whether there is one")
                }
                Work::Document(query) => format!("a document, which this search must name first: {query}"),
                Work::Submission(kind) => format!("a {kind}; whether it is taken depends on what is in it"),
            };
            step("request", format!("{work}, answered in {}", format.name()))
        }
        Err(error) => Step { verdict: Verdict::Refused, ..step("request", error.to_string()) },
    }
}

fn his(led: &Result<Led<'_>, ReadError>) -> Step {
    match led {
        Ok(Led { practice, service }) => {
            let fhir = service.fhir.as_str();
            step("his", format!("HIS {} has an endpoint of FHIR {fhir}", practice.his))
        }
        Err(error) => Step { verdict: Verdict::Refused, ..step("his", error.to_string()) },
    }
}

/// Whether the endpoint is asked.
pub(super) fn breaker(endpoint: &Endpoint) -> Step {
    let Endpoint { name, host, breaker } = endpoint;
    let (verdict, said) = match breaker {
        Some(BreakerState::Closed) => (Verdict::Passed, "is asked"),
        Some(BreakerState::HalfOpen) => (Verdict::Passed, "failed, and is tried with one request"),
        Some(BreakerState::Open) => (Verdict::Refused, "keeps failing and is left alone for a while"),
        None => (Verdict::Unknown, "would be asked; whether it is left alone only a running node knows"),
    };
    Step { verdict, ..step("breaker", format!("endpoint {name} at {host} {said}")) }
}
