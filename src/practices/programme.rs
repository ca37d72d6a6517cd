//! The register of the OPEN programme: which practices take part, with which HIS, in which regional coalition, how far each
//! coalition is, and whether a practice may declare its fee. Facts about organisations; none about patients but counts.
//!
//! # What it is, and what it is not
//!
//! The configuration (`[[his]]`, `[[practices]]`) says which practices this gateway serves and how their HIS is reached; it is
//! what [`decide`](crate::routing::decide()) sees, in one immutable snapshot. The register adds what the programme knows of them and
//! decides nothing about a request: most of its practices may be served by another gateway, and a practice can be served without
//! standing in it. The two meet by the provider name; where they tell of another name, place or start date the page of the
//! practice says so, and neither wins silently.
//!
//! # How it changes
//!
//! The register is a [`Draft`] of entries, each with a version. A change names the version that it was made from; when that is
//! not the newest, it is refused with what has changed since ([`Stale`]). Whatever it does to the whole is judged by one pure
//! function, [`breaches`]: a change that would add a breach is refused with every reason. The store keeps a change only when the
//! register is still the one that was judged ([`RegisterStore::keep`]), so two editors at once cannot together break what each
//! alone respects; the second is judged again. All versions stay.
//!
//! # What always holds
//!
//! Source: the rules of the subsidy scheme VIPP OPEN and of the programme (`deploy/docs/open.md` names them).
//!
//! - What an entry refers to is there. An AGB code belongs to one practice.
//! - The lead party of a coalition is one of its organisations.
//! - A practice is in at most one coalition at a time. A membership ends no earlier than it begins, and begins no later than the
//!   programme of its coalition was finished.
//! - The five steps of a coalition come in their order, without a gap.
//! - A coalition that is formed (its tasks are divided and its agreement is signed) has two organisations at least, and on that
//!   day 100,000 patients at least, or an exception that says why not. Before that it may be incomplete: what is missing is told.
//! - Nobody is trained who is not employed, and no practice has more patients of 16 and older than patients.

mod breach;
mod draft;
mod entry;
mod fee;
pub mod file;
mod registry;
mod steps;
mod store;
#[cfg(test)]
mod tests;
mod words;

pub use breach::{Breach, breaches};
pub use draft::{Draft, Entry, EntryKind, Key};
pub use entry::{
    Coalition, Exception, ExceptionKind, Function, Membership, Organisation, OrganisationKind, Practice, Proof, Staff,
    Supplier, System,
};
pub use fee::{Condition, Declaration, FeeLevels, LevelError, declaration};
pub use registry::{Change, Difference, Done, Judged, Register, RegisterError, Registry, Stale};
pub use steps::{Missing, Standing, Step, standing};
pub use store::{RegisterStore, Row, Version};
pub use words::{Agb, Day, Id, Text, Unfit};

/// Fewest organisations of a coalition (VIPP OPEN).
pub const ORGANISATIONS_MIN: usize = 2;
/// Fewest patients of the practices of a coalition (VIPP OPEN).
pub const PATIENTS_MIN: u64 = 100_000;
/// Most entries of the register: four times the practices of the Netherlands.
pub const ENTRIES_MAX: usize = 20_000;
