//! The matrix of combinations as operators see it: what works, what fails at which step, with which code, and who must act.
//! Counts are of requests and visits, and no person can be told from them, so none is hidden.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::register::SaidView;
use super::view::moment;
use crate::fault::Who;
use crate::practices::programme::{Day, Register};
use crate::report::matrix::board::{Board, Row, Window, in_order};
use crate::report::matrix::judge::Verdict;
use crate::report::matrix::standing::{Cleared, Raised, Span};
use crate::report::matrix::step::Step;
use crate::report::matrix::tally::Tried;
use crate::report::matrix::who::who_acts;
use crate::report::matrix::words::who_text;
use crate::routing::Snapshot;

/// Most combinations of one answer.
pub const PAGE_MAX: usize = 500;
/// How many an answer has when nobody says.
pub const PAGE: usize = 100;

/// Which combinations somebody wants to see. Everything given must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Of which days.
    pub window: Window,
    /// The id of an installation.
    pub installation: Option<String>,
    /// The host name of a client.
    pub client: Option<String>,
    /// The id of a service.
    pub service: Option<String>,
    /// The id of a coalition: installations of its practices of today.
    pub coalition: Option<String>,
    /// Only those that somebody must act on.
    pub failing: bool,
    /// Those after this one, by its key.
    pub after: usize,
    /// How many at most.
    pub limit: usize,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            window: Window::Week,
            installation: None,
            client: None,
            service: None,
            coalition: None,
            failing: false,
            after: 0,
            limit: PAGE,
        }
    }
}

/// The matrix.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MatrixView {
    /// `today`, `7-days`, `30-days` or `quarter`.
    pub window: &'static str,
    /// Its first day.
    pub from: String,
    /// Its last day.
    pub to: String,
    /// How many combinations there are of those that were asked for.
    pub total: usize,
    /// How many of them somebody must act on.
    pub failing: usize,
    /// These of them: the failing ones first.
    pub combinations: Vec<CombinationView>,
    /// Ask again with `after` this for the next ones; absent at the end.
    pub next: Option<usize>,
}

/// One combination.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CombinationView {
    /// A short name of it.
    pub id: String,
    /// The id of the installation.
    pub installation: String,
    /// The version of its software, or `unknown`.
    pub version: String,
    /// The host name of the client.
    pub client: String,
    /// The id of the service.
    pub service: String,
    /// What the service is called.
    pub service_name: String,
    /// `works`, `too_few` or `fails`.
    pub verdict: &'static str,
    /// The verdict and why.
    pub text: SaidView,
    /// The first step that fails.
    pub step: Option<String>,
    /// The code of most of its failures.
    pub code: Option<String>,
    /// Who must act: `patient`, `practice`, `pgo`, `his` or `us`.
    pub who: Option<&'static str>,
    /// The alarm that stands: it worked and stopped working.
    pub alarm: Option<AlarmView>,
    /// Alarms that ended, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub past_alarms: Vec<PastAlarmView>,
    /// When it was first and last tried.
    pub seen: Option<SpanView>,
    /// The steps that were tried, in their order.
    pub steps: Vec<StepView>,
}

/// A step of a combination.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StepView {
    /// `found`, `login`, `availability`, `consent`, `token`, `admission`, `request <request of the catalogue>` or `complete`.
    pub step: String,
    /// In words.
    pub text: SaidView,
    /// How often it was tried.
    pub tried: u64,
    /// How often it was taken.
    pub succeeded: u64,
    /// How often the person ended it, or is not let in yet.
    pub ended: u64,
    /// How often the other side went away.
    pub aborted: u64,
    /// How often it failed.
    pub failed: u64,
    /// Its failures by code, the most frequent first.
    pub codes: Vec<CodeView>,
    /// When it was first and last taken.
    pub successes: Option<SpanView>,
    /// When it first and last failed.
    pub failures: Option<SpanView>,
    /// The requests that failed last. Only in the answer about one combination.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<SampleView>,
}

/// Failures of one code.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CodeView {
    /// The code.
    pub code: String,
    /// How many.
    pub count: u64,
    /// Who must act.
    pub who: &'static str,
    /// The same in words.
    pub text: SaidView,
}

