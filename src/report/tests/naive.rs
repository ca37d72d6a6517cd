//! The definitions of `deploy/docs/figures.md`, computed from the events themselves.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::scene::{Event, provider};
use crate::audit::{Authorization, Outcome};
use crate::availability::dutch_today;
use crate::medmij::ServiceId;
use crate::practices::programme::Draft;
use crate::report::{Bin, Channel, Distinct, Figures, Period, Requests, RequestsOf, Scope};

/// Asserts that figures are those of the events.
pub(super) fn compare(figures: &Figures, register: &Draft, events: &[Event], now: Timestamp) {
    let (scope, period) = (&figures.scope, figures.period);
    let day = if now < period.ends() { dutch_today(now) } else { period.last() };
    let practices: BTreeSet<&str> = scope.practices(register, day).map(|one| one.provider.as_str()).collect();
    let here = |event: &&Event| match event.practice {
        Some(name) => practices.contains(name),
        None => *scope == Scope::Whole,
    };
    let all: Vec<&Event> = events.iter().filter(|event| event.is_counted()).filter(here).collect();
    let within = |event: &&&Event| (period.begins()..period.ends()).contains(&event.at);
    let asked: Vec<&Event> = all.iter().filter(within).copied().collect();
    people(figures, &asked);
    requests(figures, &asked);
    let first = |name: &str| {
        let viewings = all.iter().filter(|event| looked(event) && event.channel() == Some(Channel::Pgo));
        viewings.filter(|event| event.practice == Some(name)).map(|event| dutch_today(event.at)).min()
    };
    let in_period = |name: &&&str| first(name).is_some_and(|day| (period.first()..=period.last()).contains(&day));
    assert_eq!(figures.first_retrievals as usize, practices.iter().filter(in_period).count(), "{scope} {period}");
    assert_eq!(figures.practices as usize, practices.len());
    let enrolled = practices.iter().map(|name| u64::from(register.practices[&provider(name)].patients_16)).sum::<u64>();
    assert_eq!((figures.enrolled_16, figures.running), (enrolled, now < period.ends()));
}

fn looked(event: &Event) -> bool {
    event.outcome == Outcome::Done && !event.refused && event.person.is_some() && event.practice.is_some()
}

fn people(figures: &Figures, asked: &[&Event]) {
    let (scope, period) = (&figures.scope, figures.period);
    let viewings: Vec<&&Event> = asked.iter().filter(|event| looked(event)).collect();
    let distinct = |wanted: &dyn Fn(&Event) -> bool| {
        viewings.iter().filter(|event| wanted(event)).filter_map(|event| event.person).collect::<BTreeSet<_>>().len()
            as u64
    };
    let mut days: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for event in &viewings {
        let day = dutch_today(event.at);
        days.entry((event.person, day.year(), day.month())).or_default().insert(day);
    }
    let again: BTreeSet<_> = days.iter().filter(|(_, days)| days.len() > 1).map(|((person, ..), _)| person).collect();
    let is = |found: Distinct, expected: u64, what: &str| {
        let context = format!("{what} of {scope} in {period}");
        assert_eq!(found.count, expected, "{context}");
        // A part of a supplier in a closed month, and whatever is longer than a month, is estimated: six people exactly.
        assert!(found.exact || found.error <= 0.017, "{context}");
        if matches!(period, Period::Month(_)) && !matches!(scope, Scope::Share { .. }) {
            assert!(found.exact, "{context}");
        }
    };
    is(figures.viewers, distinct(&|_| true), "viewers");
    is(figures.repeat, again.len() as u64, "repeat viewers");
    for (channel, found) in figures.by_channel {
        is(found, distinct(&|event| event.channel() == Some(channel)), channel.as_str());
    }
    let services: BTreeSet<&str> = viewings.iter().filter_map(|event| event.service).collect();
    assert_eq!(figures.by_service.iter().map(|(id, _)| id.as_str()).collect::<BTreeSet<_>>(), services);
    for (id, found) in &figures.by_service {
        is(*found, distinct(&|event| event.service == Some(id.as_str())), id.as_str());
    }
    let practices = |wanted: &dyn Fn(&Event) -> bool| {
        viewings.iter().filter(|event| wanted(event)).filter_map(|event| event.practice).collect::<BTreeSet<_>>().len()
    };
    assert_eq!(figures.practices_with_viewer as usize, practices(&|_| true), "{scope} {period}");
    for (channel, count) in figures.practices_with_viewer_by_channel {
        assert_eq!(count as usize, practices(&|event| event.channel() == Some(channel)), "{scope} {period}");
    }
}

fn requests(figures: &Figures, asked: &[&Event]) {
    let (scope, period) = (&figures.scope, figures.period);
    let mut expected: BTreeMap<(Channel, Option<ServiceId>), Requests> = BTreeMap::new();
    for event in asked {
        let service = event.service.map(|id| ServiceId::parse(id).unwrap());
        let requests = expected.entry((event.channel().unwrap(), service)).or_default();
        match event.outcome {
            Outcome::Done => requests.succeeded += 1,
            Outcome::Aborted => requests.aborted += 1,
            Outcome::Refused | Outcome::Failed | Outcome::Intended => requests.failed += 1,
        }
    }
    let of = |((channel, service), requests)| RequestsOf { channel, service, requests };
    assert_eq!(figures.requests, expected.into_iter().map(of).collect::<Vec<_>>(), "{scope} {period}");
    let well = asked.iter().filter(|event| event.outcome == Outcome::Done);
    let mut waited: Vec<_> = well.map(|event| event.waited).collect();
    waited.sort_unstable();
    let half = waited.len().checked_sub(1).and_then(|last| waited.get(last / 2));
    let middle = half.map(|time| (Bin::of(*time).middle(), waited.len() as u64));
    assert_eq!(figures.waiting.map(|median| (median.time, median.of)), middle, "{scope} {period}");
    let own = asked.iter().any(|event| event.authorization == Some(Authorization::OwnLogin));
    assert!(!own, "who looks at their own pages is no request");
}
