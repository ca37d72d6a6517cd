//! The resource server.

pub mod query;
pub mod shape;
