//! The page that explains what would become of a request.

use askama::Template;

use super::Frame;
use crate::explain::QuestionFault;
use crate::operations::DeskError;
use crate::operations::explain::{ExplanationView, PastView, PersonView, QuestionView, RecordView};

/// What would become of a request.
#[derive(Template)]
#[template(path = "operations/explain.html", config = "src/pages/askama.toml")]
pub struct ExplainPage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// What stands in the form.
    pub typed: &'a QuestionView,
    /// What was found.
    pub explanation: Option<&'a ExplanationView>,
    /// What became of a request.
    pub past: Option<&'a PastView>,
    /// What is wrong with the question.
    pub wrong: Option<DeskError>,
}

impl ExplainPage<'_> {
    /// The page as HTML.
    #[must_use]
    pub fn render_html(&self) -> String {
        self.render().unwrap_or_default()
    }

    /// What is wrong with a field.
    fn at(&self, field: &str) -> Option<DeskError> {
        let Some(DeskError::Question(fault)) = self.wrong else { return None };
        let named = match fault {
            QuestionFault::Provider => "provider",
            QuestionFault::Service => "service",
            QuestionFault::Client => "client",
            QuestionFault::Peer => "peer",
            QuestionFault::Scope => "scope",
            QuestionFault::Consented => "consented",
            QuestionFault::Request | QuestionFault::Metadata | QuestionFault::Bsn => "request",
            QuestionFault::TestPatient | QuestionFault::Mark => "person",
        };
        self.wrong.filter(|_| named == field)
    }

    /// Whether who looks may see what became of requests.
    fn may_look_back(&self) -> bool {
        self.frame.may_review()
    }

    fn is_seated(&self) -> bool {
        self.typed.person == PersonView::Seated
    }

    /// What is known of a record, in words.
    fn facts(&self, one: &RecordView) -> Vec<(&'static str, String)> {
        let text = |value: Option<&str>| value.map(str::to_owned);
        let all = [
            ("Step", text(one.step)),
            ("Who can act", text(one.who)),
            ("People are told", text(one.text)),
            ("Developers are told", text(one.diagnostics)),
            ("Client", one.client.clone()),
            ("Node", one.peer.clone()),
            ("Practice", one.provider.clone()),
            ("Service", one.service.clone()),
            ("Asked", one.query.clone()),
            ("Status", one.status.map(|status| status.to_string())),
            ("Our number", one.local_id.clone()),
            ("MedMij-Request-ID", one.request_id.clone()),
            ("Record", Some(one.record.clone())),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}
