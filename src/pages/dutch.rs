//! The pages in Dutch, at level B1: short sentences, common words, "u".

mod log;

use super::text::{
    ConsentText, Explained, Explanation, FailureText, FindText, LandingText, OwnText, PerDirection, SimulatorText,
    Text, UnavailableText,
};
use crate::language::Language;

/// See [`Text`].
pub(super) static TEXT: Text = Text {
    language: Language::Dutch,
    brand: "Uw gegevens bij de huisarts",
    skip: "Naar de inhoud",
    foot: "Inzage legt vast wie uw gegevens opvraagt of stuurt, en wanneer.",
    other_language: "English",
    back_to_app: "Terug naar de app",
    months: [
        "januari",
        "februari",
        "maart",
        "april",
        "mei",
        "juni",
        "juli",
        "augustus",
        "september",
        "oktober",
        "november",
        "december",
    ],
    landing: LandingText {
        title: PerDirection { collect: "Gegevens ophalen", share: "Gegevens sturen" },
        heading: PerDirection { collect: "Gegevens ophalen bij {practice}", share: "Gegevens sturen naar {practice}" },
        from: PerDirection {
            collect: "U komt van {organisation}. Die app wil uw gegevens ophalen bij {practice}.",
            share: "U komt van {organisation}. Die app wil gegevens van u sturen naar {practice}.",
        },
        steps_intro: "Zo gaat het:",
        steps: [
            PerDirection {
                collect: "U logt eerst in. Zo weten we zeker dat u het bent.",
                share: "U logt eerst in. Zo weten we zeker dat u het bent.",
            },
            PerDirection {
                collect: "Daarna vragen we of uw gegevens naar de app mogen.",
                share: "Daarna vragen we of de app uw gegevens mag sturen.",
            },
            PerDirection { collect: "U gaat terug naar de app.", share: "U gaat terug naar de app." },
        ],
        steps_taken: ["Stap 1 van 3", "Stap 2 van 3", "Stap 3 van 3"],
        proceed: "Verder naar inloggen",
    },
    simulator: SimulatorText {
        title: "Inloggen (simulator)",
        warning: "TEST: dit is de inlogsimulator van de zandbak. Gebruik nooit een echt burgerservicenummer.",
        heading: "Inloggen",
        summary: "Er ging iets mis",
        wrong: "Dit is geen burgerservicenummer. Controleer de negen cijfers.",
        number: "Burgerservicenummer van een testpersoon",
        hint: "Negen cijfers. De nummers staan op de startpagina van de demonstratie-app en in sandbox.json.",
        log_in: "Inloggen",
        cancel: "Annuleren",
        fail: "Mislukken nabootsen",
    },
    consent: CONSENT,
    unavailable: UnavailableText {
        title: "Geen gegevens beschikbaar",
        what: "Bij {practice} kunnen wij nu geen gegevens van u ophalen.",
        reasons_intro: "Dat kan zijn omdat:",
        reasons: &[
            "u bij deze praktijk niet bekend bent, of daar anders staat ingeschreven;",
            "de praktijk geen gegevens van u beschikbaar maakt;",
            "u nog te jong bent om zelf gegevens op te halen.",
        ],
        who: "Denkt u dat dit niet klopt? Vraag het dan aan uw praktijk.",
        discreet: "De app hoort van ons alleen dat er geen toestemming is gegeven, en niet waarom.",
    },
    not_yet: UnavailableText {
        title: "Nog niet open voor u",
        what: "{practice} opent het ophalen van gegevens in stappen. Nu doet een kleine groep mee, en u hoort daar nog niet bij.",
        reasons_intro: "Wat betekent dat voor u?",
        reasons: &[
            "u hebt niets verkeerd gedaan, en er is niets opgehaald;",
            "u kunt het later nog eens proberen, als de praktijk voor iedereen open is;",
            "uw gegevens inzien of een kopie vragen kan altijd bij uw praktijk zelf.",
        ],
        who: "Wilt u weten wanneer u aan de beurt bent? Vraag het aan uw praktijk.",
        discreet: "De app hoort van ons alleen dat er geen toestemming is gegeven, en niet waarom.",
    },
    own: OWN,
    log: log::LOG,
    find: FIND,
    failure: FAILURE,
};

