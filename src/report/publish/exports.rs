//! Files for others: for insurers who may declare, for research the suppressed figures of regions, and the report of a quarter.

use jiff::civil::Date;

use super::overview::{MonitorError, name};
use super::table::{Column, Table, Value};
use super::{Measure, Publisher, Reader, Subject};
use crate::availability::dutch_today;
use crate::language::Language;
use crate::practices::programme::{Day, Draft, FeeLevels, Id, Practice, declaration};
use crate::report::{Period, Scope};

/// What a coalition's lead party sends of a quarter: what the overview has, and its practices one by one.
pub struct Quarter {
    /// The name of its lead party.
    pub lead: String,
    /// Each practice, whether it is on the ZAL, and why not.
    pub practices: Table,
    /// How far each supplier is in this coalition.
    pub suppliers: Table,
}

fn column(key: &'static str, (nl, en): (&'static str, &'static str), language: Language) -> Column {
    let title = if language == Language::Dutch { nl } else { en };
    Column { key, title: title.to_owned(), definition: String::new() }
}

const fn said((nl, en): (&'static str, &'static str), language: Language) -> &'static str {
    match language {
        Language::Dutch => nl,
        Language::English => en,
    }
}

impl Publisher {
    /// Whether each practice may declare its fee, and why not. No figures of patients are in it.
    ///
    /// # Errors
    /// When the reader may not see it, or the register cannot be read.
    pub async fn declarations(&self, reader: &Reader, language: Language) -> Result<Table, MonitorError> {
        let register = self.seen(reader, Subject::Declarations).await?;
        let today = Day::of(dutch_today(self.now())).map_err(|_| MonitorError::NotYet)?;
        let levels = FeeLevels::shipped();
        let row = |practice: &Practice| {
            let found = declaration(practice, &levels, today);
            let because: Vec<_> = found.unmet().map(|one| one.text(language).to_owned()).collect();
            let outcome = said(if because.is_empty() { ("ja", "yes") } else { ("nee", "no") }, language);
            vec![
                Value::text(practice.agb.as_str()),
                Value::text(practice.name.as_str()),
                Value::text(outcome),
                Value::text(because.join("; ")),
            ]
        };
        Ok(Table {
            name: "declarations",
            title: said(("Declarabel", "Declarable"), language).to_owned(),
            columns: vec![
                column("agb", ("AGB-code", "AGB code"), language),
                column("name", ("Naam", "Name"), language),
                column("declarable", ("Declarabel", "Declarable"), language),
                column("because", ("Wat ontbreekt", "What is missing"), language),
            ],
            rows: register.entries().practices.values().map(row).collect(),
            notes: Vec::new(),
        })
    }

    /// The months of a year of the whole and of each coalition: suppressed as everywhere, and nothing of single practices.
    ///
    /// # Errors
    /// When the reader may not see it, or figures cannot be read.
    pub async fn research(&self, reader: &Reader, year: Period, language: Language) -> Result<Table, MonitorError> {
        let register = self.seen(reader, Subject::Everything).await?;
        let draft = register.entries();
        let scopes = std::iter::once(Scope::Whole).chain(draft.coalitions.keys().cloned().map(Scope::Coalition));
        let scopes: Vec<_> = scopes.collect();
        let (mut rows, mut columns) = (Vec::new(), Vec::new());
        for sheet in self.months(year).await? {
            for row in scopes.iter().filter_map(|scope| sheet.row(scope)) {
                let table = super::table::over_time(&[(&sheet, row)], language);
                let name = Value::text(name(draft, &row.scope, language));
                rows.extend(table.rows.into_iter().map(|cells| [vec![name.clone()], cells].concat()));
                columns = table.columns;
            }
        }
        columns.insert(0, column("scope", ("Gebied", "Area"), language));
        let title = said(("Cijfers voor onderzoek", "Figures for research"), language).to_owned();
        Ok(Table { name: "research", title, columns, rows, notes: Vec::new() })
    }

