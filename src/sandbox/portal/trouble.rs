//! What can go wrong on the way to the record, and what people are told about it: what happened, who can act, and the number.

use http::StatusCode;

use crate::sandbox::client::ClientError;
use crate::sandbox::site::pages::Words;

/// A way that ends on an error page; one variant per text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// No person was chosen, or one who is not there.
    #[error("no listed person was chosen")]
    NoPerson,
    /// No practice was chosen, or one that is not listed.
    #[error("no listed practice was chosen")]
    NoPractice,
    /// The list of providers cannot be read.
    #[error("the list of care providers cannot be read")]
    NoList,
    /// The list does not have the service for this practice.
    #[error("the practice does not offer the data service")]
    NotOffered,
    /// Whoever comes back did not leave from this browser, or came back before.
    #[error("this return belongs to no session")]
    NotYourReturn,
    /// The return is not from the server to which the person was sent.
    #[error("this return comes from another server")]
    OtherSender,
    /// The person came back with `access_denied`.
    #[error("no consent was given, or there is nothing to consent to")]
    Denied,
    /// There is nothing for the person whom the portal asserted.
    #[error("the gateway has nothing for this person")]
    NotAvailable,
    /// The gateway cannot go on now.
    #[error("the gateway cannot go on now")]
    Later,
    /// The gateway does not accept what the portal asks.
    #[error("the gateway does not accept the request")]
    BadRequest,
    /// The code brought no token.
    #[error("no token was given for the code")]
    NoToken,
    /// No answer.
    #[error("the gateway does not answer")]
    Silence,
    /// Nobody is logged in.
    #[error("this session holds no record")]
    NoRecord,
    /// No such page.
    #[error("there is no such page")]
    NoPage,
}

/// A trouble, and the number under which the gateway was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) trouble: Trouble,
    pub(super) reference: Option<String>,
}

impl Failure {
    /// The person came back with an error.
    pub(super) fn refused(error: &str, correlation_id: &str) -> Self {
        Self { trouble: Trouble::refused(error), reference: Some(correlation_id.to_owned()) }
    }

    /// An assertion brought no token.
    pub(super) fn of_assertion(error: ClientError, correlation_id: &str) -> Self {
        let trouble = match &error {
            ClientError::NoToken { error, .. } if error == "invalid_grant" => Trouble::NotAvailable,
            ClientError::NoToken { error, .. } => Trouble::refused(error),
            ClientError::Http(_)
            | ClientError::Tls(_)
            | ClientError::Zal
            | ClientError::Key
            | ClientError::NotOffered => error.into(),
        };
        Self { trouble, reference: Some(correlation_id.to_owned()) }
    }

    /// A code brought no token.
    pub(super) fn of_code(error: ClientError, correlation_id: &str) -> Self {
        Self { trouble: error.into(), reference: Some(correlation_id.to_owned()) }
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self { trouble, reference: None }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Trouble::from(error).into()
    }
}

impl Trouble {
    /// What an error code of RFC 6749, sections 4.1.2.1 and 5.2, means to a person.
    pub(super) fn refused(error: &str) -> Self {
        match error {
            "access_denied" => Self::Denied,
            "server_error" | "temporarily_unavailable" | "slow_down" => Self::Later,
            _ => Self::BadRequest,
        }
    }

    pub(super) const fn words(self) -> Words {
        match self {
            Self::NoPerson => NO_PERSON,
            Self::NoPractice => NO_PRACTICE,
            Self::NoList => NO_LIST,
            Self::NotOffered => NOT_OFFERED,
            Self::NotYourReturn => NOT_YOUR_RETURN,
            Self::OtherSender => OTHER_SENDER,
            Self::Denied => DENIED,
            Self::NotAvailable => NOT_AVAILABLE,
            Self::Later => LATER,
            Self::BadRequest => BAD_REQUEST,
            Self::NoToken => NO_TOKEN,
            Self::Silence => SILENCE,
            Self::NoRecord => NO_RECORD,
            Self::NoPage => NO_PAGE,
        }
    }
}

impl From<ClientError> for Trouble {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Http(_) | ClientError::Tls(_) => Self::Silence,
            ClientError::Zal => Self::NoList,
            ClientError::NotOffered => Self::NotOffered,
            ClientError::NoToken { .. } | ClientError::Key => Self::NoToken,
        }
    }
}

