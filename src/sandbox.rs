//! The whole world on loopback, for development and tests.

pub mod his;
pub mod records;
