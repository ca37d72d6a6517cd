//! The attack cases of the test plan, each under its number, with the exact answer that is expected.

mod authorize;
mod fhir_request;
mod his_answer;
mod his_transport;
mod lists;
mod resource;
mod token;
