//! The resource server.

pub mod shape;
