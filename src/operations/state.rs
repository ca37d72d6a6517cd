//! The state of a node, gathered for who asks. What the lists and the register say comes from the snapshot in force; what only
//! the running node knows, from whoever put it together.

use std::collections::BTreeSet;
use std::ops::Bound;

use jiff::Timestamp;

use super::view::{
    ClientView, ClientsView, EndpointView, HisView, ListView, NodeView, PracticeView, PracticesView, StopView,
};
use super::{PastStop, Stop, view};
use crate::his::{BreakerState, Ending, Figures};
use crate::practices::{GoLive, Practice};
use crate::routing::{Halt, Snapshot};

/// Most entries of one answer.
pub const PAGE_MAX: usize = 500;
/// Entries of an answer, when nothing is said.
pub const PAGE: usize = 100;

/// What only the running node knows.
pub struct Sources {
    /// The node as a whole.
    pub node: Box<dyn Fn() -> NodeView + Send + Sync>,
    /// The lists, once there are any.
    pub lists: Box<dyn Fn() -> Vec<ListView> + Send + Sync>,
    /// The installations.
    pub his: Vec<Installation>,
}

/// An installation of a HIS.
pub struct Installation {
    /// Its id.
    pub id: String,
    /// How it speaks.
    pub dialect: &'static str,
    /// Its endpoints.
    pub endpoints: Vec<Endpoint>,
}

/// One endpoint of it.
pub struct Endpoint {
    /// What it is for.
    pub name: &'static str,
    /// The host.
    pub host: String,
    /// How it is.
    pub figures: Box<dyn Fn() -> Figures + Send + Sync>,
}

/// Which part of many entries is asked for, and which of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Those after this name.
    after: String,
    /// So many at most.
    limit: usize,
    /// Those with this text in name or id, in any case.
    with: String,
}

impl Part {
    /// A part; `None` for a wish for nothing, or for more than [`PAGE_MAX`].
    #[must_use]
    pub fn of(after: Option<String>, limit: Option<usize>, with: Option<&str>) -> Option<Self> {
        let limit = limit.unwrap_or(PAGE);
        let with = with.unwrap_or_default().trim().to_lowercase();
        (1..=PAGE_MAX).contains(&limit).then(|| Self { after: after.unwrap_or_default(), limit, with })
    }

    /// The text by which they are found.
    #[must_use]
    pub fn with(&self) -> &str {
        &self.with
    }

    pub(crate) fn wants(&self, texts: [&str; 2]) -> bool {
        self.with.is_empty() || texts.iter().any(|text| text.to_lowercase().contains(&self.with))
    }

    /// The names of this part in order, and where the next one begins.
    pub(crate) fn take<'a>(&self, names: &BTreeSet<&'a str>) -> (Vec<&'a str>, Option<String>) {
        let after = (Bound::Excluded(self.after.as_str()), Bound::Unbounded);
        let mut taken: Vec<_> = names.range::<str, _>(after).copied().take(self.limit.saturating_add(1)).collect();
        let more = taken.len() > self.limit;
        taken.truncate(self.limit);
        let next = taken.last().filter(|_| more).map(|last| (*last).to_owned());
        (taken, next)
    }
}

pub(super) fn practices(snapshot: &Snapshot, part: &Part, now: Timestamp) -> PracticesView {
    let all = snapshot.practices.iter().filter(|practice| part.wants([practice.provider.as_str(), &practice.name]));
    let names: BTreeSet<&str> = all.map(|practice| practice.provider.as_str()).collect();
    let (taken, next) = part.take(&names);
    let found = taken.into_iter().filter_map(|name| snapshot.practices.practice(name));
    PracticesView { total: names.len(), practices: found.map(|found| practice(snapshot, found, now)).collect(), next }
}

fn practice(snapshot: &Snapshot, practice: &Practice, now: Timestamp) -> PracticeView {
    let gives = snapshot.services.iter().filter(|service| snapshot.gives(practice.provider.as_str(), service, now));
    PracticeView {
        provider: practice.provider.to_string(),
        name: practice.name.clone(),
        place: practice.place.clone(),
        his: practice.his.clone(),
        state: match practice.state {
            GoLive::Open => "open",
            GoLive::Closed => "closed",
        },
        access_start: practice.access_start.to_string(),
        services: gives.map(|service| service.id.to_string()).collect(),
        stopped: snapshot.stops.practice(practice).map(Halt::code),
    }
}

