//! Works figures out from what was counted and the register.

use jiff::Timestamp;
use jiff::civil::Date;

use super::closed::{Groups, Kept, People, VIEWS_MAX, ViewSet};
use super::facts::{Facts, Part, Union};
use super::figures::{Figures, Requests, RequestsOf};
use super::period::{Month, Period};
use super::scope::Scope;
use super::sketch::Registers;
use super::waiting::Waiting;
use super::words::Channel;
use crate::availability::dutch_today;
use crate::medmij::{ProviderName, ServiceId};
use crate::practices::programme::{Draft, Practice};

/// What figures are worked out from.
#[derive(Clone, Copy)]
pub(super) struct Tally<'a> {
    pub(super) facts: &'a Facts,
    pub(super) register: &'a Draft,
    pub(super) now: Timestamp,
    pub(super) counted_until: Option<Timestamp>,
}

impl<'a> Tally<'a> {
    /// The day that says which practices are in a coalition: the last of the period, or today while it runs.
    pub(super) fn day(&self, period: Period) -> Date {
        if period.is_running(self.now) { dutch_today(self.now) } else { period.last() }
    }

    pub(super) fn figures(&self, scope: &Scope, period: Period) -> Figures {
        let practices: Vec<&Practice> = scope.practices(self.register, self.day(period)).collect();
        let names: Vec<&ProviderName> = practices.iter().map(|practice| &practice.provider).collect();
        let people = self.people(scope, &names, period);
        let (requests, waiting) = self.requests(scope, &names, period);
        let (practices_with_viewer, by_channel) = self.with_viewer(&names, period);
        let at = period.ends().min(self.now);
        let at = if at == period.ends() { just_before(at) } else { at };
        let since = |name: &&ProviderName| self.facts.listed_since(name, at);
        let first = |name: &&ProviderName| self.first_retrieval(name);
        let within = |day: &Date| (period.first()..=period.last()).contains(day);
        let one = |found: Option<Date>| found.filter(|_| matches!(scope, Scope::Practice(_)));
        let [pgo, portal] = people.channels;
        Figures {
            scope: scope.clone(),
            period,
            running: period.is_running(self.now),
            counted_until: self.counted_until,
            practices: number(names.len()),
            on_zal: number(names.iter().filter_map(since).count()),
            on_zal_since: one(names.first().and_then(since)),
            enrolled_16: practices.iter().map(|practice| u64::from(practice.patients_16)).sum(),
            viewers: people.viewers,
            repeat: people.repeat,
            by_channel: [(Channel::Pgo, pgo), (Channel::Portal, portal)],
            by_service: people.services.into_iter().filter(|(_, distinct)| distinct.count > 0).collect(),
            practices_with_viewer,
            practices_with_viewer_by_channel: by_channel,
            first_retrievals: number(names.iter().filter_map(first).filter(within).count()),
            first_retrieval: one(names.first().and_then(first)),
            requests,
            waiting,
        }
    }

