//! Codes of the OAuth protocol (RFC 6749), and what stands in the log where the protocol has one code for several reasons. People
//! are told nothing of these by us: their app is.

use super::Again::{Later, Never};
use super::entries;

entries! {
    OAUTH;
    INVALID_REQUEST: "invalid_request", Pgo, Never, Malformed,
        "Uw app vroeg iets dat niet kan.",
        "Your app asked for something that is not possible.",
        "a parameter is missing, stands twice or is malformed";
    UNSUPPORTED_RESPONSE_TYPE: "unsupported_response_type", Pgo, Never, Malformed,
        "Uw app vroeg iets dat niet kan.",
        "Your app asked for something that is not possible.",
        "response_type must be code";
    UNSUPPORTED_GRANT_TYPE: "unsupported_grant_type", Pgo, Never, Malformed,
        "Uw app vroeg iets dat niet kan.",
        "Your app asked for something that is not possible.",
        "the token endpoint does not have this grant_type";
    INVALID_SCOPE: "invalid_scope", Pgo, Never, ConsentNarrow,
        "Uw app vroeg toestemming voor iets dat hier niet bestaat.",
        "Your app asked consent for something that does not exist here.",
        "the scope names nothing that is offered here";
    INVALID_CLIENT: "invalid_client", Pgo, Never, NotAdmitted,
        "Uw app mag hier niet vragen.",
        "Your app may not ask here.",
        "the client is not known, or its certificate may not act for it";
    UNAUTHORIZED_CLIENT: "unauthorized_client", Pgo, Never, NotAdmitted,
        "Uw app mag hier niet vragen.",
        "Your app may not ask here.",
        "this client may not use this grant_type";
    INVALID_GRANT: "invalid_grant", Pgo, Never, ConsentOver,
        "Uw toestemming is niet (meer) geldig. Geef in uw app opnieuw toestemming.",
        "Your consent is not valid (any more). Give consent in your app again.",
        "the code or refresh token is not known, spent, expired or of another client; start a new authorization";
    SLOW_DOWN: "slow_down", Pgo, Later, NotAdmitted,
        "Uw app vraagt op dit moment te veel. Probeer het zo opnieuw.",
        "Your app asks too much at this moment. Try again in a while.",
        "this client asks for tokens more often than it may; see Retry-After";
    TOO_MANY_WRONG: "too-many-wrong-requests", Pgo, Later, NotAdmitted,
        "Uw app vraagt op dit moment te veel. Probeer het zo opnieuw.",
        "Your app asks too much at this moment. Try again in a while.",
        "so many requests for tokens were wrong that none is answered for a while; the client is told slow_down";
    TEMPORARILY_UNAVAILABLE: "temporarily_unavailable", Us, Later, Ours,
        "Er is een storing bij ons. Probeer het zo nog eens.",
        "Something is wrong on our side. Try again in a while.",
        "the gateway, or the practice's system behind it, cannot answer now; try again later";
    SERVER_ERROR: "server_error", His, Never, PracticeSystem,
        "Het systeem van de praktijk gaf geen goed antwoord.",
        "The practice's system gave no good answer.",
        "the practice's system does not say in order whether it has data; the authorization could not be completed";
    ACCESS_DENIED: "access_denied", Patient, Never, Person,
        "Er is geen toestemming gegeven.",
        "No consent was given.",
        "no authorization was given; whether the person said no or there is nothing to give is not told";
    NO_CLIENT_ASSERTION: "no-client-assertion", Pgo, Never, NotAdmitted,
        "De website van de praktijk bewees niet wie zij is.",
        "The website of the practice did not prove who it is.",
        "a portal must prove who it is with a signed client_assertion (RFC 7523 section 2.2)";
    CLIENT_ASSERTION_REFUSED: "client-assertion-refused", Pgo, Never, NotAdmitted,
        "De website van de praktijk bewees niet wie zij is.",
        "The website of the practice did not prove who it is.",
        "the client_assertion is not signed with a registered key, not for us, or not of this moment";
    CLIENT_ASSERTION_REPLAYED: "client-assertion-replayed", Pgo, Never, Copied,
        "Hetzelfde bewijs werd twee keer gebruikt, dus hebben wij het gestopt.",
        "The same proof was used twice, so we stopped it.",
        "the client_assertion was shown before; each has a jti of its own";
    ASSERTION_REFUSED: "assertion-refused", Pgo, Never, NotAdmitted,
        "De website van de praktijk bewees niet voor wie zij vroeg.",
        "The website of the practice did not prove for whom it asked.",
        "the assertion about a person is not signed or encrypted as registered, not for us, or not of this moment";
    ASSERTION_REPLAYED: "assertion-replayed", Pgo, Never, Copied,
        "Hetzelfde bewijs werd twee keer gebruikt, dus hebben wij het gestopt.",
        "The same proof was used twice, so we stopped it.",
        "the assertion about a person was shown before; each has a jti of its own";
    CODE_REUSED: "code-reused", Pgo, Never, Copied,
        "Hetzelfde bewijs werd twee keer gebruikt, dus hebben wij het gestopt.",
        "The same proof was used twice, so we stopped it.",
        "a code was brought a second time, so all that came of it was ended (RFC 6749 section 4.1.2)";
    REFRESH_TOKEN_REUSED: "refresh-token-reused", Pgo, Never, Copied,
        "Hetzelfde bewijs werd twee keer gebruikt, dus hebben wij het gestopt.",
        "The same proof was used twice, so we stopped it.",
        "a refresh token was brought again after it had been replaced, so its grant was ended (RFC 9700 section 4.14.2)";
    TOKEN_OF_ANOTHER_CLIENT: "token-of-another-client", Pgo, Never, NotAdmitted,
        "Uw app mag deze toestemming niet gebruiken.",
        "Your app may not use this consent.",
        "a client may give back its own tokens only (RFC 7009 section 2.1)";
    REVOKED: "revoked", Pgo, Never, Person,
        "Uw app gaf de toestemming terug.",
        "Your app gave the consent back.",
        "the client gave a token back, and its grant was ended (RFC 7009)";
}