const FIND: FindText = FindText {
    title: "Uw praktijk zoeken",
    summary: "Controleer wat u typte",
    label: "Naam of plaats van uw praktijk",
    hint: "U kunt ook de naam van uw huisarts of een AGB-code typen. Typ nooit uw burgerservicenummer.",
    search: "Zoeken",
    found: "Gevonden praktijken",
    nothing: "Geen praktijk gevonden",
    nothing_why: "Controleer de naam, of typ alleen de plaats. Vindt u uw praktijk niet? Vraag daar of u uw gegevens al kunt ophalen.",
    open: "Open: u kunt hier uw gegevens ophalen met een app.",
    known: "Bekend, maar nog niet open. U kunt hier nog geen gegevens ophalen. Vraag uw praktijk wanneer dat kan.",
    network_name: "Naam in MedMij",
    too_short: "Typ ten minste twee letters of cijfers.",
    too_long: "Typ ten hoogste 100 tekens.",
    holds_bsn: "Dit lijkt op een burgerservicenummer. Typ dat hier niet: zoek op de naam of plaats van uw praktijk.",
    busy: "Er zoeken nu veel mensen tegelijk. Probeer het over een paar tellen nog eens.",
};

const CONSENT: ConsentText = ConsentText {
    title: PerDirection { collect: "Toestemming geven", share: "Bevestigen" },
    question: PerDirection {
        collect: "Mag {practice} deze gegevens van u beschikbaar stellen aan de app van {organisation}?",
        share: "Mag de app van {organisation} deze gegevens van u sturen naar {practice}?",
    },
    summary: "Wat betekent dit?",
    explanation: Explanation {
        collect: &[
            "Uw praktijk mag uw gegevens alleen delen als u dat goedvindt. U hoeft geen toestemming te geven. Zegt u nee, dan verandert er niets aan uw zorg.",
            "De app kan uw gegevens ophalen tot hoogstens een half uur nadat u ja zegt. Kiest u voor onbepaalde tijd, dan kan de app dat steeds opnieuw doen. Die toestemming vervalt als de app langer dan zes maanden niets ophaalt.",
            "U kunt uw toestemming later veranderen. Zoek dan in de app uw praktijk op en kies “Toestemmingen aanpassen”.",
            "De gegevens die al in de app staan, blijven daar. De app is zelf verantwoordelijk voor wat ermee gebeurt.",
            "De verbinding tussen uw praktijk en de app volgt de afspraken van MedMij.",
        ],
        share: &[
            "Uw praktijk krijgt alleen gegevens uit de app als u dat goedvindt. Zegt u nee, dan verandert er niets aan uw zorg.",
            "Uw antwoord geldt voor deze ene keer. De volgende keer vragen we het opnieuw.",
            "De verbinding tussen de app en uw praktijk volgt de afspraken van MedMij.",
        ],
        portal: &[
            "Uw praktijk mag uw gegevens alleen delen als u dat goedvindt. U hoeft geen toestemming te geven. Zegt u nee, dan verandert er niets aan uw zorg.",
            "De app kan uw gegevens ophalen tot hoogstens een half uur nadat u ja zegt. De volgende keer vragen we het opnieuw.",
            "De gegevens die al in de app staan, blijven daar. De app is zelf verantwoordelijk voor wat ermee gebeurt.",
        ],
    },
    privacy: "Lees hoe er met uw gegevens wordt omgegaan (privacyverklaring)",
    indefinite: "Mijn toestemming geldt voor onbepaalde tijd",
    indefinite_hint: "De app hoeft het dan niet elke keer te vragen. U kunt de toestemming altijd stoppen.",
    lasting: "U gaf deze app al toestemming voor onbepaalde tijd, op {date}.",
    lasting_hint: "Die toestemming blijft gelden, wat u hieronder ook antwoordt. Wilt u dat niet meer? Stop de toestemming dan.",
    allow: PerDirection { collect: "Ja, ik geef toestemming", share: "Ja, stuur mijn gegevens" },
    refuse: PerDirection { collect: "Nee, ik geef geen toestemming", share: "Nee, stuur niets" },
    stop: "Stop mijn toestemming voor onbepaalde tijd",
};

