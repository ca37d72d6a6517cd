//! The access log as the person sees it whose data it is about: who asked for what, at which practice, how it ended, and why it
//! was allowed (NEN 7513:2018 chapter 9; Wabvpz article 15e). Looking is an access itself: it is on record before anything
//! is shown, and what is shown holds the receipt of it.
//!
//! Everything comes from the index, which follows the log; until when it is complete is told with each answer. Of several nodes
//! each tells this of its own log only.

mod bundle;
mod desk;
mod entry;
mod gather;
mod period;
mod telling;
#[cfg(test)]
mod tests;

pub use crate::catalogue::Why;
pub use desk::{AccessLog, CompleteUntil, Extent, LookError, Looked, Question, Unseen};
pub use entry::{Act, Basis, Client, ClientKind, Ending, Entry, Who};
pub use gather::{Day, Line};
pub use period::{BadPeriod, Period, Reach};
