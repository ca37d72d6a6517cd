//! The figures of a scope in a period: what is published is made of these, after suppression. They hold counts, and nothing by
//! which anybody could be recognised; a count of one is one all the same, so nothing goes out that was not suppressed.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;

use super::period::Period;
use super::scope::Scope;
use super::words::Channel;
use crate::medmij::ServiceId;

/// Of 100 practices so many are to be on the ZAL (VIPP OPEN, result norm).
pub const GOAL_ON_ZAL: f64 = 0.95;
/// Of 100 enrolled patients of 16 and older so many are to look (VIPP OPEN).
pub const GOAL_VIEWERS: f64 = 0.20;

/// How many different people, counted or estimated.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Distinct {
    /// How many.
    pub count: u64,
    /// Whether it was counted: then the error is 0.
    pub exact: bool,
    /// The standard error of an estimate, as a share of the count.
    pub error: f64,
}

impl Distinct {
    /// One that was counted.
    #[must_use]
    pub const fn exact(count: u64) -> Self {
        Self { count, exact: true, error: 0.0 }
    }
}

/// How requests ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requests {
    /// Those that were answered in full.
    pub succeeded: u64,
    /// Those that were not, for whatever reason.
    pub failed: u64,
    /// Those whose other side went away; they are no part of the rate.
    pub aborted: u64,
}

impl Requests {
    /// Of those that were not broken off the share that succeeded; `None` when there are none.
    #[must_use]
    pub fn success_rate(&self) -> Option<f64> {
        let all = self.succeeded + self.failed;
        (all > 0).then(|| self.succeeded as f64 / all as f64)
    }

    pub(super) fn add(&mut self, other: Self) {
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.aborted += other.aborted;
    }
}

/// Requests of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestsOf {
    /// By which way they came.
    pub channel: Channel,
    /// For which data service; `None` when they were refused before that was known.
    pub service: Option<ServiceId>,
    /// How they ended.
    pub requests: Requests,
}

/// The time that half of the requests took at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Median {
    /// From the intent on record to the outcome on record.
    pub time: Duration,
    /// Of how many requests.
    pub of: u64,
    /// How far it can be off, as a share of it.
    pub error: f64,
}

impl Median {
    /// Half the width of a bin.
    pub const ERROR: f64 = 0.025;
}

/// The figures of a scope in a period. `deploy/docs/figures.md` says what each means.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Whose.
    pub scope: Scope,
    /// Of when.
    pub period: Period,
    /// Whether the period is not over, so that figures still change.
    pub running: bool,
    /// Until when everything that was indexed is counted; `None` before the first look.
    pub counted_until: Option<Timestamp>,
    /// Practices in the scope.
    pub practices: u32,
    /// Those of them that the ZAL named at the end of the period.
    pub on_zal: u32,
    /// Since when the ZAL names the practice, without a gap; only of one practice.
    pub on_zal_since: Option<Date>,
    /// Enrolled patients of 16 and older.
    pub enrolled_16: u64,
    /// People who looked.
    pub viewers: Distinct,
    /// Those who looked on two days of one month or more.
    pub repeat: Distinct,
    /// People who looked by each way, in the order of [`Channel::KNOWN`].
    pub by_channel: [(Channel, Distinct); 2],
    /// People who looked at each service, in the order of services; only those with somebody.
    pub by_service: Vec<(ServiceId, Distinct)>,
    /// Practices at which somebody looked.
    pub practices_with_viewer: u32,
    /// The same by each way.
    pub practices_with_viewer_by_channel: [(Channel, u32); 2],
    /// Practices of which a PGO showed something for the first time ever.
    pub first_retrievals: u32,
    /// The day of that; only of one practice, whenever it was.
    pub first_retrieval: Option<Date>,
    /// Requests by channel and service, in their order; only those with some.
    pub requests: Vec<RequestsOf>,
    /// How long those took that succeeded.
    pub waiting: Option<Median>,
}

impl Figures {
    /// Viewers as a share of the enrolled of 16 and older; `None` when nobody is enrolled.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        (self.enrolled_16 > 0).then(|| self.viewers.count as f64 / self.enrolled_16 as f64)
    }

    /// Practices on the ZAL as a share of all; `None` when there are none.
    #[must_use]
    pub fn share_on_zal(&self) -> Option<f64> {
        (self.practices > 0).then(|| f64::from(self.on_zal) / f64::from(self.practices))
    }

    /// All requests together.
    #[must_use]
    pub fn all_requests(&self) -> Requests {
        self.requests_of(|_| true)
    }

    /// The requests by one way.
    #[must_use]
    pub fn requests_by(&self, channel: Channel) -> Requests {
        self.requests_of(|of| of.channel == channel)
    }

    /// The requests for one service.
    #[must_use]
    pub fn requests_for(&self, service: &ServiceId) -> Requests {
        self.requests_of(|of| of.service.as_ref() == Some(service))
    }

    fn requests_of(&self, wanted: impl Fn(&RequestsOf) -> bool) -> Requests {
        let mut all = Requests::default();
        self.requests.iter().filter(|of| wanted(of)).for_each(|of| all.add(of.requests));
        all
    }
}
