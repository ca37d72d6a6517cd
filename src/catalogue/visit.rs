//! A person on our pages.

use super::Again::{Later, Never};
use super::entries;

entries! {
    VISITS;
    UNKNOWN_CLIENT: "unknown-client", Pgo, Never, NotAdmitted,
        "De app die u hierheen stuurde, kennen wij niet.",
        "We do not know the app that sent you here.",
        "client_id is missing, stands twice, or is on no list";
    BAD_REDIRECT_URI: "bad-redirect-uri", Pgo, Never, NotAdmitted,
        "De app die u hierheen stuurde, gaf geen goed adres om naar terug te gaan.",
        "The app that sent you here gave no good address to go back to.",
        "redirect_uri is missing, stands twice, or is not one of this client";
    STALE_PAGE: "stale-page", Patient, Never, Other,
        "Deze pagina was al gebruikt of is te oud. Begin opnieuw in uw app.",
        "This page was used before or is too old. Begin again in your app.",
        "a page was used before, is too old, or belongs to another browser";
    OTHER_SITE: "other-site", Patient, Never, Other,
        "Dit formulier kwam van een andere website. Begin opnieuw in uw app.",
        "This form came from another website. Begin again in your app.",
        "the browser says that a page of another site sent the form";
    BAD_FORM: "bad-form", Patient, Never, Other,
        "Het formulier was niet compleet. Begin opnieuw in uw app.",
        "The form was not complete. Begin again in your app.",
        "a field of a form is missing or has a value that the page does not offer";
    LOGIN_UNAVAILABLE: "login-unavailable", Us, Later, Login,
        "U kunt nu niet inloggen. Probeer het later nog eens.",
        "You cannot log in now. Try again later.",
        "the login service does not answer, or not in order";
    LOGIN_CANCELLED: "login-cancelled", Patient, Never, Login,
        "U logde niet in.",
        "You did not log in.",
        "the person went back from the login service; the client is told access_denied";
    LOGIN_FAILED: "login-failed", Patient, Never, Login,
        "Het inloggen lukte niet.",
        "Logging in did not succeed.",
        "the login service does not vouch for the person; the client is told access_denied";
    CANCELLED: "cancelled", Patient, Never, Person,
        "U ging terug naar uw app.",
        "You went back to your app.",
        "the person went back before logging in; the client is told access_denied";
    WITHDRAWN: "withdrawn", Patient, Never, Person,
        "U stopte uw toestemming.",
        "You stopped your consent.",
        "the person stopped a consent for an indefinite period";
    CONSENT_ENDED: "consent-ended", Patient, Never, ConsentOver,
        "De toestemming stopte voordat alles was verstuurd.",
        "The consent ended before everything was sent.",
        "the grant was ended while its data was on the way";
}
