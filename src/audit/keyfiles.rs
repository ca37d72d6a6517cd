//! The folder with the yearly keys, `<year>.pseudonym` and `<year>.sealing`, and with the one for counting, `counting`: each 32 random
//! bytes in base64, for the owner only. Keys are made, and read; nothing here ever replaces or removes one.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::ops::RangeInclusive;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::keyring::{Keyring, Years};
use crate::seal::{Key32, KeyError, KeyFile};
use crate::secret::{Secret, random};

/// Years that a key can be of: those that stand in four digits.
const YEARS: RangeInclusive<i16> = 1000..=9999;

/// Most years at a time that keys are made for.
const CREATE_MAX: i16 = 50;

/// The name of the key that makes the marks by which people are counted. It is the same in all years.
const COUNTING: &str = "counting";

/// What a yearly key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyUse {
    /// Makes pseudonyms.
    Pseudonym,
    /// Seals BSNs.
    Sealing,
}

impl KeyUse {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Pseudonym, Self::Sealing];

    /// How the name of its file ends.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pseudonym => "pseudonym",
            Self::Sealing => "sealing",
        }
    }
}

/// The folder.
#[derive(Debug, Clone)]
pub struct KeyFolder(PathBuf);

/// Why keys cannot be read or made. No message repeats any of a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFolderError {
    /// The folder cannot be read or written.
    #[error("the folder of the audit keys cannot be used")]
    Folder(#[from] io::Error),
    /// Something in it is not named as a key is.
    #[error(
        "{name:?} in the folder of the audit keys is no key: expected <year>.pseudonym, <year>.sealing and counting"
    )]
    Foreign {
        /// Its name.
        name: String,
    },
    /// A key cannot be used.
    #[error("the audit key {name} cannot be used")]
    Key {
        /// The name of its file.
        name: String,
        /// Why.
        source: KeyError,
    },
    /// The key is there already, and another would make pseudonyms that nobody finds.
    #[error("there is an audit key {name} already")]
    Exists {
        /// The name of its file.
        name: String,
    },
    /// Not years that keys can be made for.
    #[error("expected years of four digits, the first before the last, and at most {CREATE_MAX} of them")]
    Years,
}

impl Keyring {
    /// With the keys in a folder.
    ///
    /// # Errors
    /// When one of them cannot be used; see [`KeyFolderError`].
    pub fn load(folder: &Path) -> Result<Self, KeyFolderError> {
        KeyFolder::new(folder).load().map(Self::new)
    }
}

impl KeyFolder {
    /// This folder.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Reads all keys. A key that others than its owner may read is refused.
    ///
    /// # Errors
    /// See [`KeyFolderError`].
    pub fn load(&self) -> Result<Years, KeyFolderError> {
        let mut years = Years::default();
        for (year, uses) in self.list()? {
            for key_use in uses {
                let key = self.read(year, key_use)?;
                match key_use {
                    KeyUse::Pseudonym => years.add_pseudonym_key(year, &key),
                    KeyUse::Sealing => years.add_sealing_key(year, &key),
                }
            }
        }
        Ok(years)
    }

