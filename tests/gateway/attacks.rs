//! The attack cases of the test plan, each under its number, with the exact answer that is expected.

mod resource;
mod token;
