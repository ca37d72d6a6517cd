//! The pages that people see, in Dutch and English: plain forms, no script. Templates escape by default; what they say stands
//! in one place for each language.

mod auditors;
mod dutch;
mod english;
mod find;
pub mod log;
pub mod open;
pub mod operations;
pub mod register;
mod text;

use askama::Template;

pub use self::auditors::{AuditorMessagePage, AuditorPage, AuditorRequestsPage, AuditorText};
pub use self::find::{FindAnswer, FindPage};
pub use self::text::{Explained, FailureText, Text};
use crate::language::Language;
use crate::medmij::{CorrelationId, LocalId};
use crate::session::journey::{Operator, OwnConsent, OwnPage, Page, Question};
use crate::session::visit::{Goal, Stopped};

/// The one stylesheet.
pub const STYLESHEET: &str = include_str!("pages/inzage.css");

macro_rules! page {
    ($($name:ident),*) => {$(
        impl $name<'_> {
            /// The page as HTML.
            #[must_use]
            pub fn render_html(&self) -> String {
                // Rendering into a string fails only when a value's Display does; ours are strings.
                self.render().unwrap_or_default()
            }
        }
    )*};
}

/// "You come from this app and are about to log in" (core.usrint.100).
#[derive(Template)]
#[template(path = "landing.html", config = "src/pages/askama.toml")]
pub struct LandingPage<'a> {
    t: &'static Text,
    switch: Option<String>,
    action: String,
    form: &'a str,
    question: &'a Question,
    names: [(&'static str, &'a str); 2],
}

/// "May these data go to that app?" (core.usrint.102).
#[derive(Template)]
#[template(path = "consent.html", config = "src/pages/askama.toml")]
pub struct ConsentPage<'a> {
    t: &'static Text,
    switch: Option<String>,
    action: String,
    form: &'a str,
    question: &'a Question,
    names: [(&'static str, &'a str); 2],
    privacy: Option<&'a str>,
    lasting: Option<String>,
}

/// "There is no data for you here"; said to the person only.
#[derive(Template)]
#[template(path = "unavailable.html", config = "src/pages/askama.toml")]
pub struct UnavailablePage<'a> {
    t: &'static Text,
    said: &'static text::UnavailableText,
    switch: Option<String>,
    action: String,
    form: &'a str,
    names: [(&'static str, &'a str); 2],
}

/// Where a person begins who comes by themself.
#[derive(Template)]
#[template(path = "own.html", config = "src/pages/askama.toml")]
pub struct OwnStartPage {
    t: &'static Text,
    switch: Option<String>,
    title: &'static str,
    intro: &'static str,
    action: String,
}

/// A person's lasting consents.
#[derive(Template)]
#[template(path = "consents.html", config = "src/pages/askama.toml")]
pub struct ConsentsPage<'a> {
    t: &'static Text,
    switch: Option<String>,
    action: String,
    form: &'a str,
    consents: &'a [OwnConsent],
    stopped: Option<&'a Stopped>,
    names: [(&'static str, &'a str); 2],
    log: String,
}

/// A person who came by themself is done.
#[derive(Template)]
#[template(path = "left.html", config = "src/pages/askama.toml")]
pub struct LeftPage {
    t: &'static Text,
    switch: Option<String>,
}

/// Something went wrong: what, who can act, and the numbers to mention (TS).
#[derive(Template)]
#[template(path = "message.html", config = "src/pages/askama.toml")]
pub struct MessagePage<'a> {
    t: &'static Text,
    switch: Option<String>,
    explained: Explained,
    back: Option<String>,
    reference: LocalId,
    trace: Option<CorrelationId>,
    operator: &'a Operator,
    names: [(&'static str, &'a str); 1],
}

/// The page of the login simulator.
#[cfg(feature = "sandbox")]
#[derive(Template)]
#[template(path = "simulator.html", config = "src/pages/askama.toml")]
pub struct SimulatorPage<'a> {
    t: &'static Text,
    switch: Option<String>,
    action: String,
    nonce: &'a str,
    again: bool,
}

/// Where the form of a page of a visit leads, in the language of the page.
fn action(visit: LocalId, step: &str, text: &Text) -> String {
    format!("/visit/{visit}/{step}?lang={}", text.language.tag())
}

/// The same page in the other language.
fn switch(visit: LocalId, step: &str, text: &Text) -> Option<String> {
    Some(format!("/visit/{visit}/{step}?lang={}", text.language.other().tag()))
}

