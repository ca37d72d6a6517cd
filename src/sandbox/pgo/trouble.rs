//! What can go wrong on the way to the record, and what people are told about it: what happened and who can act.

use http::StatusCode;

use crate::sandbox::client::ClientError;
use crate::sandbox::site::pages::Words;

/// A way that ends on an error page; one variant per text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// No practice was chosen, or one that is not listed.
    #[error("no listed practice was chosen")]
    NoPractice,
    /// None of what the practice offers was chosen.
    #[error("nothing was chosen that the practice offers")]
    NothingChosen,
    /// The form has no measurement.
    #[error("the form holds no measurement")]
    NoMeasurement,
    /// A person did not confirm what they were to share.
    #[error("what was to be shared was not confirmed")]
    NotConfirmed,
    /// The list of providers cannot be read.
    #[error("the list of care providers cannot be read")]
    NoList,
    /// The list does not have the service for this practice.
    #[error("the practice does not offer the data service")]
    NotOffered,
    /// Whoever comes back did not leave from this browser, or came back before.
    #[error("this return belongs to no session")]
    NotYourReturn,
    /// The gateway sent the person back with `access_denied`.
    #[error("no consent was given, or there is nothing to consent to")]
    Denied,
    /// The gateway sent the person back because it cannot go on now.
    #[error("the gateway cannot go on now")]
    Later,
    /// The gateway sent the person back because it does not accept our request.
    #[error("the gateway does not accept the request")]
    BadRequest,
    /// The code brought no token.
    #[error("no token was given for the code")]
    NoToken,
    /// No answer.
    #[error("the gateway does not answer")]
    Silence,
    /// No data in this session.
    #[error("this session holds no record")]
    NoRecord,
    /// No such page.
    #[error("there is no such page")]
    NoPage,
}

impl Trouble {
    /// What an error code of RFC 6749, section 4.1.2.1 means to a person.
    pub(super) fn refused(error: &str) -> Self {
        match error {
            "access_denied" => Self::Denied,
            "server_error" | "temporarily_unavailable" => Self::Later,
            _ => Self::BadRequest,
        }
    }

    pub(super) const fn words(self) -> Words {
        match self {
            Self::NoPractice => NO_PRACTICE,
            Self::NothingChosen => NOTHING_CHOSEN,
            Self::NoMeasurement => NO_MEASUREMENT,
            Self::NotConfirmed => NOT_CONFIRMED,
            Self::NoList => NO_LIST,
            Self::NotOffered => NOT_OFFERED,
            Self::NotYourReturn => NOT_YOUR_RETURN,
            Self::Denied => DENIED,
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

const NO_PRACTICE: Words = Words {
    status: StatusCode::BAD_REQUEST,
    title: "Kies eerst een praktijk",
    what: "Er is geen praktijk gekozen, of een praktijk die niet in de lijst staat.",
    who: "Ga terug en kies uw huisartsenpraktijk.",
};
const NOTHING_CHOSEN: Words = Words {
    status: StatusCode::BAD_REQUEST,
    title: "Vink eerst iets aan",
    what: "Er is niets aangevinkt dat deze praktijk aan apps geeft. Er is niets opgehaald.",
    who: "Ga terug en vink aan wat u wilt zien.",
};
const NO_MEASUREMENT: Words = Words {
    status: StatusCode::BAD_REQUEST,
    title: "Dit is geen meting",
    what: "Vul uw naam in, en uw gewicht (1 tot 500 kilo, met hooguit één cijfer achter de komma), of boven- en onderdruk (20 tot 300). Er is niets doorgegeven.",
    who: "Ga terug en vul in wat u hebt gemeten.",
};
const NOT_CONFIRMED: Words = Words {
    status: StatusCode::OK,
    title: "Er is niets doorgegeven",
    what: "U stopte onderweg, u bevestigde het niet, of deze praktijk kan voor u niets aannemen. Voor uw privacy hoort Mijn Zorgmap niet wat het was.",
    who: "Was het een vergissing? Begin dan opnieuw. Klopt het niet, vraag het dan uw praktijk.",
};
const NO_LIST: Words = Words {
    status: StatusCode::BAD_GATEWAY,
    title: "De lijst is niet te lezen",
    what: "Mijn Zorgmap kan de lijst van zorgaanbieders nu niet lezen. Daarin staat waar uw praktijk te vinden is.",
    who: "Probeer het over een paar minuten opnieuw.",
};
const NOT_OFFERED: Words = Words {
    status: StatusCode::NOT_FOUND,
    title: "Deze praktijk doet nog niet mee",
    what: "Bij deze praktijk kunt u nog geen gegevens ophalen.",
    who: "Vraag uw praktijk of en wanneer dat kan.",
};
const NOT_YOUR_RETURN: Words = Words {
    status: StatusCode::FORBIDDEN,
    title: "Deze stap is verlopen",
    what: "U komt terug van een bezoek dat niet in dit venster begon, te lang duurde, of al was afgerond. Er is niets opgehaald.",
    who: "Begin opnieuw; dat duurt een minuut.",
};
const DENIED: Words = Words {
    status: StatusCode::OK,
    title: "Er zijn geen gegevens opgehaald",
    what: "U stopte onderweg, u gaf geen toestemming, of bij deze praktijk zijn voor u geen gegevens beschikbaar. Voor uw privacy hoort Mijn Zorgmap niet wat het was.",
    who: "Was het een vergissing? Begin dan opnieuw. Klopt het niet, vraag het dan uw praktijk.",
};
const LATER: Words = Words {
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "Het lukt nu even niet",
    what: "De inlogpagina kon uw verzoek nu niet afmaken. Er is niets opgehaald.",
    who: "Probeer het over een paar minuten opnieuw.",
};
const BAD_REQUEST: Words = Words {
    status: StatusCode::BAD_GATEWAY,
    title: "Het verzoek is niet geaccepteerd",
    what: "De inlogpagina begreep het verzoek van Mijn Zorgmap niet. Er is niets opgehaald.",
    who: "De maker van deze app kan hier iets aan doen.",
};
const NO_TOKEN: Words = Words {
    status: StatusCode::BAD_GATEWAY,
    title: "De toegang is niet gegeven",
    what: "U gaf toestemming, maar Mijn Zorgmap kreeg daarna geen toegang. Misschien duurde het te lang.",
    who: "Begin opnieuw. Blijft het misgaan, dan kan de maker van deze app hier iets aan doen.",
};
const SILENCE: Words = Words {
    status: StatusCode::BAD_GATEWAY,
    title: "Er komt geen antwoord",
    what: "De dienst die uw gegevens levert, geeft nu geen antwoord. Er is niets opgehaald.",
    who: "Probeer het over een paar minuten opnieuw.",
};
const NO_RECORD: Words = Words {
    status: StatusCode::NOT_FOUND,
    title: "Er zijn geen gegevens meer",
    what: "Mijn Zorgmap bewaart uw gegevens een half uur en vergeet ze dan. Misschien hebt u ze ook zelf gewist.",
    who: "Haal uw gegevens opnieuw op.",
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

    #[test]
    fn a_refusal_tells_apart_a_no_a_failure_and_our_own_fault() {
        assert_eq!(Trouble::refused("access_denied"), Trouble::Denied);
        assert_eq!(Trouble::refused("temporarily_unavailable"), Trouble::Later);
        assert_eq!(Trouble::refused("invalid_scope"), Trouble::BadRequest);
        assert_eq!(Trouble::refused("\u{0}"), Trouble::BadRequest);
    }
}
