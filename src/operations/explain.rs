//! An explanation as it is asked for and shown: the same values as JSON, on the page and by `inzage explain`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::state::Installation;
use super::view::moment;
use crate::explain::{Endpoint, Explanation, Person, Question, QuestionFault, Refused, Step, Written, explain};
use crate::medmij::holds_bsn;
use crate::routing::Snapshot;

/// What is asked about a request that nobody sent.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuestionView {
    /// The practice, as `name@medmij`.
    #[serde(default)]
    pub provider: String,
    /// The id of the service in the lists.
    #[serde(default)]
    pub service: String,
    /// The client_id of the PGO or portal.
    #[serde(default)]
    pub client: String,
    /// The name in the certificate of the node; absent for each that may act for the client.
    #[serde(default)]
    pub peer: String,
    /// The SMART scope of the token; absent for all of the service.
    #[serde(default)]
    pub scope: String,
    /// When the person consented, RFC 3339; absent for before the present stage of go-live.
    #[serde(default)]
    pub consented: String,
    /// What is asked: a method, GET when there is none, and what follows the base, or a whole path that begins with `/fhir/`.
    #[serde(default)]
    pub request: String,
    /// Who asks, where a field test or pilot is held: `stranger`, who has no place, or `seated`, who has one.
    #[serde(default)]
    pub person: PersonView,
    /// In place of `person`: a test patient, by a citizen service number that begins with 9999. For auditors and operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_patient: Option<String>,
    /// In place of `person`: a mark, as `inzage mark` prints it. For auditors and operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bsn_hash: Option<String>,
}

/// Somebody who is nobody in particular.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PersonView {
    /// Without a place.
    #[default]
    Stranger,
    /// With a place.
    Seated,
}

impl QuestionView {
    /// Whether nothing is asked yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts().into_iter().all(str::is_empty)
    }

    /// Whether something that cannot be shown again was typed.
    #[must_use]
    pub fn holds_bsn(&self) -> bool {
        self.texts().into_iter().any(holds_bsn)
    }

    const fn texts(&self) -> [&str; 7] {
        let Self { provider, service, client, peer, scope, consented, request, .. } = self;
        [
            provider.as_str(),
            service.as_str(),
            client.as_str(),
            peer.as_str(),
            scope.as_str(),
            consented.as_str(),
            request.as_str(),
        ]
    }

    /// Reads it.
    ///
    /// # Errors
    /// See [`QuestionFault`].
    pub fn read(&self, snapshot: &Snapshot) -> Result<Question, QuestionFault> {
        let person = match (&self.test_patient, &self.bsn_hash, self.person) {
            (Some(number), ..) => Person::test_patient(number)?,
            (None, Some(mark), _) => Person::marked(mark)?,
            (None, None, PersonView::Stranger) => Person::Stranger,
            (None, None, PersonView::Seated) => Person::Seated,
        };
        let Self { provider, service, client, peer, scope, consented, request, .. } = self;
        Question::read(Written { provider, service, client, peer, scope, consented, request }, person, snapshot)
    }
}

/// What would become of a request, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExplanationView {
    /// When it was looked.
    pub at: String,
    /// `permitted`, when a HIS or our own log would be asked, or `refused`.
    pub outcome: &'static str,
    /// The answer that would be given in place of data.
    pub answer: Option<AnswerView>,
    /// Every step that was taken, in order; only the last can be a refusal.
    pub steps: Vec<StepView>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StepView {
    /// What was looked at.
    pub name: &'static str,
    /// `passed`, `refused` or `unknown`.
    pub verdict: &'static str,
    /// What was seen there.
    pub because: String,
    /// In which list, with its number.
    pub version: Option<String>,
}

/// An answer that is not data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AnswerView {
    /// Our code of it.
    pub code: &'static str,
    /// The reason in the audit, which may say more than the client is told.
    pub reason: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// Who can do something about it: `patient`, `practice`, `pgo`, `his` or `us`.
    pub who: &'static str,
    /// Seconds after which trying again may help.
    pub retry_after_seconds: Option<u32>,
    /// What people are told, in Dutch.
    pub text: &'static str,
    /// What developers are told.
    pub diagnostics: &'static str,
}

impl From<&Explanation> for ExplanationView {
    fn from(explanation: &Explanation) -> Self {
        Self {
            at: moment(explanation.at),
            outcome: if explanation.refused.is_some() { "refused" } else { "permitted" },
            answer: explanation.refused.map(AnswerView::from),
            steps: explanation.steps.iter().map(StepView::from).collect(),
        }
    }
}

impl From<Refused> for AnswerView {
    fn from(Refused { fault, reason }: Refused) -> Self {
        Self {
            code: fault.code,
            reason,
            status: fault.status,
            who: fault.who.as_str(),
            retry_after_seconds: fault.retry_after_seconds,
            text: fault.text,
            diagnostics: fault.diagnostics,
        }
    }
}

impl From<&Step> for StepView {
    fn from(Step { name, verdict, because, version }: &Step) -> Self {
        Self { name, verdict: verdict.as_str(), because: because.clone(), version: version.clone() }
    }
}

/// Whether what a node sees of its installations is known, or only which there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// By the node that runs.
    Live,
    /// From its configuration.
    Configured,
}

/// Answers a question in this world.
#[must_use]
pub fn answer(
    snapshot: &Snapshot,
    (installations, seen): (&[Installation], Seen),
    question: &Question,
    now: jiff::Timestamp,
) -> ExplanationView {
    let endpoints = |his: &str| {
        let own = installations.iter().filter(|one| one.id == his).flat_map(|one| &one.endpoints);
        let shown = own.map(|endpoint| Endpoint {
            name: endpoint.name,
            host: endpoint.host.clone(),
            breaker: (seen == Seen::Live).then(|| (endpoint.figures)().breaker),
        });
        shown.collect()
    };
    (&explain(snapshot, question, &endpoints, now)).into()
}
