//! Implementations of the ports that features declare: an embedded database, and a cache before any of them.

mod cache;
#[cfg(test)]
mod conformance;
mod rows;
mod seal;
mod sqlite;

pub use cache::CachedTokens;
pub use seal::{Key32, KeyError, KeyFile, Sealer};
pub use sqlite::{OpenError, SqliteStore, Swept};
