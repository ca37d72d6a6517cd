//! The same as a table (RFC 4180), a row for each thing that happened, oldest first.

use super::super::Text;
use super::lines::Wording;
use crate::accesslog::Entry;
use crate::availability::dutch_clock;
use crate::language::Language;

/// A mark by which spreadsheets know UTF-8.
const UTF8_MARK: &[u8] = "\u{feff}".as_bytes();

/// Writes it. Between the columns stands what spreadsheets of the language expect.
#[must_use]
pub fn table(entries: &[Entry], language: Language) -> Vec<u8> {
    let wording = Wording { t: Text::of(language), consents: None };
    let between = match language {
        Language::Dutch => b';',
        Language::English => b',',
    };
    let mut writer = csv::WriterBuilder::new().delimiter(between).from_writer(UTF8_MARK.to_vec());
    // Writing into memory does not fail, and every row has as many columns as the first.
    let _ = writer.write_record(head(wording));
    for entry in entries.iter().rev() {
        let _ = writer.write_record(row(entry, wording).map(harmless));
    }
    writer.into_inner().unwrap_or_default()
}

fn head(wording: Wording<'_>) -> [&'static str; 10] {
    let labels = &wording.t.log.labels;
    [
        labels.day,
        labels.time,
        labels.act,
        labels.who,
        labels.practice,
        labels.what,
        labels.ending,
        labels.basis,
        labels.emergency,
        labels.number,
    ]
}

fn row(entry: &Entry, wording: Wording<'_>) -> [String; 10] {
    let clock = dutch_clock(entry.at);
    [
        clock.date().to_string(),
        clock.strftime("%H:%M:%S").to_string(),
        wording.told(entry),
        wording.doer(entry),
        entry.practice.clone().unwrap_or_default(),
        wording.data(entry.service.as_deref(), wording.resource(entry).as_deref()).unwrap_or_default(),
        wording.ending(entry.ending, &entry.act),
        wording.basis(entry.basis),
        wording.t.log.labels.no.to_owned(),
        entry.number.clone(),
    ]
}

/// A name that a spreadsheet would take for a formula is one no more.
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_formula() {
        for (name, cell) in [("=1+1", "'=1+1"), ("@x", "'@x"), ("Zorgmap", "Zorgmap"), ("", "")] {
            assert_eq!(harmless(name.to_owned()), cell);
        }
    }

    #[test]
    fn an_empty_table_has_its_head() {
        let text = String::from_utf8(table(&[], Language::Dutch)).unwrap();
        assert!(text.starts_with("\u{feff}Dag;Tijd;Wat er gebeurde;"), "{text}");
        assert_eq!(text.lines().count(), 1);
    }
}
