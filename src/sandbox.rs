//! The whole world on loopback, for development and tests: list publisher, emulated HISs, demonstration PGO and portal,
//! certificates, and a client and a person to play it with. Absent from production builds (cargo feature `sandbox`).

pub mod chainlog;
pub mod client;
pub mod his;
pub mod organisation;
pub mod person;
pub mod pgo;
pub mod pki;
pub mod portal;
pub mod ports;
pub mod programme;
pub mod publisher;
pub mod records;
pub mod relay;
mod site;
pub mod syslog;
pub mod witness;
pub mod world;
