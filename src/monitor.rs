//! What operators see: liveness, readiness and metrics, on a listener of its own.

pub mod alarms;
pub mod http;
pub mod metrics;
pub mod ready;
pub mod recorded;
pub mod vitals;
