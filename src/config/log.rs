//! What reading a configuration brings to light beside its values: faults, places, accepted texts, named files.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::fault::{Fault, Problem};
use super::files::{NamedFile, Role};
use super::source::Source;

/// There is no value, and the reason has been noted. Only [`Log::note_at`] makes one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noted(());

/// What a read gives.
pub(super) type Read<T> = Result<T, Noted>;

/// What reading one file brings to light beside the values.
#[derive(Debug, Default)]
pub(super) struct Log {
    folder: PathBuf,
    faults: Vec<(String, Option<Range<usize>>, Problem)>,
    spans: BTreeMap<String, Range<usize>>,
    accepted: BTreeMap<String, String>,
    switched_on: BTreeSet<String>,
    files: Vec<(String, PathBuf, Role)>,
    asked: BTreeSet<String>,
}

impl Log {
    pub(super) fn new(source: &Source) -> Self {
        Self { folder: source.folder().to_owned(), ..Self::default() }
    }

    /// Notes a fault at a key that was read before, or at none.
    pub(super) fn note(&mut self, key: &str, problem: Problem) -> Noted {
        let span = self.spans.get(key).cloned();
        self.note_at(key, span, problem)
    }

    /// Notes a fault at a place, or at none.
    pub(super) fn note_at(&mut self, key: &str, span: Option<Range<usize>>, problem: Problem) -> Noted {
        self.faults.push((key.to_owned(), span, problem));
        Noted(())
    }

    /// Remembers where a key stands.
    pub(super) fn found_at(&mut self, key: &str, span: Range<usize>) {
        self.spans.insert(key.to_owned(), span);
    }

    /// Remembers that a key is known, as a pattern: see [`Log::asked`].
    pub(super) fn asked_for(&mut self, pattern: String) {
        self.asked.insert(pattern);
    }

    /// Remembers a file to check.
    pub(super) fn name_file(&mut self, key: String, path: PathBuf, role: Role) {
        self.files.push((key, path, role));
    }

    /// A relative path as seen from the folder of the configuration file.
    pub(super) fn beside(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// Remembers a value that was taken.
    pub(super) fn accept(&mut self, key: &str, value: &DeValue<'_>) {
        if let Some(text) = value.as_str() {
            self.accepted.insert(key.to_owned(), text.to_owned());
        }
        if let Some(number) = value.as_integer()
            && let Ok(number) = i64::from_str_radix(number.as_str(), number.radix())
        {
            self.accepted.insert(key.to_owned(), number.to_string());
        }
        if value.as_bool() == Some(true) {
            self.switched_on.insert(key.to_owned());
        }
    }

    /// Whether a key stands in the file as `true`.
    pub(super) fn is_true(&self, key: &str) -> bool {
        self.switched_on.contains(key)
    }

    /// The text of a key, or the digits of its number, when it stands in the file and was taken.
    pub(super) fn accepted(&self, key: &str) -> Option<&str> {
        self.accepted.get(key).map(String::as_str)
    }

    /// The key paths and texts of one key in all tables of an array, in the order of the file.
    pub(super) fn accepted_in(&self, array: &str, key: &str) -> Vec<(String, String)> {
        let (start, end) = (format!("{array}["), format!("].{key}"));
        let of_array = self.accepted.range(start.clone()..).take_while(|(path, _)| path.starts_with(&start));
        let mut all: Vec<_> = of_array.filter(|(path, _)| path.ends_with(&end)).collect();
        all.sort_by_cached_key(|(path, _)| self.spans.get(*path).map(|span| span.start));
        all.into_iter().map(|(path, text)| (path.clone(), text.clone())).collect()
    }

    /// Whether a fault has been noted at a key whose path starts and ends so.
    pub(super) fn has_fault(&self, start: &str, end: &str) -> bool {
        self.faults.iter().any(|(path, _, _)| path.starts_with(start) && path.ends_with(end))
    }

    /// The line of a key that was read before; 0 when it does not stand in the file.
    pub(super) fn line(&self, key: &str, source: &Source) -> usize {
        self.spans.get(key).map_or(0, |span| source.place(span.clone()).line)
    }

    /// Every key that the reader asked for, with `[]` for a place in an array and `*` for a name of the operator's.
    #[cfg(test)]
    pub(super) const fn asked(&self) -> &BTreeSet<String> {
        &self.asked
    }

    /// Ends the reading: the faults, and the files to check.
    pub(super) fn finish(self, source: &Source) -> (Vec<Fault>, Vec<NamedFile>) {
        let fault = |(key, span, problem): (String, Option<Range<usize>>, Problem)| Fault {
            key,
            place: span.map(|span| source.place(span)),
            problem,
        };
        let spans = self.spans;
        let file = |(key, path, role): (String, PathBuf, Role)| {
            let place = spans.get(&key).map(|span| source.place(span.clone()));
            NamedFile { key, place, path, role }
        };
        (self.faults.into_iter().map(fault).collect(), self.files.into_iter().map(file).collect())
    }
}
