//! What is counted of an endpoint.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;

use crate::his::{BreakerState, DURATION_BOUNDS, Durations, Ending, Figures, HisError};

/// The counts since the start.
#[derive(Default)]
pub(super) struct Counts {
    endings: [AtomicU64; Ending::LABELS.len()],
    durations: [AtomicU64; DURATION_BOUNDS.len() + 1],
    nanos: AtomicU64,
    repeated: AtomicU64,
    /// In seconds since 1970; 0 when there was no connection.
    certificate_expires: AtomicI64,
}

impl Counts {
    /// An exchange ended with this status, or without one, after so long, when it was timed.
    pub(super) fn note(&self, ended: Result<StatusCode, HisError>, took: Option<Duration>) {
        took.into_iter().for_each(|took| self.took(took));
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

    fn took(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let class = DURATION_BOUNDS.iter().take_while(|bound| seconds > **bound).count();
        if let Some(count) = self.durations.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn durations(&self) -> Durations {
        let nanos = self.nanos.load(Ordering::Relaxed);
        Durations {
            classes: self.durations.each_ref().map(|count| count.load(Ordering::Relaxed)),
            sum_seconds: Duration::from_nanos(nanos).as_secs_f64(),
        }
    }

    /// A request is sent a second time.
    pub(super) fn repeated(&self) {
        self.repeated.fetch_add(1, Ordering::Relaxed);
    }

    /// The HIS showed this certificate.
    pub(super) fn shown(&self, certificate: &[u8]) {
        let expires = crate::tls::expires(certificate).map_or(0, Timestamp::as_second);
        self.certificate_expires.store(expires, Ordering::Relaxed);
    }

    fn certificate_expires(&self) -> Option<Timestamp> {
        let second = self.certificate_expires.load(Ordering::Relaxed);
        Timestamp::from_second(second).ok().filter(|_| second != 0)
    }

    pub(super) fn figures(&self, in_flight: usize, breaker: BreakerState) -> Figures {
        Figures {
            endings: self.endings.each_ref().map(|count| count.load(Ordering::Relaxed)),
            durations: self.durations(),
            repeated: self.repeated.load(Ordering::Relaxed),
            in_flight,
            breaker,
            certificate_expires: self.certificate_expires(),
        }
    }
}
