//! The reader of TOML tables: hands out typed keys, notes every fault with its place, and at the end of a table
//! reports the keys that nobody asked for.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::Problem;
use super::files::Role;
use super::kind::{Kind, Refusal};
use super::log::{Log, Noted, Read};

/// One table.
pub(super) struct Section<'t, 'l> {
    /// Absent when the table is, and all of its keys may be.
    table: Option<&'t DeTable<'t>>,
    span: Option<Range<usize>>,
    path: String,
    pattern: String,
    keys: Vec<&'static str>,
    log: &'l mut Log,
}

impl<'t> Section<'t, '_> {
    /// Reads the file as a whole.
    pub(super) fn root<T>(
        table: &'t DeTable<'t>,
        log: &mut Log,
        read: impl FnOnce(&mut Section<'t, '_>) -> Read<T>,
    ) -> Read<T> {
        let mut root = Section {
            table: Some(table),
            span: None,
            path: String::new(),
            pattern: String::new(),
            keys: Vec::new(),
            log,
        };
        let value = read(&mut root);
        root.report_unknown_keys();
        value
    }

    /// Where faults are noted, for checks over several keys.
    pub(super) const fn log(&mut self) -> &mut Log {
        self.log
    }

    /// The full path of a key in this table.
    pub(super) fn path_of(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// A key that must be there.
    pub(super) fn required<T>(&mut self, key: &'static str, kind: &Kind<T>) -> Read<T> {
        match self.find(key) {
            Some(value) => self.parse(&self.path_of(key), value, kind),
            None => Err(self.missing(key, kind.expected().clone())),
        }
    }

    /// A key that may be absent.
    pub(super) fn optional<T>(&mut self, key: &'static str, kind: &Kind<T>) -> Read<Option<T>> {
        let Some(value) = self.find(key) else { return Ok(None) };
        self.parse(&self.path_of(key), value, kind).map(Some)
    }

    /// A key with a default.
    pub(super) fn or_default<T>(&mut self, key: &'static str, kind: &Kind<T>, default: T) -> Read<T> {
        self.optional(key, kind).map(|value| value.unwrap_or(default))
    }

    /// The path of a file or folder that must be named.
    pub(super) fn file(&mut self, key: &'static str, role: Role) -> Read<PathBuf> {
        let path = self.required(key, &role.kind())?;
        Ok(self.note_file(key, self.beside(path), role))
    }

    /// The path of a file that may be absent.
    pub(super) fn optional_file(&mut self, key: &'static str, role: Role) -> Read<Option<PathBuf>> {
        let path = self.optional(key, &role.kind())?;
        Ok(path.map(|path| self.note_file(key, self.beside(path), role)))
    }

    /// The paths of files, none when the key is absent.
    pub(super) fn files(&mut self, key: &'static str, role: Role) -> Read<Vec<PathBuf>> {
        let paths = self.or_default(key, &role.kind().many(), Vec::new())?;
        let named =
            |(index, path): (usize, PathBuf)| self.note_file(&format!("{key}[{index}]"), self.beside(path), role);
        Ok(paths.into_iter().enumerate().map(named).collect())
    }

    /// The path of a file or folder with a default.
    pub(super) fn file_or(&mut self, key: &'static str, role: Role, default: PathBuf) -> Read<PathBuf> {
        let path = self.optional(key, &role.kind())?.map_or(default, |path| self.beside(path));
        Ok(self.note_file(key, path, role))
    }

    /// A relative path as seen from the folder of the configuration file.
    pub(super) fn beside(&self, path: impl AsRef<Path>) -> PathBuf {
        self.log.beside(path.as_ref())
    }

    fn note_file(&mut self, key: &str, full: PathBuf, role: Role) -> PathBuf {
        self.log.name_file(self.path_of(key), full.clone(), role);
        full
    }

    /// A table that must be there.
    pub(super) fn table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'t, '_>) -> Read<T>,
    ) -> Read<T> {
        match self.find(key) {
            Some(value) => self.enter(&self.path_of(key), &self.pattern_of(key), value, read),
            None => Err(self.missing(key, Cow::Owned(format!("a section [{}]", self.path_of(key))))),
        }
    }

    /// A table that may be absent because all of its keys may be.
    pub(super) fn table_or_defaults<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'t, '_>) -> Read<T>,
    ) -> Read<T> {
        let (path, pattern) = (self.path_of(key), self.pattern_of(key));
        match self.find(key) {
            Some(value) => self.enter(&path, &pattern, value, read),
            None => read(&mut Section { table: None, span: None, path, pattern, keys: Vec::new(), log: self.log }),
        }
    }

    /// A table that may be absent, as a whole.
    pub(super) fn optional_table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'t, '_>) -> Read<T>,
    ) -> Read<Option<T>> {
        let Some(value) = self.find(key) else { return Ok(None) };
        self.enter(&self.path_of(key), &self.pattern_of(key), value, read).map(Some)
    }

    /// An array of at least one table, read in order. Faulty ones are left out once they are noted.
    pub(super) fn tables<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&mut Section<'t, '_>) -> Read<T>,
    ) -> Read<Vec<T>> {
        let expected = || Cow::Owned(format!("at least one table [[{key}]]"));
        let Some(value) = self.find(key) else { return Err(self.missing(key, expected())) };
        let path = self.path_of(key);
        let Some(array) = value.get_ref().as_array().filter(|array| !array.is_empty()) else {
            return Err(self.wrong(&path, value, expected()));
        };
        let pattern = format!("{}[]", self.pattern_of(key));
        let mut all = Vec::new();
        for (index, item) in array.iter().enumerate() {
            all.push(self.enter(&format!("{path}[{index}]"), &pattern, item, &read));
        }
        all.into_iter().collect()
    }

    /// An array of tables that may be absent.
    pub(super) fn tables_or_none<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&mut Section<'t, '_>) -> Read<T>,
    ) -> Read<Vec<T>> {
        if self.table.is_some_and(|table| table.contains_key(key)) {
            return self.tables(key, read);
        }
        self.find(key);
        Ok(Vec::new())
    }

    /// A table whose keys are names of the operator's choice; absent is empty.
    pub(super) fn names<K: Ord, V>(
        &mut self,
        key: &'static str,
        name: &Kind<K>,
        read: impl Fn(&mut Section<'t, '_>, &K, &str, &'t Spanned<DeValue<'t>>) -> Read<V>,
    ) -> Read<BTreeMap<K, V>> {
        let Some(value) = self.find(key) else { return Ok(BTreeMap::new()) };
        let path = self.path_of(key);
        let Some(table) = value.get_ref().as_table() else {
            return Err(self.wrong(&path, value, Cow::Borrowed("a table")));
        };
        let mut all = Vec::new();
        for (text, item) in table.iter() {
            let path = join(&path, &shorten(text.get_ref()));
            let parsed = name.read(&DeValue::String(Cow::Borrowed(text.get_ref())));
            let parsed =
                parsed.map_err(|refusal| self.refuse(&path, text.span(), &quoted(text.get_ref()), refusal, name));
            all.push(parsed.and_then(|name| read(self, &name, &path, item).map(|value| (name, value))));
        }
        all.into_iter().collect()
    }

    /// Reads a value under a name of the operator's choice.
    pub(super) fn parse<T>(&mut self, path: &str, value: &Spanned<DeValue<'_>>, kind: &Kind<T>) -> Read<T> {
        self.log.found_at(path, value.span());
        let parsed = kind.read(value.get_ref());
        if parsed.is_ok() {
            self.log.accept(path, value.get_ref());
        }
        parsed.map_err(|refusal| self.refuse(path, value.span(), &found(value.get_ref()), refusal, kind))
    }

    /// Reads a table under a name of the operator's choice, or in an array.
    pub(super) fn enter<T>(
        &mut self,
        path: &str,
        pattern: &str,
        value: &'t Spanned<DeValue<'t>>,
        read: impl FnOnce(&mut Section<'t, '_>) -> Read<T>,
    ) -> Read<T> {
        let Some(table) = value.get_ref().as_table() else {
            return Err(self.wrong(path, value, Cow::Borrowed("a table")));
        };
        let (path, pattern) = (path.to_owned(), pattern.to_owned());
        let mut section =
            Section { table: Some(table), span: Some(value.span()), path, pattern, keys: Vec::new(), log: self.log };
        let value = read(&mut section);
        section.report_unknown_keys();
        value
    }

    fn find(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.keys.push(key);
        self.log.asked_for(join(&self.pattern, key));
        self.table.and_then(|table| table.get(key))
    }

    /// The pattern of a key in this table, as [`Log::asked`] shows it.
    pub(super) fn pattern_of(&self, key: &str) -> String {
        join(&self.pattern, key)
    }

    /// Notes that a key is missing.
    pub(super) fn missing(&mut self, key: &str, expected: Cow<'static, str>) -> Noted {
        let path = self.path_of(key);
        self.log.note_at(&path, self.span.clone(), Problem::Missing { expected })
    }

    fn wrong(&mut self, path: &str, value: &Spanned<DeValue<'_>>, expected: Cow<'static, str>) -> Noted {
        let problem = Problem::Wrong { found: found(value.get_ref()), expected, suggestion: None };
        self.log.note_at(path, Some(value.span()), problem)
    }

    fn refuse<T>(&mut self, path: &str, span: Range<usize>, found: &str, refusal: Refusal, kind: &Kind<T>) -> Noted {
        let expected = kind.expected().clone();
        let problem = match refusal {
            Refusal::Wrong => {
                let suggestion = nearest(found.trim_matches('"'), kind.choices().iter().copied());
                Problem::Wrong { found: found.to_owned(), expected, suggestion }
            }
            Refusal::Secret => Problem::InlineSecret { expected },
        };
        self.log.note_at(path, Some(span), problem)
    }

    fn report_unknown_keys(&mut self) {
        for (key, _) in self.table.into_iter().flat_map(DeTable::iter) {
            let name: &str = key.get_ref();
            if !self.keys.contains(&name) {
                let suggestion = nearest(name, self.keys.iter().copied());
                let path = self.path_of(&shorten(name));
                self.log.note_at(&path, Some(key.span()), Problem::Unknown { suggestion });
            }
        }
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The known word that looks most like a given one, when one does.
pub(super) fn nearest<'w>(given: &str, known: impl Iterator<Item = &'w str>) -> Option<String> {
    const ALIKE: f64 = 0.8;
    let given = shorten(given);
    known
        .map(|word| (strsim::jaro_winkler(&given, word), word))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, word)| word.to_owned())
}

/// What stands there, in a form that fits on a line.
fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => quoted(text),
        DeValue::Integer(number) => shorten(&number.to_string()),
        DeValue::Float(number) => shorten(number.as_str()),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(value) => value.to_string(),
        DeValue::Array(_) => "an array".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", shorten(text))
}

/// At most 80 characters, none of which moves the cursor.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut short = String::new();
    for (at, c) in text.chars().enumerate() {
        if at == LONGEST {
            short.push('…');
            break;
        }
        if c.is_control() {
            let _ = write!(short, "{}", c.escape_unicode());
        } else {
            short.push(c);
        }
    }
    short
}
