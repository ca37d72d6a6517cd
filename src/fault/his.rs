//! The part of the table about the practices' information systems.

use super::{Fault, NO_DOCUMENT, fault};
use crate::catalogue;
use crate::his::HisError;

impl From<HisError> for Fault {
    fn from(error: HisError) -> Self {
        match error {
            HisError::Unreachable => fault(catalogue::HIS_UNREACHABLE, 503, "transient"),
            HisError::TimedOut => fault(catalogue::HIS_TIMEOUT, 504, "timeout"),
            HisError::Busy => fault(catalogue::HIS_BUSY, 503, "throttled"),
            HisError::Open => fault(catalogue::HIS_OPEN, 503, "transient"),
            HisError::Refused => fault(catalogue::HIS_REFUSED, 502, "exception"),
            HisError::Nonsense => fault(catalogue::HIS_NONSENSE, 502, "exception"),
            HisError::TooLarge => fault(catalogue::HIS_TOO_LARGE, 502, "too-long"),
            HisError::NotFound => NO_DOCUMENT,
            HisError::Unsupported => fault(catalogue::NOT_IN_HIS, 404, "not-supported"),
            HisError::Rejected => fault(catalogue::NOT_TAKEN, 422, "processing"),
            HisError::Unconfirmed => fault(catalogue::UNCONFIRMED, 502, "exception"),
        }
    }
}