const OWN: OwnText = OwnText {
    title: "Uw toestemmingen",
    intro: "Hier ziet u welke apps voor onbepaalde tijd uw gegevens bij uw praktijk mogen ophalen. U kunt een toestemming hier ook stoppen.",
    login: "U logt eerst in. Zo weten we zeker dat u het bent.",
    proceed: "Verder naar inloggen",
    list_title: "Uw toestemmingen",
    list_intro: "Deze apps mogen uw gegevens ophalen totdat u het stopt.",
    none: "Er is nu geen toestemming voor onbepaalde tijd van u.",
    practice: "Praktijk",
    since: "Gegeven op",
    lapses: "Vervalt, als de app niets meer ophaalt, op",
    stop: "Stop deze toestemming",
    stopped: "De toestemming is gestopt. De app van {organisation} kan niets meer ophalen bij {practice}.",
    stop_hint: "Stopt u een toestemming, dan kan de app meteen niets meer ophalen. Wat al in de app staat, blijft daar.",
    leave: "Klaar",
    left_title: "U bent klaar",
    left: "U kunt dit venster sluiten.",
};

const AGAIN: &str = "Ga terug naar uw app en begin opnieuw.";

const FAILURE: FailureText = FailureText {
    title: "Het is niet gelukt",
    unknown_client: Explained {
        what: "De app die u hierheen stuurde, is bij ons niet bekend. Wij sturen u daarom niet terug.",
        who: "Neem contact op met de maker van uw app.",
    },
    bad_redirect: Explained {
        what: "De app die u hierheen stuurde, gaf geen geldig adres op om u naar terug te sturen.",
        who: "Neem contact op met de maker van uw app.",
    },
    other_site: Explained {
        what: "Dit formulier kwam niet van onze eigen pagina. Er is niets gedeeld.",
        who: "Ga terug naar uw app en begin opnieuw. Gebeurt het weer, vertel het dan de maker van uw app.",
    },
    stale: Explained {
        what: "Deze pagina is al gebruikt, is te oud, of hoort bij een ander venster. Wat u nu deed, telt niet.",
        who: AGAIN,
    },
    bad_form: Explained { what: "Het formulier kwam niet goed aan. Er is niets gedeeld.", who: AGAIN },
    his_silent: Explained {
        what: "Het systeem van uw praktijk geeft nu geen antwoord.",
        who: "Probeer het later nog eens. Blijft het misgaan, vertel het dan uw praktijk.",
    },
    his_strange: Explained {
        what: "Het systeem van uw praktijk gaf een antwoord dat wij niet begrijpen.",
        who: "Vertel het uw praktijk en noem het nummer hieronder.",
    },
    login_silent: Explained {
        what: "U kunt nu niet inloggen: de inlogdienst geeft geen antwoord. Er is niets gedeeld.",
        who: "Probeer het over een paar minuten nog eens. Blijft het misgaan, neem dan contact op met de dienst die hieronder staat.",
    },
    ours: Explained {
        what: "Er is een storing bij ons. Er is niets gedeeld.",
        who: "Probeer het over een paar minuten nog eens.",
    },
    stopped: Explained {
        what: "Wij hebben deze dienst even stilgezet. U kunt nu geen gegevens ophalen of versturen. Er is niets gedeeld.",
        who: "Wij zetten de dienst weer aan zodra het kan. Probeer het later nog eens. Wat u eerder ophaalde, staat nog in uw app.",
    },
    stopped_client: Explained {
        what: "Wij hebben de app die u hierheen stuurde even stilgezet. U kunt met deze app nu geen gegevens ophalen of versturen. Er is niets gedeeld.",
        who: "Vraag de maker van uw app wanneer het weer kan. Met een andere app kan het misschien nu al.",
    },
    stopped_practice: Explained {
        what: "Wij hebben het ophalen en versturen van gegevens bij deze praktijk even stilgezet. Er is niets gedeeld.",
        who: "Probeer het later nog eens. Hebt u uw gegevens nu nodig, bel dan uw praktijk.",
    },
    no_page: Explained { what: "Deze pagina bestaat niet.", who: "Ga terug naar uw app." },
    session_id: "Nummer van deze melding (Session ID)",
    trace_id: "Nummer van de aanvraag (Trace ID)",
    operator: "Deze dienst is van {operator}.",
    phone: "Telefoon",
};
