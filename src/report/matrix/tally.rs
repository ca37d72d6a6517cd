//! How often each step of a combination was tried in a window of days, and how that ended.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::step::{Ending, Step};
use super::visit::Mark;

/// The steps that were tried, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Each of them.
    pub steps: BTreeMap<Step, Tried>,
}

/// The attempts at one step.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tried {
    /// Those that took it.
    pub succeeded: u64,
    /// Those that the person ended, or whom the practice does not let in yet.
    pub ended: u64,
    /// Those from which the other side went away.
    pub aborted: u64,
    /// Those that failed, by code.
    pub failed: BTreeMap<SmolStr, u64>,
    /// In how many visits.
    pub visits: Visits,
}

/// One visit, or several: more is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Visits {
    /// None.
    #[default]
    None,
    /// One.
    One(Mark),
    /// At least two.
    Several,
}

impl Visits {
    /// With another.
    pub fn add(&mut self, mark: Mark) {
        *self = match *self {
            Self::None => Self::One(mark),
            Self::One(one) if one == mark => Self::One(one),
            Self::One(_) | Self::Several => Self::Several,
        };
    }

    /// With others.
    pub fn merge(&mut self, other: Self) {
        match other {
            Self::None => {}
            Self::One(mark) => self.add(mark),
            Self::Several => *self = Self::Several,
        }
    }
}

impl Tally {
    /// With so many attempts of one ending more.
    pub fn add(&mut self, step: &Step, ending: &Ending, count: u64) {
        let tried = self.steps.entry(step.clone()).or_default();
        let counter = match ending {
            Ending::Succeeded => &mut tried.succeeded,
            Ending::Ended => &mut tried.ended,
            Ending::Aborted => &mut tried.aborted,
            Ending::Failed(code) => tried.failed.entry(code.clone()).or_default(),
        };
        *counter = counter.saturating_add(count);
    }

    /// With the visits of a step.
    pub fn visited(&mut self, step: &Step, visits: Visits) {
        self.steps.entry(step.clone()).or_default().visits.merge(visits);
    }
}

impl Tried {
    /// How many failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failed.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// How many tell whether the step works: those that took it, and those that failed.
    #[must_use]
    pub fn judged(&self) -> u64 {
        self.succeeded.saturating_add(self.failures())
    }

    /// How many there were in all.
    #[must_use]
    pub fn attempts(&self) -> u64 {
        self.judged().saturating_add(self.ended).saturating_add(self.aborted)
    }

    /// The code of most failures; of two as frequent the first in the alphabet.
    #[must_use]
    pub fn code(&self) -> Option<&SmolStr> {
        let most = self.failed.values().max()?;
        self.failed.iter().find(|(_, count)| *count == most).map(|(code, _)| code)
    }
}
