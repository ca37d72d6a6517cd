//! What is said of access that an operator of the gateway has stopped. Nothing is wrong with the request or the token, so the
//! same request may be sent again.

use super::{Fault, Who, fault, passing};
use crate::routing::Halt;

/// Seconds after which trying again may help: whoever stops something looks at it for a while.
const AGAIN: u32 = 300;

/// The answer to a request that meets a stop.
pub(super) const fn fault_of(halt: Halt) -> Fault {
    match halt {
        Halt::Everything => EVERYTHING,
        Halt::Client => CLIENT,
        Halt::His => HIS,
        Halt::Practice => PRACTICE,
    }
}

const EVERYTHING: Fault = passing(
    AGAIN,
    fault(
        Halt::Everything.code(),
        503,
        "transient",
        Who::Us,
        "Wij hebben het ophalen van gegevens even stilgezet. Er is niets getoond. Probeer het later nog eens.",
        "the operator of the gateway has stopped all access for now; try again later with the same token",
    ),
);
const CLIENT: Fault = passing(
    AGAIN,
    fault(
        Halt::Client.code(),
        503,
        "transient",
        Who::Pgo,
        "Wij hebben uw app even stilgezet. Er is niets getoond. Vraag het na bij de maker van uw app.",
        "the operator of the gateway has stopped this client for now; contact the operator",
    ),
);
const HIS: Fault = passing(
    AGAIN,
    fault(
        Halt::His.code(),
        503,
        "transient",
        Who::Us,
        "Wij hebben het ophalen van gegevens bij deze praktijk even stilgezet. Er is niets getoond. Probeer het later nog eens.",
        "the operator of the gateway has stopped access to the practice's system for now; try again later with the same token",
    ),
);
const PRACTICE: Fault = passing(
    AGAIN,
    fault(
        Halt::Practice.code(),
        503,
        "transient",
        Who::Practice,
        "Het ophalen van gegevens bij deze praktijk staat even stil. Er is niets getoond. Vraag het na bij uw praktijk.",
        "the operator of the gateway has stopped access to this care provider for now; try again later with the same token",
    ),
);