/// From the first to the last.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SpanView {
    /// The first.
    pub first: String,
    /// The last.
    pub last: String,
}

/// A request that failed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SampleView {
    /// When.
    pub at: String,
    /// With which code.
    pub code: String,
    /// Its `MedMij-Request-ID`, else our id of it.
    pub id: String,
}

/// An alarm.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AlarmView {
    /// The step.
    pub step: String,
    /// The same in words.
    pub text: SaidView,
    /// The code.
    pub code: String,
    /// Who must act.
    pub who: &'static str,
    /// Since its first failure.
    pub since: String,
}

/// An alarm that ended.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PastAlarmView {
    /// What it was.
    pub alarm: AlarmView,
    /// When it ended.
    pub cleared: String,
    /// Whether it worked again; else nobody tried it any more.
    pub works: bool,
}

/// What the matrix is seen against.
pub(super) struct Scene<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) register: &'a Register,
    pub(super) today: Option<Day>,
}

impl Scene<'_> {
    /// The combinations of a board that somebody asks for.
    pub(super) fn matrix(&self, board: &Board, wish: &Wish) -> MatrixView {
        let installations = wish.coalition.as_deref().map(|id| self.installations(id));
        let mut rows: Vec<&Row> = board.rows.iter().filter(|row| wants(wish, installations.as_ref(), row)).collect();
        // In the order of the board otherwise.
        rows.sort_by_key(|row| !row.is_failing());
        let failing = rows.iter().filter(|row| row.is_failing()).count();
        let end = wish.after.saturating_add(wish.limit);
        MatrixView {
            window: wish.window.as_str(),
            from: board.days.0.to_string(),
            to: board.days.1.to_string(),
            total: rows.len(),
            failing,
            next: (end < rows.len()).then_some(end),
            combinations: rows.iter().skip(wish.after).take(wish.limit).map(|row| self.row(row, false)).collect(),
        }
    }

    /// One combination, with requests that failed.
    pub(super) fn one(&self, board: &Board, id: &str) -> Option<CombinationView> {
        board.rows.iter().find(|row| row.combination.id() == id).map(|row| self.row(row, true))
    }

    /// The installations of the practices that are in a coalition today.
    fn installations(&self, coalition: &str) -> BTreeSet<&str> {
        let practices = self.register.entries().practices.values();
        let is_member = |practice: &&crate::practices::programme::Practice| {
            let covers =
                |day| practice.memberships.iter().any(|one| one.coalition.as_str() == coalition && one.covers(day));
            self.today.is_some_and(covers)
        };
        practices.filter(is_member).map(|practice| practice.system.installation.as_str()).collect()
    }

    fn row(&self, row: &Row, whole: bool) -> CombinationView {
        let combination = &row.combination;
        let service = self.snapshot.services.service(combination.service.as_str());
        let listed = self.snapshot.lists.gnl.name(combination.service.as_str());
        let name = listed.or_else(|| service.map(|service| service.name.as_str())).unwrap_or_default();
        let (step, code) = match &row.verdict {
            Verdict::Fails(failing) => (Some(failing.step.to_string()), Some(failing.code.to_string())),
            Verdict::Works { .. } | Verdict::TooFew { .. } => (None, None),
        };
        let seen = row.standing.first().zip(row.standing.last()).map(|(first, last)| Span { first, last });
        CombinationView {
            id: combination.id(),
            installation: combination.place.installation.to_string(),
            version: combination.place.version.to_string(),
            client: combination.client.to_string(),
            service: combination.service.to_string(),
            service_name: name.to_owned(),
            verdict: row.verdict.code(),
            text: SaidView::of(|language| row.verdict.text(row.who(), language)),
            step,
            code,
            who: row.who().map(Who::as_str),
            alarm: row.alarm().map(alarm),
            past_alarms: if whole { row.standing.past.iter().map(past).collect() } else { Vec::new() },
            seen: span(seen),
            steps: in_order(row, service).into_iter().map(|step| self.step(row, step, whole)).collect(),
        }
    }

    fn step(&self, row: &Row, step: &Step, whole: bool) -> StepView {
        let tried = row.tally.steps.get(step).cloned().unwrap_or_default();
        let kept = row.standing.step(step);
        let samples = kept.filter(|_| whole).map(|kept| kept.samples.as_slice()).unwrap_or_default();
        StepView {
            step: step.to_string(),
            text: SaidView::of(|language| step.text(language)),
            tried: tried.attempts(),
            succeeded: tried.succeeded,
            ended: tried.ended,
            aborted: tried.aborted,
            failed: tried.failures(),
            codes: codes(&tried),
            successes: span(kept.and_then(|kept| kept.succeeded)),
            failures: span(kept.and_then(|kept| kept.failed)),
            samples: samples
                .iter()
                .map(|one| SampleView { at: time(one.at), code: one.code.to_string(), id: one.id.to_string() })
                .collect(),
        }
    }
}

