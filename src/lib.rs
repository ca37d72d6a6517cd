//! Inzage: the gateway through which patients in the Netherlands see their GP record.

pub mod app;
pub mod audit;
pub mod cli;
pub mod clock;
pub mod config;
pub mod edge;
pub mod fault;
pub mod fhir;
pub mod form;
pub mod his;
pub mod lists;
pub mod medmij;
pub mod monitor;
pub mod oauth;
pub mod pages;
pub mod practices;
pub mod routes;
pub mod routing;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod secret;
pub mod services;
pub mod session;
pub mod store;
pub mod telemetry;
pub mod tls;
