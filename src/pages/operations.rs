//! The pages of operators, in English: the same values as the API shows, and the forms of the emergency switch.

mod explain;
mod golive;

use askama::Template;

pub use self::explain::ExplainPage;
pub use self::golive::{GoLivePage, StageForm};

use crate::operations::operators::Name;
use crate::operations::view::{
    ChangeView, ClientsView, EndpointView, HisView, LevelView, ListView, NamesView, NodeView, PastStopView,
    PracticesView, StopView,
};
use crate::operations::{DeskError, Person};

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

/// What every page of an operator has.
pub struct Frame<'a> {
    /// Who looks; `None` on a page for nobody.
    person: Option<&'a Person>,
}

impl<'a> Frame<'a> {
    /// For somebody.
    #[must_use]
    pub const fn of(person: &'a Person) -> Self {
        Self { person: Some(person) }
    }

    /// For who may not come in.
    #[must_use]
    pub const fn nobody() -> Self {
        Self { person: None }
    }

    fn logged_in(&self) -> bool {
        self.person.is_some_and(|person| matches!(person.name(), Name::Login(_)))
    }

    fn may_change(&self) -> bool {
        self.person.is_some_and(|person| person.role() == crate::operations::Role::Operator)
    }
}

/// The node as a whole.
#[derive(Template)]
#[template(path = "operations/node.html", config = "src/pages/askama.toml")]
pub struct NodePage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// The node.
    pub node: &'a NodeView,
    /// What its technical log tells.
    pub level: &'a LevelView,
}

/// Practices.
#[derive(Template)]
#[template(path = "operations/practices.html", config = "src/pages/askama.toml")]
pub struct PracticesPage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// What was typed to find some.
    pub with: &'a str,
    /// These.
    pub found: &'a PracticesView,
}

/// Clients.
#[derive(Template)]
#[template(path = "operations/clients.html", config = "src/pages/askama.toml")]
pub struct ClientsPage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// What was typed to find some.
    pub with: &'a str,
    /// These.
    pub found: &'a ClientsView,
}

/// Installations of a HIS.
#[derive(Template)]
#[template(path = "operations/his.html", config = "src/pages/askama.toml")]
pub struct HisPage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// All.
    pub installations: &'a [HisView],
}

/// The lists.
#[derive(Template)]
#[template(path = "operations/lists.html", config = "src/pages/askama.toml")]
pub struct ListsPage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// The four.
    pub lists: &'a [ListView],
}

/// The emergency switch.
#[derive(Template)]
#[template(path = "operations/stops.html", config = "src/pages/askama.toml")]
pub struct StopsPage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// What is stopped.
    pub stops: &'a [StopView],
    /// What was stopped; `None` for who may not see it.
    pub past: Option<&'a [PastStopView]>,
    /// What stands in the form: what to stop, and why.
    pub typed: (&'a str, &'a str),
    /// What is wrong with that.
    pub wrong: Option<DeskError>,
}

/// Something is not shown or done.
#[derive(Template)]
#[template(path = "operations/failed.html", config = "src/pages/askama.toml")]
pub struct FailedPage<'a> {
    /// Nobody in particular.
    pub frame: Frame<'a>,
    /// Why.
    pub error: DeskError,
}

/// Nobody is logged in any more.
#[derive(Template)]
#[template(path = "operations/logged_out.html", config = "src/pages/askama.toml")]
pub struct LoggedOutPage<'a> {
    /// Nobody.
    pub frame: Frame<'a>,
}

pages!(NodePage, PracticesPage, ClientsPage, HisPage, ListsPage, StopsPage, FailedPage, LoggedOutPage);

impl FailedPage<'_> {
    /// Whether somebody only came without having logged in.
    const fn asks(&self) -> bool {
        matches!(self.error, DeskError::LogIn)
    }

    /// Whether logging in may help.
    const fn can_log_in(&self) -> bool {
        matches!(self.error, DeskError::LogIn | DeskError::NotIn | DeskError::NoRole | DeskError::NoProvider)
    }
}

impl StopsPage<'_> {
    /// The field that is wrong.
    fn at(&self, field: &str) -> Option<DeskError> {
        self.wrong
            .filter(|wrong| matches!((wrong, field), (DeskError::Reason, "reason") | (DeskError::Target, "target")))
    }
}

/// What an endpoint did that was not well: label and count, most first.
fn troubles(endpoint: &EndpointView) -> Vec<(&'static str, u64)> {
    let bad = endpoint.endings.iter().filter(|(label, count)| **label != "answered" && **count > 0);
    let mut bad: Vec<_> = bad.map(|(label, count)| (*label, *count)).collect();
    bad.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    bad
}

/// The kinds of change of a list that there are any of.
fn kinds(change: &ChangeView) -> Vec<(&'static str, &NamesView)> {
    let all = [("added", &change.added), ("gone", &change.gone), ("changed", &change.changed)];
    all.into_iter().filter(|(_, names)| names.count > 0).collect()
}

/// The address of the next part of many.
fn next(path: &str, with: &str, after: &str) -> String {
    let pairs = [("with".to_owned(), with.to_owned()), ("after".to_owned(), after.to_owned())];
    format!("{path}?{}", crate::form::encode_pairs(&pairs))
}

/// The form that stops something, with its name filled in.
fn stop_address(kind: &str, name: &str) -> String {
    let pairs = [("target".to_owned(), format!("{kind}:{name}"))];
    format!("/stops?{}#stop", crate::form::encode_pairs(&pairs))
}
