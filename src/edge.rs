//! Everything on the socket side of a handler; knows no route.

pub mod authority;
pub mod body;
pub mod counters;
pub mod headers;
pub mod limits;

pub use body::{Body, Ended};
pub use limits::EdgeConfig;