fn names(question: &Question) -> [(&'static str, &str); 2] {
    [("practice", &question.practice), ("organisation", &question.organisation)]
}

impl<'a> LandingPage<'a> {
    /// For this visit.
    #[must_use]
    pub fn of(page: &'a Page) -> Self {
        let (t, question) = (Text::of(page.language), &page.question);
        Self {
            t,
            switch: switch(page.visit, "landing", t),
            action: action(page.visit, "landing", t),
            form: page.keys.form.reveal(),
            question,
            names: names(question),
        }
    }
}

impl<'a> ConsentPage<'a> {
    /// For this visit.
    #[must_use]
    pub fn of(page: &'a Page, operator: &'a Operator) -> Self {
        let (t, question) = (Text::of(page.language), &page.question);
        Self {
            t,
            switch: switch(page.visit, "consent", t),
            action: action(page.visit, "consent", t),
            form: page.keys.form.reveal(),
            question,
            names: names(question),
            privacy: operator.privacy.as_deref(),
            lasting: page.lasting.map(|since| t.day(&since)),
        }
    }
}

impl<'a> UnavailablePage<'a> {
    /// For this visit.
    #[must_use]
    pub fn of(page: &'a Page) -> Self {
        let t = Text::of(page.language);
        Self {
            t,
            said: if page.not_yet.is_some() { &t.not_yet } else { &t.unavailable },
            switch: switch(page.visit, "consent", t),
            action: action(page.visit, "consent", t),
            form: page.keys.form.reveal(),
            names: names(&page.question),
        }
    }
}

impl OwnStartPage {
    /// In a language, for what they come for.
    #[must_use]
    pub fn new(language: Language, goal: Goal) -> Self {
        let t = Text::of(language);
        let (title, intro) = match goal {
            Goal::Consents => (t.own.title, t.own.intro),
            Goal::Log => (t.log.title, t.log.start),
        };
        let address = |language: Language| format!("{}?lang={}", goal.start(), language.tag());
        Self { t, switch: Some(address(language.other())), title, intro, action: address(language) }
    }

    /// The page as HTML.
    #[must_use]
    pub fn render_html(&self) -> String {
        self.render().unwrap_or_default()
    }
}

impl LeftPage {
    /// In a language.
    #[must_use]
    pub fn new(language: Language) -> Self {
        Self { t: Text::of(language), switch: None }
    }

    /// The page as HTML.
    #[must_use]
    pub fn render_html(&self) -> String {
        self.render().unwrap_or_default()
    }
}

impl<'a> ConsentsPage<'a> {
    /// For this visit.
    #[must_use]
    pub fn of(page: &'a OwnPage) -> Self {
        let t = Text::of(page.language);
        let stopped = page.stopped.as_ref();
        let (practice, organisation) =
            stopped.map_or(("", ""), |stopped| (stopped.practice.as_str(), stopped.organisation.as_str()));
        Self {
            t,
            switch: switch(page.visit, "consents", t),
            action: action(page.visit, "consents", t),
            form: page.keys.form.reveal(),
            consents: &page.consents,
            stopped,
            names: [("practice", practice), ("organisation", organisation)],
            log: action(page.visit, "log", t),
        }
    }
}

impl<'a> MessagePage<'a> {
    /// What happened and who can act; `reference` is our number of the visit.
    #[must_use]
    pub fn new(t: &'static Text, explained: Explained, reference: LocalId, operator: &'a Operator) -> Self {
        let names = [("operator", operator.name.as_str())];
        Self { t, switch: None, explained, back: None, reference, trace: None, operator, names }
    }

    /// With the way back to the client, and the number that the client gave the authorization.
    #[must_use]
    pub fn with(self, back: Option<String>, trace: Option<CorrelationId>) -> Self {
        Self { back, trace, ..self }
    }
}

page!(LandingPage, ConsentPage, UnavailablePage, ConsentsPage, MessagePage);

#[cfg(feature = "sandbox")]
page!(SimulatorPage);

#[cfg(feature = "sandbox")]
impl<'a> SimulatorPage<'a> {
    /// For a visit; `again` when what was typed before was no BSN.
    #[must_use]
    pub fn new(t: &'static Text, visit: LocalId, nonce: &'a str, again: bool) -> Self {
        let typo = if again { "&again=1" } else { "" };
        let other = t.language.other().tag();
        Self {
            t,
            switch: Some(format!("/simulator?visit={visit}&nonce={nonce}{typo}&lang={other}")),
            action: action(visit, "login", t),
            nonce,
            again,
        }
    }
}
