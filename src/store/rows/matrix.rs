//! The matrix of combinations as rows.

use jiff::Timestamp;

use super::{Unreadable, time};
use crate::medmij::LocalId;
use crate::oauth::store::StoreError;
use crate::report::matrix::store::{LogPosition, StandingRow};

/// What is kept of a combination.
pub(in crate::store) struct MatrixStandingRow {
    pub(in crate::store) combination: String,
    pub(in crate::store) alarmed: i64,
    pub(in crate::store) touched: i64,
    pub(in crate::store) body: Vec<u8>,
}

impl MatrixStandingRow {
    pub(in crate::store) fn read(self) -> Result<StandingRow, StoreError> {
        let Self { combination, alarmed, touched, body } = self;
        Ok(StandingRow { combination, alarmed: alarmed != 0, touched: time(touched)?, body })
    }
}

pub(in crate::store) fn matrix_position(next: i64, newest: i64) -> Result<LogPosition, StoreError> {
    let next = u64::try_from(next).map_err(|_| Unreadable)?;
    Ok(LogPosition { next, time: time(newest)? })
}

pub(in crate::store) fn matrix_visit(id: &str) -> Result<LocalId, StoreError> {
    LocalId::parse(id).ok_or_else(|| Unreadable.into())
}

/// Microseconds since 1970.
pub(in crate::store) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}
