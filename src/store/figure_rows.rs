//! What was counted, as rows of any SQL engine. What comes back is parsed again, and a row that does not parse is an error, never a
//! panic.

use jiff::Timestamp;

use super::rows::Unreadable;
use crate::medmij::ProviderName;
use crate::report::Month;
use crate::report::cell::Cell;
use crate::report::people::{Days, Mark, View};
use crate::report::store::{CellRow, ClosedRow, Listing, MarkRow, Place, UsageState};

/// A row of `usage_state`.
pub(super) struct StateColumns {
    pub(super) revision: i64,
    pub(super) epoch: i64,
    pub(super) closed: Option<i64>,
}

/// A row of `usage_cells`.
pub(super) struct CellColumns {
    pub(super) month: i64,
    pub(super) late: bool,
    pub(super) provider: String,
    pub(super) cell: String,
    pub(super) amount: i64,
}

/// A row of `usage_marks`.
pub(super) struct MarkColumns {
    pub(super) month: i64,
    pub(super) provider: String,
    pub(super) view: String,
    pub(super) mark: Vec<u8>,
    pub(super) days: i64,
}

/// A row of `usage_closed`.
pub(super) struct ClosedColumns {
    pub(super) month: i64,
    pub(super) scope: String,
    pub(super) document: String,
}

/// A row of `zal_listings`.
pub(super) struct ListingColumns {
    pub(super) provider: String,
    pub(super) began: i64,
    pub(super) ended: Option<i64>,
}

impl StateColumns {
    pub(super) fn read(&self) -> Result<UsageState, Unreadable> {
        let Self { revision, epoch, closed } = self;
        Ok(UsageState { revision: number(*revision)?, epoch: number(*epoch)?, closed: closed.map(month).transpose()? })
    }
}

impl CellColumns {
    pub(super) fn write(row: &CellRow) -> Self {
        Self {
            month: row.month.number(),
            late: row.late,
            provider: row.provider.as_ref().map(ToString::to_string).unwrap_or_default(),
            cell: row.cell.to_string(),
            amount: signed(row.amount),
        }
    }

    pub(super) fn read(&self) -> Result<CellRow, Unreadable> {
        let named = Some(&self.provider).filter(|name| !name.is_empty());
        Ok(CellRow {
            provider: named.map(|name| provider(name)).transpose()?,
            month: month(self.month)?,
            cell: Cell::parse(&self.cell).ok_or(Unreadable)?,
            late: self.late,
            amount: number(self.amount)?,
        })
    }
}

impl MarkColumns {
    pub(super) fn write(row: &MarkRow) -> Self {
        Self {
            month: row.month.number(),
            provider: row.provider.to_string(),
            view: row.view.to_string(),
            mark: row.mark.as_bytes().to_vec(),
            days: row.days.number().into(),
        }
    }

    pub(super) fn read(&self) -> Result<MarkRow, Unreadable> {
        Ok(MarkRow {
            provider: provider(&self.provider)?,
            month: month(self.month)?,
            view: View::parse(&self.view).ok_or(Unreadable)?,
            mark: Mark::new(self.mark.as_slice().try_into().map_err(|_| Unreadable)?),
            days: Days::of_number(u32::try_from(self.days).map_err(|_| Unreadable)?),
        })
    }
}

impl ClosedColumns {
    pub(super) fn write(row: &ClosedRow) -> Self {
        Self { month: row.month.number(), scope: row.scope.clone(), document: row.document.clone() }
    }

    pub(super) fn read(self) -> Result<ClosedRow, Unreadable> {
        Ok(ClosedRow { scope: self.scope, month: month(self.month)?, document: self.document })
    }
}

impl ListingColumns {
    pub(super) fn read(&self) -> Result<Listing, Unreadable> {
        let (from, until) = (moment(self.began)?, self.ended.map(moment).transpose()?);
        Ok(Listing { provider: provider(&self.provider)?, from, until })
    }
}

/// The place after the last of some rows, of which each has its own.
pub(super) fn last(places: &[(i64, i64)]) -> Result<Option<Place>, Unreadable> {
    let place = |(revision, id): &(i64, i64)| Ok(Place { revision: number(*revision)?, id: number(*id)? });
    places.last().map(place).transpose()
}

/// The engines have signed numbers only; nothing that is counted reaches half of the unsigned ones.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number(signed: i64) -> Result<u64, Unreadable> {
    u64::try_from(signed).map_err(|_| Unreadable)
}

fn month(number: i64) -> Result<Month, Unreadable> {
    Month::of_number(number).map_err(|_| Unreadable)
}

fn provider(name: &str) -> Result<ProviderName, Unreadable> {
    ProviderName::parse(name).map_err(|_| Unreadable)
}

fn moment(micros: i64) -> Result<Timestamp, Unreadable> {
    Timestamp::from_microsecond(micros).map_err(|_| Unreadable)
}
