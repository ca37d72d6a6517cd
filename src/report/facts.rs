//! Everything that was counted, in memory: what figures are worked out from.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use jiff::civil::Date;

use super::cell::Cell;
use super::closed::{Document, Groups, Kept, People, VIEWS_MAX, ViewSet};
use super::figures::Requests;
use super::people::{Days, Mark, View};
use super::period::Month;
use super::store::{CellRow, ClosedRow, Listing, MarkRow, Rows, UsageState};
use super::waiting::{Bin, Waiting};
use super::words::{Channel, Ending};
use crate::availability::dutch_today;
use crate::medmij::ProviderName;

/// The scope of what is kept of requests that name no practice.
const UNNAMED: &str = "unnamed";

/// What is kept cannot be read: another release wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what is kept of {scope} in {month} is of another release")]
pub struct Unreadable {
    scope: String,
    month: Month,
}

/// What was counted, and until which month it is closed.
#[derive(Debug, Default)]
pub(super) struct Facts {
    state: UsageState,
    views: Vec<View>,
    groups: Groups,
    practices: HashMap<Option<ProviderName>, BTreeMap<Month, Part>>,
    /// Of practices together, by the text of their scope.
    together: HashMap<(String, Month), Together>,
    listings: HashMap<ProviderName, Vec<Listing>>,
}

/// A practice in a month.
#[derive(Debug, Default)]
pub(super) struct Part {
    on_time: Amounts,
    late: Amounts,
    people: HashMap<Mark, Seen>,
    closed: Option<Box<Closed>>,
}

/// On which days somebody had which view.
#[derive(Debug, Clone, Default)]
struct Seen(Vec<(u8, Days)>);

/// A practice in a month that is closed.
#[derive(Debug)]
struct Closed {
    people: People,
    first_pgo: Option<i8>,
    kept: Vec<Kept>,
    amounts: Amounts,
}

/// Practices together in a month that is closed.
#[derive(Debug)]
pub(super) struct Together {
    pub(super) people: People,
    /// Those who came again, and at none of the practices twice.
    pub(super) again: Vec<Kept>,
}

/// How much was counted by adding one.
#[derive(Debug, Default)]
struct Amounts {
    requests: Vec<(u8, Ending, u64)>,
    waiting: Vec<(Bin, u64)>,
    late_viewings: u64,
}

impl Amounts {
    fn set(&mut self, cell: &Cell, amount: u64, place: u8) {
        match cell {
            Cell::Requests(ending, _) => {
                let same = |(at, kept, _): &&mut (u8, Ending, u64)| (*at, *kept) == (place, *ending);
                match self.requests.iter_mut().find(same) {
                    Some(kept) => kept.2 = amount,
                    None => self.requests.push((place, *ending, amount)),
                }
            }
            Cell::Waiting(bin) => match self.waiting.iter_mut().find(|(kept, _)| kept == bin) {
                Some(kept) => kept.1 = amount,
                None => self.waiting.push((*bin, amount)),
            },
            Cell::LateViewings => self.late_viewings = amount,
        }
    }
}

impl Seen {
    fn set(&mut self, place: u8, days: Days) {
        match self.0.iter_mut().find(|(kept, _)| *kept == place) {
            Some(kept) => kept.1 = days,
            None => self.0.push((place, days)),
        }
    }

    fn views(&self) -> ViewSet {
        self.0.iter().fold(ViewSet::default(), |views, (place, _)| views.and(ViewSet::one(*place)))
    }

    fn days(&self) -> Days {
        self.0.iter().fold(Days::default(), |all, (_, days)| all.and(*days))
    }
}

impl Facts {
    /// How far they are.
    pub(super) const fn state(&self) -> UsageState {
        self.state
    }

    /// From here on they are this far.
    pub(super) fn reached(&mut self, state: UsageState) {
        let newly_closed = self.state.closed < state.closed;
        self.state = state;
        let Some(closed) = state.closed.filter(|_| newly_closed) else { return };
        for (_, part) in self.practices.values_mut().flat_map(|months| months.range_mut(..=closed)) {
            part.people = HashMap::new();
            part.on_time = Amounts::default();
        }
    }

    pub(super) fn groups(&self) -> &Groups {
        &self.groups
    }

    pub(super) fn view(&self, place: u8) -> Option<&View> {
        self.views.get(usize::from(place))
    }

    pub(super) fn is_closed(&self, month: Month) -> bool {
        Some(month) <= self.state.closed
    }

    /// The first month of which anything was counted.
    pub(super) fn first_month(&self) -> Option<Month> {
        self.practices.values().filter_map(|months| months.keys().next()).min().copied()
    }

    /// The months of a practice, or of requests that name none, in order.
    pub(super) fn months(&self, of: Option<&ProviderName>) -> Option<&BTreeMap<Month, Part>> {
        self.practices.get(&of.cloned())
    }

