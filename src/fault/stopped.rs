//! What is said of access that an operator of the gateway has stopped. Nothing is wrong with the request or the token, so the
//! same request may be sent again.

use super::{Fault, fault};
use crate::catalogue;
use crate::routing::Halt;

/// The answer to a request that meets a stop.
pub(super) const fn fault_of(halt: Halt) -> Fault {
    let entry = match halt {
        Halt::Everything => catalogue::STOPPED,
        Halt::Client => catalogue::STOPPED_CLIENT,
        Halt::His => catalogue::STOPPED_HIS,
        Halt::Practice => catalogue::STOPPED_PRACTICE,
    };
    fault(entry, 503, "transient")
}
