//! The practice: what it offers, to whom, and how far it is.

use super::Again::{After, Never};
use super::entries;

entries! {
    PRACTICES;
    NOT_OFFERED: "not-offered", Practice, Never, NotGiven,
        "De praktijk biedt deze gegevens niet aan.",
        "The practice does not offer these data.",
        "the ZAL does not list this data service for this care provider";
    PRACTICE_CLOSED: "practice-closed", Practice, Never, NotGiven,
        "De praktijk heeft inzage niet opengesteld. Vraag het na bij uw praktijk.",
        "The practice has not opened access. Ask your practice.",
        "the care provider is not open for access";
    PRACTICE_PAUSED: "practice-paused", Practice, Never, NotGiven,
        "De praktijk heeft inzage niet opengesteld. Vraag het na bij uw praktijk.",
        "The practice has not opened access. Ask your practice.",
        "the practice has paused access; the client is told practice-closed";
    NOT_IN_FIELD_TEST: "not-in-field-test", Practice, Never, NotGiven,
        "De praktijk heeft inzage niet opengesteld. Vraag het na bij uw praktijk.",
        "The practice has not opened access. Ask your practice.",
        "the practice holds a field test with other people; the client is told practice-closed";
    CLIENT_NOT_IN_PILOT: "client-not-in-pilot", Practice, Never, NotGiven,
        "De praktijk heeft inzage niet opengesteld. Vraag het na bij uw praktijk.",
        "The practice has not opened access. Ask your practice.",
        "the practice holds a pilot with other apps; the client is told practice-closed";
    OUTSIDE_PILOT_DAYS: "outside-pilot-days", Practice, Never, NotGiven,
        "De praktijk heeft inzage niet opengesteld. Vraag het na bij uw praktijk.",
        "The practice has not opened access. Ask your practice.",
        "the pilot of the practice is planned, or over; the client is told practice-closed";
    NOT_IN_PILOT: "not-in-pilot", Practice, Never, NotGiven,
        "De praktijk heeft inzage niet opengesteld. Vraag het na bij uw praktijk.",
        "The practice has not opened access. Ask your practice.",
        "the practice holds a pilot with other people; the client is told practice-closed";
    NOT_AVAILABLE: "not-available", Practice, Never, NotGiven,
        "Bij deze praktijk zijn voor u geen gegevens beschikbaar. Vraag het na bij uw praktijk.",
        "No data are available for you at this practice. Ask your practice.",
        "the care provider makes no data of this person available";
    STOPPED_PRACTICE: "stopped-practice", Practice, After(300), Other,
        "Het ophalen van gegevens bij deze praktijk staat even stil. Er is niets getoond. Vraag het na bij uw praktijk.",
        "Getting data from this practice is stopped for now. Nothing was shown. Ask your practice.",
        "the operator of the gateway has stopped access to this care provider for now; try again later with the same token";
}
