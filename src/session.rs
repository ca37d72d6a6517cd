//! A person's browser visit: from the authorization request, through login, to an answered question.

pub mod login;
pub mod visit;
