//! The part of the table about the practices' information systems.

use super::{Fault, Who, fault, passing};
use crate::his::HisError;

const HIS_TEXT: &str = "Het systeem van de praktijk geeft nu geen antwoord. Probeer het later nog eens.";

impl From<HisError> for Fault {
    fn from(error: HisError) -> Self {
        let his = |code, status, issue, diagnostics| fault(code, status, issue, Who::His, HIS_TEXT, diagnostics);
        match error {
            HisError::Unreachable => passing(
                30,
                his(
                    "his-unreachable",
                    503,
                    "transient",
                    "the practice's system cannot be reached, or broke off; try again later",
                ),
            ),
            HisError::TimedOut => {
                his("his-timeout", 504, "timeout", "the practice's system did not answer within the gateway's limit")
            }
            HisError::Busy => passing(
                5,
                his("his-busy", 503, "throttled", "the practice's system takes no more requests now; try again later"),
            ),
            HisError::Open => passing(
                10,
                his(
                    "his-open",
                    503,
                    "transient",
                    "the practice's system failed several times and is left alone for a while; try again later",
                ),
            ),
            HisError::Refused => his("his-refused", 502, "exception", "the practice's system refused the gateway"),
            HisError::Nonsense => his(
                "his-nonsense",
                502,
                "exception",
                "the practice's system answered with something else than asked for",
            ),
            HisError::TooLarge => {
                his("his-too-large", 502, "too-long", "the answer of the practice's system is larger than allowed")
            }
            HisError::NotFound => NO_DOCUMENT,
            HisError::Unsupported => NOT_IN_HIS,
            HisError::Rejected => NOT_TAKEN,
            HisError::Unconfirmed => UNCONFIRMED,
        }
    }
}

const NO_DOCUMENT: Fault =
    fault("no-document", 404, "not-found", Who::Pgo, "Dit document bestaat niet.", "there is no such document");
const NOT_IN_HIS: Fault = fault(
    "not-in-his",
    404,
    "not-supported",
    Who::His,
    "Het systeem van de praktijk heeft deze gegevens niet.",
    "the practice's system does not offer this",
);
const NOT_TAKEN: Fault = fault(
    "his-rejected",
    422,
    "processing",
    Who::Pgo,
    "Het systeem van de praktijk nam uw gegevens niet aan. Er is niets bewaard.",
    "the practice's system did not take what was sent; nothing of it was stored",
);
const UNCONFIRMED: Fault = fault(
    "his-unconfirmed",
    502,
    "exception",
    Who::His,
    "Het systeem van de praktijk liet niet weten of uw gegevens zijn bewaard. Kijk dat na voor u ze nog eens deelt.",
    "the practice's system did not confirm; what was sent may have been stored, so look before sending it again",
);
