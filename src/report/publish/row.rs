//! What is told of one scope in one period.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::suppress::LEAST_TOLD;
use super::told::Told;
use crate::medmij::ServiceId;
use crate::report::{Channel, Distinct, Figures, Median, Requests, RequestsOf, Scope};

/// Something that is counted, of people or of requests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// People who looked.
    Viewers,
    /// Those who looked on two days of one month or more.
    Repeat,
    /// People who looked by a way.
    ViewersBy(Channel),
    /// People who looked at a service.
    ViewersOf(ServiceId),
    /// Requests.
    Requests,
    /// Requests by a way.
    RequestsBy(Channel),
    /// Requests for a service; `None` when they were refused before that was known.
    RequestsOf(Option<ServiceId>),
    /// Requests of PGOs for a service, over MedMij; only of the whole.
    OverMedmij(Option<ServiceId>),
}

impl Measure {
    /// Whether it adds up; people do not, who may be in two parts.
    pub(super) const fn adds_up(&self) -> bool {
        matches!(self, Self::Requests | Self::RequestsBy(_) | Self::RequestsOf(_) | Self::OverMedmij(_))
    }

    /// Whether it is the total of others.
    pub(super) const fn is_total(&self) -> bool {
        matches!(self, Self::Viewers | Self::Requests)
    }
}

/// A measure, how it is told, and what it is; only the first two go out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Count {
    pub(super) measure: Measure,
    pub(super) told: Told,
    pub(super) truth: Distinct,
    pub(super) endings: Requests,
}

/// What is told of one scope in one period. Counts of practices are no counts of people, and are told as they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Whose.
    pub scope: Scope,
    /// Practices in the scope.
    pub practices: u32,
    /// Those of them that the ZAL named at the end of the period.
    pub on_zal: u32,
    /// Since when the ZAL names it; only of one practice.
    pub on_zal_since: Option<Date>,
    /// Enrolled patients of 16 and older.
    pub enrolled_16: u64,
    /// Practices at which somebody looked.
    pub practices_with_viewer: u32,
    /// The same by each way.
    pub practices_with_viewer_by_channel: [(Channel, u32); 2],
    /// Practices of which a PGO showed something for the first time.
    pub first_retrievals: u32,
    pub(super) counts: Vec<Count>,
    waiting: Option<Median>,
    /// Of a supplier, whose counts are not told.
    coarse: Option<f64>,
    rate: Option<f64>,
}

/// The share of viewers in whole per cents, of many: only where ten people more or fewer are told the same. So no sum with it tells
/// of fewer.
#[expect(clippy::cast_precision_loss, reason = "a share of counts far below 2^52")]
fn coarse(figures: &Figures) -> Option<f64> {
    let (viewers, enrolled) = (figures.viewers.count, figures.enrolled_16);
    let per_cent = |count: u64| (count as f64 * 100.0 / enrolled as f64).round();
    let told = per_cent(viewers);
    let steady =
        enrolled > 0 && viewers > LEAST_TOLD && [viewers - LEAST_TOLD, viewers + LEAST_TOLD].map(per_cent) == [told; 2];
    steady.then_some(told / 100.0)
}

/// The success rate of a supplier: of a hundred requests at least, in tenths of a per cent.
fn rate(figures: &Figures) -> Option<f64> {
    let all = figures.all_requests();
    let rate = all.success_rate().filter(|_| all.succeeded + all.failed >= LEAST_TOLD * LEAST_TOLD)?;
    Some((rate * 1_000.0).round() / 1_000.0)
}

impl Row {
    pub(super) fn of(figures: &Figures, counts: Vec<Count>) -> Self {
        let is_supplier = matches!(figures.scope, Scope::Supplier(_) | Scope::Share { .. });
        Self {
            scope: figures.scope.clone(),
            practices: figures.practices,
            on_zal: figures.on_zal,
            on_zal_since: figures.on_zal_since,
            enrolled_16: figures.enrolled_16,
            practices_with_viewer: figures.practices_with_viewer,
            practices_with_viewer_by_channel: figures.practices_with_viewer_by_channel,
            first_retrievals: figures.first_retrievals,
            counts,
            waiting: figures.waiting,
            coarse: is_supplier.then(|| coarse(figures)).flatten(),
            rate: is_supplier.then(|| rate(figures)).flatten(),
        }
    }

    pub(super) fn find(&self, measure: &Measure) -> Option<&Count> {
        self.counts.iter().find(|count| count.measure == *measure)
    }

    /// How a measure is told. What nobody did is 0, when that may be said.
    #[must_use]
    pub fn told(&self, measure: &Measure) -> Told {
        match self.scope {
            Scope::Supplier(_) | Scope::Share { .. } => Told::Withheld,
            Scope::Practice(_) if !measure.is_total() => Told::Withheld,
            Scope::Whole | Scope::Coalition(_) | Scope::Practice(_) => {
                self.find(measure).map_or(Told::Exact(0), |count| count.told)
            }
        }
    }

