//! Copies records out of a log in a form that others read: those of a period, of one practice or all. The same log, checkpoint
//! and choice always give the same bytes, whoever exports and when.

mod folder;
mod manifest;

pub use self::folder::{Exported, OutputError, export};
pub use self::manifest::{CheckError, ExportManifest, check_export};

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;

use super::broken::ReadError;
use super::read::read_dir;
use super::record::{Record, RecordError};
use super::render::{Site, balp, csv, full_url, ndjson, nen7513};
use crate::medmij::ProviderName;

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A JSON object a line, by the names of the log.
    Ndjson,
    /// A table for spreadsheets.
    Csv,
    /// A FHIR R4 AuditEvent a line, as bulk data has them.
    Fhir,
    /// The same events in Bundles of type `collection`.
    FhirBundle,
    /// The lines of NEN 7513.
    Nen7513,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Ndjson, Self::Csv, Self::Fhir, Self::FhirBundle, Self::Nen7513];

    /// The name in a manifest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Fhir => "fhir",
            Self::FhirBundle => "fhir-bundle",
            Self::Nen7513 => "nen7513",
        }
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::Ndjson | Self::Fhir => "ndjson",
            Self::Csv => "csv",
            Self::FhirBundle => "json",
            Self::Nen7513 => "tsv",
        }
    }

    /// The most records in one part. Whoever reads a Bundle has all of it in memory.
    const fn part_records(self) -> u64 {
        match self {
            Self::FhirBundle => 10_000,
            Self::Ndjson | Self::Csv | Self::Fhir | Self::Nen7513 => 1_000_000,
        }
    }

    /// What a part begins with.
    fn head(self) -> Vec<u8> {
        match self {
            Self::Ndjson | Self::Fhir => Vec::new(),
            Self::Csv => csv::header(),
            Self::FhirBundle => b"{\"resourceType\":\"Bundle\",\"type\":\"collection\"".to_vec(),
            Self::Nen7513 => nen7513::header().into_bytes(),
        }
    }

    /// What a part ends with.
    const fn tail(self, is_empty: bool) -> &'static [u8] {
        match self {
            Self::Ndjson | Self::Csv | Self::Fhir | Self::Nen7513 => b"",
            // FHIR knows no empty list.
            Self::FhirBundle if is_empty => b"}\n",
            Self::FhirBundle => b"\n]}\n",
        }
    }

    /// One record, which others come before in its part or not.
    fn render(self, record: &Record, site: &Site, is_first: bool) -> Vec<u8> {
        match self {
            Self::Ndjson => ndjson(record, site).into_bytes(),
            Self::Csv => csv::csv(record, site),
            Self::Fhir => format!("{}\n", balp(record, site)).into_bytes(),
            Self::FhirBundle => {
                let comma = if is_first { ",\"entry\":[\n" } else { ",\n" };
                format!("{comma}{{\"fullUrl\":\"{}\",\"resource\":{}}}", full_url(record, site), balp(record, site))
                    .into_bytes()
            }
            Self::Nen7513 => nen7513::nen7513(record, site).into_bytes(),
        }
    }
}

/// Which records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
    /// Of this practice.
    pub provider: Option<ProviderName>,
}

impl Filter {
    fn admits(&self, record: &Record) -> bool {
        self.from.is_none_or(|from| record.time >= from)
            && self.to.is_none_or(|to| record.time < to)
            && self.provider.as_ref().is_none_or(|provider| record.provider.as_ref() == Some(provider))
    }
}

/// What is exported, and how. All that the bytes of an export depend on beside the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The form.
    pub format: Format,
    /// Which records.
    pub filter: Filter,
    /// Where the records were made.
    pub site: Site,
}

/// As it stands in manifests: a line for each, `-` for what was not said.
impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { format, filter, site } = self;
        let time = |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), |time| format!("{time:.6}"));
        writeln!(f, "log {}\nformat {}", site.log, format.as_str())?;
        writeln!(f, "from {}\nto {}", time(filter.from), time(filter.to))?;
        writeln!(f, "provider {}", filter.provider.as_ref().map_or("-", ProviderName::as_str))?;
        writeln!(
            f,
            "host {}\noperator {}",
            site.host.as_deref().unwrap_or("-"),
            site.operator.as_deref().unwrap_or("-")
        )
    }
}

/// Why records could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The log is damaged or unreadable.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A record that this release cannot read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The reader of the copy went away, or has no room.
    #[error("the records cannot be written")]
    Write(#[from] io::Error),
}

/// Writes the records to `out`, as one part of any length, up to the end that the log has now; says how many.
///
/// # Errors
/// See [`ExportError`]. What was written before is sound.
pub fn export_to(dir: &Path, choice: &Choice, out: &mut impl Write) -> Result<u64, ExportError> {
    let Choice { format, filter, site } = choice;
    let mut written = 0;
    out.write_all(&format.head())?;
    for read in read_dir(dir)? {
        let (index, payload) = read?;
        let record = Record::parse(index, &payload)?;
        if filter.admits(&record) {
            out.write_all(&format.render(&record, site, written == 0))?;
            written += 1;
        }
    }
    out.write_all(format.tail(written == 0))?;
    out.flush()?;
    Ok(written)
}

#[cfg(test)]
mod tests;
