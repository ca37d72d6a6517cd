//! What a person sends to be stored at the practice.

use super::Again::Never;
use super::entries;

entries! {
    SHARING;
    BODY_TOO_LARGE: "body-too-large", Pgo, Never, Malformed,
        "Wat u wilt delen, is te groot. Er is niets gedeeld.",
        "What you want to share is too large. Nothing was shared.",
        "the body is larger than the gateway takes";
    BODY_SLOW: "body-slow", Pgo, Never, Malformed,
        "Uw app stuurde de gegevens niet goed. Er is niets gedeeld.",
        "Your app did not send the data well. Nothing was shared.",
        "the body did not come within 30 seconds";
    BODY_BROKEN: "body-broken", Pgo, Never, Malformed,
        "Uw app stuurde de gegevens niet goed. Er is niets gedeeld.",
        "Your app did not send the data well. Nothing was shared.",
        "the body broke off";
    BUNDLE_MALFORMED: "bundle-malformed", Pgo, Never, Malformed,
        "Uw app stuurde iets dat de praktijk zo niet aanneemt. Er is niets gedeeld.",
        "Your app sent something that the practice does not take like this. Nothing was shared.",
        "the body is not a resource as FHIR writes it";
    NO_BUNDLE: "no-bundle", Pgo, Never, Malformed,
        "Uw app stuurde iets dat de praktijk zo niet aanneemt. Er is niets gedeeld.",
        "Your app sent something that the practice does not take like this. Nothing was shared.",
        "the body is no Bundle with entries of a resource and a request";
    BAD_FULL_URL: "bad-full-url", Pgo, Never, Malformed,
        "Uw app stuurde iets dat de praktijk zo niet aanneemt. Er is niets gedeeld.",
        "Your app sent something that the practice does not take like this. Nothing was shared.",
        "a fullUrl must be a urn:uuid: or urn:oid: that stands once; the Patient needs one";
    ELEMENT_UNREADABLE: "element-unreadable", Pgo, Never, Malformed,
        "Uw app stuurde iets dat de praktijk zo niet aanneemt. Er is niets gedeeld.",
        "Your app sent something that the practice does not take like this. Nothing was shared.",
        "an element has another form than FHIR gives it";
    OTHER_BUNDLE_TYPE: "other-bundle-type", Pgo, Never, Malformed,
        "Uw app stuurde iets dat de praktijk zo niet aanneemt. Er is niets gedeeld.",
        "Your app sent something that the practice does not take like this. Nothing was shared.",
        "this data service takes another type of Bundle";
    TOO_MANY_ENTRIES: "too-many-entries", Pgo, Never, Malformed,
        "Uw app stuurde iets dat de praktijk zo niet aanneemt. Er is niets gedeeld.",
        "Your app sent something that the practice does not take like this. Nothing was shared.",
        "the Bundle has more entries than this data service takes";
    NOT_A_CREATE: "not-a-create", Pgo, Never, Malformed,
        "Uw app stuurde iets dat de praktijk zo niet aanneemt. Er is niets gedeeld.",
        "Your app sent something that the practice does not take like this. Nothing was shared.",
        "each entry must be a plain POST to the type of its resource, without conditions";
    OTHER_TYPE: "other-type", Pgo, Never, Malformed,
        "Uw app stuurde iets dat de praktijk zo niet aanneemt. Er is niets gedeeld.",
        "Your app sent something that the practice does not take like this. Nothing was shared.",
        "this data service does not take resources of this type";
    WRONG_NUMBER: "wrong-number", Pgo, Never, Malformed,
        "Uw app stuurde iets dat de praktijk zo niet aanneemt. Er is niets gedeeld.",
        "Your app sent something that the practice does not take like this. Nothing was shared.",
        "exactly one Patient, and of each other type as many as the information standard says, must be sent";
    OTHER_PROFILE: "other-profile", Pgo, Never, Malformed,
        "Uw app stuurde iets dat de praktijk zo niet aanneemt. Er is niets gedeeld.",
        "Your app sent something that the practice does not take like this. Nothing was shared.",
        "meta.profile names none of the profiles of this data service";
    OTHER_CODE: "other-code", Pgo, Never, Malformed,
        "Uw app stuurde iets dat de praktijk zo niet aanneemt. Er is niets gedeeld.",
        "Your app sent something that the practice does not take like this. Nothing was shared.",
        "code has none of the codes of this data service";
    OTHER_PERSON: "other-person", Pgo, Never, OtherPerson,
        "In wat uw app stuurde, staat iets over iemand anders. Er is niets gedeeld.",
        "What your app sent says something about somebody else. Nothing was shared.",
        "everything sent must be about the person of the access token";
    NO_SUBJECT: "no-subject", Pgo, Never, Malformed,
        "Uw app stuurde iets dat de praktijk zo niet aanneemt. Er is niets gedeeld.",
        "Your app sent something that the practice does not take like this. Nothing was shared.",
        "a resource must refer to the Patient of the Bundle as its subject";
    REFERENCE_LEADS_OUT: "reference-leads-out", Pgo, Never, Malformed,
        "Uw app stuurde iets dat de praktijk zo niet aanneemt. Er is niets gedeeld.",
        "Your app sent something that the practice does not take like this. Nothing was shared.",
        "a reference must lead to the Patient of the Bundle, to a contained resource, or in a transaction to another entry";
    BAD_CONTAINED: "bad-contained", Pgo, Never, Malformed,
        "Uw app stuurde iets dat de praktijk zo niet aanneemt. Er is niets gedeeld.",
        "Your app sent something that the practice does not take like this. Nothing was shared.",
        "a resource of this type may not be contained";
    NOT_A_PDF: "not-a-pdf", Pgo, Never, Malformed,
        "Uw app stuurde iets dat de praktijk zo niet aanneemt. Er is niets gedeeld.",
        "Your app sent something that the practice does not take like this. Nothing was shared.",
        "a document must be an application/pdf";
    BSN_IN_PLACE: "bsn-in-place", Pgo, Never, Malformed,
        "Uw app stuurde iets dat de praktijk zo niet aanneemt. Er is niets gedeeld.",
        "Your app sent something that the practice does not take like this. Nothing was shared.",
        "a citizen service number stands where it cannot be masked";
    MAYBE_STORED: "shared-answer-unfit", His, Never, Unconfirmed,
        "Wij weten niet zeker of de praktijk uw gegevens heeft ontvangen. Vraag het na bij uw praktijk voordat u ze nog eens stuurt.",
        "We are not sure whether the practice received your data. Ask your practice before you send them again.",
        "the data was sent to the practice's system and may have been stored; its answer failed a safety check and was withheld";
    ENTRY_REFUSED: "entry-refused", Pgo, Never, Other,
        "Het systeem van de praktijk nam een deel van uw gegevens niet aan.",
        "The practice's system did not take a part of your data.",
        "the practice's system did not take this entry of a batch; nothing of it was stored";
    ENTRY_FAILED: "entry-failed", His, Never, Other,
        "Bij een deel van uw gegevens liet het systeem van de praktijk niet weten dat het is bewaard.",
        "The practice's system did not say that it stored a part of your data.",
        "the practice's system gave another status than one of success for this entry of a batch";
}
