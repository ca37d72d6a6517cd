//! "Find my practice": the question, and what it found.

use askama::Template;

use super::text::{FindText, Text};
use crate::form::encode_pairs;
use crate::language::Language;
use crate::practices::find::{Found, QUESTION_MAX, QuestionError, Reach};

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindAnswer {
    /// Nothing was asked yet.
    NotAsked,
    /// It is no question that can be answered.
    NoQuestion(QuestionError),
    /// Too many people ask at once.
    Busy,
    /// These practices, best first.
    Found(Vec<Found>),
}

/// The page.
#[derive(Template)]
#[template(path = "find.html", config = "src/pages/askama.toml")]
pub struct FindPage<'a> {
    t: &'static Text,
    switch: Option<String>,
    /// What was typed, unless it must not be on a page.
    question: &'a str,
    longest: usize,
    wrong: Option<&'static str>,
    found: Option<&'a [Found]>,
}

impl<'a> FindPage<'a> {
    /// In this language, for what was typed.
    #[must_use]
    pub fn new(language: Language, typed: &'a str, answer: &'a FindAnswer) -> Self {
        let t = Text::of(language);
        let question = if holds_bsn(answer) { "" } else { typed };
        let asked = if holds_bsn(answer) { ("wrong", "bsn") } else { ("q", question) };
        let pairs = [("lang", language.other().tag()), asked];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            t,
            switch: Some(format!("/practices?{}", encode_pairs(&pairs))),
            question,
            longest: QUESTION_MAX,
            wrong: wrong(&t.find, answer),
            found: if let FindAnswer::Found(found) = answer { Some(found) } else { None },
        }
    }

    /// The page as HTML.
    #[must_use]
    pub fn render_html(&self) -> String {
        self.render().unwrap_or_default()
    }
}

fn holds_bsn(answer: &FindAnswer) -> bool {
    *answer == FindAnswer::NoQuestion(QuestionError::HoldsBsn)
}

const fn wrong(text: &FindText, answer: &FindAnswer) -> Option<&'static str> {
    match answer {
        FindAnswer::NotAsked | FindAnswer::Found(_) => None,
        FindAnswer::NoQuestion(QuestionError::TooShort) => Some(text.too_short),
        FindAnswer::NoQuestion(QuestionError::TooLong) => Some(text.too_long),
        FindAnswer::NoQuestion(QuestionError::HoldsBsn) => Some(text.holds_bsn),
        FindAnswer::Busy => Some(text.busy),
    }
}

impl FindText {
    /// Whether patients can get their record, in words.
    const fn reach(&self, found: &Found) -> &'static str {
        match found.reach {
            Reach::Open => self.open,
            Reach::Known => self.known,
        }
    }
}
