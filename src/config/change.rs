//! A configuration that is read again while the node runs: what is other than before, and what of that a running node can take.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::instead::InsteadError;
use super::{Config, ConfigFaults, read_text};

/// Keys and sections that a running node takes over; all others need a restart. With each come the keys below it.
const CHANGEABLE: &[&str] = &[
    "operator",
    "front.certificate",
    "front.key",
    "back.certificate",
    "back.key",
    "back.client_roots",
    "back.client_crls",
    "back.client_crl_missing",
    "back.client_crl_overdue",
    "edge.max_requests",
    "edge.answer_memory_bytes",
    "rates",
    "lists.roots",
    "lists.certificate",
    "lists.key",
    "lists.interface_versions",
    "lists.zakl",
    "login",
    "audit.witness[].roots",
    "audit.syslog.roots",
    "audit.syslog.certificate",
    "audit.syslog.key",
    "admin.certificate",
    "admin.key",
    "admin.client_roots",
    "admin.client_crls",
    "admin.client_crl_missing",
    "admin.client_crl_overdue",
    "admin.operators",
    "admin.login",
    "auditors.certificate",
    "auditors.key",
    "auditors.client_roots",
    "auditors.client_crls",
    "auditors.client_crl_missing",
    "auditors.client_crl_overdue",
    "auditors.four_eyes",
    "auditors.people",
    "chain_log.roots",
    "chain_log.certificate",
    "chain_log.key",
    "keys.assertions",
    "keys.tickets",
    "resolve",
    "outgoing",
    "services",
    "release",
    "oauth",
    "open",
    "clients",
    "his",
    "practices",
];

