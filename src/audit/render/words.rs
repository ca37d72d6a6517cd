//! What people call the words of the log, in Dutch and in English: one place for pages, tables and prints.

use crate::audit::{Authorization, Kind, Outcome, Relation};
use crate::language::Language;

/// One meaning in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// In Dutch at level B1.
    pub dutch: &'static str,
    /// In English.
    pub english: &'static str,
}

impl Words {
    const fn new(dutch: &'static str, english: &'static str) -> Self {
        Self { dutch, english }
    }

    /// In this language.
    #[must_use]
    pub const fn of(self, language: Language) -> &'static str {
        match language {
            Language::Dutch => self.dutch,
            Language::English => self.english,
        }
    }
}

/// What happened.
#[must_use]
pub const fn kind(kind: Kind) -> Words {
    match kind {
        Kind::NodeStarted => Words::new("Systeem gestart", "System started"),
        Kind::NodeStopped => Words::new("Systeem gestopt", "System stopped"),
        Kind::ConfigurationChanged => Words::new("Instellingen gewijzigd", "Configuration changed"),
        Kind::ListsSwapped => Words::new("Nieuwe MedMij-lijsten in gebruik", "New MedMij lists in force"),
        Kind::ListsAccepted => {
            Words::new("MedMij-lijst goedgekeurd door beheerder", "MedMij list accepted by an operator")
        }
        Kind::Administration => Words::new("Beheer", "Administration"),
        Kind::AccessStopped => Words::new("Toegang stilgezet door beheerder", "Access stopped by an operator"),
        Kind::AccessRestored => Words::new("Toegang hersteld door beheerder", "Access restored by an operator"),
        Kind::GoLiveChanged => Words::new("Openstelling van praktijk gewijzigd", "Go-live of a practice changed"),
        Kind::OverviewRead => Words::new("Stand van de online inzage bekeken", "Progress of online access seen"),
        Kind::AuthorizationRequested => Words::new("Toegang gevraagd door een app", "Access asked for by an app"),
        Kind::AuthorizationRefused => Words::new("Vraag om toegang afgewezen", "Request for access refused"),
        Kind::PersonAuthenticated => Words::new("Ingelogd", "Logged in"),
        Kind::AuthenticationFailed => Words::new("Inloggen mislukt", "Login failed"),
        Kind::ConsentGiven => Words::new("Toestemming gegeven", "Consent given"),
        Kind::ConsentRefused => Words::new("Geen toestemming gegeven", "Consent not given"),
        Kind::ConsentWithdrawn => Words::new("Toestemming ingetrokken", "Consent withdrawn"),
        Kind::TokenIssued => Words::new("Toegangsbewijs gegeven aan de app", "Access token given to the app"),
        Kind::TokenRefused => Words::new("Toegangsbewijs geweigerd", "Access token refused"),
        Kind::GrantEnded => Words::new("Toegang van de app beëindigd", "Access of the app ended"),
        Kind::DisclosureIntent => Words::new("Gegevens opgevraagd", "Data asked for"),
        Kind::DisclosureOutcome => Words::new("Gegevens verstrekt", "Data disclosed"),
        Kind::SubmissionIntent => Words::new("Gegevens aangeboden aan de praktijk", "Data offered to the practice"),
        Kind::SubmissionOutcome => Words::new("Gegevens gedeeld met de praktijk", "Data shared with the practice"),
        Kind::ResourceRefused => Words::new("Opvragen of delen geweigerd", "Request refused"),
        Kind::LogRead => Words::new("Logboek bekeken", "Log viewed"),
        Kind::LogExported => Words::new("Logboek gekopieerd", "Log copied"),
    }
}

/// How it ended.
#[must_use]
pub const fn outcome(outcome: Outcome) -> Words {
    match outcome {
        Outcome::Intended => Words::new("Begonnen; mogelijk uitgevoerd", "Begun; may have been done"),
        Outcome::Done => Words::new("Gelukt", "Done"),
        Outcome::Refused => Words::new("Geweigerd", "Refused"),
        Outcome::Failed => Words::new("Mislukt", "Failed"),
        Outcome::Aborted => Words::new("Afgebroken", "Broken off"),
    }
}

/// Under which rules access was given.
#[must_use]
pub const fn authorization(authorization: Authorization) -> Words {
    match authorization {
        Authorization::MedmijConsent => {
            Words::new("Toestemming voor één keer (MedMij)", "Consent for one time (MedMij)")
        }
        Authorization::LastingConsent => {
            Words::new("Toestemming voor onbepaalde tijd (MedMij)", "Consent for an indefinite period (MedMij)")
        }
        Authorization::PortalAssertion => {
            Words::new("Ingelogd bij het patiëntportaal", "Logged in at the patient portal")
        }
        Authorization::Smart => {
            Words::new("Toestemming bij het patiëntportaal (SMART)", "Consent at the patient portal (SMART)")
        }
        Authorization::OwnLogin => Words::new("Zelf ingelogd", "Logged in themselves"),
        Authorization::Operator => Words::new("Bevoegd medewerker", "Authorised member of staff"),
    }
}

/// What ties the user to the person whose data it is.
#[must_use]
pub const fn relation(relation: Relation) -> Words {
    match relation {
        Relation::OwnRecord => Words::new("Eigen dossier", "Own record"),
        Relation::Practice => Words::new("Eigen praktijk", "Own practice"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Term;
    use std::collections::HashSet;

    #[test]
    fn every_word_has_one_meaning_in_each_language() {
        for language in [Language::Dutch, Language::English] {
            let kinds: HashSet<_> = Kind::ALL.iter().map(|of| kind(*of).of(language)).collect();
            assert_eq!(kinds.len(), Kind::ALL.len());
            let outcomes: HashSet<_> = Outcome::ALL.iter().map(|of| outcome(*of).of(language)).collect();
            assert_eq!(outcomes.len(), Outcome::ALL.len());
            let rules: HashSet<_> = Authorization::ALL.iter().map(|of| authorization(*of).of(language)).collect();
            assert_eq!(rules.len(), Authorization::ALL.len());
            let relations: HashSet<_> = Relation::ALL.iter().map(|of| relation(*of).of(language)).collect();
            assert_eq!(relations.len(), Relation::ALL.len());
        }
    }
}
