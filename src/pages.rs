//! The pages that people see: Dutch, plain forms, no script. Templates escape by default.

use askama::Template;

use crate::session::journey::{Page, Question};

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
    visit: String,
    form: &'a str,
    question: &'a Question,
}

/// "May these data go to that app?" (core.usrint.102).
#[derive(Template)]
#[template(path = "consent.html", config = "src/pages/askama.toml")]
pub struct ConsentPage<'a> {
    visit: String,
    form: &'a str,
    question: &'a Question,
}

/// Something went wrong: what, who can act, and the reference number.
#[derive(Template)]
#[template(path = "message.html", config = "src/pages/askama.toml")]
pub struct MessagePage<'a> {
    /// The heading.
    pub title: &'a str,
    /// What happened.
    pub what: &'a str,
    /// Who can act.
    pub who: &'a str,
    /// The reference number.
    pub reference: String,
}

/// The page of the login simulator.
#[cfg(feature = "sandbox")]
#[derive(Template)]
#[template(path = "simulator.html", config = "src/pages/askama.toml")]
pub struct SimulatorPage {
    /// The visit.
    pub visit: String,
    /// What the page brings back.
    pub nonce: String,
    /// Whether what was typed before was no BSN.
    pub again: bool,
}

impl<'a> LandingPage<'a> {
    /// For this visit.
    #[must_use]
    pub fn of(page: &'a Page) -> Self {
        Self { visit: page.visit.to_string(), form: page.keys.form.reveal(), question: &page.question }
    }
}

impl<'a> ConsentPage<'a> {
    /// For this visit.
    #[must_use]
    pub fn of(page: &'a Page) -> Self {
        Self { visit: page.visit.to_string(), form: page.keys.form.reveal(), question: &page.question }
    }
}

page!(LandingPage, ConsentPage, MessagePage);

#[cfg(feature = "sandbox")]
impl SimulatorPage {
    /// The page as HTML.
    #[must_use]
    pub fn render_html(&self) -> String {
        self.render().unwrap_or_default()
    }
}