const NO_PERSON: Words = Words {
    status: StatusCode::BAD_REQUEST,
    title: "Kies eerst wie u bent",
    what: "Er is niemand gekozen, of iemand die niet in de lijst staat.",
    who: "Ga terug en kies een van de verzonnen mensen.",
};
const NO_PRACTICE: Words = Words {
    status: StatusCode::BAD_REQUEST,
    title: "Kies eerst een praktijk",
    what: "Er is geen praktijk gekozen, of een praktijk die niet in de lijst staat.",
    who: "Ga terug en kies uw huisartsenpraktijk.",
};
const NO_LIST: Words = Words {
    status: StatusCode::BAD_GATEWAY,
    title: "De lijst is niet te lezen",
    what: "Het portaal kan nu niet lezen waar de gegevens van uw praktijk te vinden zijn.",
    who: "Probeer het over een paar minuten opnieuw.",
};
const NOT_OFFERED: Words = Words {
    status: StatusCode::NOT_FOUND,
    title: "Deze praktijk doet nog niet mee",
    what: "Bij deze praktijk kunt u uw dossier nog niet bekijken.",
    who: "Vraag uw praktijk of en wanneer dat kan.",
};
const NOT_YOUR_RETURN: Words = Words {
    status: StatusCode::FORBIDDEN,
    title: "Deze stap is verlopen",
    what: "U komt terug van een bezoek dat niet in dit venster begon, te lang duurde, of al was afgerond. U bent niet ingelogd.",
    who: "Begin opnieuw; dat duurt een minuut.",
};
const OTHER_SENDER: Words = Words {
    status: StatusCode::FORBIDDEN,
    title: "Dit antwoord komt niet van Inzage",
    what: "U kwam terug met een antwoord van een andere afzender dan waar het portaal u heen stuurde. U bent niet ingelogd.",
    who: "Begin opnieuw. Gebeurt het weer, meld het dan aan uw praktijk.",
};
const DENIED: Words = Words {
    status: StatusCode::OK,
    title: "U ziet nu geen gegevens",
    what: "U stopte onderweg, u gaf geen toestemming, of bij deze praktijk zijn voor u geen gegevens beschikbaar. Voor uw privacy hoort het portaal niet wat het was.",
    who: "Was het een vergissing? Begin dan opnieuw. Klopt het niet, vraag het dan uw praktijk.",
};
const NOT_AVAILABLE: Words = Words {
    status: StatusCode::OK,
    title: "Er zijn geen gegevens voor u",
    what: "Bij deze praktijk zijn voor u nu geen gegevens te bekijken. Bent u jonger dan zestien, dan kan het nog niet.",
    who: "Klopt het niet? Vraag het dan uw praktijk.",
};
const LATER: Words = Words {
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "Het lukt nu even niet",
    what: "Inzage of het systeem van uw praktijk kan nu geen antwoord geven. Er is niets opgehaald.",
    who: "Probeer het over een paar minuten opnieuw.",
};
const BAD_REQUEST: Words = Words {
    status: StatusCode::BAD_GATEWAY,
    title: "Het verzoek is niet geaccepteerd",
    what: "Inzage accepteerde het verzoek van het portaal niet. Er is niets opgehaald.",
    who: "De maker van dit portaal kan hier iets aan doen.",
};
const NO_TOKEN: Words = Words {
    status: StatusCode::BAD_GATEWAY,
    title: "De toegang is niet gegeven",
    what: "U gaf toestemming, maar het portaal kreeg daarna geen toegang. Misschien duurde het te lang.",
    who: "Begin opnieuw. Blijft het misgaan, dan kan de maker van dit portaal hier iets aan doen.",
};
const SILENCE: Words = Words {
    status: StatusCode::BAD_GATEWAY,
    title: "Er komt geen antwoord",
    what: "De dienst die uw gegevens levert, geeft nu geen antwoord. Er is niets opgehaald.",
    who: "Probeer het over een paar minuten opnieuw.",
};
const NO_RECORD: Words = Words {
    status: StatusCode::NOT_FOUND,
    title: "U bent niet ingelogd",
    what: "Het portaal onthoudt u een half uur. Misschien is die tijd om, of bent u uitgelogd.",
    who: "Log opnieuw in.",
};
const NO_PAGE: Words = Words {
    status: StatusCode::NOT_FOUND,
    title: "Deze pagina bestaat niet",
    what: "Het adres klopt niet, of de pagina is er niet meer.",
    who: "Ga terug naar het begin.",
};

#[cfg(test)]
mod tests {
    use super::*;

    fn no_token(error: &str) -> ClientError {
        ClientError::NoToken { status: StatusCode::BAD_REQUEST, error: error.to_owned() }
    }

    #[test]
    fn a_refusal_tells_apart_a_no_a_failure_and_our_own_fault() {
        assert_eq!(Trouble::refused("access_denied"), Trouble::Denied);
        assert_eq!(Trouble::refused("temporarily_unavailable"), Trouble::Later);
        assert_eq!(Trouble::refused("invalid_scope"), Trouble::BadRequest);
        assert_eq!(Trouble::refused("\u{0}"), Trouble::BadRequest);
    }

    #[test]
    fn a_token_that_is_not_given_has_a_reason_and_a_number() {
        for (error, trouble) in [
            ("invalid_grant", Trouble::NotAvailable),
            ("slow_down", Trouble::Later),
            ("invalid_client", Trouble::BadRequest),
        ] {
            let failure = Failure::of_assertion(no_token(error), "0abc");
            assert_eq!((failure.trouble, failure.reference.as_deref()), (trouble, Some("0abc")), "{error}");
        }
        let late = Failure::of_code(no_token("invalid_grant"), "0abc");
        assert_eq!((late.trouble, late.reference.as_deref()), (Trouble::NoToken, Some("0abc")));
    }
}
