//! Journeys through the real gateway: real TLS on ports of the system's choice, emulated neighbours, a clock that a test
//! moves. One file a journey.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends with a panic when something is not as it should be"
)]

mod attacks;
mod auditors;
mod authorize;
mod balancer;
mod browser;
mod capability;
mod chain_log;
mod clock;
mod documents;
mod harness;
mod his_faults;
mod his_rest;
mod his_transport;
mod hostile;
mod large;
mod lasting;
mod lists;
mod log;
mod login;
mod metadata;
mod monitoring;
mod observed;
mod open;
mod operations;
mod own;
mod pages;
mod paging;
mod portal;
mod practices;
mod programme;
mod record;
mod releases;
mod reload;
mod request;
mod requests;
mod review;
mod revocation;
mod secrets;
mod services;
mod share;
mod shutdown;
mod slow;
mod syslog;
mod tls;
mod visit;
mod xml;
