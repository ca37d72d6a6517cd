//! The page that explains what would become of a request.

use askama::Template;

use super::Frame;
use crate::explain::QuestionFault;
use crate::operations::DeskError;
use crate::operations::explain::{ExplanationView, PersonView, QuestionView};

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

    fn is_seated(&self) -> bool {
        self.typed.person == PersonView::Seated
    }
}
