//! A person's browser visit: from the authorization request, through login, to an answered question.

pub mod http;
pub mod journey;
pub mod login;
pub mod oidc;
#[cfg(feature = "sandbox")]
pub mod simulator;
pub mod visit;
