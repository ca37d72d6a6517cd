//! What somebody sees of a scope in a period: its tables, those of its parts, and how it went over the year.

use std::sync::Arc;

use super::sheet::Sheet;
use super::table::{self, Table};
use super::{Publisher, Reader, Row, Subject};
use crate::availability::dutch_today;
use crate::language::Language;
use crate::practices::programme::{Day, Draft};
use crate::report::{Parts, Period, ReportError, Scope};

/// Why something of the monitor is not shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MonitorError {
    /// There is no such scope, or the reader may not see it: which of both is not told.
    #[error("there is nothing of this name to see")]
    Absent,
    /// The period lies in the future.
    #[error("nothing is known of this period yet")]
    NotYet,
    /// Figures cannot be read.
    #[error(transparent)]
    Report(ReportError),
}

impl From<ReportError> for MonitorError {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Unknown => Self::Absent,
            other @ (ReportError::Store | ReportError::Unreadable(_) | ReportError::Register(_)) => Self::Report(other),
        }
    }
}

/// What somebody sees of a scope in a period.
pub struct Overview {
    /// Whose.
    pub scope: Scope,
    /// Its name for people.
    pub name: String,
    /// Of when.
    pub period: Period,
    /// Whether it is told for good.
    pub settled: bool,
    /// Its own tables.
    pub tables: Vec<Table>,
    /// The tables of its parts, and the scope of each of their rows.
    pub parts: Vec<(Table, Vec<Scope>)>,
    /// The months of the year until now.
    pub months: Table,
    /// The shares of these months, for charts.
    pub points: Vec<Point>,
}

/// A month of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Which.
    pub period: Period,
    /// Practices on the ZAL, as a share.
    pub on_zal: Option<f64>,
    /// Viewers as a share of patients; `None` when it is not told.
    pub viewers: Option<f64>,
    /// Requests that succeeded, as a share.
    pub success: Option<f64>,
}

impl Publisher {
    /// What a reader sees of a scope in a period.
    ///
    /// # Errors
    /// See [`MonitorError`].
    pub async fn overview(
        &self,
        reader: &Reader,
        scope: &Scope,
        period: Period,
        language: Language,
    ) -> Result<Overview, MonitorError> {
        let register = self.seen(reader, Subject::Figures(scope)).await?;
        let draft = register.entries();
        let sheet = self.begun(period).await?;
        let row = sheet.row(scope).ok_or(MonitorError::Absent)?;
        let months = self.months(period).await?;
        let told: Vec<_> = months.iter().filter_map(|sheet| Some((&**sheet, sheet.row(scope)?))).collect();
        let kinds: &[Parts] = match scope {
            Scope::Whole => &[Parts::Coalitions, Parts::Suppliers],
            Scope::Coalition(_) => &[Parts::Practices],
            Scope::Supplier(_) | Scope::Practice(_) | Scope::Share { .. } => &[],
        };
        let parts = kinds.iter().map(|parts| self.parts(&sheet, draft, scope, *parts, language));
        Ok(Overview {
            scope: scope.clone(),
            name: name(draft, scope, language),
            period,
            settled: sheet.settled,
            tables: vec![
                table::key_figures(&sheet, row, language),
                table::of_viewers(&sheet, row, language),
                table::of_requests(&sheet, row, language),
            ],
            parts: parts.collect(),
            points: told.iter().map(|(sheet, row)| point(sheet, row)).collect(),
            months: table::over_time(&told, language),
        })
    }

    /// The register, when a reader may see something by it.
    ///
    /// # Errors
    /// When they may not, or the register cannot be read.
    pub async fn seen(
        &self,
        reader: &Reader,
        subject: Subject<'_>,
    ) -> Result<Arc<crate::practices::programme::Register>, MonitorError> {
        let register = self.register().await?;
        let today = Day::of(dutch_today(self.now())).map_err(|_| MonitorError::NotYet)?;
        let known = !matches!(subject, Subject::Figures(scope) if !scope.is_known(register.entries()));
        let may = known && reader.may_see(subject, register.entries(), today);
        if may { Ok(register) } else { Err(MonitorError::Absent) }
    }

    /// The sheet of a period that has begun.
    ///
    /// # Errors
    /// When it has not, or figures cannot be read.
    pub async fn begun(&self, period: Period) -> Result<Arc<Sheet>, MonitorError> {
        if period.begins() > self.now() {
            return Err(MonitorError::NotYet);
        }
        Ok(self.sheet(period).await?)
    }

    /// The sheets of the months of the year of a period, until now.
    ///
    /// # Errors
    /// When figures cannot be read.
    pub async fn months(&self, period: Period) -> Result<Vec<Arc<Sheet>>, MonitorError> {
        let mut sheets = Vec::new();
        for month in Period::Year(period.first().year()).months().map(Period::Month) {
            if month.begins() <= self.now() {
                sheets.push(self.sheet(month).await?);
            }
        }
        Ok(sheets)
    }

    fn parts(
        &self,
        sheet: &Sheet,
        draft: &Draft,
        scope: &Scope,
        parts: Parts,
        language: Language,
    ) -> (Table, Vec<Scope>) {
        let day = if sheet.period.is_running(self.now()) { dutch_today(self.now()) } else { sheet.period.last() };
        let scopes = scope.parts(draft, parts, day);
        let rows: Vec<_> =
            scopes.iter().filter_map(|one| Some((name(draft, one, language), sheet.row(one)?))).collect();
        let table = table::of_parts(sheet, parts, &rows, language);
        let shown = rows.iter().map(|(_, row)| row.scope.clone()).collect();
        (table, shown)
    }
}

fn point(sheet: &Sheet, row: &Row) -> Point {
    Point {
        period: sheet.period,
        on_zal: row.share_on_zal(),
        viewers: row.share(),
        success: row.success_rate(&super::Measure::Requests),
    }
}

/// The name of a scope for people.
pub(super) fn name(draft: &Draft, scope: &Scope, language: Language) -> String {
    let found = match scope {
        Scope::Whole => None,
        Scope::Practice(provider) => draft.practices.get(provider).map(|one| one.name.to_string()),
        Scope::Coalition(id) => draft.coalitions.get(id).map(|one| one.name.to_string()),
        Scope::Supplier(id) => draft.suppliers.get(id).map(|one| one.name.to_string()),
        Scope::Share { supplier, coalition } => Some(format!("{supplier}, {coalition}")),
    };
    found.unwrap_or_else(|| {
        if language == Language::Dutch { "Heel Nederland" } else { "The whole of the Netherlands" }.to_owned()
    })
}
