//! The part of the table for what is sent to be stored.

use super::{Fault, Who, fault};
use crate::fhir::read::BodyFault;
use crate::fhir::shape::submit::{SubmitFault, Why};

/// Something went wrong when it may have been stored already.
pub(super) const MAYBE_STORED: Fault = fault(
    "shared-answer-unfit",
    502,
    "exception",
    Who::His,
    "Wij weten niet zeker of de praktijk uw gegevens heeft ontvangen. Vraag het na bij uw praktijk voordat u ze nog eens stuurt.",
    "the data was sent to the practice's system and may have been stored; its answer failed a safety check and was withheld",
);

impl From<BodyFault> for Fault {
    fn from(error: BodyFault) -> Self {
        let refused = |code, status, issue, diagnostics| {
            fault(
                code,
                status,
                issue,
                Who::Pgo,
                "Uw app stuurde de gegevens niet goed. Er is niets gedeeld.",
                diagnostics,
            )
        };
        match error {
            BodyFault::TooLarge => fault(
                "body-too-large",
                413,
                "too-long",
                Who::Pgo,
                "Wat u wilt delen, is te groot. Er is niets gedeeld.",
                "the body is larger than the gateway takes",
            ),
            BodyFault::Slow => refused("body-slow", 408, "timeout", "the body did not come within 30 seconds"),
            BodyFault::Broken => refused("body-broken", 400, "incomplete", "the body broke off"),
        }
    }
}

const TEXT: &str = "Uw app stuurde iets dat de praktijk zo niet aanneemt. Er is niets gedeeld.";
const OTHER_PERSON: &str = "In wat uw app stuurde, staat iets over iemand anders. Er is niets gedeeld.";

impl From<SubmitFault> for Fault {
    fn from(error: SubmitFault) -> Self {
        error.why.into()
    }
}

impl From<Why> for Fault {
    fn from(why: Why) -> Self {
        let malformed = |code, issue, diagnostics| fault(code, 400, issue, Who::Pgo, TEXT, diagnostics);
        let refused = |code, diagnostics| fault(code, 422, "business-rule", Who::Pgo, TEXT, diagnostics);
        let unfit = |code, diagnostics| fault(code, 422, "processing", Who::Pgo, TEXT, diagnostics);
        match why {
            Why::NotFhir => malformed("bundle-malformed", "invalid", "the body is not a resource as FHIR writes it"),
            Why::NotABundle => {
                malformed("no-bundle", "structure", "the body is no Bundle with entries of a resource and a request")
            }
            Why::FullUrl => malformed(
                "bad-full-url",
                "value",
                "a fullUrl must be a urn:uuid: or urn:oid: that stands once; the Patient needs one",
            ),
            Why::Unreadable => {
                malformed("element-unreadable", "structure", "an element has another form than FHIR gives it")
            }
            Why::OtherKind => refused("other-bundle-type", "this data service takes another type of Bundle"),
            Why::TooMany => refused("too-many-entries", "the Bundle has more entries than this data service takes"),
            Why::NotACreate => refused(
                "not-a-create",
                "each entry must be a plain POST to the type of its resource, without conditions",
            ),
            Why::OtherType => refused("other-type", "this data service does not take resources of this type"),
            Why::WrongNumber => refused(
                "wrong-number",
                "exactly one Patient, and of each other type as many as the information standard says, must be sent",
            ),
            Why::OtherProfile => unfit("other-profile", "meta.profile names none of the profiles of this data service"),
            Why::OtherCode => unfit("other-code", "code has none of the codes of this data service"),
            Why::OtherPerson => fault(
                "other-person",
                422,
                "business-rule",
                Who::Pgo,
                OTHER_PERSON,
                "everything sent must be about the person of the access token",
            ),
            Why::NoSubject => {
                refused("no-subject", "a resource must refer to the Patient of the Bundle as its subject")
            }
            Why::LeadsOut => refused(
                "reference-leads-out",
                "a reference must lead to the Patient of the Bundle, to a contained resource, or in a transaction to another entry",
            ),
            Why::Contained => refused("bad-contained", "a resource of this type may not be contained"),
            Why::NotAPdf => refused("not-a-pdf", "a document must be an application/pdf"),
            Why::Bsn => refused("bsn-in-place", "a citizen service number stands where it cannot be masked"),
        }
    }
}
