//! Tables as values: a title, what each column means, rows, and notes; as CSV and JSON. Pages show the same.

mod build;
mod words;

use serde::Serialize;
use utoipa::ToSchema;

pub use self::build::{definitions_csv, key_figures, of_parts, of_requests, of_viewers, over_time};
use super::told::{Told, grouped, per_cent};
use crate::language::Language;

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Table {
    /// A name for addresses and files.
    pub name: &'static str,
    /// For people.
    pub title: String,
    /// The columns, the first of which names the row.
    pub columns: Vec<Column>,
    /// The rows, each with a value for every column.
    pub rows: Vec<Vec<Value>>,
    /// What is to be known of the numbers.
    pub notes: Vec<String>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Column {
    /// A name that stays.
    pub key: &'static str,
    /// For people.
    pub title: String,
    /// What it means; empty for what names the row.
    pub definition: String,
}

/// A value in a table.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Value {
    /// A text.
    Text {
        /// It.
        text: String,
    },
    /// A count of people or requests.
    Count {
        /// The number; absent when it is not told.
        value: Option<u64>,
        /// `exact`, `estimate`, `at-least`, `fewer-than-10` or `withheld`.
        told: &'static str,
        /// The standard error of an estimate, as a share of it.
        error: Option<f64>,
    },
    /// A share, from 0 to 1.
    Share {
        /// It; absent when it is not told.
        value: Option<f64>,
    },
    /// Seconds.
    Seconds {
        /// They; absent when they are not told.
        value: Option<f64>,
    },
}

impl Value {
    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// A count that anybody may know.
    #[must_use]
    pub const fn number(count: u64) -> Self {
        Self::told(Told::Exact(count))
    }

    /// A count as it is told.
    #[must_use]
    pub const fn told(told: Told) -> Self {
        let error = if let Told::About { error, .. } = told { Some(error) } else { None };
        Self::Count { value: told.number(), told: told.code(), error }
    }

    /// For people.
    #[must_use]
    pub fn shown(&self, language: Language) -> String {
        let dutch = language == Language::Dutch;
        let hidden = || if dutch { "niet getoond" } else { "not shown" }.to_owned();
        match self {
            Self::Text { text } => text.clone(),
            Self::Count { value: None, told, .. } => {
                if *told == Told::Fewer.code() {
                    "<10".to_owned()
                } else {
                    hidden()
                }
            }
            Self::Count { value: Some(count), told, .. } => {
                let number = grouped(*count, language);
                match (*told, dutch) {
                    ("estimate", true) => format!("circa {number}"),
                    ("estimate", false) => format!("about {number}"),
                    ("at-least", true) => format!("minstens {number}"),
                    ("at-least", false) => format!("at least {number}"),
                    _ => number,
                }
            }
            Self::Share { value } => value.map_or_else(hidden, |share| per_cent(share, language)),
            Self::Seconds { value } => value.map_or_else(hidden, |seconds| {
                let text = format!("{seconds:.2} s");
                if dutch { text.replace('.', ",") } else { text }
            }),
        }
    }

    /// Whether it is to stand right, as numbers do.
    #[must_use]
    pub const fn is_number(&self) -> bool {
        !matches!(self, Self::Text { .. })
    }

    /// For a cell of a CSV file: a number without signs between, or why there is none.
    fn plain(&self) -> String {
        match self {
            Self::Text { text } => harmless(text),
            Self::Count { value: Some(count), .. } => count.to_string(),
            Self::Count { value: None, told, .. } => (*told).to_owned(),
            Self::Share { value } | Self::Seconds { value } => {
                value.map_or_else(|| Told::Withheld.code().to_owned(), |value| format!("{value:.4}"))
            }
        }
    }
}

/// A text that no spreadsheet takes for a formula.
fn harmless(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

impl Table {
    /// As CSV (RFC 4180). Of each count a second column says how it is told.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let first = self.rows.first();
        let is_count = |at: usize| matches!(first.and_then(|row| row.get(at)), Some(Value::Count { .. }));
        let mut head = Vec::new();
        for (at, column) in self.columns.iter().enumerate() {
            head.push(column.key.to_owned());
            if is_count(at) {
                head.push(format!("{}_told", column.key));
            }
        }
        let row = |row: &Vec<Value>| {
            let mut cells = Vec::new();
            for value in row {
                cells.push(value.plain());
                if let Value::Count { told, .. } = value {
                    cells.push((*told).to_owned());
                }
            }
            cells
        };
        written(std::iter::once(head).chain(self.rows.iter().map(row)))
    }

    /// What the columns mean, as CSV, with the notes.
    #[must_use]
    pub fn definitions_csv(&self) -> String {
        let head = ["column", "title", "definition"].map(ToOwned::to_owned).to_vec();
        let column =
            |column: &Column| vec![column.key.to_owned(), harmless(&column.title), harmless(&column.definition)];
        let note = |note: &String| vec![String::new(), String::new(), harmless(note)];
        let columns = self.columns.iter().map(column);
        written(std::iter::once(head).chain(columns).chain(self.notes.iter().map(note)))
    }
}

fn written(rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        // A vector takes whatever is written, and every row has as many cells as the first.
        let _ = csv.write_record(&row);
    }
    csv.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_count_says_how_it_is_told() {
        let column = |key| Column { key, title: "A, \"b\"".to_owned(), definition: "=1+1".to_owned() };
        let table = Table {
            name: "t",
            title: "T".to_owned(),
            columns: vec![column("name"), column("viewers"), column("share")],
            rows: vec![
                vec![Value::text("=HYPERLINK(1)"), Value::told(Told::Fewer), Value::Share { value: None }],
                vec![Value::text("a;b"), Value::told(Told::AtLeast(50)), Value::Share { value: Some(0.25) }],
            ],
            notes: vec!["Note".to_owned()],
        };
        assert_eq!(
            table.to_csv(),
            "name,viewers,viewers_told,share\r\n'=HYPERLINK(1),fewer-than-10,fewer-than-10,withheld\r\na;b,50,at-least,0.2500\r\n"
        );
        assert!(table.definitions_csv().contains("'=1+1"));
    }

    proptest! {
        #[test]
        fn no_text_is_a_formula(text in "\\PC{0,20}") {
            let cell = Value::text(text.clone()).plain();
            prop_assert!(!cell.starts_with(['=', '+', '-', '@']));
            prop_assert!(cell.ends_with(&text));
        }
    }
}
