//! What the pages of OPEN say of a state: in plain words, what it means and what comes next.

use std::borrow::Borrow;

use jiff::civil::Date;

use super::text::Text;
use crate::language::Language;
use crate::open_desk::{OpenError, Progress, Reader, ServiceView};
use crate::operations::register::DeclarationView;
use crate::practices::golive::Stage;

impl Text {
    /// One of both.
    const fn pick(&self, dutch: &'static str, english: &'static str) -> &'static str {
        match self.language {
            Language::Dutch => dutch,
            Language::English => english,
        }
    }

    pub(super) fn yes_or_no(&self, is_so: impl Borrow<bool>) -> &'static str {
        if *is_so.borrow() { self.yes } else { self.no }
    }

    /// A day in words.
    pub(super) fn day(&self, day: &Date) -> String {
        crate::pages::Text::of(self.language).date(*day)
    }

    /// For whom somebody comes.
    pub(super) const fn role(&self, reader: &Reader) -> &'static str {
        match reader {
            Reader::Practices(_) => self.pick("praktijk", "practice"),
            Reader::Coalitions(_) => self.pick("coalitie", "coalition"),
            Reader::Programme => self.pick("programma", "programme"),
            Reader::Insurer => self.pick("verzekeraar", "insurer"),
        }
    }

    /// A stage in a word.
    pub(super) const fn stage(&self, stage: &Stage) -> &'static str {
        self.progress(&Progress::of(stage))
    }

    /// How far a practice is in a word.
    pub(super) const fn progress(&self, progress: &Progress) -> &'static str {
        match progress {
            Progress::Elsewhere => self.pick("niet via deze gateway", "not by this gateway"),
            Progress::Closed => self.pick("dicht", "closed"),
            Progress::Paused => self.pick("gepauzeerd", "paused"),
            Progress::FieldTest => self.pick("praktijktest", "field test"),
            Progress::Pilot => self.pick("pilot", "pilot"),
            Progress::Open => self.pick("open", "open"),
        }
    }

    /// What a stage means for patients.
    pub(super) const fn meaning(&self, stage: &Stage) -> &'static str {
        match stage {
            Stage::Closed => self.pick("Geen enkele patiënt kan gegevens ophalen.", "No patient can fetch anything."),
            Stage::Paused => self.pick(
                "De toegang is even gestopt. Ook wie eerder wel kon kijken, krijgt nu niets.",
                "Access is stopped for a while. Who could look before gets nothing now, too.",
            ),
            Stage::FieldTest => self.pick(
                "Alleen testpatiënten die met naam zijn aangemeld, kunnen gegevens ophalen.",
                "Only test patients who were named can fetch anything.",
            ),
            Stage::Pilot(_) => self.pick(
                "Een beperkt aantal patiënten kan gegevens ophalen. Wie het eerst komt, doet mee.",
                "A limited number of patients can fetch their data. Who comes first takes part.",
            ),
            Stage::Open => self.pick(
                "Alle patiënten die oud genoeg zijn, kunnen gegevens ophalen.",
                "All patients who are old enough can fetch their data.",
            ),
        }
    }

    /// What comes after a stage.
    pub(super) const fn next(&self, stage: &Stage) -> &'static str {
        match stage {
            Stage::Closed => self.pick(
                "Volgende stap: een praktijktest met enkele testpatiënten. Spreek dat af met uw leverancier.",
                "Next: a field test with a few test patients. Arrange it with your supplier.",
            ),
            Stage::Paused => self.pick(
                "Volgende stap: het beheer van de gateway zet de dienst weer open. Vraag uw leverancier wanneer.",
                "Next: those who run the gateway open the service again. Ask your supplier when.",
            ),
            Stage::FieldTest => self.pick(
                "Volgende stap: gaat de test goed, dan volgt een pilot met meer patiënten.",
                "Next: when the test goes well, a pilot with more patients.",
            ),
            Stage::Pilot(_) => self.pick(
                "Volgende stap: gaat de pilot goed, dan gaat de dienst open voor alle patiënten.",
                "Next: when the pilot goes well, the service opens to all patients.",
            ),
            Stage::Open => {
                self.pick("Klaar. Vertel uw patiënten hoe zij kunnen kijken.", "Done. Tell your patients how to look.")
            }
        }
    }

    /// The places and days of a pilot.
    pub(super) fn pilot(&self, service: &ServiceView) -> Option<String> {
        let Stage::Pilot(pilot) = &service.stage else { return None };
        let (places, taken) = (pilot.places(), service.taken);
        let [from, until] = [pilot.from(), pilot.until()].map(|day| self.day(&day));
        Some(match self.language {
            Language::Dutch => format!("Van {from} tot en met {until}; {taken} van de {places} plaatsen zijn bezet."),
            Language::English => {
                format!("From {from} up to and including {until}; {taken} of {places} places are taken.")
            }
        })
    }

    /// Whether a practice may declare its fee, and what stands in the way.
    pub(super) fn because(&self, declaration: &DeclarationView) -> String {
        let unmet = declaration.conditions.iter().filter(|condition| condition.evidence.is_none());
        let unmet: Vec<_> = unmet.map(|condition| condition.text.text(self.language)).collect();
        let answer = self.yes_or_no(declaration.declarable);
        if unmet.is_empty() {
            return format!("{}: {answer}", self.may_declare);
        }
        let because = self.pick("want dit ontbreekt", "because this is missing");
        format!("{}: {answer}, {because}: {}", self.may_declare, unmet.join(", "))
    }

    /// What the fee is.
    pub(super) fn euros(&self, declaration: &DeclarationView) -> String {
        let DeclarationView { cents, level, .. } = declaration;
        let mark = self.pick(",", ".");
        format!("EUR {}{mark}{:02} ({} {level})", cents / 100, cents % 100, self.level)
    }

    /// What went wrong: a heading, and what can be done.
    pub(super) const fn failed(&self, error: &OpenError) -> (&'static str, &'static str) {
        let (dutch, english) = match error {
            OpenError::LogIn => (
                (
                    "Inloggen",
                    "Deze pagina's zijn voor praktijken, coalities, het programma OPEN en verzekeraars. U logt in met uw werkaccount.",
                ),
                (
                    "Log in",
                    "These pages are for practices, coalitions, the OPEN programme and insurers. You log in with your account at work.",
                ),
            ),
            OpenError::NotIn => (
                (
                    "Inloggen is niet gelukt",
                    "Probeer het nog eens. Blijft het misgaan, vraag dan uw eigen beheerder om hulp.",
                ),
                (
                    "You are not logged in",
                    "Please try again. If it keeps failing, ask those who look after your account.",
                ),
            ),
            OpenError::NoRole => (
                (
                    "U hebt hier geen rol",
                    "Uw organisatie kent u, maar zegt niet voor welke praktijk, coalitie of andere partij u komt, of noemt er te veel tegelijk. Vraag uw eigen beheerder dat te regelen.",
                ),
                (
                    "You have no role here",
                    "Your organisation knows you, but does not say for which practice, coalition or other party you come, or names too many at once. Ask those who look after your account.",
                ),
            ),
            OpenError::NoProvider => (
                ("De inlogdienst antwoordt niet", "Probeer het over een paar minuten nog eens."),
                ("The login service does not answer", "Please try again in a few minutes."),
            ),
            OpenError::NoPage => (
                (
                    "Deze pagina is er niet",
                    "Klopt het adres? U ziet hier alleen de pagina's die bij u horen; die staan bovenaan.",
                ),
                (
                    "There is no such page",
                    "Is the address right? You see the pages here that are yours; they stand above.",
                ),
            ),
            OpenError::TooManyRefused(_) => (
                ("Het is nu te druk", "Probeer het over een paar minuten nog eens."),
                ("We are too busy", "Please try again in a few minutes."),
            ),
            OpenError::Register(_) | OpenError::Store(_) | OpenError::Audit(_) => (
                ("Dit kan nu niet getoond worden", "Er is een storing. Probeer het over een paar minuten nog eens."),
                ("This cannot be shown now", "Something is out of order. Please try again in a few minutes."),
            ),
        };
        match self.language {
            Language::Dutch => dutch,
            Language::English => english,
        }
    }
}