/// Whether a running node can take another value of this key, or another file under it. Unknown keys it cannot.
#[must_use]
pub fn can_change(key: &str) -> bool {
    let key = pattern(key);
    let below = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[']);
    CHANGEABLE.iter().any(|known| key.strip_prefix(known).is_some_and(below))
}

/// A key with its places in arrays left open: `his[3].roots` is `his[].roots`.
fn pattern(key: &str) -> String {
    let mut pattern = String::with_capacity(key.len());
    let mut inside = false;
    for c in key.chars() {
        inside = (inside || c == '[') && c != ']';
        if !inside || c == '[' {
            pattern.push(c);
        }
    }
    pattern
}

/// What was in each file that a configuration names, as SHA-256 by the key that names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prints(BTreeMap<String, Option<[u8; 32]>>);

impl Prints {
    /// The keys whose files are not those of before.
    #[must_use]
    pub fn changed_since(&self, before: &Self) -> BTreeSet<String> {
        let other = |key: &&String| self.0.get(*key) != before.0.get(*key);
        self.0.keys().chain(before.0.keys()).filter(other).cloned().collect()
    }

    /// Those of one table, by what follows its path.
    #[must_use]
    pub fn below(&self, table: &str) -> Self {
        let own = |(key, print): (&String, &Option<[u8; 32]>)| Some((key.strip_prefix(table)?.to_owned(), *print));
        Self(self.0.iter().filter_map(own).collect())
    }
}

/// Why a configuration cannot be read again.
#[derive(Debug, thiserror::Error)]
pub enum RereadError {
    /// It has faults.
    #[error(transparent)]
    Faults(#[from] ConfigFaults),
    /// What the command line said does not go with it any more.
    #[error(transparent)]
    Instead(#[from] InsteadError),
}

impl Config {
    /// The same file read anew, with what the command line said in its place. The files that it names are not looked at.
    ///
    /// # Errors
    /// See [`RereadError`].
    pub fn reread(&self) -> Result<Self, RereadError> {
        Ok(Self::load(self.source.path())?.instead(&self.instead)?)
    }

    /// Whether the file still has the text that this was read from.
    #[must_use]
    pub fn is_current(&self) -> bool {
        read_text(self.source.path()).is_ok_and(|text| text == self.source.text())
    }

    /// What is in the files that it names. Waits for the disk.
    #[must_use]
    pub fn prints(&self) -> Prints {
        let read = self.files.iter().filter(|file| file.is_read_as_one());
        Prints(read.map(|file| (file.key.clone(), file.print())).collect())
    }

    /// The file itself, and every file that it names: those whose change is worth a look.
    pub fn watched(&self) -> impl Iterator<Item = &Path> {
        let named = self.files.iter().filter(|file| file.is_read_as_one()).map(|file| file.path.as_path());
        std::iter::once(self.source.path()).chain(named)
    }

    /// The keys that have another value than before, as far down as it matters for [`can_change`].
    #[must_use]
    pub fn changed_since(&self, before: &Self) -> BTreeSet<String> {
        let table = |config: &Self| config.source.text().parse::<Table>().unwrap_or_default();
        let mut changed = BTreeSet::new();
        differ("", &table(before), &table(self), &mut changed);
        changed
    }
}

fn differ(path: &str, before: &Table, after: &Table, changed: &mut BTreeSet<String>) {
    for key in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        compare(path, before.get(key), after.get(key), changed);
    }
}

fn compare(path: String, before: Option<&Value>, after: Option<&Value>, changed: &mut BTreeSet<String>) {
    if before == after {
        return;
    }
    let empty = Table::new();
    match (before, after) {
        _ if can_change(&path) => {
            changed.insert(path);
        }
        (Some(Value::Table(before)), None) => differ(&path, before, &empty, changed),
        (None, Some(Value::Table(after))) => differ(&path, &empty, after, changed),
        (Some(Value::Table(before)), Some(Value::Table(after))) => differ(&path, before, after, changed),
        (Some(Value::Array(before)), Some(Value::Array(after))) if before.len() == after.len() => {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                compare(format!("{path}[{index}]"), Some(before), Some(after), changed);
            }
        }
        (_, _) => {
            changed.insert(path);
        }
    }
}

/// The folders in which these files lie: a file that is replaced, or a link to it, is seen there.
#[must_use]
pub fn folders<'p>(files: impl Iterator<Item = &'p Path>) -> BTreeSet<PathBuf> {
    let folder = |file: &Path| match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        Some(_) | None => PathBuf::from("."),
    };
    files.map(folder).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../deploy/inzage.example.toml");

    fn config(text: &str) -> Config {
        Config::parse(Path::new("/etc/inzage/inzage.toml"), text.to_owned()).unwrap()
    }

    fn changed(from: &str, to: &str) -> Vec<String> {
        assert!(EXAMPLE.contains(from), "{from}");
        config(&EXAMPLE.replacen(from, to, 1)).changed_since(&config(EXAMPLE)).into_iter().collect()
    }

    #[test]
    fn each_change_is_named_by_its_key() {
        for (from, to, key, can) in [
            ("listen = \"0.0.0.0:8441\"", "listen = \"0.0.0.0:9441\"", "front.listen", false),
            ("name = \"a\"", "name = \"b\"", "node.name", false),
            ("workers = 4", "workers = 5", "back.workers", false),
            ("workers = 4\n", "", "back.workers", false),
            ("#max_streams = 256", "max_streams = 256", "edge.max_streams", false),
            ("key = \"tls/front.key\"", "key = \"tls/new.key\"", "front.key", true),
            ("phone = \"088 123 45 67\"", "phone = \"088 123 45 68\"", "operator", true),
            ("state = \"open\"", "state = \"closed\"", "practices", true),
        ] {
            assert_eq!(changed(from, to), [key], "{to}");
            assert_eq!(can_change(key), can, "{key}");
        }
        assert_eq!(changed("workers = 4", "workers =   4 # the same"), <[&str; 0]>::default());
    }

    #[test]
    fn a_file_can_be_another_where_its_key_can() {
        for key in
            ["his[12].roots", "front.certificate", "audit.witness[0].roots", "back.client_crls[1]", "login.roots"]
        {
            assert!(can_change(key), "{key}");
        }
        for key in ["keys.sealing", "audit.checkpoint_key", "store.postgres.password", "hisx", "node", "", "clientsx.a"]
        {
            assert!(!can_change(key), "{key}");
        }
    }

    #[test]
    fn what_can_change_is_in_the_example() {
        for key in CHANGEABLE {
            let last = key.rsplit(['.', ']']).next().unwrap();
            assert!(EXAMPLE.contains(last), "{key}");
        }
    }

    #[test]
    fn another_file_under_the_same_key_is_told() {
        let folder = std::env::temp_dir().join(format!("inzage-prints-{}", crate::secret::Handle::draw().reveal()));
        std::fs::create_dir_all(folder.join("tls")).unwrap();
        std::fs::write(folder.join("tls/front.pem"), "one").unwrap();
        let config = Config::parse(&folder.join("inzage.toml"), EXAMPLE.to_owned()).unwrap();
        let before = config.prints();
        assert!(before.changed_since(&config.prints()).is_empty());
        std::fs::write(folder.join("tls/front.pem"), "two").unwrap();
        let after = config.prints();
        assert_eq!(after.changed_since(&before).into_iter().collect::<Vec<_>>(), ["front.certificate"]);
        assert_ne!(after.below("front."), before.below("front."));
        assert_eq!(after.below("back."), before.below("back."));
        assert!(config.watched().any(|path| path.ends_with("tls/front.pem")));
        assert!(folders(config.watched()).contains(&folder.join("tls")));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
