//! The part of the table for what is sent to be stored.

use super::{Fault, fault};
use crate::catalogue::{self, Entry};
use crate::fhir::read::BodyFault;
use crate::fhir::shape::submit::{SubmitFault, Why};

/// Something went wrong when it may have been stored already.
pub(super) const MAYBE_STORED: Fault = fault(catalogue::MAYBE_STORED, 502, "exception");

impl From<BodyFault> for Fault {
    fn from(error: BodyFault) -> Self {
        match error {
            BodyFault::TooLarge => fault(catalogue::BODY_TOO_LARGE, 413, "too-long"),
            BodyFault::Slow => fault(catalogue::BODY_SLOW, 408, "timeout"),
            BodyFault::Broken => fault(catalogue::BODY_BROKEN, 400, "incomplete"),
        }
    }
}

impl From<SubmitFault> for Fault {
    fn from(error: SubmitFault) -> Self {
        error.why.into()
    }
}

impl From<Why> for Fault {
    fn from(why: Why) -> Self {
        match why {
            Why::NotFhir => fault(catalogue::BUNDLE_MALFORMED, 400, "invalid"),
            Why::NotABundle => fault(catalogue::NO_BUNDLE, 400, "structure"),
            Why::FullUrl => fault(catalogue::BAD_FULL_URL, 400, "value"),
            Why::Unreadable => fault(catalogue::ELEMENT_UNREADABLE, 400, "structure"),
            Why::OtherKind => refused(catalogue::OTHER_BUNDLE_TYPE),
            Why::TooMany => refused(catalogue::TOO_MANY_ENTRIES),
            Why::NotACreate => refused(catalogue::NOT_A_CREATE),
            Why::OtherType => refused(catalogue::OTHER_TYPE),
            Why::WrongNumber => refused(catalogue::WRONG_NUMBER),
            Why::OtherProfile => fault(catalogue::OTHER_PROFILE, 422, "processing"),
            Why::OtherCode => fault(catalogue::OTHER_CODE, 422, "processing"),
            Why::OtherPerson => refused(catalogue::OTHER_PERSON),
            Why::NoSubject => refused(catalogue::NO_SUBJECT),
            Why::LeadsOut => refused(catalogue::REFERENCE_LEADS_OUT),
            Why::Contained => refused(catalogue::BAD_CONTAINED),
            Why::NotAPdf => refused(catalogue::NOT_A_PDF),
            Why::Bsn => refused(catalogue::BSN_IN_PLACE),
        }
    }
}

/// By a rule of the data service.
const fn refused(entry: Entry) -> Fault {
    fault(entry, 422, "business-rule")
}
