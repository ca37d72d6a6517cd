//! The attack cases of the test plan, each under its number, with the exact answer that is expected.

mod authorize;
mod lists;
mod resource;
mod token;
