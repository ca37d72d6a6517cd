//! The pages of practices, coalitions, the OPEN programme and insurers, in Dutch and English, and the texts for patients, in Dutch.

mod said;
mod text;

use askama::Template;

use self::text::Text;
use crate::language::Language;
use crate::open_desk::{
    Block, CoalitionView, DeclarationsView, Leaflet, OpenError, PracticeView, ProgrammeView, Reader, Section, Visitor,
};
use crate::operations::register::StandingView;

/// What every page has.
pub struct Frame<'a> {
    visitor: Option<&'a Visitor>,
    t: &'static Text,
    /// Path of the page and what was asked of it, without the language.
    path: String,
}

impl<'a> Frame<'a> {
    /// For somebody, on a page.
    #[must_use]
    pub const fn of(visitor: Option<&'a Visitor>, language: Language, path: String) -> Self {
        Self { visitor, t: Text::of(language), path }
    }

    const fn language(&self) -> Language {
        self.t.language
    }

    /// The same page in the other language.
    fn switch(&self) -> String {
        let between = if self.path.contains('?') { '&' } else { '?' };
        format!("{}{between}lang={}", self.path, self.t.language.other().tag())
    }

    /// A page of ours, in the language of this one. No name or id has a character that an address does not take.
    fn to(&self, path: impl AsRef<str>) -> String {
        format!("/open/{}?lang={}", path.as_ref(), self.t.language.tag())
    }

    /// The pages that are somebody's own: address and name.
    fn own(&self) -> Vec<(String, String)> {
        let Some(visitor) = self.visitor else { return Vec::new() };
        match visitor.reader() {
            Reader::Practices(own) => {
                own.iter().map(|one| (self.to(format!("practices/{one}")), one.to_string())).collect()
            }
            Reader::Coalitions(own) => {
                own.iter().map(|id| (self.to(format!("coalitions/{id}")), id.to_string())).collect()
            }
            Reader::Programme => vec![
                (self.to("programme"), self.t.programme.to_owned()),
                (self.to("declarations"), self.t.declarations.to_owned()),
            ],
            Reader::Insurer => vec![(self.to("declarations"), self.t.declarations.to_owned())],
        }
    }

    fn role(&self) -> &'static str {
        self.visitor.map_or("", |visitor| self.t.role(visitor.reader()))
    }
}

/// Where somebody begins who may choose.
#[derive(Template)]
#[template(path = "open/home.html", config = "src/pages/askama.toml")]
pub struct HomePage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
}

/// How far a practice is.
#[derive(Template)]
#[template(path = "open/practice.html", config = "src/pages/askama.toml")]
pub struct PracticePage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// The practice.
    pub practice: &'a PracticeView,
}

/// The texts for patients, to copy.
#[derive(Template)]
#[template(path = "open/texts.html", config = "src/pages/askama.toml")]
pub struct TextsPage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// The practice.
    pub practice: &'a PracticeView,
    /// Its texts; `None` as long as it offers nothing.
    pub leaflet: Option<&'a Leaflet>,
}

/// How far a coalition is.
#[derive(Template)]
#[template(path = "open/coalition.html", config = "src/pages/askama.toml")]
pub struct CoalitionPage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// The coalition.
    pub coalition: &'a CoalitionView,
}

/// How far everybody is.
#[derive(Template)]
#[template(path = "open/programme.html", config = "src/pages/askama.toml")]
pub struct ProgrammePage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// All coalitions.
    pub programme: &'a ProgrammeView,
}

/// Which practices may declare their fee.
#[derive(Template)]
#[template(path = "open/declarations.html", config = "src/pages/askama.toml")]
pub struct DeclarationsPage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// These.
    pub found: &'a DeclarationsView,
}

/// Something is not shown.
#[derive(Template)]
#[template(path = "open/failed.html", config = "src/pages/askama.toml")]
pub struct FailedPage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// Why.
    pub error: &'a OpenError,
}

/// Nobody is logged in any more.
#[derive(Template)]
#[template(path = "open/logged_out.html", config = "src/pages/askama.toml")]
pub struct LoggedOutPage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
}

/// The leaflet: two sides of a sheet of A4, to be folded once.
#[derive(Template)]
#[template(path = "open/leaflet.html", config = "src/pages/askama.toml")]
pub struct LeafletPage<'a> {
    /// The practice.
    pub practice: &'a PracticeView,
    /// What it says.
    pub leaflet: &'a Leaflet,
}

/// The text for a website, as HTML that goes into a page of somebody else.
#[derive(Template)]
#[template(path = "open/website.html", config = "src/pages/askama.toml")]
struct Website<'a> {
    leaflet: &'a Leaflet,
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
pages!(
    HomePage,
    PracticePage,
    TextsPage,
    CoalitionPage,
    ProgrammePage,
    DeclarationsPage,
    FailedPage,
    LoggedOutPage,
    LeafletPage
);

impl TextsPage<'_> {
    /// The text for the website, to copy.
    fn website(&self) -> String {
        self.leaflet.and_then(|leaflet| Website { leaflet }.render().ok()).unwrap_or_default()
    }

    /// The same as plain text.
    fn plain(&self) -> String {
        self.leaflet.map(Leaflet::plain_text).unwrap_or_default()
    }
}

impl LeafletPage<'_> {
    /// The sections of a panel: those inside on the left and on the right, and those on the back.
    fn panel(&self, panel: usize) -> Vec<Section> {
        let is_on = |section: &Section| match section.heading {
            Leaflet::SEEN | Leaflet::UNSEEN => 0,
            Leaflet::LOOKING | Leaflet::AGE => 1,
            _ => 2,
        };
        self.leaflet.sections().into_iter().filter(|section| is_on(section) == panel).collect()
    }
}

impl DeclarationsPage<'_> {
    fn next(&self, after: &str) -> String {
        let pairs = [("with", self.found.with.as_str()), ("after", after), ("lang", self.frame.t.language.tag())];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        format!("/open/declarations?{}", crate::form::encode_pairs(&pairs))
    }
}

impl FailedPage<'_> {
    /// Whether logging in may help.
    const fn can_log_in(&self) -> bool {
        matches!(self.error, OpenError::LogIn | OpenError::NotIn | OpenError::NoRole | OpenError::NoProvider)
    }
}

/// The share of practices on the ZAL, in whole per cents; none without practices.
fn per_cent(standing: &StandingView) -> Option<usize> {
    share(&standing.on_zal, &standing.practices)
}

fn share(some: &usize, all: &usize) -> Option<usize> {
    some.saturating_mul(100).checked_div(*all)
}
