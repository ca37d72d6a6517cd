//! The emulated HIS: what it holds.

mod load;
pub mod store;

pub use self::load::LoadError;
pub use self::store::{PatientEntry, Records};
