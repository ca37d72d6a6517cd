//! The pages in English. The names of data services stay Dutch, as in the national list.

mod log;

use super::text::{
    ConsentText, Explained, Explanation, FailureText, FindText, LandingText, OwnText, PerDirection, SimulatorText,
    Text, UnavailableText,
};
use crate::language::Language;

/// See [`Text`].
pub(super) static TEXT: Text = Text {
    language: Language::English,
    brand: "Your data at the GP practice",
    skip: "Skip to content",
    foot: "Inzage records who asks for your data or sends it, and when.",
    other_language: "Nederlands",
    back_to_app: "Back to the app",
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    landing: LandingText {
        title: PerDirection { collect: "Collect data", share: "Send data" },
        heading: PerDirection { collect: "Collect data from {practice}", share: "Send data to {practice}" },
        from: PerDirection {
            collect: "You come from {organisation}. That app wants to collect your data from {practice}.",
            share: "You come from {organisation}. That app wants to send data of yours to {practice}.",
        },
        steps_intro: "What happens now:",
        steps: [
            PerDirection {
                collect: "First you log in, so that we are sure it is you.",
                share: "First you log in, so that we are sure it is you.",
            },
            PerDirection {
                collect: "Then we ask whether your data may go to the app.",
                share: "Then we ask whether the app may send your data.",
            },
            PerDirection { collect: "You go back to the app.", share: "You go back to the app." },
        ],
        steps_taken: ["Step 1 of 3", "Step 2 of 3", "Step 3 of 3"],
        proceed: "Continue to login",
    },
    simulator: SimulatorText {
        title: "Log in (simulator)",
        warning: "TEST: this is the login simulator of the sandbox. Never use a real citizen service number.",
        heading: "Log in",
        summary: "Something went wrong",
        wrong: "This is not a citizen service number. Check the nine digits.",
        number: "Citizen service number (BSN) of a test person",
        hint: "Nine digits. The numbers are on the start page of the demonstration app and in sandbox.json.",
        log_in: "Log in",
        cancel: "Cancel",
        fail: "Simulate a failure",
    },
    consent: CONSENT,
    unavailable: UnavailableText {
        title: "No data available",
        what: "We cannot collect data of yours from {practice} now.",
        reasons_intro: "This may be because:",
        reasons: &[
            "the practice does not know you, or has you registered differently;",
            "the practice makes no data of yours available;",
            "you are still too young to collect data yourself.",
        ],
        who: "Do you think this is wrong? Ask your practice.",
        discreet: "We only tell the app that no consent was given, and not why.",
    },
    not_yet: UnavailableText {
        title: "Not open for you yet",
        what: "{practice} opens access to records step by step. For now a small group takes part, and you are not in it yet.",
        reasons_intro: "What does this mean for you?",
        reasons: &[
            "you did nothing wrong, and nothing was collected;",
            "you can try again later, when the practice is open to everybody;",
            "you can always see your record, or ask for a copy, at the practice itself.",
        ],
        who: "Would you like to know when it is your turn? Ask your practice.",
        discreet: "The app only hears from us that no permission was given, and not why.",
    },
    own: OWN,
    log: log::LOG,
    find: FIND,
    failure: FAILURE,
};

const FIND: FindText = FindText {
    title: "Find your practice",
    summary: "Check what you typed",
    label: "Name or town of your practice",
    hint: "You can also type the name of your GP or an AGB code. Never type your citizen service number (BSN).",
    search: "Search",
    found: "Practices found",
    nothing: "No practice found",
    nothing_why: "Check the name, or type the town only. Is your practice not here? Ask them whether you can collect your data yet.",
    open: "Open: you can collect your data here with an app.",
    known: "Known, but not open yet. You cannot collect data here yet. Ask your practice when you can.",
    network_name: "Name in MedMij",
    too_short: "Type at least two letters or digits.",
    too_long: "Type at most 100 characters.",
    holds_bsn: "This looks like a citizen service number (BSN). Do not type it here: search by the name or town of your practice.",
    busy: "Many people are searching right now. Try again in a few seconds.",
};

