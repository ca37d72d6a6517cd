//! Who asks, and with what.

use super::Again::{After, Later, Never};
use super::entries;

entries! {
    CALLERS;
    NO_TOKEN: "no-token", Pgo, Never, ConsentOver,
        "Uw app stuurde geen bewijs van toestemming mee.",
        "Your app sent no proof of your consent.",
        "send the access token in the Authorization header (RFC 6750 section 2.1)";
    MALFORMED_TOKEN: "malformed-token", Pgo, Never, ConsentOver,
        "Uw app stuurde het bewijs van toestemming verkeerd mee.",
        "Your app sent the proof of your consent in a wrong way.",
        "exactly one Authorization header with scheme Bearer is needed (RFC 6750 section 2.1)";
    UNKNOWN_TOKEN: "unknown-token", Pgo, Never, ConsentOver,
        "Uw toestemming is niet (meer) geldig. Geef in uw app opnieuw toestemming.",
        "Your consent is not valid (any more). Give consent in your app again.",
        "the access token is not known or its grant has ended; start a new authorization";
    TOKEN_EXPIRED: "token-expired", Pgo, Never, ConsentOver,
        "De toestemming is verlopen. Geef in uw app opnieuw toestemming.",
        "The consent has expired. Give consent in your app again.",
        "the access token is expired; start a new authorization";
    OTHER_CERTIFICATE: "other-certificate", Pgo, Never, NotAdmitted,
        "Uw app mag deze toestemming niet gebruiken.",
        "Your app may not use this consent.",
        "the access token is bound to another client certificate (RFC 8705 section 3)";
    PEER_NOT_LISTED: "peer-not-listed", Pgo, Never, NotAdmitted,
        "Uw app is niet (meer) toegelaten tot MedMij.",
        "Your app is not admitted to MedMij (any more).",
        "the host name of the client certificate is not on the MedMij whitelist";
    PEER_NOT_OF_CLIENT: "peer-not-of-client", Pgo, Never, NotAdmitted,
        "Uw app mag deze toestemming niet gebruiken.",
        "Your app may not use this consent.",
        "the token was issued to another client than the one this certificate may act for";
    CLIENT_NOT_LISTED: "client-not-listed", Pgo, Never, NotAdmitted,
        "Uw app is niet (meer) toegelaten tot MedMij.",
        "Your app is not admitted to MedMij (any more).",
        "the client is not on the OAuth client list";
    PORTAL_ON_CLIENT_LIST: "portal-on-client-list", Us, Never, NotAdmitted,
        "Wij hebben deze website verkeerd aangemeld. Er is niets getoond. Wij lossen dit op.",
        "We have registered this website in a wrong way. Nothing was shown. We are solving this.",
        "the client is registered here as a portal, but it is on the OAuth client list of MedMij";
    PRACTICE_NOT_REGISTERED: "practice-not-registered", Practice, Never, NotAdmitted,
        "De praktijk heeft deze website niet toegelaten. Vraag het na bij uw praktijk.",
        "The practice has not admitted this website. Ask your practice.",
        "the registration of this portal does not name this care provider";
    SERVICE_NOT_REGISTERED: "service-not-registered", Practice, Never, NotAdmitted,
        "De praktijk laat deze gegevens niet op deze website zien.",
        "The practice does not show these data on this website.",
        "the registration of this portal does not name this data service";
    OTHER_PROVIDER: "other-provider", Pgo, Never, ConsentNarrow,
        "U gaf toestemming voor een andere praktijk.",
        "You gave consent for another practice.",
        "the access token is for another care provider than the one addressed";
    SERVICE_NOT_GRANTED: "service-not-granted", Pgo, Never, ConsentNarrow,
        "Uw toestemming geldt niet voor deze gegevens.",
        "Your consent does not cover these data.",
        "the access token does not cover this data service";
    TYPE_NOT_GRANTED: "type-not-granted", Pgo, Never, ConsentNarrow,
        "Uw toestemming geldt niet voor deze gegevens.",
        "Your consent does not cover these data.",
        "the scope of the access token does not name this type of resource";
    STOPPED_CLIENT: "stopped-client", Pgo, After(300), Other,
        "Wij hebben uw app even stilgezet. Er is niets getoond. Vraag het na bij de maker van uw app.",
        "We have stopped your app for now. Nothing was shown. Ask the maker of your app.",
        "the operator of the gateway has stopped this client for now; contact the operator";
    TOO_MANY: "too-many-requests", Pgo, Later, NotAdmitted,
        "Uw app vraagt op dit moment te veel. Probeer het zo opnieuw.",
        "Your app asks too much at this moment. Try again in a while.",
        "this client asks more often than it may; see Retry-After";
}
