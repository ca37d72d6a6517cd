//! What goes out of the figures: to practices, coalitions, the programme, insurers, research and MedMij. Nothing goes out by which
//! somebody could be recognised.
//!
//! - [`suppress`] says which counts may be seen together.
//! - A [`Sheet`] holds what is told of every scope in one period. It is made once, for all scopes together, so a count that is
//!   hidden on one page is hidden on each. What was told of a month is not taken back: its quarter and year give way.
//! - Of a practice only totals are told, and of a supplier only shares in round numbers: with the detail of every practice, or with two
//!   ways of adding practices up, far more would have to be hidden for what is small.
//! - [`Publisher`] makes sheets, and keeps some.
//! - [`Reader`] says who may see what.
//! - [`table`] has the same numbers for pages, CSV and JSON.

mod exports;
mod medmij;
mod overview;
mod publisher;
mod reader;
mod row;
mod sheet;
pub mod suppress;
pub mod table;
#[cfg(test)]
mod tests;
mod told;

pub use exports::Quarter;
pub use medmij::ManagementReport;
pub use overview::{MonitorError, Overview, Point};
pub use publisher::Publisher;
pub use reader::{Reader, Subject};
pub use row::{Measure, Row};
pub use sheet::{Input, Sheet};
pub use told::Told;
