//! Why a reload is refused.

use crate::app::StartError;
use crate::app::chain;
use crate::audit::AuditError;
use crate::config::{ConfigFaults, Fault, RereadError};

/// Faults that are named; `inzage check-config` says all.
const NAMED_MOST: usize = 5;

/// Why a reload is refused.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The configuration cannot be read, or has faults.
    #[error("the configuration is not in order")]
    Configuration(#[from] RereadError),
    /// Something changed that a running node cannot change.
    #[error("a restart is needed for {keys}")]
    Fixed {
        /// Under which keys.
        keys: String,
    },
    /// A file is not in order.
    #[error(transparent)]
    Material(#[from] StartError),
    /// The change cannot be recorded.
    #[error("the audit log does not take the change")]
    Audit(#[from] AuditError),
    /// The reload panicked.
    #[error("the reload broke off")]
    Broken,
    /// The node stops.
    #[error("the node stops")]
    Stopping,
}

impl ReloadError {
    /// Why, on one line, as `inzage check-config` says it.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Configuration(RereadError::Faults(faults)) | Self::Material(StartError::Config(faults)) => {
                on_one_line(faults)
            }
            Self::Configuration(RereadError::Instead(_))
            | Self::Material(_)
            | Self::Fixed { .. }
            | Self::Audit(_)
            | Self::Broken
            | Self::Stopping => chain(self),
        }
    }
}

fn on_one_line(faults: &ConfigFaults) -> String {
    let all = faults.faults();
    let named = |fault: &Fault| match fault.place() {
        // The file as a whole: its key does not say where.
        Some(place) if fault.key().is_empty() => format!("line {}: {fault}", place.line),
        Some(_) | None => fault.to_string(),
    };
    let mut said: Vec<String> = all.iter().take(NAMED_MOST).map(named).collect();
    if all.len() > NAMED_MOST {
        said.push(format!("and {} more", all.len().saturating_sub(NAMED_MOST)));
    }
    said.join("; ")
}
