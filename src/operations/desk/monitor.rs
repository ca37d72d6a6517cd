//! The OPEN monitor at the desk: whoever may read here is of the programme.

use super::Desk;
use crate::language::Language;
use crate::medmij::ServiceId;
use crate::operations::operators::Reads;
use crate::practices::programme::Id;
use crate::report::publish::table::{self, Table};
use crate::report::publish::{ManagementReport, MonitorError, Overview, Quarter, Reader, Subject};
use crate::report::{Period, Scope};
use crate::services::Purpose;

/// Most years of the final monitor.
const YEARS_MAX: i16 = 6;

/// What of the monitor is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Whose figures.
    pub scope: Scope,
    /// Of when; `None`: of this month.
    pub period: Option<Period>,
    /// In which language.
    pub language: Language,
}

impl Desk {
    /// What is told of a scope in a period.
    ///
    /// # Errors
    /// See [`MonitorError`].
    pub async fn monitor(&self, _: &Reads, asked: &Asked) -> Result<Overview, MonitorError> {
        let Asked { scope, language, .. } = asked;
        self.publisher.overview(&Reader::Programme, scope, self.period(asked)?, *language).await
    }

    /// A table of a scope in a period.
    ///
    /// # Errors
    /// See [`MonitorError`]; `Absent` also when there is no such table.
    pub async fn monitor_table(&self, who: &Reads, asked: &Asked, name: &str) -> Result<Table, MonitorError> {
        let seen = self.monitor(who, asked).await?;
        let parts = seen.parts.into_iter().map(|(table, _)| table);
        let mut all = seen.tables.into_iter().chain([seen.months]).chain(parts);
        all.find(|table| table.name == name).ok_or(MonitorError::Absent)
    }

    /// The report of a quarter of a coalition.
    ///
    /// # Errors
    /// See [`MonitorError`].
    pub async fn monitor_report(&self, who: &Reads, asked: &Asked) -> Result<(Overview, Quarter), MonitorError> {
        let Scope::Coalition(coalition) = &asked.scope else { return Err(MonitorError::Absent) };
        let coalition: &Id = coalition;
        let (period, language) = (self.period(asked)?, asked.language);
        let quarter = self.publisher.quarter(&Reader::Programme, coalition, period, language).await?;
        Ok((self.monitor(who, asked).await?, quarter))
    }

    /// The whole in this year, and year by year.
    ///
    /// # Errors
    /// See [`MonitorError`].
    pub async fn final_monitor(&self, who: &Reads, language: Language) -> Result<(Overview, Table), MonitorError> {
        let month = self.publisher.this_month().ok_or(MonitorError::NotYet)?;
        let this = month.first().year();
        let mut sheets = Vec::new();
        for year in this - YEARS_MAX + 1..=this {
            let period = Period::Year(year);
            if self.publisher.has_figures(period).await? {
                sheets.push(self.publisher.begun(period).await?);
            }
        }
        let rows: Vec<_> = sheets.iter().filter_map(|sheet| Some((&**sheet, sheet.row(&Scope::Whole)?))).collect();
        let years = table::over_time(&rows, language);
        let asked = Asked { scope: Scope::Whole, period: Some(Period::Year(this)), language };
        Ok((self.monitor(who, &asked).await?, years))
    }

    /// Which practices may declare their fee.
    ///
    /// # Errors
    /// See [`MonitorError`].
    pub async fn declarations(&self, _: &Reads, language: Language) -> Result<Table, MonitorError> {
        self.publisher.declarations(&Reader::Programme, language).await
    }

    /// The figures of a year for research.
    ///
    /// # Errors
    /// See [`MonitorError`].
    pub async fn research(&self, _: &Reads, asked: &Asked) -> Result<Table, MonitorError> {
        self.publisher.research(&Reader::Programme, self.period(asked)?, asked.language).await
    }

    /// The report of a month for MedMij, of a participant by this name.
    ///
    /// # Errors
    /// See [`MonitorError`]; `NotYet` also while the month is not closed.
    pub async fn management_report(&self, _: &Reads, asked: &Asked, participant: &str) -> Result<String, MonitorError> {
        let month = self.period(asked)?;
        self.publisher.seen(&Reader::Programme, Subject::Everything).await?;
        if !matches!(month, Period::Month(_)) {
            return Err(MonitorError::Absent);
        }
        if !self.publisher.is_settled(month) {
            return Err(MonitorError::NotYet);
        }
        let sheet = self.publisher.begun(month).await?;
        let row = sheet.row(&Scope::Whole).ok_or(MonitorError::Absent)?;
        let snapshot = self.snapshot.load();
        let shares = |service: &ServiceId| {
            snapshot.services.service(service.as_str()).is_some_and(|service| service.purpose == Purpose::Share)
        };
        let made = self.clock.now();
        Ok(ManagementReport { participant, month, made, row, shares: &shares }.to_xml())
    }

    fn period(&self, asked: &Asked) -> Result<Period, MonitorError> {
        asked.period.or_else(|| self.publisher.this_month()).ok_or(MonitorError::NotYet)
    }
}
