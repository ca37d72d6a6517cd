//! "Who requested my data?": the page, the same to print, and the same as a table.

mod lines;
mod table;
pub(super) mod text;

use askama::Template;
use jiff::Timestamp;

use self::lines::{DayView, Wording, day_views};
pub use self::table::table;
use self::text::LogText;
use super::{Text, action};
use crate::accesslog::{BadPeriod, Looked, Period, Reach};
use crate::form::encode_pairs;
use crate::language::Language;
use crate::medmij::LocalId;
use crate::session::journey::{LogPage, Operator, ShownLog};

/// The page.
#[derive(Template)]
#[template(path = "log.html", config = "src/pages/askama.toml")]
pub struct LogView<'a> {
    t: &'static Text,
    l: &'static LogText,
    switch: Option<String>,
    address: String,
    leave: String,
    consents: String,
    form: &'a str,
    first: String,
    last: String,
    oldest: String,
    today: String,
    oldest_said: String,
    wrong: Option<&'static str>,
    shown: Option<Shown>,
    newest: Option<String>,
    older: Option<String>,
    files: [(String, &'static str); 3],
    operator: &'a Operator,
}

/// The same by itself, with its own style, to print or to keep as a PDF.
#[derive(Template)]
#[template(path = "log_print.html", config = "src/pages/askama.toml")]
pub struct LogPrint<'a> {
    t: &'static Text,
    l: &'static LogText,
    style: &'static str,
    shown: Shown,
    operator: &'a Operator,
}

/// What was found.
struct Shown {
    first: String,
    last: String,
    complete_until: Option<String>,
    cut: Option<String>,
    unreadable: Option<String>,
    days: Vec<DayView>,
}

impl Shown {
    fn of(shown: &ShownLog, t: &'static Text, consents: Option<&str>) -> Self {
        let ShownLog { period, looked, days, .. } = shown;
        Self {
            first: t.date(period.first()),
            last: t.date(period.last()),
            complete_until: looked.complete_until().map(|moment| t.moment(moment)),
            cut: looked.cut_at().map(|moment| t.moment(moment)),
            unreadable: unreadable(looked),
            days: day_views(days, Wording { t, consents }),
        }
    }
}

fn unreadable(looked: &Looked) -> Option<String> {
    Some(looked.unreadable()).filter(|count| *count > 0).map(|count| count.to_string())
}

impl<'a> LogView<'a> {
    /// For this visit.
    #[must_use]
    pub fn of(page: &'a LogPage, operator: &'a Operator) -> Self {
        let t = Text::of(page.language);
        let (visit, consents) = (page.visit, action(page.visit, "consents", t));
        let (first, last) = page.asked.clone();
        let shown = page.shown.as_ref().ok();
        let Reach { oldest, today } = page.reach;
        let address = |before: Option<Timestamp>, language: Language| address(visit, &page.asked, before, language);
        Self {
            t,
            l: &t.log,
            switch: Some(address(shown.and_then(|shown| shown.before), page.language.other())),
            address: format!("/visit/{visit}/log"),
            leave: consents.clone(),
            form: page.keys.form.reveal(),
            oldest: oldest.to_string(),
            today: today.to_string(),
            oldest_said: t.date(oldest),
            wrong: page.shown.as_ref().err().map(|bad| wrong(&t.log, *bad)),
            newest: shown.and_then(|shown| shown.before).map(|_| address(None, page.language)),
            older: shown.and_then(|shown| shown.looked.cut_at()).map(|before| address(Some(before), page.language)),
            files: files(page, &t.log),
            shown: shown.map(|shown| Shown::of(shown, t, Some(&consents))),
            consents,
            first,
            last,
            operator,
        }
    }

    /// The page as HTML.
    #[must_use]
    pub fn render_html(&self) -> String {
        self.render().unwrap_or_default()
    }
}

impl<'a> LogPrint<'a> {
    /// Of what was found.
    #[must_use]
    pub fn of(shown: &ShownLog, language: Language, operator: &'a Operator) -> Self {
        let t = Text::of(language);
        Self { t, l: &t.log, style: super::STYLESHEET, shown: Shown::of(shown, t, None), operator }
    }

    /// The page as HTML.
    #[must_use]
    pub fn render_html(&self) -> String {
        self.render().unwrap_or_default()
    }
}

const fn wrong(text: &LogText, bad: BadPeriod) -> &'static str {
    match bad {
        BadPeriod::NoDay => text.period.no_day,
        BadPeriod::Backwards => text.period.backwards,
    }
}

/// The page of a visit for these days, and before this moment in them.
fn address(visit: LocalId, asked: &(String, String), before: Option<Timestamp>, language: Language) -> String {
    let before = before.map(|before| ("before", before.to_string()));
    let days = [("from", asked.0.clone()), ("to", asked.1.clone()), ("lang", language.tag().to_owned())];
    let pairs: Vec<_> = days
        .into_iter()
        .chain(before)
        .map(|(name, value)| (name.to_owned(), value))
        .filter(|pair| !pair.1.is_empty())
        .collect();
    format!("/visit/{visit}/log?{}", encode_pairs(&pairs))
}

/// The same days as files.
fn files(page: &LogPage, text: &LogText) -> [(String, &'static str); 3] {
    let file = |name: &str| {
        let query = address(page.visit, &page.asked, None, page.language);
        query.replacen("/log?", &format!("/log/{name}?"), 1)
    };
    [(file("print"), text.keep_print), (file("table"), text.keep_table), (file("fhir"), text.keep_fhir)]
}

/// The days as fields of the form hold them.
#[must_use]
pub fn written(period: Period) -> (String, String) {
    (period.first().to_string(), period.last().to_string())
}
