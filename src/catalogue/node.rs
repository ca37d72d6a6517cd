//! The gateway itself.

use super::Again::{After, Later, Never};
use super::entries;

entries! {
    NODE;
    STOPPED: "stopped", Us, After(300), Other,
        "Wij hebben het ophalen van gegevens even stilgezet. Er is niets getoond. Probeer het later nog eens.",
        "We have stopped getting data for now. Nothing was shown. Try again later.",
        "the operator of the gateway has stopped all access for now; try again later with the same token";
    LISTS_TOO_OLD: "lists-too-old", Us, After(60), Ours,
        "Wij kunnen nu niet nagaan wie er vraagt. Er is niets getoond. Probeer het later nog eens.",
        "We cannot tell now who asks. Nothing was shown. Try again later.",
        "the MedMij lists of the gateway are older than allowed; try again later";
    NO_ADAPTER: "no-adapter", Us, Never, Ours,
        "De praktijk is nog niet aangesloten. Wij lossen dit op.",
        "The practice is not connected yet. We are solving this.",
        "the information system of the practice is not connected to this gateway";
    NODE_FULL: "node-full", Us, Later, Ours,
        "Het is nu te druk. Probeer het zo opnieuw.",
        "It is too busy now. Try again in a while.",
        "too many requests at once; see Retry-After";
    STORE_DOWN: "store-down", Us, After(5), Ours,
        "Er is een storing bij ons. Probeer het zo nog eens.",
        "Something is wrong on our side. Try again in a while.",
        "the gateway's store does not answer; try again later";
    INDEX_DOWN: "index-down", Us, After(5), Ours,
        "Er is een storing bij ons. Er is niets getoond. Probeer het zo nog eens.",
        "Something is wrong on our side. Nothing was shown. Try again in a while.",
        "the index of the gateway's access log does not answer; try again later";
    AUDIT_FULL: "audit-full", Us, After(10), Ours,
        "Wij kunnen de inzage nu niet vastleggen en tonen daarom niets. Probeer het later nog eens.",
        "We cannot record the access now and therefore show nothing. Try again later.",
        "access cannot be recorded now, so nothing is disclosed; try again later";
    AUDIT_STOPPED: "audit-stopped", Us, After(10), Ours,
        "Wij kunnen de inzage nu niet vastleggen en tonen daarom niets. Probeer het later nog eens.",
        "We cannot record the access now and therefore show nothing. Try again later.",
        "access cannot be recorded now, so nothing is disclosed; try again later";
    AUDIT_SLOW: "audit-slow", Us, After(10), Ours,
        "Wij kunnen de inzage nu niet vastleggen en tonen daarom niets. Probeer het later nog eens.",
        "We cannot record the access now and therefore show nothing. Try again later.",
        "access cannot be recorded now, so nothing is disclosed; try again later";
    AUDIT_NO_KEY: "audit-no-key", Us, After(10), Ours,
        "Wij kunnen de inzage nu niet vastleggen en tonen daarom niets. Probeer het later nog eens.",
        "We cannot record the access now and therefore show nothing. Try again later.",
        "access cannot be recorded now, so nothing is disclosed; try again later";
    AUDIT_BUSY: "audit-busy", Us, After(10), Ours,
        "Wij kunnen de inzage nu niet vastleggen en tonen daarom niets. Probeer het later nog eens.",
        "We cannot record the access now and therefore show nothing. Try again later.",
        "access cannot be recorded now, so nothing is disclosed; try again later";
    STORE_OR_AUDIT_DOWN: "store-or-audit-down", Us, Later, Ours,
        "Er is een storing bij ons. Probeer het zo nog eens.",
        "Something is wrong on our side. Try again in a while.",
        "the gateway cannot keep or record what a person does on its pages";
}