    pub(super) fn together(&self, scope: &str, month: Month) -> Option<&Together> {
        self.together.get(&(scope.to_owned(), month))
    }

    /// The day since when the ZAL names a practice, of what it named at this moment.
    pub(super) fn listed_since(&self, provider: &ProviderName, at: Timestamp) -> Option<Date> {
        let covers = |one: &&Listing| one.from <= at && one.until.is_none_or(|until| at < until);
        self.listings.get(provider)?.iter().find(covers).map(|one| dutch_today(one.from))
    }

    /// Takes over rows as they are now.
    ///
    /// # Errors
    /// When one of them is of another release.
    pub(super) fn take(&mut self, rows: Rows) -> Result<(), Unreadable> {
        match rows {
            Rows::Cells(rows) => rows.into_iter().for_each(|row| self.take_cell(row)),
            Rows::Marks(rows) => rows.into_iter().for_each(|row| self.take_mark(row)),
            Rows::Listings(rows) => rows.into_iter().for_each(|row| self.take_listing(row)),
            Rows::Closed(rows) => {
                for row in rows {
                    self.take_closed(&row).ok_or(Unreadable { scope: row.scope, month: row.month })?;
                }
            }
        }
        Ok(())
    }

    fn take_cell(&mut self, row: CellRow) {
        let place = match &row.cell {
            Cell::Requests(_, view) => self.place(view),
            Cell::Waiting(_) | Cell::LateViewings => 0,
        };
        if !row.late && self.is_closed(row.month) {
            return;
        }
        let part = self.part(row.provider, row.month);
        let amounts = if row.late { &mut part.late } else { &mut part.on_time };
        amounts.set(&row.cell, row.amount, place);
    }

    fn take_mark(&mut self, row: MarkRow) {
        if !self.is_closed(row.month) {
            let place = self.place(&row.view);
            let part = self.part(Some(row.provider), row.month);
            part.people.entry(row.mark).or_default().set(place, row.days);
        }
    }

    fn take_listing(&mut self, row: Listing) {
        let all = self.listings.entry(row.provider.clone()).or_default();
        match all.iter_mut().find(|kept| kept.from == row.from) {
            Some(kept) => *kept = row,
            None => all.push(row),
        }
    }

    fn take_closed(&mut self, row: &ClosedRow) -> Option<()> {
        let document = Document::parse(&row.document)?;
        let places: Vec<u8> = document.views()?.iter().map(|view| self.place(view)).collect();
        let (people, kept) = (document.people(), document.kept(&places)?);
        let provider = match row.scope.strip_prefix("practice:") {
            Some(name) => Some(ProviderName::parse(name).ok()?),
            None if row.scope == UNNAMED => None,
            None => {
                self.together.insert((row.scope.clone(), row.month), Together { people, again: kept });
                return Some(());
            }
        };
        let mut amounts = Amounts::default();
        for (cell, amount) in document.cells()? {
            let place = if let Cell::Requests(_, view) = &cell { self.place(view) } else { 0 };
            amounts.set(&cell, amount, place);
        }
        let closed = Closed { people, first_pgo: document.first_pgo, kept, amounts };
        self.part(provider, row.month).closed = Some(Box::new(closed));
        Some(())
    }

    fn part(&mut self, provider: Option<ProviderName>, month: Month) -> &mut Part {
        self.practices.entry(provider).or_default().entry(month).or_default()
    }

    /// The place of a view in our list; of one too many that of the view without a service.
    fn place(&mut self, view: &View) -> u8 {
        if let Some(at) = self.views.iter().position(|known| known == view) {
            return u8::try_from(at).unwrap_or_default();
        }
        if view.service.is_some() && self.views.len() >= VIEWS_MAX - Channel::ALL.len() {
            return self.place(&View { channel: view.channel, service: None });
        }
        self.views.push(view.clone());
        self.groups = Groups::of(&self.views);
        u8::try_from(self.views.len() - 1).unwrap_or_default()
    }

    /// What is kept of a practice, or of requests that name none, when its month is closed.
    pub(super) fn to_keep(&self, provider: Option<&ProviderName>, month: Month) -> Option<ClosedRow> {
        let part = self.months(provider)?.get(&month)?;
        let kept: BTreeSet<Kept> = part.kept().collect();
        let mut document = Document::new(&part.people(&self.groups), &self.views, kept);
        document.first_pgo = part.first_pgo(&self.groups);
        let scope = provider.map_or_else(|| UNNAMED.to_owned(), |name| format!("practice:{}", name.as_str()));
        let document = document.with_cells(part.on_time.cells(&self.views)).to_json();
        Some(ClosedRow { scope, month, document })
    }