pub(super) fn clients(snapshot: &Snapshot, part: &Part) -> ClientsView {
    let listed = snapshot.lists.ocl.clients().iter().map(|client| (client.hostname().as_str(), client.organisation()));
    let portals = snapshot.clients.portals().map(|(id, portal)| (id.as_str(), portal.name.as_str()));
    let all = listed.chain(portals).filter(|(id, name)| part.wants([id, name]));
    let names: BTreeSet<&str> = all.map(|(id, _)| id).collect();
    let (taken, next) = part.take(&names);
    ClientsView { total: names.len(), clients: taken.into_iter().filter_map(|id| client(snapshot, id)).collect(), next }
}

/// What is a portal in our register is shown as one, also when a list names it, too: it gets nothing then.
fn client(snapshot: &Snapshot, id: &str) -> Option<ClientView> {
    let host = crate::medmij::Hostname::parse(id).ok()?;
    let (kind, name) = match snapshot.clients.portal(id) {
        Some(portal) => ("portal", portal.name.clone()),
        None => ("pgo", snapshot.lists.ocl.client(id)?.organisation().to_owned()),
    };
    let stopped = snapshot.stops.client(&host).map(Halt::code);
    Some(ClientView { client_id: id.to_owned(), name, kind, stopped })
}

pub(super) fn his(snapshot: &Snapshot, installations: &[Installation]) -> Vec<HisView> {
    let held = |id: &str| snapshot.practices.iter().filter(|practice| practice.his == id).count();
    let shown = installations.iter().map(|one| HisView {
        id: one.id.clone(),
        dialect: one.dialect,
        practices: held(&one.id),
        endpoints: one.endpoints.iter().map(endpoint).collect(),
        stopped: snapshot.stops.his(&one.id).map(Halt::code),
    });
    shown.collect()
}

fn endpoint(endpoint: &Endpoint) -> EndpointView {
    let Figures { endings, repeated, in_flight, breaker, .. } = (endpoint.figures)();
    EndpointView {
        endpoint: endpoint.name,
        host: endpoint.host.clone(),
        breaker: match breaker {
            BreakerState::Closed => "closed",
            BreakerState::Open => "open",
            BreakerState::HalfOpen => "half_open",
        },
        in_flight,
        repeated,
        endings: Ending::LABELS.into_iter().zip(endings).collect(),
    }
}

pub(super) fn stop(stop: &Stop) -> StopView {
    StopView { target: stop.target.to_string(), reason: stop.reason.as_str().to_owned(), since: view::moment(stop.at) }
}

pub(super) fn past(past: &PastStop) -> view::PastStopView {
    let PastStop { stop, lifted } = past;
    view::PastStopView {
        id: stop.id.to_string(),
        target: stop.target.to_string(),
        reason: stop.reason.as_str().to_owned(),
        by: stop.by.clone(),
        since: view::moment(stop.at),
        lifted_by: lifted.as_ref().map(|(by, _)| by.clone()),
        lifted: lifted.as_ref().map(|(_, at)| view::moment(*at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(after: &str, limit: usize) -> Part {
        Part::of(Some(after.to_owned()), Some(limit), None).unwrap()
    }

    #[test]
    fn parts_follow_each_other_to_the_end() {
        let names: BTreeSet<&str> = ["a", "b", "c", "d", "e"].into();
        let mut after = String::new();
        let mut seen = Vec::new();
        loop {
            let (taken, next) = part(&after, 2).take(&names);
            seen.extend(taken);
            let Some(next) = next else { break };
            after = next;
        }
        assert_eq!(seen, ["a", "b", "c", "d", "e"]);
        assert_eq!(part("zz", 2).take(&names), (vec![], None));
        assert_eq!(part("", 5).take(&names).1, None, "a last part that is full has no next");
    }

    #[test]
    fn a_wish_has_its_bounds() {
        assert_eq!((part("", 1).limit, part("", PAGE_MAX).limit), (1, PAGE_MAX));
        assert_eq!([0, PAGE_MAX + 1].map(|limit| Part::of(None, Some(limit), None)), [None, None]);
        let part = Part::of(None, None, Some(" Linde ")).unwrap();
        assert_eq!((part.limit, part.with.as_str()), (PAGE, "linde"));
        assert!(part.wants(["huisarts.delinde@medmij", ""]) && !part.wants(["x", "y"]));
    }
}
