//! What records add: pure, and the same in whatever batches they come.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::audit::{Kind, Outcome, Record, SealedBsn, Word};
use crate::availability::dutch_today;
use crate::medmij::ProviderName;
use crate::report::cell::Cell;
use crate::report::counter::Batch;
use crate::report::people::{Days, Mark, View};
use crate::report::period::Month;
use crate::report::store::{CellRow, MarkRow, UsageDelta, UsageState};
use crate::report::waiting::Bin;
use crate::report::words::{Channel, Ending};

/// What a batch adds, in the making.
pub(super) struct Gathering<'a> {
    state: UsageState,
    /// When intents happened.
    intents: &'a BTreeMap<u64, Timestamp>,
    cells: BTreeMap<(Option<ProviderName>, Month, Cell), u64>,
    marks: BTreeMap<(ProviderName, Month, View, Mark), Days>,
    unnamed: u64,
}

/// A record of a request, as far as it is counted.
struct Asked<'a> {
    record: &'a Record,
    month: Month,
    /// The day of the month.
    day: i8,
    view: View,
    ending: Ending,
}

impl<'a> Asked<'a> {
    /// `None` of what is no request of a patient's.
    fn of(record: &'a Record) -> Option<Self> {
        let Word::Known(Kind::DisclosureOutcome | Kind::ResourceRefused) = record.kind else { return None };
        let channel = match &record.authorization {
            Some(Word::Known(authorization)) => Channel::of(*authorization)?,
            Some(Word::Other(_)) | None => Channel::Unknown,
        };
        let day = dutch_today(record.time);
        Some(Self {
            record,
            month: Month::holding(day)?,
            day: day.day(),
            view: View { channel, service: record.service.clone() },
            ending: Ending::of(record.outcome.as_str()),
        })
    }

    /// Whether somebody saw something of theirs.
    fn is_viewing(&self) -> bool {
        let Record { kind, outcome, subject, .. } = self.record;
        *kind == Word::Known(Kind::DisclosureOutcome) && *outcome == Word::Known(Outcome::Done) && subject.is_some()
    }
}

impl<'a> Gathering<'a> {
    pub(super) fn new(state: UsageState, intents: &'a BTreeMap<u64, Timestamp>) -> Self {
        Self { state, intents, cells: BTreeMap::new(), marks: BTreeMap::new(), unnamed: 0 }
    }

    /// Counts a record; `mark` tells who a sealed BSN is of.
    pub(super) fn take(&mut self, record: &Record, mark: impl Fn(&SealedBsn) -> Option<Mark>) {
        let Some(asked) = Asked::of(record) else { return };
        self.count(&asked, Cell::Requests(asked.ending, asked.view.clone()));
        if asked.ending == Ending::Succeeded
            && let Some(waited) = self.waited(record)
        {
            self.count(&asked, Cell::Waiting(Bin::of(waited)));
        }
        if asked.is_viewing() {
            self.look(&asked, record.sealed.as_ref().and_then(mark));
        }
    }

    fn count(&mut self, asked: &Asked<'_>, cell: Cell) {
        *self.cells.entry((asked.record.provider.clone(), asked.month, cell)).or_default() += 1;
    }

    fn look(&mut self, asked: &Asked<'_>, mark: Option<Mark>) {
        let Some((mark, provider)) = mark.zip(asked.record.provider.clone()) else {
            self.unnamed += 1;
            return;
        };
        if self.is_late(asked.month) {
            return self.count(asked, Cell::LateViewings);
        }
        let days = self.marks.entry((provider, asked.month, asked.view.clone(), mark)).or_default();
        *days = days.and(Days::one(asked.day));
    }

    fn waited(&self, record: &Record) -> Option<Duration> {
        let since = self.intents.get(&record.intent?)?;
        Some(Duration::try_from(record.time.duration_since(*since)).unwrap_or_default())
    }

    fn is_late(&self, month: Month) -> bool {
        Some(month) <= self.state.closed
    }

    /// All of it, and how many viewings were of nobody who can be told from others.
    pub(super) fn delta(self, batch: &Batch) -> (UsageDelta, u64) {
        let late = |month| Some(month) <= self.state.closed;
        let cell = |((provider, month, cell), amount)| CellRow { provider, month, cell, late: late(month), amount };
        let mark = |((provider, month, view, mark), days)| MarkRow { provider, month, view, mark, days };
        let delta = UsageDelta {
            revision: self.state.revision,
            log: batch.log.clone(),
            from: batch.from,
            next: batch.next,
            cells: self.cells.into_iter().map(cell).collect(),
            marks: self.marks.into_iter().map(mark).collect(),
        };
        (delta, self.unnamed)
    }
}
