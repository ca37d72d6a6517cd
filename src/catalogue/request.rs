//! What is asked: each is a request that the data service does not have.

use super::Again::Never;
use super::entries;

entries! {
    REQUESTS;
    NO_ROUTE: "no-route", Pgo, Never, Malformed,
        "Dit adres bestaat niet.",
        "This address does not exist.",
        "no endpoint at this address; use the endpoints of the ZAL";
    UNKNOWN_SERVICE: "unknown-service", Pgo, Never, Malformed,
        "Dit adres bestaat niet.",
        "This address does not exist.",
        "no such data service in this FHIR version";
    BAD_PATH: "bad-path", Pgo, Never, Malformed,
        "Uw app vroeg iets dat deze dienst niet biedt.",
        "Your app asked for something that this service does not offer.",
        "the path is no FHIR interaction";
    UNKNOWN_TYPE: "unknown-type", Pgo, Never, Malformed,
        "Uw app vroeg iets dat deze dienst niet biedt.",
        "Your app asked for something that this service does not offer.",
        "this data service has no such resource type";
    NO_SUCH_INTERACTION: "no-such-interaction", Pgo, Never, Malformed,
        "Uw app vroeg iets dat deze dienst niet biedt.",
        "Your app asked for something that this service does not offer.",
        "this data service does not have this interaction; /metadata under its base names those that it has";
    METHOD_NOT_ALLOWED: "method-not-allowed", Pgo, Never, Malformed,
        "Uw app vroeg iets dat deze dienst niet biedt.",
        "Your app asked for something that this service does not offer.",
        "the header Allow names the methods of this path";
    BAD_MEDIA_TYPE: "bad-media-type", Pgo, Never, Malformed,
        "Uw app vroeg iets dat deze dienst niet biedt.",
        "Your app asked for something that this service does not offer.",
        "the body has a media type, format or FHIR version that is not taken here";
    FORM_TOO_LARGE: "form-too-large", Pgo, Never, Malformed,
        "Uw app vroeg iets dat deze dienst niet biedt.",
        "Your app asked for something that this service does not offer.",
        "the form of a search is over 64 KiB";
    NOT_ACCEPTABLE: "not-acceptable", Pgo, Never, Malformed,
        "Uw app vroeg iets dat deze dienst niet biedt.",
        "Your app asked for something that this service does not offer.",
        "only the formats that /metadata names can be served, in the FHIR version of this endpoint";
    BAD_ENCODING: "bad-encoding", Pgo, Never, Malformed,
        "Uw app vroeg iets dat deze dienst niet biedt.",
        "Your app asked for something that this service does not offer.",
        "the parameters are not properly percent-encoded UTF-8";
    UNKNOWN_PARAMETER: "unknown-parameter", Pgo, Never, Malformed,
        "Uw app vroeg iets dat deze dienst niet biedt.",
        "Your app asked for something that this service does not offer.",
        "a search parameter is not part of this search; see the information standard";
    REPEATED_PARAMETER: "repeated-parameter", Pgo, Never, Malformed,
        "Uw app vroeg iets dat deze dienst niet biedt.",
        "Your app asked for something that this service does not offer.",
        "a search parameter stands twice";
    BAD_VALUE: "bad-value", Pgo, Never, Malformed,
        "Uw app vroeg iets dat deze dienst niet biedt.",
        "Your app asked for something that this service does not offer.",
        "a value is outside what this search allows; see the information standard";
    MISSING_PARAMETER: "missing-parameter", Pgo, Never, Malformed,
        "Uw app vroeg iets dat deze dienst niet biedt.",
        "Your app asked for something that this service does not offer.",
        "a required search parameter is missing";
    UNKNOWN_PAGE: "unknown-page", Pgo, Never, NotThere,
        "Deze bladzijde van uw gegevens is er niet meer. Haal uw gegevens opnieuw op.",
        "This page of your data is no longer there. Get your data again.",
        "there is no such page for this access token; repeat the search and follow its links with the same token";
    NO_DOCUMENT: "no-document", Practice, Never, NotThere,
        "Dit document is er niet (meer). Haal de lijst met documenten opnieuw op.",
        "This document is not there (any more). Get the list of documents again.",
        "no document that this person may see has this id";
}
