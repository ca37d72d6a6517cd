//! The information system of the practice.

use super::Again::{After, Later, Never};
use super::entries;

entries! {
    HIS;
    HIS_UNREACHABLE: "his-unreachable", His, After(30), PracticeSystem,
        "Het systeem van de praktijk geeft nu geen antwoord. Probeer het later nog eens.",
        "The practice's system gives no answer now. Try again later.",
        "the practice's system cannot be reached, or broke off; try again later";
    HIS_TIMEOUT: "his-timeout", His, Later, PracticeSystem,
        "Het systeem van de praktijk geeft nu geen antwoord. Probeer het later nog eens.",
        "The practice's system gives no answer now. Try again later.",
        "the practice's system did not answer within the gateway's limit";
    HIS_BUSY: "his-busy", His, After(5), PracticeSystem,
        "Het systeem van de praktijk geeft nu geen antwoord. Probeer het later nog eens.",
        "The practice's system gives no answer now. Try again later.",
        "the practice's system takes no more requests now; try again later";
    HIS_OPEN: "his-open", His, After(10), PracticeSystem,
        "Het systeem van de praktijk geeft nu geen antwoord. Probeer het later nog eens.",
        "The practice's system gives no answer now. Try again later.",
        "the practice's system failed several times and is left alone for a while; try again later";
    HIS_REFUSED: "his-refused", His, Never, PracticeSystem,
        "Het systeem van de praktijk geeft nu geen antwoord. Probeer het later nog eens.",
        "The practice's system gives no answer now. Try again later.",
        "the practice's system refused the gateway";
    HIS_NONSENSE: "his-nonsense", His, Never, PracticeSystem,
        "Het systeem van de praktijk geeft nu geen antwoord. Probeer het later nog eens.",
        "The practice's system gives no answer now. Try again later.",
        "the practice's system answered with something else than asked for";
    HIS_TOO_LARGE: "his-too-large", His, Never, PracticeSystem,
        "Het systeem van de praktijk geeft nu geen antwoord. Probeer het later nog eens.",
        "The practice's system gives no answer now. Try again later.",
        "the answer of the practice's system is larger than allowed";
    NOT_IN_HIS: "not-in-his", His, Never, NotGiven,
        "Het systeem van de praktijk heeft deze gegevens niet.",
        "The practice's system does not have these data.",
        "the practice's system does not offer this";
    NOT_TAKEN: "his-rejected", Pgo, Never, Malformed,
        "Het systeem van de praktijk nam uw gegevens niet aan. Er is niets bewaard.",
        "The practice's system did not take your data. Nothing was stored.",
        "the practice's system did not take what was sent; nothing of it was stored";
    UNCONFIRMED: "his-unconfirmed", His, Never, Unconfirmed,
        "Het systeem van de praktijk liet niet weten of uw gegevens zijn bewaard. Kijk dat na voor u ze nog eens deelt.",
        "The practice's system did not say whether your data were stored. Look that up before you share them again.",
        "the practice's system did not confirm; what was sent may have been stored, so look before sending it again";
    NOT_PASSED_ON: "his-answer-unfit", His, Never, Withheld,
        "Het systeem van de praktijk gaf een antwoord dat wij niet mogen doorgeven. Er is niets getoond. Wij hebben dit vastgelegd.",
        "The practice's system gave an answer that we may not pass on. Nothing was shown. We have recorded this.",
        "the answer of the practice's system failed a safety check and was withheld whole";
    HIS_GIVES_NO_ANSWER: "his-gives-no-answer", His, Later, PracticeSystem,
        "Het systeem van de praktijk geeft nu geen antwoord. Probeer het later nog eens.",
        "The practice's system gives no answer now. Try again later.",
        "the practice's system does not say whether data is (still) available; the client is told temporarily_unavailable";
    STOPPED_HIS: "stopped-his", Us, After(300), Other,
        "Wij hebben het ophalen van gegevens bij deze praktijk even stilgezet. Er is niets getoond. Probeer het later nog eens.",
        "We have stopped getting data from this practice for now. Nothing was shown. Try again later.",
        "the operator of the gateway has stopped access to the practice's system for now; try again later with the same token";
}
