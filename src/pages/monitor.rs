//! The pages of the OPEN monitor, in Dutch and English: what is told of the programme, in charts and in tables with the same numbers.

mod chart;
mod text;

use askama::Template;

pub use self::chart::Chart;
use self::text::Text;
use crate::language::Language;
use crate::report::publish::table::Table;
use crate::report::publish::{MonitorError, Overview, Quarter};
use crate::report::{GOAL_ON_ZAL, GOAL_VIEWERS, Period, Scope};

/// What every page of the monitor has.
pub struct Frame<'a> {
    t: &'static Text,
    /// Who looks, in words.
    who: Option<&'a str>,
    /// Where the monitor is on this face.
    base: &'static str,
    /// Path of the page and what was asked of it, without the language.
    path: String,
}

impl<'a> Frame<'a> {
    /// For somebody, of the monitor at this path, on the page with this path and query.
    #[must_use]
    pub const fn of(who: Option<&'a str>, language: Language, base: &'static str, path: String) -> Self {
        Self { t: Text::of(language), who, base, path }
    }

    const fn language(&self) -> Language {
        self.t.language
    }

    /// The same page in the other language.
    fn switch(&self) -> String {
        let between = if self.path.contains('?') { '&' } else { '?' };
        format!("{}{between}lang={}", self.path, self.t.language.other().tag())
    }

    /// The page of a scope in a period. No id has a character that an address does not take.
    fn scope(&self, scope: &Scope, period: &Period) -> String {
        let lang = self.t.language.tag();
        format!("{}/{scope}?period={period}&lang={lang}", self.base)
    }

    /// The page of the whole in a period.
    fn home(&self, period: &Period) -> String {
        self.scope(&Scope::Whole, period)
    }

    /// Another page of a scope.
    fn page(&self, page: &str, scope: &Scope, period: &Period) -> String {
        let lang = self.t.language.tag();
        format!("{}/{page}/{scope}?period={period}&lang={lang}", self.base)
    }
}

/// A scope in a period.
#[derive(Template)]
#[template(path = "monitor/overview.html", config = "src/pages/askama.toml")]
pub struct OverviewPage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// What they see.
    pub seen: &'a Overview,
}

/// The report of a quarter of a coalition, fit for printing.
#[derive(Template)]
#[template(path = "monitor/report.html", config = "src/pages/askama.toml")]
pub struct ReportPage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// The coalition.
    pub seen: &'a Overview,
    /// Its practices and suppliers.
    pub quarter: &'a Quarter,
}

/// The final monitor: the whole, year by year.
#[derive(Template)]
#[template(path = "monitor/final.html", config = "src/pages/askama.toml")]
pub struct FinalPage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// The newest year.
    pub seen: &'a Overview,
    /// The years.
    pub years: &'a Table,
}

/// Something is not shown.
#[derive(Template)]
#[template(path = "monitor/failed.html", config = "src/pages/askama.toml")]
pub struct FailedPage<'a> {
    /// Nobody in particular.
    pub frame: Frame<'a>,
    /// Why.
    pub error: &'a MonitorError,
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
pages!(OverviewPage, ReportPage, FinalPage, FailedPage);

impl FailedPage<'_> {
    const fn why(&self) -> &'static str {
        match self.error {
            MonitorError::Absent => self.frame.t.absent,
            MonitorError::NotYet => self.frame.t.not_yet,
            MonitorError::Report(_) => self.frame.t.unavailable,
        }
    }
}

impl OverviewPage<'_> {
    fn charts(&self) -> [Chart; 2] {
        charts(&self.frame, self.seen)
    }

    /// The year before, the year, its quarters and its months.
    fn periods(&self) -> Vec<Period> {
        let year = Period::Year(self.seen.period.first().year());
        let months = self.seen.points.iter().map(|point| point.period);
        let last = self.seen.points.last().map_or(year.first(), |point| point.period.first());
        let quarters = year.parts().into_iter().filter(|quarter| quarter.first() <= last);
        let before = Period::Year(self.seen.period.first().year() - 1);
        [before, year].into_iter().chain(quarters).chain(months).collect()
    }

    const fn is_coalition(&self) -> bool {
        matches!(self.seen.scope, Scope::Coalition(_))
    }

    fn is_whole(&self) -> bool {
        self.seen.scope == Scope::Whole
    }
}

impl ReportPage<'_> {
    fn charts(&self) -> [Chart; 2] {
        charts(&self.frame, self.seen)
    }
}

/// The share of practices on the ZAL and that of patients who look, by month.
fn charts(frame: &Frame<'_>, seen: &Overview) -> [Chart; 2] {
    let month = |period: Period| frame.t.month(period);
    let zal = seen.points.iter().map(|point| (month(point.period), point.on_zal));
    let viewers = seen.points.iter().map(|point| (month(point.period), point.viewers));
    let t = frame.t;
    [
        Chart::bars("zal", t.chart_zal, &zal.collect::<Vec<_>>(), GOAL_ON_ZAL, 1.0, t.language),
        Chart::bars("kijkers", t.chart_viewers, &viewers.collect::<Vec<_>>(), GOAL_VIEWERS, 0.25, t.language),
    ]
}
