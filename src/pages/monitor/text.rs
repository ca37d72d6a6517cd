//! The words of the pages of the monitor.

use crate::language::Language;
use crate::report::Period;

/// The words of one language.
pub(super) struct Text {
    pub(super) language: Language,
    pub(super) monitor: &'static str,
    pub(super) skip: &'static str,
    pub(super) other_language: &'static str,
    pub(super) suppressed: &'static str,
    pub(super) register: &'static str,
    pub(super) whole: &'static str,
    pub(super) final_monitor: &'static str,
    pub(super) final_intro: &'static str,
    pub(super) period: &'static str,
    pub(super) periods: &'static str,
    pub(super) running: &'static str,
    pub(super) closed: &'static str,
    pub(super) chart_zal: &'static str,
    pub(super) chart_viewers: &'static str,
    pub(super) file: &'static str,
    pub(super) definitions: &'static str,
    pub(super) report: &'static str,
    pub(super) report_intro: &'static str,
    pub(super) report_print: &'static str,
    pub(super) lead: &'static str,
    pub(super) declarations: &'static str,
    pub(super) research: &'static str,
    pub(super) failed: &'static str,
    pub(super) absent: &'static str,
    pub(super) not_yet: &'static str,
    pub(super) unavailable: &'static str,
    pub(super) back: &'static str,
    months: [&'static str; 12],
    quarter: &'static str,
}

impl Text {
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Dutch => &DUTCH,
            Language::English => &ENGLISH,
        }
    }

    /// The short name of a month.
    pub(super) fn month(&self, period: Period) -> String {
        let at = usize::try_from(period.first().month()).unwrap_or_default().saturating_sub(1);
        self.months.get(at).map(|name| (*name).to_owned()).unwrap_or_default()
    }

    /// A period in words.
    pub(super) fn said(&self, period: &Period) -> String {
        let year = period.first().year();
        match period {
            Period::Month(_) => format!("{} {year}", self.month(*period)),
            Period::Quarter { quarter, .. } => format!("{} {quarter} {year}", self.quarter),
            Period::Year(_) => year.to_string(),
        }
    }
}

const DUTCH: Text = Text {
    language: Language::Dutch,
    monitor: "OPEN-monitor",
    skip: "Naar de inhoud",
    other_language: "English",
    suppressed: "Aantallen onder de 10 worden niet getoond, en ook niet wat zo'n aantal zou verraden.",
    register: "Register",
    whole: "Heel Nederland",
    final_monitor: "Eindmonitor",
    final_intro: "Het hele programma, jaar voor jaar.",
    period: "Periode",
    periods: "Andere periodes",
    running: "De periode loopt nog, of is minder dan drie dagen voorbij: aantallen zijn naar beneden afgerond op tientallen.",
    closed: "De periode is afgesloten.",
    chart_zal: "Praktijken op de ZAL per maand",
    chart_viewers: "Deel van de patiënten van 16 jaar en ouder dat keek, per maand",
    file: "als CSV",
    definitions: "Betekenis van de kolommen (CSV)",
    report: "Kwartaalrapportage",
    report_intro: "Deze rapportage is gemaakt uit het logboek van de inzage en het register van het programma. Zij bevat aantallen en geen gegevens over patiënten.",
    report_print: "Kwartaalrapportage om af te drukken",
    lead: "Penvoerder",
    declarations: "Declarabel per praktijk (CSV, voor zorgverzekeraars)",
    research: "Cijfers voor onderzoek (CSV)",
    failed: "Dit kan niet getoond worden",
    absent: "Er is niets met deze naam dat u kunt zien.",
    not_yet: "Over deze periode is nog niets bekend.",
    unavailable: "De cijfers kunnen nu niet gelezen worden. Probeer het later opnieuw.",
    back: "Terug naar de monitor",
    months: ["jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec"],
    quarter: "kwartaal",
};

const ENGLISH: Text = Text {
    language: Language::English,
    monitor: "OPEN monitor",
    skip: "Skip to content",
    other_language: "Nederlands",
    suppressed: "Numbers under 10 are not shown, nor is what would give one away.",
    register: "Register",
    whole: "The whole of the Netherlands",
    final_monitor: "Final monitor",
    final_intro: "The whole programme, year by year.",
    period: "Period",
    periods: "Other periods",
    running: "The period is not over, or has been for less than three days: numbers are rounded down to tens.",
    closed: "The period is closed.",
    chart_zal: "Practices on the ZAL by month",
    chart_viewers: "Share of patients of 16 and older who looked, by month",
    file: "as CSV",
    definitions: "What the columns mean (CSV)",
    report: "Quarterly report",
    report_intro: "This report is made of the log of access and the register of the programme. It holds numbers, and nothing about patients.",
    report_print: "Quarterly report for printing",
    lead: "Lead party",
    declarations: "Declarable by practice (CSV, for insurers)",
    research: "Figures for research (CSV)",
    failed: "This cannot be shown",
    absent: "There is nothing of this name that you can see.",
    not_yet: "Nothing is known of this period yet.",
    unavailable: "The figures cannot be read now. Try again later.",
    back: "Back to the monitor",
    months: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    quarter: "quarter",
};
