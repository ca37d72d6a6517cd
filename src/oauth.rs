//! The authorization server for PGOs: states, and who may move between them (MedMij Authorization and Token interface).

pub mod assertion;
pub mod authorize;
pub mod code;
pub mod grant;
pub mod http;
pub mod metadata;
pub mod pkce;
pub mod rate;
pub mod refresh;
pub mod replay;
pub mod smart;
pub mod smart_metadata;
pub mod smart_scope;
pub mod store;
pub mod token;
