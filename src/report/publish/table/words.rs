//! The words of tables, and what each column means. `deploy/docs/figures.md` has the definitions in full.

use super::Column;
use crate::language::Language;

/// A column that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heading {
    Figure,
    Name,
    Period,
    Practices,
    OnZal,
    Viewers,
    Share,
    Repeat,
    WithViewer,
    Requests,
    Succeeded,
    Failed,
    Aborted,
    Success,
    Value,
    Meaning,
}

impl Heading {
    pub(super) fn column(self, language: Language) -> Column {
        let (key, nl, en) = self.words();
        let (definition_nl, definition_en) = self.meaning();
        let (title, definition) = match language {
            Language::Dutch => (nl, definition_nl),
            Language::English => (en, definition_en),
        };
        Column { key, title: title.to_owned(), definition: definition.to_owned() }
    }

    const fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Figure => ("figure", "Cijfer", "Figure"),
            Self::Name => ("name", "Naam", "Name"),
            Self::Period => ("period", "Periode", "Period"),
            Self::Practices => ("practices", "Praktijken", "Practices"),
            Self::OnZal => ("share_on_zal", "Op de ZAL", "On the ZAL"),
            Self::Viewers => ("viewers", "Kijkers", "Viewers"),
            Self::Share => ("share", "Deel van de patiënten", "Share of patients"),
            Self::Repeat => ("repeat_viewers", "Kwam terug", "Came back"),
            Self::WithViewer => ("practices_with_viewer", "Praktijken met een kijker", "Practices with a viewer"),
            Self::Requests => ("requests", "Verzoeken", "Requests"),
            Self::Succeeded => ("succeeded", "Gelukt", "Succeeded"),
            Self::Failed => ("failed", "Mislukt", "Failed"),
            Self::Aborted => ("aborted", "Afgebroken", "Broken off"),
            Self::Success => ("success_rate", "Deel gelukt", "Share that succeeded"),
            Self::Value => ("value", "Waarde", "Value"),
            Self::Meaning => ("meaning", "Betekenis", "Meaning"),
        }
    }

    /// What it means, in Dutch and in English.
    pub(super) const fn meaning(self) -> (&'static str, &'static str) {
        match self {
            Self::Figure | Self::Name | Self::Period | Self::Value | Self::Meaning => ("", ""),
            Self::Practices => ("Praktijken in het register.", "Practices in the register."),
            Self::OnZal => (
                "Deel van de praktijken dat aan het eind van de periode op de Zorgaanbiederslijst stond. Doel: 95 %.",
                "Share of the practices that the list of care providers (ZAL) named at the end of the period. Goal: 95 %.",
            ),
            Self::Viewers => (
                "Verschillende mensen die hun gegevens bekeken, met een PGO of in een portaal.",
                "Different people who looked at their record, with a PGO or in a portal.",
            ),
            Self::Share => (
                "Kijkers als deel van de ingeschreven patiënten van 16 jaar en ouder. Doel: 20 %.",
                "Viewers as a share of the enrolled patients of 16 and older. Goal: 20 %.",
            ),
            Self::Repeat => (
                "Kijkers die in één maand op twee of meer dagen keken.",
                "Viewers who looked on two or more days of one month.",
            ),
            Self::WithViewer => (
                "Praktijken waar in de periode ten minste één mens keek.",
                "Practices at which at least one person looked in the period.",
            ),
            Self::Requests => {
                ("Verzoeken om gegevens, hoe ze ook eindigden.", "Requests for data, however they ended.")
            }
            Self::Succeeded => ("Verzoeken die helemaal beantwoord zijn.", "Requests that were answered in full."),
            Self::Failed => {
                ("Verzoeken die niet beantwoord zijn, waardoor ook.", "Requests that were not, for whatever reason.")
            }
            Self::Aborted => (
                "Verzoeken waarbij de andere kant ophield; deze tellen niet mee in het deel dat lukte.",
                "Requests whose other side went away; they are no part of the share that succeeded.",
            ),
            Self::Success => (
                "Gelukte verzoeken als deel van gelukte en mislukte.",
                "Requests that succeeded as a share of those that succeeded or failed.",
            ),
        }
    }
}

/// A sentence of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Total,
    Pgo,
    Portal,
    Unknown,
    Service,
    NoService,
    FirstRetrievals,
    Waiting,
    Enrolled,
    KeyFigures,
    ByViewers,
    ByRequests,
    PerCoalition,
    PerSupplier,
    PerPractice,
    OverTime,
    Hidden,
    Running,
    Estimated,
}

impl Said {
    pub(super) const fn text(self, language: Language) -> &'static str {
        let (nl, en) = self.both();
        match language {
            Language::Dutch => nl,
            Language::English => en,
        }
    }

    const fn both(self) -> (&'static str, &'static str) {
        match self {
            Self::Total => ("Alle", "All"),
            Self::Pgo => ("Met een PGO", "With a PGO"),
            Self::Portal => ("In een portaal", "In a portal"),
            Self::Unknown => ("Niet bekend", "Not known"),
            Self::Service => ("Gegevensdienst", "Data service"),
            Self::NoService => ("Gegevensdienst niet bekend", "Data service not known"),
            Self::FirstRetrievals => (
                "Praktijken waar een PGO voor het eerst iets ophaalde",
                "Practices of which a PGO retrieved something for the first time",
            ),
            Self::Waiting => ("Wachttijd (mediaan)", "Waiting time (median)"),
            Self::Enrolled => ("Ingeschreven patiënten van 16 jaar en ouder", "Enrolled patients of 16 and older"),
            Self::KeyFigures => ("Kerncijfers", "Key figures"),
            Self::ByViewers => ("Kijkers naar weg en gegevensdienst", "Viewers by way and data service"),
            Self::ByRequests => ("Verzoeken naar weg en gegevensdienst", "Requests by way and data service"),
            Self::PerCoalition => ("Per coalitie", "By coalition"),
            Self::PerSupplier => ("Per HIS-leverancier", "By HIS supplier"),
            Self::PerPractice => ("Per praktijk", "By practice"),
            Self::OverTime => ("Verloop", "Over time"),
            Self::Hidden => (
                "Een aantal van 1 tot en met 9 staat er als <10, of helemaal niet. Niet getoond is ook wat een ander aantal onder de 10 zou verraden.",
                "A number from 1 to 9 reads <10, or is not shown. What would give away another number under 10 is not shown either.",
            ),
            Self::Running => (
                "De periode is nog niet afgesloten: aantallen zijn naar beneden afgerond op tientallen.",
                "The period is not closed yet: numbers are rounded down to tens.",
            ),
            Self::Estimated => (
                "Circa: geschat, met een standaardfout van hoogstens",
                "About: estimated, with a standard error of at most",
            ),
        }
    }
}
