//! The register in TOML. The fields are those of the entries; a day is a text in quotes.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::{FAULTS_MAX, Fault, Line};
use crate::practices::programme::draft::{Entry, EntryKind};
use crate::practices::programme::registry::Register;

pub(super) fn read(text: &str) -> Result<Vec<Line>, Vec<Fault>> {
    let file = DeTable::parse(text).map_err(|error| vec![fault(text, error.span(), error.message())])?;
    let (mut lines, mut faults) = (Vec::new(), Vec::new());
    for (name, value) in file.into_inner() {
        let place = name.span();
        let (Some(kind), DeValue::Array(tables)) = (EntryKind::find(name.get_ref()), value.into_inner()) else {
            faults.push(fault(text, Some(place), "[[supplier]], [[organisation]], [[practice]] or [[coalition]]"));
            continue;
        };
        for table in tables {
            match entry(text, kind, table) {
                Ok(line) => lines.push(line),
                Err(wrong) => faults.push(wrong),
            }
        }
    }
    faults.sort_by_key(|fault| (fault.line, fault.column));
    faults.truncate(FAULTS_MAX);
    lines.sort_by_key(|line| line.line);
    if faults.is_empty() { Ok(lines) } else { Err(faults) }
}

fn entry(text: &str, kind: EntryKind, table: Spanned<DeValue<'_>>) -> Result<Line, Fault> {
    let span = table.span();
    let DeValue::Table(mut fields) = table.into_inner() else { return Err(fault(text, Some(span), "a table")) };
    let made_from = fields.remove("version").map(|version| typed(text, version)).transpose()?;
    let table = Spanned::new(span.clone(), DeValue::Table(fields));
    let entry = match kind {
        EntryKind::Supplier => Entry::Supplier(typed(text, table)?),
        EntryKind::Organisation => Entry::Organisation(typed(text, table)?),
        EntryKind::Practice => Entry::Practice(typed(text, table)?),
        EntryKind::Coalition => Entry::Coalition(typed(text, table)?),
    };
    Ok(Line { line: place(text, span.start).0, made_from, entry })
}

fn typed<T: DeserializeOwned>(text: &str, value: Spanned<DeValue<'_>>) -> Result<T, Fault> {
    let span = value.span();
    T::deserialize(ValueDeserializer::from(value))
        .map_err(|error| fault(text, error.span().or(Some(span)), error.message()))
}

fn fault(text: &str, span: Option<Range<usize>>, expected: &str) -> Fault {
    let (line, column) = place(text, span.map_or(0, |span| span.start));
    Fault { line, column, expected: expected.to_owned() }
}

/// Line and column of a byte, from 1.
fn place(text: &str, at: usize) -> (u64, u64) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.bytes().filter(|byte| *byte == b'\n').count();
    let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count());
    let from_one = |count: usize| u64::try_from(count).unwrap_or(u64::MAX).saturating_add(1);
    (from_one(line), from_one(column))
}

pub(super) fn write(register: &Register) -> String {
    #[derive(serde::Serialize)]
    struct Versioned {
        version: u32,
        #[serde(flatten)]
        entry: Entry,
    }
    let mut text = String::new();
    for entry in register.entries().entries() {
        let key = entry.key();
        let versioned = Versioned { version: register.number(&key), entry };
        let one = [(key.kind().as_str(), [versioned])];
        let one = std::collections::BTreeMap::from(one);
        text.push_str(&toml::to_string(&one).expect("an entry has texts, numbers and tables of them"));
        text.push('\n');
    }
    text
}
