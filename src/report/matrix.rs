//! The matrix of combinations: for each installation of an information system, in a version, with each client and each data
//! service, how many of those who tried came how far, from finding the practice to a complete record; which step fails first, with
//! which code, and who must act. Counted from the access log, like all figures, and about requests and visits: no person is in it.

pub mod alarm;
pub mod board;
pub mod combination;
pub mod count;
pub mod fact;
pub mod fold;
pub mod judge;
pub mod memory;
pub mod month;
pub mod pattern;
pub mod standing;
pub mod step;
pub mod store;
pub mod tally;
pub mod visit;
pub mod who;
pub mod words;
pub mod world;
