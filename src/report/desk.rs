//! Where figures are asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;

use super::ledger::Ledger;
use super::progress::CountProgress;
use super::tally::Tally;
use super::{FigureStore, Figures, Parts, Period, ReportError, Scope};
use crate::availability::dutch_today;
use crate::clock::SharedClock;
use crate::practices::programme::{Register, Registry};

/// Most figures that are remembered: those of every practice in a period, and some.
const REMEMBERED_MAX: usize = 8_192;

/// Figures of scopes and periods, worked out from what is counted and the register as they are now. They are not suppressed:
/// whoever publishes does that.
#[derive(Clone)]
pub struct Desk {
    ledger: Arc<Ledger>,
    register: Arc<Registry>,
    progress: Arc<CountProgress>,
    clock: SharedClock,
    remembered: Arc<Mutex<Remembered>>,
}

/// Figures that hold as long as nothing changes.
#[derive(Default)]
struct Remembered {
    of: Option<Basis>,
    figures: HashMap<(Scope, Period), Figures>,
}

/// What figures depend on. The time matters where it ends a period or a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Basis {
    epoch: u64,
    revision: u64,
    register: u64,
    today: Date,
}

impl Desk {
    /// Over what this ledger reads, with the practices of this register.
    #[must_use]
    pub fn new(ledger: Arc<Ledger>, register: Arc<Registry>, progress: Arc<CountProgress>, clock: SharedClock) -> Self {
        Self { ledger, register, progress, clock, remembered: Arc::default() }
    }

    /// One over a store, that nobody counts into yet.
    #[must_use]
    pub fn over(store: Arc<dyn FigureStore>, register: Arc<Registry>, clock: SharedClock) -> Self {
        Self::new(Arc::new(Ledger::new(store)), register, Arc::default(), clock)
    }

    /// What it is worked out from, for whoever counts.
    #[must_use]
    pub fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.ledger)
    }

    /// How far the counting is.
    #[must_use]
    pub fn progress(&self) -> Arc<CountProgress> {
        Arc::clone(&self.progress)
    }

    /// The moment that says which periods are running.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The register of the programme.
    #[must_use]
    pub fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.register)
    }

    /// The figures of a scope in a period.
    ///
    /// # Errors
    /// See [`ReportError`].
    pub async fn figures(&self, scope: &Scope, period: Period) -> Result<Figures, ReportError> {
        let mut found = self.each(|_, _| vec![(scope.clone(), period)]).await?;
        found.pop().ok_or(ReportError::Unknown)
    }

    /// The figures of a scope in some periods, in their order.
    ///
    /// # Errors
    /// See [`ReportError`].
    pub async fn series(&self, scope: &Scope, periods: &[Period]) -> Result<Vec<Figures>, ReportError> {
        self.each(|_, _| periods.iter().map(|period| (scope.clone(), *period)).collect()).await
    }

    /// The figures of the parts of a scope in a period, in the order of their names. Parts without a practice are there too.
    ///
    /// # Errors
    /// See [`ReportError`].
    pub async fn parts(&self, scope: &Scope, period: Period, parts: Parts) -> Result<Vec<Figures>, ReportError> {
        self.each(|register, day| {
            if !scope.is_known(register.entries()) {
                return vec![(scope.clone(), period)];
            }
            scope.parts(register.entries(), parts, day(period)).into_iter().map(|part| (part, period)).collect()
        })
        .await
    }

    /// What is known of the register, as figures are worked out with it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn register(&self) -> Result<Arc<Register>, ReportError> {
        Ok(self.register.read().await?)
    }

    async fn each(
        &self,
        wanted: impl FnOnce(&Register, &dyn Fn(Period) -> Date) -> Vec<(Scope, Period)>,
    ) -> Result<Vec<Figures>, ReportError> {
        let (register, _) = (self.register.read().await?, self.ledger.refresh().await?);
        let now = self.clock.now();
        let day = |period: Period| if period.is_running(now) { dutch_today(now) } else { period.last() };
        let wanted = wanted(&register, &day);
        if wanted.iter().any(|(scope, _)| !scope.is_known(register.entries())) {
            return Err(ReportError::Unknown);
        }
        let desk = self.clone();
        // A year of all practices takes some milliseconds, in which a thread of the runtime could do something else.
        let worked_out = tokio::task::spawn_blocking(move || desk.work_out(&register, wanted));
        worked_out.await.map_err(|_| ReportError::Store)
    }

    fn work_out(&self, register: &Register, wanted: Vec<(Scope, Period)>) -> Vec<Figures> {
        let (now, facts) = (self.clock.now(), self.ledger.facts());
        let counted_until = self.progress.counted_until();
        let tally = Tally { facts: &facts, register: register.entries(), now, counted_until };
        let state = facts.state();
        let (epoch, revision) = (state.epoch, state.revision);
        let basis = Basis { epoch, revision, register: register.revision(), today: dutch_today(now) };
        let figures = |(scope, period): (Scope, Period)| {
            let key = (scope, period);
            let found = self.recall(basis, &key);
            let figures = found.unwrap_or_else(|| {
                let (scope, period) = &key;
                let figures = tally.figures(scope, *period);
                self.remember(basis, key, &figures);
                figures
            });
            Figures { counted_until, ..figures }
        };
        wanted.into_iter().map(figures).collect()
    }

    fn recall(&self, basis: Basis, key: &(Scope, Period)) -> Option<Figures> {
        let remembered = self.remembered();
        remembered.figures.get(key).filter(|_| remembered.of == Some(basis)).cloned()
    }

    fn remember(&self, basis: Basis, key: (Scope, Period), figures: &Figures) {
        let mut remembered = self.remembered();
        if remembered.of != Some(basis) || remembered.figures.len() >= REMEMBERED_MAX {
            remembered.figures.clear();
            remembered.of = Some(basis);
        }
        remembered.figures.insert(key, figures.clone());
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("ledger", &self.ledger).finish_non_exhaustive()
    }
}