    /// Which yearly keys there are. Names that begin with a dot are no business of ours.
    ///
    /// # Errors
    /// When the folder cannot be read, or something in it is no key.
    pub fn list(&self) -> Result<BTreeMap<i16, Vec<KeyUse>>, KeyFolderError> {
        let mut found: BTreeMap<i16, Vec<KeyUse>> = BTreeMap::new();
        for entry in fs::read_dir(&self.0)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') || name == COUNTING {
                continue;
            }
            let Some((year, key_use)) = key_of(&name) else { return Err(KeyFolderError::Foreign { name }) };
            found.entry(year).or_default().push(key_use);
        }
        found.values_mut().for_each(|uses| uses.sort_unstable());
        Ok(found)
    }

    /// Reads the key for counting; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be used; see [`KeyFolderError`].
    pub fn counting(&self) -> Result<Option<Key32>, KeyFolderError> {
        let path = self.0.join(COUNTING);
        if !path.try_exists()? {
            return Ok(None);
        }
        let key = KeyFile::load(&path);
        key.map(Some).map_err(|source| KeyFolderError::Key { name: COUNTING.to_owned(), source })
    }

    /// Makes the keys of each year that has none, and the one for counting when there is none, and gives the names of those it
    /// made. The folder is made when it is absent.
    ///
    /// # Errors
    /// See [`KeyFolderError`].
    pub fn create(&self, years: RangeInclusive<i16>) -> Result<Vec<String>, KeyFolderError> {
        let (from, to) = (*years.start(), *years.end());
        if !YEARS.contains(&from) || !YEARS.contains(&to) || !(0..CREATE_MAX).contains(&to.saturating_sub(from)) {
            return Err(KeyFolderError::Years);
        }
        self.make()?;
        let yearly = years.flat_map(|year| KeyUse::ALL.map(|key_use| name(year, key_use)));
        let mut made = Vec::new();
        for name in yearly.chain([COUNTING.to_owned()]) {
            match self.write(name.clone(), &Secret::new(random())) {
                Ok(()) => made.push(name),
                Err(KeyFolderError::Exists { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(made)
    }

    /// Writes the pseudonym key that the master key of the first releases gave for `year`, so that the pseudonyms of that
    /// year stay the same, and a sealing key when there is none.
    ///
    /// # Errors
    /// When the year has a pseudonym key already; see [`KeyFolderError`].
    pub fn migrate(&self, master: &Key32, year: i16) -> Result<(), KeyFolderError> {
        if !YEARS.contains(&year) {
            return Err(KeyFolderError::Years);
        }
        self.make()?;
        self.write(name(year, KeyUse::Pseudonym), &of_master(master, year))?;
        self.create(year..=year).map(drop)
    }

    fn make(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0)
    }

    fn read(&self, year: i16, key_use: KeyUse) -> Result<Key32, KeyFolderError> {
        let name = name(year, key_use);
        KeyFile::load(&self.0.join(&name)).map_err(|source| KeyFolderError::Key { name, source })
    }

    /// Whole under its name, or not at all, and never over another.
    fn write(&self, name: String, key: &Key32) -> Result<(), KeyFolderError> {
        let draft = self.0.join(format!(".{name}-{:016x}", u64::from_le_bytes(random())));
        let text = Zeroizing::new(STANDARD.encode(key.reveal()) + "\n");
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        let linked = file
            .write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::hard_link(&draft, self.0.join(&name)));
        fs::remove_file(&draft)?;
        match linked {
            Ok(()) => Ok(File::open(&self.0)?.sync_all()?),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(KeyFolderError::Exists { name }),
            Err(error) => Err(error.into()),
        }
    }
}

fn name(year: i16, key_use: KeyUse) -> String {
    format!("{year:04}.{}", key_use.as_str())
}

fn key_of(file_name: &str) -> Option<(i16, KeyUse)> {
    let (year, key_use) = file_name.split_once('.')?;
    let year = year.parse().ok().filter(|year| YEARS.contains(year))?;
    let key_use = KeyUse::ALL.into_iter().find(|known| known.as_str() == key_use)?;
    (name(year, key_use) == file_name).then_some((year, key_use))
}

/// HMAC-SHA256 of `inzage pseudonym <year>` under the master key.
fn of_master(master: &Key32, year: i16) -> Key32 {
    let tag = hmac::sign(&hmac::Key::new(HMAC_SHA256, master.reveal()), format!("inzage pseudonym {year}").as_bytes());
    let mut key = [0; 32];
    key.copy_from_slice(tag.as_ref());
    Secret::new(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing::Scratch;
    use crate::medmij::Bsn;
    use std::os::unix::fs::PermissionsExt as _;

    fn bsn() -> Bsn {
        Bsn::parse("999911132").unwrap()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn keys_are_made_once_for_the_owner_alone() {
        let scratch = Scratch::new();
        let folder = KeyFolder::new(&scratch.path().join("deep/keys"));
        let made = folder.create(2026..=2027).unwrap();
        assert_eq!(made, ["2026.pseudonym", "2026.sealing", "2027.pseudonym", "2027.sealing", "counting"]);
        let counting = folder.counting().unwrap().unwrap();
        assert_eq!(mode(folder.path()), 0o700);
        let before = fs::read(folder.path().join("2027.sealing")).unwrap();
        assert_eq!(mode(&folder.path().join("2027.sealing")), 0o600);
        assert_eq!(folder.create(2027..=2028).unwrap(), ["2028.pseudonym", "2028.sealing"]);
        assert_eq!(fs::read(folder.path().join("2027.sealing")).unwrap(), before);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 7, "no drafts stay");
        assert_eq!(folder.counting().unwrap().unwrap().reveal(), counting.reveal(), "it is the same over the years");
        assert!(folder.list().unwrap().keys().eq(&[2026, 2027, 2028]));
        let ring = Keyring::load(folder.path()).unwrap();
        assert!((2026..=2028).all(|year| ring.check(year).is_ok()) && ring.check(2029).is_err());
    }

    #[test]
    fn years_are_four_digits_in_order() {
        let scratch = Scratch::new();
        let folder = KeyFolder::new(scratch.path());
        #[expect(clippy::reversed_empty_ranges, reason = "that is what is refused")]
        for years in [2027..=2026, 26..=27, 2026..=2076, -5..=-4, 9999..=10_000] {
            assert!(matches!(folder.create(years), Err(KeyFolderError::Years)));
        }
        assert!(matches!(folder.migrate(&Secret::new([0; 32]), 26), Err(KeyFolderError::Years)));
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
    }

    /// The value stood in the tests of the first release: computed with another implementation of HMAC.
    #[test]
    fn a_migrated_year_keeps_its_pseudonyms() {
        let scratch = Scratch::new();
        let folder = KeyFolder::new(scratch.path());
        let master = Secret::new(std::array::from_fn(|i| u8::try_from(i).unwrap()));
        folder.migrate(&master, 2026).unwrap();
        let ring = Keyring::load(scratch.path()).unwrap();
        let expected = "2026:de2c0921a7e02a9b54b360e65232ee63d31320189afb0de4f1aa281c053af050";
        assert_eq!(ring.pseudonyms(&bsn())[0].as_str(), expected);
        assert!(ring.subject(&bsn(), "2026-03-01T00:00:00Z".parse().unwrap()).is_ok(), "it can seal too");
        assert!(matches!(folder.migrate(&master, 2026), Err(KeyFolderError::Exists { .. })));
    }

    #[test]
    fn a_dropped_key_is_gone() {
        let scratch = Scratch::new();
        let folder = KeyFolder::new(scratch.path());
        folder.create(2026..=2027).unwrap();
        let ring = Keyring::load(scratch.path()).unwrap();
        let sealed = ring.subject(&bsn(), "2026-03-01T00:00:00Z".parse().unwrap()).unwrap().sealed;
        fs::remove_file(scratch.path().join("2026.sealing")).unwrap();
        ring.replace(folder.load().unwrap());
        assert_eq!((ring.open(&sealed), ring.pseudonyms(&bsn()).len()), (None, 2));
        assert!(ring.check(2026).is_err());
        fs::remove_file(scratch.path().join("2026.pseudonym")).unwrap();
        assert_eq!(Keyring::load(scratch.path()).unwrap().pseudonyms(&bsn()).len(), 1);
    }

    #[test]
    fn what_is_no_key_or_open_to_others_is_refused_and_named() {
        let scratch = Scratch::new();
        let folder = KeyFolder::new(scratch.path());
        folder.create(2026..=2026).unwrap();
        let path = scratch.path().join("2026.sealing");
        for bits in [0o660, 0o604, 0o644] {
            fs::set_permissions(&path, fs::Permissions::from_mode(bits)).unwrap();
            let error = folder.load().unwrap_err();
            assert!(matches!(&error, KeyFolderError::Key { name, source: KeyError::Exposed { mode } }
                if name == "2026.sealing" && *mode == bits));
        }
        fs::remove_file(&path).unwrap();
        for name in ["026.sealing", "2026.sealed", "2026", "+2026.sealing", "2026.sealing.bak", "notes.txt"] {
            fs::write(scratch.path().join(name), "x").unwrap();
            assert!(matches!(folder.load(), Err(KeyFolderError::Foreign { name: found }) if found == name), "{name}");
            fs::remove_file(scratch.path().join(name)).unwrap();
        }
        fs::write(scratch.path().join(".keep"), "").unwrap();
        assert!(folder.load().is_ok());
        fs::write(scratch.path().join("counting"), "not a key").unwrap();
        assert!(matches!(folder.counting(), Err(KeyFolderError::Key { name, .. }) if name == "counting"));
        fs::remove_file(scratch.path().join("counting")).unwrap();
        assert!(folder.counting().unwrap().is_none());
        assert!(matches!(KeyFolder::new(&scratch.path().join("absent")).load(), Err(KeyFolderError::Folder(_))));
    }
}
