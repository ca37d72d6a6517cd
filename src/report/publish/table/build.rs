//! The tables that are made of sheets.

use super::words::{Heading, Said};
use super::{Column, Table, Told, Value};
use crate::language::Language;
use crate::report::publish::{Measure, Row, Sheet};
use crate::report::{Channel, Parts, Requests};

fn columns<const N: usize>(headings: [Heading; N], language: Language) -> Vec<Column> {
    headings.map(|heading| heading.column(language)).to_vec()
}

fn table(
    name: &'static str,
    title: Said,
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
    notes: Vec<String>,
    language: Language,
) -> Table {
    Table { name, title: title.text(language).to_owned(), columns, rows, notes }
}

/// What is to be known of the numbers of these rows.
fn notes(settled: bool, rows: &[&Row], language: Language) -> Vec<String> {
    let counts = || rows.iter().flat_map(|row| &row.counts).map(|count| count.told);
    let mut notes = Vec::new();
    if !settled {
        notes.push(Said::Running.text(language).to_owned());
    }
    if counts().any(|told| matches!(told, Told::Fewer | Told::Withheld)) {
        notes.push(Said::Hidden.text(language).to_owned());
    }
    let errors = counts().filter_map(|told| if let Told::About { error, .. } = told { Some(error) } else { None });
    if let Some(error) = errors.reduce(f64::max) {
        notes.push(format!("{} {}.", Said::Estimated.text(language), super::per_cent(error, language)));
    }
    notes
}

/// The figures of a scope in short, each with what it means.
#[must_use]
pub fn key_figures(sheet: &Sheet, row: &Row, language: Language) -> Table {
    let line = |heading: Heading, value: Value| {
        let Column { title, definition, .. } = heading.column(language);
        vec![Value::text(title), value, Value::text(definition)]
    };
    let said = |said: Said, value: Value| vec![Value::text(said.text(language)), value, Value::text("")];
    let seconds = row.waiting().map(|median| median.time.as_secs_f64());
    let rows = vec![
        line(Heading::Practices, Value::number(row.practices.into())),
        line(Heading::OnZal, Value::Share { value: row.share_on_zal() }),
        said(Said::Enrolled, Value::number(row.enrolled_16)),
        line(Heading::Viewers, Value::told(row.told(&Measure::Viewers))),
        line(Heading::Share, Value::Share { value: row.share() }),
        line(Heading::Repeat, Value::told(row.told(&Measure::Repeat))),
        line(Heading::WithViewer, Value::number(row.practices_with_viewer.into())),
        said(Said::FirstRetrievals, Value::number(row.first_retrievals.into())),
        line(Heading::Requests, Value::told(row.told(&Measure::Requests))),
        line(Heading::Success, Value::Share { value: row.success_rate(&Measure::Requests) }),
        said(Said::Waiting, Value::Seconds { value: seconds }),
    ];
    let columns = columns([Heading::Figure, Heading::Value, Heading::Meaning], language);
    table("key-figures", Said::KeyFigures, columns, rows, notes(sheet.settled, &[row], language), language)
}

fn channel(channel: Channel, language: Language) -> String {
    let said = match channel {
        Channel::Pgo => Said::Pgo,
        Channel::Portal => Said::Portal,
        Channel::Unknown => Said::Unknown,
    };
    said.text(language).to_owned()
}

fn service(service: &crate::medmij::ServiceId, language: Language) -> String {
    format!("{} {service}", Said::Service.text(language))
}

/// Who looked, by way and by service.
#[must_use]
pub fn of_viewers(sheet: &Sheet, row: &Row, language: Language) -> Table {
    let line = |name: String, measure: &Measure| {
        let told = row.told(measure);
        vec![Value::text(name), Value::told(told), Value::Share { value: told.share_of(row.enrolled_16) }]
    };
    let mut rows = vec![line(Said::Total.text(language).to_owned(), &Measure::Viewers)];
    rows.extend(Channel::KNOWN.map(|one| line(channel(one, language), &Measure::ViewersBy(one))));
    rows.extend(row.services().into_iter().map(|one| line(service(&one, language), &Measure::ViewersOf(one.clone()))));
    let columns = columns([Heading::Name, Heading::Viewers, Heading::Share], language);
    table("viewers", Said::ByViewers, columns, rows, notes(sheet.settled, &[row], language), language)
}