const CONSENT: ConsentText = ConsentText {
    title: PerDirection { collect: "Give consent", share: "Confirm" },
    question: PerDirection {
        collect: "May {practice} make these data of yours available to the app of {organisation}?",
        share: "May the app of {organisation} send these data of yours to {practice}?",
    },
    summary: "What does this mean?",
    explanation: Explanation {
        collect: &[
            "Your practice may share your data only if you agree. You do not have to give consent. If you say no, nothing changes in your care.",
            "The app can collect your data until at most half an hour after you say yes. If you choose an indefinite period, the app can do so again and again. That consent lapses when the app collects nothing for more than six months.",
            "You can change your consent later. Look up your practice in the app and choose “Toestemmingen aanpassen” (change consents).",
            "Data that are already in the app stay there. The app itself is responsible for what happens to them.",
            "The connection between your practice and the app follows the MedMij rules.",
        ],
        share: &[
            "Your practice gets data from the app only if you agree. If you say no, nothing changes in your care.",
            "Your answer counts for this one time. Next time we ask again.",
            "The connection between the app and your practice follows the MedMij rules.",
        ],
        portal: &[
            "Your practice may share your data only if you agree. You do not have to give consent. If you say no, nothing changes in your care.",
            "The app can collect your data until at most half an hour after you say yes. Next time we ask again.",
            "Data that are already in the app stay there. The app itself is responsible for what happens to them.",
        ],
    },
    privacy: "Read how your data are handled (privacy statement)",
    indefinite: "My consent is for an indefinite period",
    indefinite_hint: "The app then does not have to ask each time. You can stop the consent whenever you want.",
    lasting: "You already gave this app consent for an indefinite period, on {date}.",
    lasting_hint: "That consent stays in force, whatever you answer below. If you no longer want it, stop it.",
    allow: PerDirection { collect: "Yes, I give consent", share: "Yes, send my data" },
    refuse: PerDirection { collect: "No, I do not give consent", share: "No, send nothing" },
    stop: "Stop my consent for an indefinite period",
};

const OWN: OwnText = OwnText {
    title: "Your consents",
    intro: "Here you see which apps may collect your data from your practice for an indefinite period. You can also stop a consent here.",
    login: "First you log in, so that we are sure it is you.",
    proceed: "Continue to login",
    list_title: "Your consents",
    list_intro: "These apps may collect your data until you stop it.",
    none: "There is no consent of yours for an indefinite period now.",
    practice: "Practice",
    since: "Given on",
    lapses: "Lapses, if the app collects nothing more, on",
    stop: "Stop this consent",
    stopped: "The consent has been stopped. The app of {organisation} can no longer collect anything from {practice}.",
    stop_hint: "When you stop a consent, the app can collect nothing more from that moment. What is in the app already stays there.",
    leave: "Done",
    left_title: "You are done",
    left: "You can close this window.",
};

const AGAIN: &str = "Go back to your app and start again.";

const FAILURE: FailureText = FailureText {
    title: "That did not work",
    unknown_client: Explained {
        what: "We do not know the app that sent you here. For that reason we do not send you back.",
        who: "Contact the maker of your app.",
    },
    bad_redirect: Explained {
        what: "The app that sent you here gave no valid address to send you back to.",
        who: "Contact the maker of your app.",
    },
    other_site: Explained {
        what: "This form did not come from a page of ours. Nothing was shared.",
        who: "Go back to your app and start again. If it happens again, tell the maker of your app.",
    },
    stale: Explained {
        what: "This page has been used, is too old, or belongs to another window. What you did now does not count.",
        who: AGAIN,
    },
    bad_form: Explained { what: "The form did not arrive whole. Nothing was shared.", who: AGAIN },
    his_silent: Explained {
        what: "The system of your practice does not answer now.",
        who: "Try again later. If it keeps failing, tell your practice.",
    },
    his_strange: Explained {
        what: "The system of your practice gave an answer that we do not understand.",
        who: "Tell your practice, and mention the number below.",
    },
    login_silent: Explained {
        what: "You cannot log in now: the login service does not answer. Nothing was shared.",
        who: "Try again in a few minutes. If it keeps failing, contact the service that is named below.",
    },
    ours: Explained { what: "Something is wrong on our side. Nothing was shared.", who: "Try again in a few minutes." },
    stopped: Explained {
        what: "We have stopped this service for a while. You cannot collect or send data now. Nothing was shared.",
        who: "We start the service again as soon as we can. Try again later. What you collected before is still in your app.",
    },
    stopped_client: Explained {
        what: "We have stopped the app that sent you here for a while. You cannot collect or send data with it now. Nothing was shared.",
        who: "Ask the maker of your app when it will work again. With another app it may work now.",
    },
    stopped_practice: Explained {
        what: "We have stopped collecting and sending data at this practice for a while. Nothing was shared.",
        who: "Try again later. If you need your data now, call your practice.",
    },
    no_page: Explained { what: "This page does not exist.", who: "Go back to your app." },
    session_id: "Number of this message (Session ID)",
    trace_id: "Number of the request (Trace ID)",
    operator: "This service is run by {operator}.",
    phone: "Telephone",
};
