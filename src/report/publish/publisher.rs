//! Makes sheets of figures, and keeps some of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;

use super::sheet::{Input, Sheet};
use crate::availability::dutch_today;
use crate::clock::SharedClock;
use crate::practices::programme::Register;
use crate::report::{Desk, Figures, Parts, Period, ReportError, Scope};

/// So long after its end a period is settled: then its months are closed.
const SETTLED_AFTER: SignedDuration = SignedDuration::from_hours(3 * 24);
/// Most sheets that are kept: those of two years.
const KEPT_MAX: usize = 34;

/// Makes sheets. Of all figures of a period one sheet is made, whoever asks for whatever part of it.
pub struct Publisher {
    desk: Desk,
    clock: SharedClock,
    kept: Mutex<HashMap<Period, Kept>>,
    /// One sheet is made at a time: whoever comes second finds it made.
    turn: Semaphore,
}

/// A sheet, and what it was made of.
struct Kept {
    whole: Figures,
    register: u64,
    sheet: Arc<Sheet>,
    asked: Timestamp,
}

impl Publisher {
    /// Of the figures of this desk.
    #[must_use]
    pub fn new(desk: Desk, clock: SharedClock) -> Self {
        Self { desk, clock, kept: Mutex::default(), turn: Semaphore::new(1) }
    }

    /// What is told of a period.
    ///
    /// # Errors
    /// When figures or register cannot be read.
    pub async fn sheet(&self, period: Period) -> Result<Arc<Sheet>, ReportError> {
        let _turn = self.turn.acquire().await.map_err(|_| ReportError::Store)?;
        let register = self.desk.register().await?;
        let earlier = self.earlier(period, &register).await?;
        self.made(period, &register, earlier).await
    }

    /// The sheets of the parts of a period that are settled: months, then quarters.
    async fn earlier(&self, period: Period, register: &Register) -> Result<Vec<Arc<Sheet>>, ReportError> {
        let mut earlier = Vec::new();
        for month in period.months().map(Period::Month).filter(|month| *month != period && self.is_settled(*month)) {
            earlier.push(self.made(month, register, Vec::new()).await?);
        }
        for quarter in period.parts().into_iter().filter(|part| !matches!(part, Period::Month(_))) {
            let months: Vec<_> =
                earlier.iter().filter(|sheet| quarter.parts().contains(&sheet.period)).cloned().collect();
            if self.is_settled(quarter) {
                earlier.push(self.made(quarter, register, months).await?);
            }
        }
        Ok(earlier)
    }

    /// The register that sheets are made with.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn register(&self) -> Result<Arc<Register>, ReportError> {
        self.desk.register().await
    }

    /// Whether nothing is to come of a period any more.
    #[must_use]
    pub fn is_settled(&self, period: Period) -> bool {
        period.ends().checked_add(SETTLED_AFTER).is_ok_and(|settled| settled <= self.clock.now())
    }

    /// Whether anybody looked or asked in a period.
    ///
    /// # Errors
    /// When figures cannot be read.
    pub async fn has_figures(&self, period: Period) -> Result<bool, ReportError> {
        let whole = self.desk.figures(&Scope::Whole, period).await?;
        Ok(whole.viewers.count > 0 || !whole.requests.is_empty())
    }

    /// Now.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The month of now.
    #[must_use]
    pub fn this_month(&self) -> Option<Period> {
        Period::month_of(self.clock.now())
    }

    /// A sheet that was made of the figures as they are, or is made now.
    async fn made(
        &self,
        period: Period,
        register: &Register,
        earlier: Vec<Arc<Sheet>>,
    ) -> Result<Arc<Sheet>, ReportError> {
        let whole = Figures { counted_until: None, ..self.desk.figures(&Scope::Whole, period).await? };
        if let Some(sheet) = self.kept_sheet(period, &whole, register.revision()) {
            return Ok(sheet);
        }
        let input = self.input(period, whole.clone(), register).await?;
        let making = tokio::task::spawn_blocking(move || Arc::new(Sheet::of(&input, &earlier)));
        let sheet = making.await.map_err(|_| ReportError::Store)?;
        self.keep(
            period,
            Kept { whole, register: register.revision(), sheet: Arc::clone(&sheet), asked: self.clock.now() },
        );
        Ok(sheet)
    }

    async fn input(&self, period: Period, whole: Figures, register: &Register) -> Result<Input, ReportError> {
        let mut figures = vec![whole];
        for parts in [Parts::Coalitions, Parts::Suppliers, Parts::Practices] {
            figures.extend(self.desk.parts(&Scope::Whole, period, parts).await?);
        }
        let draft = register.entries();
        let now = self.clock.now();
        let day = if period.is_running(now) { dutch_today(now) } else { period.last() };
        let coalitions = draft.coalitions.keys().flat_map(|id| {
            let scope = Scope::Coalition(id.clone());
            let members: Vec<_> = scope.practices(draft, day).map(|one| one.provider.clone()).collect();
            members.into_iter().map(|name| (name, id.clone()))
        });
        Ok(Input { period, settled: self.is_settled(period), coalitions: coalitions.collect(), figures })
    }

    fn kept_sheet(&self, period: Period, whole: &Figures, register: u64) -> Option<Arc<Sheet>> {
        let settled = self.is_settled(period);
        let mut all = self.all_kept();
        let kept = all.get_mut(&period)?;
        kept.asked = self.clock.now();
        let same = kept.whole == *whole && kept.register == register && kept.sheet.settled == settled;
        same.then(|| Arc::clone(&kept.sheet))
    }

    /// Keeps a sheet in the place of the one that was asked for longest ago.
    fn keep(&self, period: Period, made: Kept) {
        let mut all = self.all_kept();
        if all.len() >= KEPT_MAX && !all.contains_key(&period) {
            let oldest = all.iter().min_by_key(|(_, kept)| kept.asked).map(|(period, _)| *period);
            oldest.map(|oldest| all.remove(&oldest));
        }
        all.insert(period, made);
    }

    fn all_kept(&self) -> MutexGuard<'_, HashMap<Period, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
