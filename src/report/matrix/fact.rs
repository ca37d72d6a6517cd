//! What a record of the access log says of the steps of a visit. A visit is a person's walk through our pages together with the
//! consent that came of it: both have one id.

use jiff::Timestamp;
use smol_str::SmolStr;

use super::step::{Ending, Step};
use crate::audit::{Authorization, Kind, Outcome, Record, services_of_detail};
use crate::medmij::{Hostname, LocalId, ProviderName, ServiceId};

/// What one record tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The visit: the id of the grant, or of the walk that may lead to one.
    pub visit: LocalId,
    /// When.
    pub at: Timestamp,
    /// The client, when the record names it.
    pub client: Option<Hostname>,
    /// The practice, when the record names it.
    pub provider: Option<ProviderName>,
    /// The services of the visit, when the record names them.
    pub services: Vec<ServiceId>,
    /// Whether a consent is for an indefinite period; only that which gave it says so.
    pub lasting: bool,
    /// The id by which client and gateway know the request: that of the client, else ours.
    pub sample: SmolStr,
    /// The steps.
    pub told: Vec<Told>,
}

/// A step, and how the attempt at it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The service; `None`: each service of the visit.
    pub service: Option<ServiceId>,
    /// The step.
    pub step: ToldStep,
    /// How it ended.
    pub ending: Ending,
}

/// A step as a record names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToldStep {
    /// One that has a name.
    Step(Step),
    /// A request for data, in the words of the catalogue.
    Query(SmolStr),
}

impl Fact {
    /// What a record tells, if anything.
    #[must_use]
    pub fn of(record: &Record) -> Option<Self> {
        let told = told(record)?;
        let visit = record.grant.or(record.local_id)?;
        let services = record.detail.as_deref().map(services_of_detail).unwrap_or_default();
        let sample = record.request_id.map(|id| id.to_string()).or_else(|| record.local_id.map(|id| id.to_string()));
        Some(Self {
            visit,
            at: record.time,
            client: record.client_id.clone(),
            provider: record.provider.clone(),
            services,
            lasting: record.authorization.as_ref().and_then(|word| word.known()) == Some(Authorization::LastingConsent),
            sample: sample.unwrap_or_default().into(),
            told,
        })
    }
}

fn told(record: &Record) -> Option<Vec<Told>> {
    let (kind, outcome) = (record.kind.known()?, record.outcome.known()?);
    let reason = record.reason.as_deref();
    let whole = |step, ending| Told { service: None, step: ToldStep::Step(step), ending };
    Some(match (kind, outcome) {
        (Kind::AuthorizationRequested, Outcome::Done) => vec![whole(Step::Found, Ending::Succeeded)],
        (Kind::AuthorizationRefused, _) => {
            let (step, ending) = walk_ended(reason, record.client_id.is_some());
            vec![whole(step, ending)]
        }
        // Who came by themself, to see their own consents, comes for no service.
        (Kind::PersonAuthenticated, Outcome::Done) if record.client_id.is_some() => {
            vec![whole(Step::Login, Ending::Succeeded)]
        }
        (Kind::AuthenticationFailed, _) if record.client_id.is_some() => vec![whole(Step::Login, login_ended(reason))],
        (Kind::ConsentGiven, Outcome::Done) => {
            vec![whole(Step::Availability, Ending::Succeeded), whole(Step::Consent, Ending::Succeeded)]
        }
        (Kind::ConsentRefused, _) => {
            vec![whole(Step::Availability, Ending::Succeeded), whole(Step::Consent, Ending::Ended)]
        }
        (Kind::TokenIssued, Outcome::Done) => token(record).map(|step| whole(step, Ending::Succeeded)).collect(),
        (Kind::TokenRefused, _) => vec![token_refused(record)],
        (Kind::DisclosureOutcome | Kind::SubmissionOutcome | Kind::LogRead, _) => requested(record, outcome)?,
        (Kind::ResourceRefused, _) => vec![refused(record, outcome)],
        _ => return None,
    })
}

/// A portal that vouches for a person takes two steps with one request.
fn token(record: &Record) -> impl Iterator<Item = Step> + use<> {
    let vouched = record.authorization.as_ref().and_then(|word| word.known()) == Some(Authorization::PortalAssertion);
    vouched.then_some(Step::Availability).into_iter().chain([Step::Token])
}

fn token_refused(record: &Record) -> Told {
    let reason = record.reason.as_deref();
    let (step, ending) = match reason {
        Some("not-available" | "his-gives-no-answer") => (Step::Availability, Ending::failed(reason)),
        // A refresh token, of a person of whom the practice has no data any more; the client is told no more than this.
        Some("invalid_grant") if record.detail.as_deref() == Some("not available") => {
            (Step::Availability, Ending::failed(Some("not-available")))
        }
        Some(code) if is_not_yet(code) => (Step::Availability, Ending::Ended),
        _ => (Step::Token, Ending::failed(reason)),
    };
    Told { service: None, step: ToldStep::Step(step), ending }
}

/// A request that was admitted, and how it ended. What no client asked for is none of it.
fn requested(record: &Record, outcome: Outcome) -> Option<Vec<Told>> {
    let service = Some(record.service.clone()?);
    record.grant?;
    let ending = match outcome {
        Outcome::Done => Ending::Succeeded,
        Outcome::Aborted => Ending::Aborted,
        // The consent ended while data was on the way.
        Outcome::Refused => Ending::Ended,
        Outcome::Failed => Ending::failed(record.reason.as_deref()),
        Outcome::Intended => return None,
    };
    let query = ToldStep::Query(record.query.as_deref().unwrap_or_default().into());
    let admitted = ToldStep::Step(Step::Admission);
    let admission = Told { service: service.clone(), step: admitted, ending: Ending::Succeeded };
    Some(vec![admission, Told { service, step: query, ending }])
}

fn refused(record: &Record, outcome: Outcome) -> Told {
    let ending = match outcome {
        Outcome::Aborted => Ending::Aborted,
        Outcome::Refused | Outcome::Failed | Outcome::Intended | Outcome::Done => {
            Ending::failed(record.reason.as_deref())
        }
    };
    Told { service: record.service.clone(), step: ToldStep::Step(Step::Admission), ending }
}

/// At which step a walk through our pages ended, by the code of its end.
fn walk_ended(reason: Option<&str>, known: bool) -> (Step, Ending) {
    let failed = Ending::failed(reason);
    match reason.unwrap_or_default() {
        "cancelled" | "stale-page" | "other-site" | "bad-form" | "form-too-large" => (Step::Login, Ending::Ended),
        "not-available" => (Step::Availability, failed),
        code if is_not_yet(code) => (Step::Availability, Ending::Ended),
        code if code.starts_with("his-") => (Step::Availability, failed),
        // Without a client it ended before the request was read.
        "lists-too-old" if known => (Step::Consent, failed),
        code if code == "lists-too-old" || code == "stopped" || code.starts_with("stopped-") => (Step::Found, failed),
        // Codes of OAuth, and what tells that the client is not known.
        code if code.contains('_') || code == "unknown-client" || code == "bad-redirect-uri" => (Step::Found, failed),
        _ => (Step::Login, failed),
    }
}

fn login_ended(reason: Option<&str>) -> Ending {
    if reason == Some("login-cancelled") { Ending::Ended } else { Ending::failed(reason) }
}

/// Whether the practice lets the person in later, or no more: as it means to.
fn is_not_yet(code: &str) -> bool {
    crate::practices::golive::NotYet::ALL.iter().any(|not_yet| not_yet.code() == code)
}

#[cfg(test)]
mod tests;
