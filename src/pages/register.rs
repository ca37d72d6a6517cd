//! The pages of the register of the OPEN programme, in Dutch and English: the same values as the API shows.

mod labels;
pub mod matrix;
mod text;

use askama::Template;

use self::text::Text;
use crate::language::Language;
use crate::operations::register::{EntryView, RegisterRefusalView, RegisterView, StandingView, VersionView};
use crate::operations::{DeskRegisterError, Person};
use crate::practices::programme::{Entry, EntryKind};

/// What every page of the register has.
pub struct Frame<'a> {
    person: Option<&'a Person>,
    t: &'static Text,
    /// Path of the page and what was asked of it, without the language.
    path: String,
}

impl<'a> Frame<'a> {
    /// For somebody, on a page.
    #[must_use]
    pub fn of(person: Option<&'a Person>, language: Language, path: String) -> Self {
        Self { person, t: Text::of(language), path }
    }

    const fn language(&self) -> Language {
        self.t.language
    }

    /// The same page in the other language.
    fn switch(&self) -> String {
        let between = if self.path.contains('?') { '&' } else { '?' };
        format!("{}{between}lang={}", self.path, self.t.language.other().tag())
    }

    /// Whether who looks may change something.
    fn may_change(&self) -> bool {
        self.person.is_some_and(|person| person.role() == crate::operations::Role::Operator)
    }

    /// The form for a new entry of a kind.
    fn form(&self, kind: &str) -> String {
        format!("/register-form/{kind}?lang={}", self.t.language.tag())
    }

    /// The form for an entry.
    fn form_of(&self, kind: &str, id: &str) -> String {
        format!("/register-form/{kind}?id={id}&lang={}", self.t.language.tag())
    }

    /// The entries of a kind, in the language of this page.
    pub(crate) fn list(&self, kind: &str) -> String {
        format!("/register/{kind}?lang={}", self.t.language.tag())
    }

    /// The matrix of combinations, in the language of this page.
    fn matrix(&self) -> String {
        format!("/matrix?lang={}", self.t.language.tag())
    }

    /// An entry, in the language of this page. No id has a character that an address does not take.
    pub(crate) fn entry(&self, kind: &str, id: &str) -> String {
        format!("/register/{kind}/{id}?lang={}", self.t.language.tag())
    }
}

/// The entries of one kind.
#[derive(Template)]
#[template(path = "register/list.html", config = "src/pages/askama.toml")]
pub struct ListPage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// Of which kind.
    pub kind: EntryKind,
    /// What was typed to find some.
    pub with: &'a str,
    /// These.
    pub found: &'a RegisterView,
}

/// One entry.
#[derive(Template)]
#[template(path = "register/entry.html", config = "src/pages/askama.toml")]
pub struct EntryPage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// The entry.
    pub one: &'a EntryView,
    /// Its versions; `None` for who may not see who made them.
    pub versions: Option<&'a [VersionView]>,
}

/// A form for an entry.
#[derive(Template)]
#[template(path = "register/form.html", config = "src/pages/askama.toml")]
pub struct FormPage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// Of which kind.
    pub kind: EntryKind,
    /// Whether there is none yet.
    pub is_new: bool,
    /// Each field, in the order of the table of its kind.
    pub fields: Vec<FormField>,
    /// Why it was not changed.
    pub refusal: Option<&'a RegisterRefusalView>,
}

/// A field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormField {
    /// Its name: that of the column.
    pub name: &'static str,
    /// What stands in it.
    pub value: String,
    /// What was expected instead.
    pub wrong: Option<String>,
}

/// Something is not shown.
#[derive(Template)]
#[template(path = "register/failed.html", config = "src/pages/askama.toml")]
pub struct FailedPage<'a> {
    /// Nobody in particular.
    pub frame: Frame<'a>,
    /// Why.
    pub error: &'a DeskRegisterError,
}

macro_rules! pages {
    ($($name:ident),+) => {$(
        impl $name<'_> {
            /// The page as HTML.
            #[must_use]
            pub fn render_html(&self) -> String {
                self.render().unwrap_or_default()
            }
        }
    )+};
}
pages!(ListPage, EntryPage, FormPage, FailedPage);

impl FormPage<'_> {
    fn is_wrong(&self) -> bool {
        self.refusal.is_some() || self.fields.iter().any(|field| field.wrong.is_some())
    }

    fn label(&self, field: &str) -> (&'static str, &'static str) {
        labels::label(field, self.frame.t.language)
    }
}

impl ListPage<'_> {
    fn next(&self, after: &str) -> String {
        let pairs = [("with", self.with), ("after", after), ("lang", self.frame.t.language.tag())];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        format!("/register/{}?{}", self.kind.as_str(), crate::form::encode_pairs(&pairs))
    }
}

/// The name of an entry for people, and its id.
fn names(entry: &Entry) -> (&str, &str) {
    match entry {
        Entry::Supplier(one) => (one.name.as_str(), one.id.as_str()),
        Entry::Organisation(one) => (one.name.as_str(), one.id.as_str()),
        Entry::Practice(one) => (one.name.as_str(), one.provider.as_str()),
        Entry::Coalition(one) => (one.name.as_str(), one.id.as_str()),
    }
}

/// Euros and cents, as both languages of the pages write them here.
fn euros(cents: &u64) -> String {
    format!("EUR {}.{:02}", cents / 100, cents % 100)
}

/// The share of practices on the ZAL, in whole per cents; none without practices.
fn per_cent(standing: &StandingView) -> Option<usize> {
    standing.on_zal.saturating_mul(100).checked_div(standing.practices)
}