    /// The people who looked, as a share of the enrolled of 16 and older.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        self.told(&Measure::Viewers).share_of(self.enrolled_16).or(self.coarse)
    }

    /// Practices on the ZAL as a share of all.
    #[must_use]
    pub fn share_on_zal(&self) -> Option<f64> {
        (self.practices > 0).then(|| f64::from(self.on_zal) / f64::from(self.practices))
    }

    /// How requests ended; `None` when their number is not told.
    #[must_use]
    pub fn endings(&self, measure: &Measure) -> Option<Requests> {
        let told = |count: &&Count| matches!(count.told, Told::Exact(_)) && count.measure.adds_up();
        self.find(measure).filter(told).map(|count| count.endings)
    }

    /// Of the requests that were not broken off, the share that succeeded: of ten at least.
    #[must_use]
    pub fn success_rate(&self, measure: &Measure) -> Option<f64> {
        if let Some(rate) = self.rate {
            return Some(rate).filter(|_| *measure == Measure::Requests);
        }
        let count = self.find(measure).filter(|count| count.told.number().is_some() && count.measure.adds_up())?;
        let tried = count.endings.succeeded + count.endings.failed;
        count.endings.success_rate().filter(|_| tried >= LEAST_TOLD)
    }

    /// How long requests took that succeeded: of ten at least.
    #[must_use]
    pub fn waiting(&self) -> Option<Median> {
        let told = self.told(&Measure::Requests).number().is_some();
        self.waiting.filter(|median| told && median.of >= LEAST_TOLD)
    }

    /// The services that something is told of, in their order.
    #[must_use]
    pub fn services(&self) -> Vec<ServiceId> {
        let service = |count: &Count| match &count.measure {
            Measure::ViewersOf(service) | Measure::RequestsOf(Some(service)) | Measure::OverMedmij(Some(service)) => {
                Some(service.clone())
            }
            Measure::Viewers
            | Measure::Repeat
            | Measure::ViewersBy(_)
            | Measure::Requests
            | Measure::RequestsBy(_)
            | Measure::RequestsOf(None)
            | Measure::OverMedmij(None) => None,
        };
        let found: BTreeSet<_> = self.counts.iter().filter_map(service).collect();
        found.into_iter().collect()
    }
}

/// The measures of figures and what they are. Estimates are fitted to one another: nobody looks at a service who does not look.
/// Of a single practice only totals are told: its detail would be small nearly everywhere, and hide that of its neighbours.
pub(super) fn measured(figures: &Figures) -> Vec<(Measure, Distinct, Requests)> {
    if let Scope::Practice(_) = figures.scope {
        let all = figures.all_requests();
        let count = Distinct::exact(all.succeeded + all.failed + all.aborted);
        return vec![(Measure::Viewers, figures.viewers, Requests::default()), (Measure::Requests, count, all)];
    }
    let viewers = figures.viewers;
    let within = |of: Distinct| Distinct { count: of.count.min(viewers.count), ..of };
    let people = |measure, of| (measure, of, Requests::default());
    let mut all = vec![people(Measure::Viewers, viewers), people(Measure::Repeat, within(figures.repeat))];
    all.extend(figures.by_channel.iter().map(|(channel, of)| people(Measure::ViewersBy(*channel), within(*of))));
    all.extend(figures.by_service.iter().map(|(service, of)| people(Measure::ViewersOf(service.clone()), within(*of))));
    let requests = |measure, of: Requests| (measure, Distinct::exact(of.succeeded + of.failed + of.aborted), of);
    all.push(requests(Measure::Requests, figures.all_requests()));
    all.extend(Channel::ALL.map(|channel| requests(Measure::RequestsBy(channel), figures.requests_by(channel))));
    let of = |wanted: &dyn Fn(&RequestsOf) -> bool| {
        figures.requests.iter().filter(|of| wanted(of)).fold(Requests::default(), |sum, of| Requests {
            succeeded: sum.succeeded + of.requests.succeeded,
            failed: sum.failed + of.requests.failed,
            aborted: sum.aborted + of.requests.aborted,
        })
    };
    let services: BTreeSet<_> = figures.requests.iter().map(|of| &of.service).collect();
    for service in services {
        all.push(requests(Measure::RequestsOf(service.clone()), of(&|of| of.service == *service)));
        if figures.scope == Scope::Whole {
            let by_pgo = of(&|of| of.service == *service && of.channel == Channel::Pgo);
            all.push(requests(Measure::OverMedmij(service.clone()), by_pgo));
        }
    }
    all
}