    /// What is kept of practices together when a month is closed.
    pub(super) fn to_keep_together(&self, scope: &str, union: &Union, month: Month) -> ClosedRow {
        let again = union.again_elsewhere.iter().map(|mark| Kept::again(mark.code()));
        let document = Document::new(&union.people(&self.groups), &[], again.collect()).to_json();
        ClosedRow { scope: scope.to_owned(), month, document }
    }

    /// The names of the practices of which there is something in a month; `None` stands for requests that name none.
    pub(super) fn counted_in(&self, month: Month) -> impl Iterator<Item = Option<&ProviderName>> {
        let has = move |months: &BTreeMap<Month, Part>| months.contains_key(&month);
        self.practices.iter().filter(move |(_, months)| has(months)).map(|(name, _)| name.as_ref())
    }
}

impl Amounts {
    fn cells<'a>(&'a self, views: &'a [View]) -> impl Iterator<Item = (Cell, u64)> + 'a {
        let request = |(place, ending, amount): &(u8, Ending, u64)| {
            Some((Cell::Requests(*ending, views.get(usize::from(*place))?.clone()), *amount))
        };
        let waiting = self.waiting.iter().map(|(bin, amount)| (Cell::Waiting(*bin), *amount));
        self.requests.iter().filter_map(request).chain(waiting)
    }
}

impl Part {
    fn amounts(&self) -> [&Amounts; 2] {
        [self.closed.as_ref().map_or(&self.on_time, |closed| &closed.amounts), &self.late]
    }

    /// Adds them at the places of their views.
    pub(super) fn add_requests(&self, all: &mut [Requests; VIEWS_MAX]) {
        for (place, ending, amount) in self.amounts().into_iter().flat_map(|amounts| &amounts.requests) {
            let Some(requests) = all.get_mut(usize::from(*place)) else { continue };
            match ending {
                Ending::Succeeded => requests.succeeded += amount,
                Ending::Failed => requests.failed += amount,
                Ending::Aborted => requests.aborted += amount,
            }
        }
    }

    pub(super) fn add_waiting(&self, all: &mut Waiting) {
        self.amounts().into_iter().flat_map(|amounts| &amounts.waiting).for_each(|(bin, count)| all.add(*bin, *count));
    }

    /// How many people of this practice alone.
    pub(super) fn people(&self, groups: &Groups) -> People {
        match &self.closed {
            Some(closed) => closed.people.clone(),
            None => People::counted(self.people.values().map(|seen| (seen.views(), seen.days().are_several())), groups),
        }
    }

    /// Whether anybody looked, and by which channels.
    pub(super) fn has_viewer(&self, groups: &Groups) -> (bool, [bool; 2]) {
        match &self.closed {
            Some(closed) => {
                (closed.people.viewers.count > 0, closed.people.channels.map(|distinct| distinct.count > 0))
            }
            None => {
                let by = |group: ViewSet| self.people.values().any(|seen| seen.views().meets(group));
                (!self.people.is_empty(), groups.channels.map(by))
            }
        }
    }

    /// The day of the month of the first viewing by a PGO.
    pub(super) fn first_pgo(&self, groups: &Groups) -> Option<i8> {
        let [pgo, _] = groups.channels;
        match &self.closed {
            Some(closed) => closed.first_pgo,
            None => {
                let days = self.people.values().flat_map(|seen| &seen.0);
                days.filter(|(place, _)| pgo.meets(ViewSet::one(*place))).filter_map(|(_, days)| days.first()).min()
            }
        }
    }

    /// People as a sketch knows them.
    pub(super) fn kept(&self) -> Box<dyn Iterator<Item = Kept> + '_> {
        match &self.closed {
            Some(closed) => Box::new(closed.kept.iter().copied()),
            None => Box::new(
                self.people.iter().map(|(mark, seen)| Kept::new(mark.code(), seen.views(), seen.days().are_several())),
            ),
        }
    }
}

/// The people of practices together in a month that is open, each once.
#[derive(Debug, Default)]
pub(super) struct Union {
    people: HashMap<Mark, (ViewSet, Days)>,
    /// Those who came again, and at none of the practices twice.
    pub(super) again_elsewhere: Vec<Mark>,
}

impl Union {
    pub(super) fn of<'a>(parts: impl Iterator<Item = &'a Part>) -> Self {
        let mut union = Self::default();
        let mut again = std::collections::HashSet::new();
        for (mark, seen) in parts.flat_map(|part| &part.people) {
            let (views, days) = union.people.entry(*mark).or_default();
            (*views, *days) = (views.and(seen.views()), days.and(seen.days()));
            if seen.days().are_several() {
                again.insert(*mark);
            }
        }
        let elsewhere = union.people.iter().filter(|(mark, (_, days))| days.are_several() && !again.contains(*mark));
        union.again_elsewhere = elsewhere.map(|(mark, _)| *mark).collect();
        union
    }

    pub(super) fn people(&self, groups: &Groups) -> People {
        People::counted(self.people.values().map(|(views, days)| (*views, days.are_several())), groups)
    }
}
