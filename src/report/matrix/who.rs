//! Who must act when a step fails, by the code of the failure.

use crate::accesslog::Why;
use crate::fault::Who;

/// Who can do something about failures of this code.
#[must_use]
pub fn who_acts(code: &str) -> Who {
    match code {
        "practice-not-registered" | "service-not-registered" => return Who::Practice,
        // We registered it wrongly.
        "portal-on-client-list" | "login-unavailable" => return Who::Us,
        _ => {}
    }
    match Why::of(code) {
        Why::ConsentOver
        | Why::ConsentNarrow
        | Why::NotAdmitted
        | Why::Malformed
        | Why::NotThere
        | Why::OtherPerson
        | Why::Copied => Who::Pgo,
        Why::NotGiven => Who::Practice,
        Why::Person | Why::Login => Who::Patient,
        Why::PracticeSystem | Why::Unconfirmed | Why::Withheld => Who::His,
        Why::Ours | Why::Other => Who::Us,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;
    use crate::fhir::read::{NoToken, ReadError};
    use crate::his::HisError;
    use crate::routing::Refusal;

    /// What is told in an answer and what stands in the matrix is one.
    #[test]
    fn who_acts_is_whom_the_answer_names() {
        for error in [
            ReadError::NoRoute,
            ReadError::NoToken(NoToken::Missing),
            ReadError::UnknownToken,
            ReadError::Refused(Refusal::ListsTooOld),
            ReadError::Refused(Refusal::Expired),
            ReadError::Refused(Refusal::OtherCertificate),
            ReadError::Refused(Refusal::PeerNotListed),
            ReadError::Refused(Refusal::PeerNotOfClient),
            ReadError::Refused(Refusal::ClientNotListed),
            ReadError::Refused(Refusal::OtherProvider),
            ReadError::Refused(Refusal::ServiceNotGranted),
            ReadError::Refused(Refusal::NotOffered),
            ReadError::Refused(Refusal::NotServed),
            ReadError::Refused(Refusal::PortalOnClientList),
            ReadError::Refused(Refusal::PracticeNotRegistered),
            ReadError::Refused(Refusal::ServiceNotRegistered),
            ReadError::Refused(Refusal::TypeNotGranted),
            ReadError::NotAvailable,
            ReadError::NoAdapter,
            ReadError::His(HisError::Unreachable),
            ReadError::His(HisError::TimedOut),
            ReadError::His(HisError::Nonsense),
            ReadError::Store,
            ReadError::Index,
        ] {
            let fault = Fault::from(error);
            assert_eq!(who_acts(fault.code), fault.who, "{}", fault.code);
        }
    }
}
