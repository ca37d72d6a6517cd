//! The register as files: TOML with everything, or a CSV table of one kind of entry. What is written out can be read in again.
//! Each entry may carry the version that it was made from; without one it stands for the newest. A file is read whole: with one
//! fault in it nothing is taken over, and every fault is told with its place and what was expected there.

mod cells;
mod csv;
mod toml;

use super::draft::{Entry, EntryKind};
use super::registry::{Change, Register};
use super::{ENTRIES_MAX, Key};

/// Most faults that are told of one file.
pub const FAULTS_MAX: usize = 100;
/// Largest file that is read, in bytes.
pub const FILE_MAX_BYTES: usize = 16 * 1024 * 1024;

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `[[supplier]]`, `[[organisation]]`, `[[practice]]` and `[[coalition]]`, in any order.
    Toml,
    /// A table of one kind (RFC 4180, commas), with the names of its columns above it.
    Csv(EntryKind),
}

impl Form {
    /// By the name of a file or an address: `toml`, `supplier.csv`, `organisation.csv`, `practice.csv`, `coalition.csv`.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        if name == "toml" { Some(Self::Toml) } else { EntryKind::find(name.strip_suffix(".csv")?).map(Self::Csv) }
    }
}

/// An entry of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it begins, from 1.
    pub line: u64,
    /// The version that it was made from; `None`: the newest.
    pub made_from: Option<u32>,
    /// What it says.
    pub entry: Entry,
}

/// Something in a file that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {expected}")]
pub struct Fault {
    /// From 1.
    pub line: u64,
    /// From 1: the character in the line of TOML, the cell in the line of CSV.
    pub column: u64,
    /// What was expected there.
    pub expected: String,
}

/// Reads a file.
///
/// # Errors
/// Every fault of it, at most [`FAULTS_MAX`].
pub fn read(form: Form, bytes: &[u8]) -> Result<Vec<Line>, Vec<Fault>> {
    let fault = |expected: &str| vec![Fault { line: 1, column: 1, expected: expected.to_owned() }];
    if bytes.len() > FILE_MAX_BYTES {
        return Err(fault("a file of 16 MiB at most"));
    }
    let text =
        std::str::from_utf8(bytes.strip_prefix(UTF8_MARK).unwrap_or(bytes)).map_err(|_| fault("text in UTF-8"))?;
    let lines = match form {
        Form::Toml => toml::read(text),
        Form::Csv(kind) => csv::read(kind, text),
    }?;
    if lines.len() > ENTRIES_MAX { Err(fault("20,000 entries at most")) } else { Ok(lines) }
}

/// The fields of an entry as a form has them: the columns of its table, and what stands in each. Those of a new one are empty.
#[must_use]
pub fn fields(kind: EntryKind, entry: Option<(&Entry, u32)>) -> Vec<(&'static str, String)> {
    csv::fields(kind, entry)
}

/// Reads an entry from the fields of a form; a field that is not there is empty.
///
/// # Errors
/// The field of each fault, and what was expected there.
pub fn read_fields<'t>(
    kind: EntryKind,
    typed: impl Fn(&str) -> Option<&'t str>,
) -> Result<Line, Vec<(&'static str, String)>> {
    let cells = fields(kind, None).into_iter().map(|(name, _)| typed(name).unwrap_or_default().to_owned());
    csv::read_fields(kind, &cells.collect::<Vec<_>>())
}

/// What spreadsheets put before a text in UTF-8.
const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// Writes a register, with the version of each entry.
#[must_use]
pub fn write(form: Form, register: &Register) -> String {
    match form {
        Form::Toml => toml::write(register),
        Form::Csv(kind) => csv::write(kind, register),
    }
}

/// What a file would change in a register.
#[must_use]
pub fn changes(register: &Register, lines: &[Line]) -> Vec<Change> {
    let made_from = |line: &Line, key: &Key| line.made_from.unwrap_or_else(|| register.number(key));
    lines.iter().map(|line| Change::put(made_from(line, &line.entry.key()), line.entry.clone())).collect()
}
