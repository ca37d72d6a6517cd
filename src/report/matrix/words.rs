//! What the matrix says, in Dutch and English.

use super::board::Window;
use super::judge::{Failing, Verdict};
use super::step::Step;
use crate::fault::Who;
use crate::language::Language;

impl Step {
    /// The step for people. A request is named by the catalogue's words.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let (dutch, english) = match self {
            Self::Found => ("Praktijk gevonden", "Practice found"),
            Self::Login => ("Ingelogd", "Logged in"),
            Self::Availability => ("Gegevens beschikbaar", "Data available"),
            Self::Consent => ("Toestemming gegeven", "Consent given"),
            Self::Token => ("Token gekregen", "Token given"),
            Self::Admission => ("Verzoek toegelaten", "Request admitted"),
            Self::Complete => ("Dossier compleet", "Record complete"),
            Self::Request(pattern) => return pattern.to_string(),
        };
        match language {
            Language::Dutch => dutch.to_owned(),
            Language::English => english.to_owned(),
        }
    }
}

impl Verdict {
    /// The word in answers.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Works { .. } => "works",
            Self::TooFew { .. } => "too_few",
            Self::Fails(_) => "fails",
        }
    }

    /// The verdict and why, for people; `who` must act when it fails.
    #[must_use]
    pub fn text(&self, who: Option<Who>, language: Language) -> String {
        match (self, language) {
            (Self::Works { answered }, Language::Dutch) => format!("Werkt: {answered} verzoeken beantwoord."),
            (Self::Works { answered }, Language::English) => format!("Works: {answered} requests answered."),
            (Self::TooFew { .. }, Language::Dutch) => "Te weinig geprobeerd om iets te zeggen.".to_owned(),
            (Self::TooFew { .. }, Language::English) => "Too little was tried to say anything.".to_owned(),
            (Self::Fails(failing), language) => fails(failing, who.unwrap_or(Who::Us), language),
        }
    }
}

fn fails(failing: &Failing, who: Who, language: Language) -> String {
    let Failing { step, code, judged, failed, at_least } = failing;
    let (step, actor, share) = (step.text(language), who_text(who, language), at_least * 100.0);
    match language {
        Language::Dutch => format!(
            "Mislukt bij \"{step}\" met {code}: {failed} van {judged} pogingen, zeker {share:.0} %. Nu aan zet: {actor}."
        ),
        Language::English => format!(
            "Fails at \"{step}\" with {code}: {failed} of {judged} attempts, {share:.0} % at least. To act: {actor}."
        ),
    }
}

/// Who must act, for people.
#[must_use]
pub const fn who_text(who: Who, language: Language) -> &'static str {
    match (who, language) {
        (Who::Patient, Language::Dutch) => "de patiënt",
        (Who::Patient, Language::English) => "the patient",
        (Who::Practice, Language::Dutch) => "de praktijk",
        (Who::Practice, Language::English) => "the practice",
        (Who::Pgo, Language::Dutch) => "de maker van de app of website",
        (Who::Pgo, Language::English) => "the maker of the app or website",
        (Who::His, Language::Dutch) => "de leverancier van het informatiesysteem",
        (Who::His, Language::English) => "the supplier of the information system",
        (Who::Us, Language::Dutch) => "de beheerder van deze gateway",
        (Who::Us, Language::English) => "the operator of this gateway",
    }
}

impl Window {
    /// The window for people.
    #[must_use]
    pub const fn text(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Today, Language::Dutch) => "vandaag",
            (Self::Today, Language::English) => "today",
            (Self::Week, Language::Dutch) => "7 dagen",
            (Self::Week, Language::English) => "7 days",
            (Self::Month, Language::Dutch) => "30 dagen",
            (Self::Month, Language::English) => "30 days",
            (Self::Quarter, Language::Dutch) => "dit kwartaal",
            (Self::Quarter, Language::English) => "this quarter",
        }
    }
}
