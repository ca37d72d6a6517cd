//! The demonstration portal: a website of practices that shows the record of whoever logged in there.

pub mod client;
pub(super) mod keys;
pub mod smart;