/// How requests ended, by way and by service.
#[must_use]
pub fn of_requests(sheet: &Sheet, row: &Row, language: Language) -> Table {
    let line = |name: String, measure: &Measure| {
        let told = row.told(measure);
        let hidden = if told.number().is_some() { Told::Withheld } else { told };
        let part = |of: fn(Requests) -> u64| {
            let none = matches!(told, Told::Exact(0));
            let part = row.endings(measure).map(of).or(none.then_some(0));
            Value::told(part.map_or(hidden, Told::Exact))
        };
        let rate = Value::Share { value: row.success_rate(measure) };
        vec![
            Value::text(name),
            Value::told(told),
            part(|of| of.succeeded),
            part(|of| of.failed),
            part(|of| of.aborted),
            rate,
        ]
    };
    let mut rows = vec![line(Said::Total.text(language).to_owned(), &Measure::Requests)];
    rows.extend(Channel::ALL.map(|one| line(channel(one, language), &Measure::RequestsBy(one))));
    let services = row.services().into_iter();
    rows.extend(services.map(|one| line(service(&one, language), &Measure::RequestsOf(Some(one.clone())))));
    if row.find(&Measure::RequestsOf(None)).is_some() {
        rows.push(line(Said::NoService.text(language).to_owned(), &Measure::RequestsOf(None)));
    }
    let headings =
        [Heading::Name, Heading::Requests, Heading::Succeeded, Heading::Failed, Heading::Aborted, Heading::Success];
    let columns = columns(headings, language);
    table("requests", Said::ByRequests, columns, rows, notes(sheet.settled, &[row], language), language)
}

/// The figures of the parts of a scope, each with its name for people.
#[must_use]
pub fn of_parts(sheet: &Sheet, parts: Parts, rows: &[(String, &Row)], language: Language) -> Table {
    let (name, title) = match parts {
        Parts::Coalitions => ("coalitions", Said::PerCoalition),
        Parts::Suppliers => ("suppliers", Said::PerSupplier),
        Parts::Practices => ("practices", Said::PerPractice),
    };
    let line = |(name, row): &(String, &Row)| [vec![Value::text(name.clone())], figures(row)].concat();
    let only: Vec<_> = rows.iter().map(|(_, row)| *row).collect();
    let notes = notes(sheet.settled, &only, language);
    table(name, title, row_columns(Heading::Name, language), rows.iter().map(line).collect(), notes, language)
}

/// The figures of a scope in several periods.
#[must_use]
pub fn over_time(periods: &[(&Sheet, &Row)], language: Language) -> Table {
    let line = |(sheet, row): &(&Sheet, &Row)| [vec![Value::text(sheet.period.to_string())], figures(row)].concat();
    let rows: Vec<_> = periods.iter().map(|(_, row)| *row).collect();
    let settled = periods.iter().all(|(sheet, _)| sheet.settled);
    let notes = notes(settled, &rows, language);
    let lines = periods.iter().map(line).collect();
    table("over-time", Said::OverTime, row_columns(Heading::Period, language), lines, notes, language)
}

fn row_columns(first: Heading, language: Language) -> Vec<Column> {
    let headings = [first, Heading::Practices, Heading::OnZal, Heading::Viewers, Heading::Share, Heading::Success];
    columns(headings, language)
}

fn figures(row: &Row) -> Vec<Value> {
    vec![
        Value::number(row.practices.into()),
        Value::Share { value: row.share_on_zal() },
        Value::told(row.told(&Measure::Viewers)),
        Value::Share { value: row.share() },
        Value::Share { value: row.success_rate(&Measure::Requests) },
    ]
}

/// What every column of a table means, as CSV.
#[must_use]
pub fn definitions_csv(language: Language) -> String {
    let all = [
        Heading::Practices,
        Heading::OnZal,
        Heading::Viewers,
        Heading::Share,
        Heading::Repeat,
        Heading::WithViewer,
        Heading::Requests,
        Heading::Succeeded,
        Heading::Failed,
        Heading::Aborted,
        Heading::Success,
    ];
    let notes = vec![Said::Hidden.text(language).to_owned(), Said::Running.text(language).to_owned()];
    table("definitions", Said::KeyFigures, columns(all, language), Vec::new(), notes, language).definitions_csv()
}