    /// What the overview of a coalition lacks for the report of a quarter.
    ///
    /// # Errors
    /// When the reader may not see it, or figures cannot be read.
    pub async fn quarter(
        &self,
        reader: &Reader,
        coalition: &Id,
        period: Period,
        language: Language,
    ) -> Result<Quarter, MonitorError> {
        let scope = Scope::Coalition(coalition.clone());
        let register = self.seen(reader, Subject::Figures(&scope)).await?;
        let draft = register.entries();
        let sheet = self.begun(period).await?;
        let day = if period.is_running(self.now()) { dutch_today(self.now()) } else { period.last() };
        let members: Vec<_> = scope.practices(draft, day).collect();
        let row = |practice: &&Practice| {
            let row = sheet.row(&Scope::Practice(practice.provider.clone()))?;
            let on_zal = row.on_zal > 0;
            let said_so = said(if on_zal { ("ja", "yes") } else { ("nee", "no") }, language);
            let why = if on_zal { "" } else { said(why_not(practice, day), language) };
            let share = Value::Share { value: row.share() };
            let viewers = Value::told(row.told(&Measure::Viewers));
            Some(vec![Value::text(practice.name.as_str()), Value::text(said_so), Value::text(why), viewers, share])
        };
        let of = draft.coalitions.get(coalition);
        let lead = of.and_then(|one| draft.organisations.get(&one.lead)).map(|one| one.name.to_string());
        Ok(Quarter {
            lead: lead.unwrap_or_default(),
            practices: Table {
                name: "practices",
                title: said(("De praktijken", "The practices"), language).to_owned(),
                columns: vec![
                    column("name", ("Naam", "Name"), language),
                    column("on_zal", ("Op de ZAL", "On the ZAL"), language),
                    column("because", ("Waarom niet", "Why not"), language),
                    column("viewers", ("Kijkers", "Viewers"), language),
                    column("share", ("Deel van de patiënten", "Share of patients"), language),
                ],
                rows: members.iter().filter_map(row).collect(),
                notes: Vec::new(),
            },
            suppliers: suppliers(
                draft,
                &members,
                &|practice| sheet.row(&Scope::Practice(practice.provider.clone())).is_some_and(|row| row.on_zal > 0),
                language,
            ),
        })
    }
}

/// Why a practice is not on the ZAL, as far as the register knows.
fn why_not(practice: &Practice, day: Date) -> (&'static str, &'static str) {
    if practice.access_start.is_none_or(|start| start.date() > day) {
        ("de inzage is nog niet aangezet", "access is not switched on yet")
    } else if practice.conforms.as_ref().is_none_or(|proof| proof.on.date() > day) {
        ("het HIS werkt nog niet aantoonbaar volgens de richtlijn", "the system is not shown to work per the guideline")
    } else {
        ("het register noemt geen reden", "the register gives no reason")
    }
}

/// How far each supplier is with the practices of a coalition: counts of practices, not of people.
fn suppliers(draft: &Draft, members: &[&Practice], is_on_zal: &dyn Fn(&Practice) -> bool, language: Language) -> Table {
    let row = |supplier: &Id| {
        let own: Vec<_> = members.iter().filter(|one| one.system.supplier == *supplier).collect();
        let on_zal = own.iter().filter(|one| is_on_zal(one)).count();
        let name = draft.suppliers.get(supplier).map_or_else(|| supplier.to_string(), |one| one.name.to_string());
        let count = |count: usize| Value::number(u64::try_from(count).unwrap_or(u64::MAX));
        (!own.is_empty()).then(|| vec![Value::text(name), count(own.len()), count(on_zal), count(own.len() - on_zal)])
    };
    Table {
        name: "suppliers",
        title: said(("Voortgang per HIS-leverancier", "Progress by HIS supplier"), language).to_owned(),
        columns: vec![
            column("name", ("Leverancier", "Supplier"), language),
            column("practices", ("Praktijken", "Practices"), language),
            column("on_zal", ("Op de ZAL", "On the ZAL"), language),
            column("missing", ("Nog niet", "Not yet"), language),
        ],
        rows: draft.suppliers.keys().filter_map(row).collect(),
        notes: Vec::new(),
    }
}