    fn parts(&self, name: Option<&ProviderName>, period: Period) -> impl Iterator<Item = (Month, &'a Part)> + use<'a> {
        let months = self.facts.months(name);
        let first_and_last = period.months().next().zip(period.months().next_back());
        months
            .zip(first_and_last)
            .into_iter()
            .flat_map(|(months, (first, last))| months.range(first..=last).map(|(month, part)| (*month, part)))
    }

    fn people(&self, scope: &Scope, names: &[&ProviderName], period: Period) -> People {
        match (period, scope) {
            (Period::Month(month), Scope::Practice(name)) => {
                let part = self.facts.months(Some(name)).and_then(|months| months.get(&month));
                part.map_or_else(|| self.nobody(), |part| part.people(self.facts.groups()))
            }
            (Period::Month(month), _) if !self.facts.is_closed(month) => {
                self.union(names, month).people(self.facts.groups())
            }
            (Period::Month(month), _) => match self.facts.together(&scope.to_string(), month) {
                Some(together) => together.people.clone(),
                None if self.is_empty(names, period) => self.nobody(),
                None => self.sketched(scope, names, period),
            },
            (Period::Quarter { .. } | Period::Year(_), _) => self.sketched(scope, names, period),
        }
    }

    /// Whether nothing was counted of any of them.
    fn is_empty(&self, names: &[&ProviderName], period: Period) -> bool {
        names.iter().all(|name| self.parts(Some(name), period).next().is_none())
    }

    fn nobody(&self) -> People {
        People::counted(std::iter::empty(), self.facts.groups())
    }

    pub(super) fn union(&self, names: &[&ProviderName], month: Month) -> Union {
        let months = names.iter().filter_map(|name| self.facts.months(Some(name)));
        Union::of(months.filter_map(|months| months.get(&month)))
    }

    fn sketched(&self, scope: &Scope, names: &[&ProviderName], period: Period) -> People {
        let mut sketches = Sketches::new(self.facts.groups());
        let parts = names.iter().flat_map(|name| self.parts(Some(name), period));
        parts.flat_map(|(_, part)| part.kept()).for_each(|kept| sketches.insert(kept));
        if !matches!(scope, Scope::Practice(_)) {
            self.add_who_came_again(scope, names, period, &mut sketches);
        }
        sketches.estimate()
    }

    /// Those who looked at one practice of the scope on one day and at another on another day of the same month.
    fn add_who_came_again(&self, scope: &Scope, names: &[&ProviderName], period: Period, sketches: &mut Sketches<'_>) {
        for month in period.months() {
            if self.facts.is_closed(month) {
                let kept = self.facts.together(&scope.to_string(), month).into_iter().flat_map(|kept| &kept.again);
                kept.for_each(|kept| sketches.came_again(*kept));
            } else {
                let union = self.union(names, month);
                let again = union.again_elsewhere.iter().map(|mark| Kept::again(mark.code()));
                again.for_each(|kept| sketches.came_again(kept));
            }
        }
    }

    fn requests(
        &self,
        scope: &Scope,
        names: &[&ProviderName],
        period: Period,
    ) -> (Vec<RequestsOf>, Option<super::figures::Median>) {
        let (mut requests, mut waiting) = ([Requests::default(); VIEWS_MAX], Waiting::default());
        let unnamed = matches!(scope, Scope::Whole).then_some(None);
        let named = names.iter().map(|name| Some(*name));
        for (_, part) in named.chain(unnamed).flat_map(|name| self.parts(name, period)) {
            part.add_requests(&mut requests);
            part.add_waiting(&mut waiting);
        }
        (self.told(&requests), waiting.median())
    }

    fn told(&self, requests: &[Requests; VIEWS_MAX]) -> Vec<RequestsOf> {
        let of = |(place, requests): (u8, &Requests)| {
            let view = self.facts.view(place).filter(|_| *requests != Requests::default())?;
            Some(RequestsOf { channel: view.channel, service: view.service.clone(), requests: *requests })
        };
        let mut all: Vec<_> = (0..).zip(requests).filter_map(of).collect();
        all.sort_by(|a, b| (a.channel, &a.service).cmp(&(b.channel, &b.service)));
        all
    }

    fn with_viewer(&self, names: &[&ProviderName], period: Period) -> (u32, [(Channel, u32); 2]) {
        let (mut all, mut by) = (0, Channel::KNOWN.map(|channel| (channel, 0)));
        for name in names {
            let (mut any, mut channels) = (false, [false; 2]);
            for (_, part) in self.parts(Some(name), period) {
                let (here, by) = part.has_viewer(self.facts.groups());
                any |= here;
                channels.iter_mut().zip(by).for_each(|(all, here)| *all |= here);
            }
            all += u32::from(any);
            by.iter_mut().zip(channels).for_each(|((_, count), here)| *count += u32::from(here));
        }
        (all, by)
    }

    /// The day of the first viewing by a PGO ever.
    fn first_retrieval(&self, name: &ProviderName) -> Option<Date> {
        let groups = self.facts.groups();
        self.facts.months(Some(name))?.iter().find_map(|(month, part)| {
            let day = part.first_pgo(groups)?;
            month.first().with().day(day).build().ok()
        })
    }
}

/// The sketches of each way in which people are counted.
struct Sketches<'a> {
    viewers: Registers,
    repeat: Registers,
    channels: [(ViewSet, Registers); 2],
    services: Vec<(&'a ServiceId, ViewSet, Registers)>,
}

impl<'a> Sketches<'a> {
    fn new(groups: &'a Groups) -> Self {
        let service = |(id, group): (&'a ServiceId, &ViewSet)| (id, *group, Registers::default());
        Self {
            viewers: Registers::default(),
            repeat: Registers::default(),
            channels: groups.channels.map(|group| (group, Registers::default())),
            services: groups.services.iter().map(service).collect(),
        }
    }

    fn insert(&mut self, kept: Kept) {
        let Some(code) = kept.code() else { return };
        let views = kept.views();
        self.viewers.insert(code);
        if kept.came_again() {
            self.repeat.insert(code);
        }
        let channels = self.channels.iter_mut().map(|(group, registers)| (*group, registers));
        let services = self.services.iter_mut().map(|(_, group, registers)| (*group, registers));
        let of = channels.chain(services).filter(|(group, _)| views.meets(*group));
        of.for_each(|(_, registers)| registers.insert(code));
    }

    fn came_again(&mut self, kept: Kept) {
        if let Some(code) = kept.code() {
            self.repeat.insert(code);
        }
    }

    fn estimate(&self) -> People {
        let [(_, pgo), (_, portal)] = &self.channels;
        let service = |(id, _, registers): &(&ServiceId, ViewSet, Registers)| ((*id).clone(), registers.estimate());
        People {
            viewers: self.viewers.estimate(),
            repeat: self.repeat.estimate(),
            channels: [pgo.estimate(), portal.estimate()],
            services: self.services.iter().map(service).collect(),
        }
    }
}

fn just_before(moment: Timestamp) -> Timestamp {
    moment.saturating_sub(jiff::SignedDuration::from_micros(1)).unwrap_or(moment)
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
