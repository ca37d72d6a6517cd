//! The resource server: which requests a service allows, the way from a request to released data, and what a HIS answer may
//! show.

pub mod capability;
mod chain;
pub mod cursor;
pub mod disclosure;
pub mod http;
pub mod outcome;
pub mod read;
pub mod request;
pub mod shape;
pub mod sharing;
pub mod xml;
