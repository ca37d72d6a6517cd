//! What is counted of an endpoint.

use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;

use crate::his::{BreakerState, Ending, Figures, HisError};

/// The counts since the start.
#[derive(Default)]
pub(super) struct Counts {
    endings: [AtomicU64; Ending::LABELS.len()],
    repeated: AtomicU64,
}

impl Counts {
    /// An exchange ended with this status, or without one.
    pub(super) fn note(&self, ended: Result<StatusCode, HisError>) {
        let ending = match ended {
            Ok(status) if status.is_server_error() => Ending::ServerError,
            Ok(status) if status.is_client_error() => Ending::ClientError,
            Ok(_) => Ending::Answered,
            Err(error) => Ending::Failed(error),
        };
        if let Some(count) = self.endings.get(ending.index()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A request is sent a second time.
    pub(super) fn repeated(&self) {
        self.repeated.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn figures(&self, in_flight: usize, breaker: BreakerState) -> Figures {
        Figures {
            endings: self.endings.each_ref().map(|count| count.load(Ordering::Relaxed)),
            repeated: self.repeated.load(Ordering::Relaxed),
            in_flight,
            breaker,
        }
    }
}
