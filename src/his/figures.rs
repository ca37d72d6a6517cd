//! What operators see of an endpoint of a HIS. Numbers only: no address, no patient.

use jiff::Timestamp;

use super::HisError;

/// How one exchange with a HIS ended. The set is closed, so that it can label a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// An answer below 400; of a stream, its head.
    Answered,
    /// An answer of 4xx.
    ClientError,
    /// An answer of 5xx.
    ServerError,
    /// No answer.
    Failed(HisError),
}

impl Ending {
    /// Every label, in the order of [`Figures::endings`].
    pub const LABELS: [&'static str; 10] = [
        "answered",
        "client_error",
        "server_error",
        "unreachable",
        "timed_out",
        "busy",
        "open",
        "refused",
        "nonsense",
        "too_large",
    ];

    /// Its place in [`Self::LABELS`].
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Answered => 0,
            Self::ClientError => 1,
            Self::ServerError => 2,
            Self::Failed(error) => match error {
                HisError::Unreachable | HisError::Unconfirmed => 3,
                HisError::TimedOut => 4,
                HisError::Busy => 5,
                HisError::Open => 6,
                HisError::Refused => 7,
                HisError::Nonsense | HisError::NotFound | HisError::Unsupported | HisError::Rejected => 8,
                HisError::TooLarge => 9,
            },
        }
    }
}

/// Whether an endpoint is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// It is.
    Closed,
    /// It is left alone.
    Open,
    /// One request tries it.
    HalfOpen,
}

/// Upper bounds in seconds of the classes in which durations are counted; one class more has what took longer.
pub const DURATION_BOUNDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// How long exchanges took.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Durations {
    /// How many, by [`DURATION_BOUNDS`].
    pub classes: [u64; DURATION_BOUNDS.len() + 1],
    /// All together, in seconds.
    pub sum_seconds: f64,
}

/// The figures of one endpoint since the start.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Exchanges by [`Ending`].
    pub endings: [u64; Ending::LABELS.len()],
    /// How long those took that were timed, whatever their end; of a stream, to its head.
    pub durations: Durations,
    /// Requests that were sent a second time.
    pub repeated: u64,
    /// Requests under way.
    pub in_flight: usize,
    /// Whether it is asked now.
    pub breaker: BreakerState,
    /// Until when its certificate is valid, as of the last connection.
    pub certificate_expires: Option<Timestamp>,
}