fn wants(wish: &Wish, installations: Option<&BTreeSet<&str>>, row: &Row) -> bool {
    let combination = &row.combination;
    let is = |asked: &Option<String>, found: &str| asked.as_deref().is_none_or(|asked| asked == found);
    is(&wish.installation, &combination.place.installation)
        && is(&wish.client, combination.client.as_str())
        && is(&wish.service, combination.service.as_str())
        && installations.is_none_or(|found| found.contains(combination.place.installation.as_str()))
        && (!wish.failing || row.is_failing())
}

fn codes(tried: &Tried) -> Vec<CodeView> {
    let mut codes: Vec<_> = tried.failed.iter().collect();
    codes.sort_by_key(|(code, count)| (std::cmp::Reverse(**count), (*code).clone()));
    let mut views = Vec::with_capacity(codes.len());
    for (code, count) in codes {
        let who = who_acts(code);
        let text = SaidView::of(|language| who_text(who, language).to_owned());
        views.push(CodeView { code: code.to_string(), count: *count, who: who.as_str(), text });
    }
    views
}

fn alarm(raised: &Raised) -> AlarmView {
    let step = Step::parse(&raised.step);
    AlarmView {
        step: raised.step.to_string(),
        text: SaidView::of(|language| step.as_ref().map(|step| step.text(language)).unwrap_or_default()),
        code: raised.code.to_string(),
        who: who_acts(&raised.code).as_str(),
        since: time(raised.since),
    }
}

fn past(cleared: &Cleared) -> PastAlarmView {
    PastAlarmView { alarm: alarm(&cleared.alarm), cleared: time(cleared.cleared), works: cleared.works }
}

fn span(span: Option<Span>) -> Option<SpanView> {
    span.map(|span| SpanView { first: time(span.first), last: time(span.last) })
}

fn time(at: Timestamp) -> String {
    moment(at)
}

/// The columns of [`csv`].
const COLUMNS: [&str; 16] = [
    "id",
    "installation",
    "version",
    "client",
    "service",
    "verdict",
    "failing_step",
    "failing_code",
    "who",
    "alarm_since",
    "step",
    "tried",
    "succeeded",
    "ended",
    "aborted",
    "failed",
];

/// The matrix as a table (RFC 4180): a line for each step of each combination.
#[must_use]
pub fn csv(view: &MatrixView) -> String {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let _ = writer.write_record(COLUMNS);
    for one in &view.combinations {
        for step in &one.steps {
            let counts =
                [step.tried, step.succeeded, step.ended, step.aborted, step.failed].map(|count| count.to_string());
            let texts = [
                one.id.as_str(),
                &one.installation,
                &one.version,
                &one.client,
                &one.service,
                one.verdict,
                one.step.as_deref().unwrap_or_default(),
                one.code.as_deref().unwrap_or_default(),
                one.who.unwrap_or_default(),
                one.alarm.as_ref().map(|alarm| alarm.since.as_str()).unwrap_or_default(),
                &step.step,
            ];
            let cells = texts.into_iter().map(cell).chain(counts);
            let _ = writer.write_record(cells.collect::<Vec<_>>());
        }
    }
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

/// A text that no program for tables takes for a formula.
fn cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests;
