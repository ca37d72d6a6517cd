//! The file with the keys of tickets: 32 random bytes in base64 on each line, the newest first, for the owner only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::seal::Key32;
use crate::secret::{Secret, is_private, random};

/// Most keys that are kept: the one that seals and two that it replaced.
const KEPT: usize = 3;
/// Longest content that is read, in bytes.
const LONGEST: usize = KEPT * LINE;
/// 44 characters of base64, and a line end of either kind.
const LINE: usize = 46;

/// Keys that nodes share; at least one.
#[derive(Debug, Clone)]
pub struct TicketKeys {
    newest: Key32,
    older: Vec<Key32>,
}

/// Why there are no keys. Nothing of the file is repeated.
#[derive(Debug, thiserror::Error)]
pub enum TicketKeyError {
    /// It is not there, or may not be read or written.
    #[error("the file with the keys of TLS tickets cannot be used")]
    File(#[from] io::Error),
    /// Others than its owner may use it.
    #[error("the file with the keys of TLS tickets has mode {mode:03o}; only its owner may have access (chmod 600)")]
    Exposed {
        /// The permission bits of the file.
        mode: u32,
    },
    /// It holds something else.
    #[error("the file must hold 1 to {KEPT} keys of TLS tickets, each 32 random bytes in base64 on a line of its own")]
    NotKeys,
    /// There are keys already.
    #[error("the file is there already; `rotate` puts a new key before those in it")]
    Exists,
}

impl TicketKeys {
    /// Reads a file.
    ///
    /// # Errors
    /// See [`TicketKeyError`].
    pub fn load(path: &Path) -> Result<Self, TicketKeyError> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let mode = metadata.permissions().mode() & 0o777;
        if !is_private(mode, metadata.uid()) {
            return Err(TicketKeyError::Exposed { mode });
        }
        let mut text = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
        file.take(u64::try_from(LONGEST + 1).unwrap_or(u64::MAX)).read_to_end(&mut text)?;
        Self::parse(&text)
    }

    /// Reads the content of a file.
    ///
    /// # Errors
    /// [`TicketKeyError::NotKeys`].
    pub fn parse(text: &[u8]) -> Result<Self, TicketKeyError> {
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let keys: Option<_> = text.split(|byte| *byte == b'\n').take(KEPT + 1).map(key).collect();
        keys.and_then(Self::of).ok_or(TicketKeyError::NotKeys)
    }

    /// These keys, newest first; `None` when there are none, or too many.
    pub(super) fn of(keys: Vec<Key32>) -> Option<Self> {
        let mut keys = keys.into_iter();
        let (newest, older) = (keys.next()?, keys.collect::<Vec<_>>());
        (older.len() < KEPT).then_some(Self { newest, older })
    }

    /// The one that seals, and those that only open.
    pub(super) fn newest_first(&self) -> (&Key32, &[Key32]) {
        (&self.newest, &self.older)
    }

    /// Makes a file with one new key.
    ///
    /// # Errors
    /// When it is there already or cannot be made.
    pub fn create(path: &Path) -> Result<(), TicketKeyError> {
        let keys = Self { newest: Secret::new(random()), older: Vec::new() };
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        match made {
            Ok(file) => Ok(keys.write(file)?),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(TicketKeyError::Exists),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts a new key before those of a file, and lets go of the oldest when there are too many. Whoever reads the file meanwhile
    /// finds the one before or the new one.
    ///
    /// # Errors
    /// When the file cannot be read or replaced.
    pub fn rotate(path: &Path) -> Result<(), TicketKeyError> {
        let Self { newest, older } = Self::load(path)?;
        let older = std::iter::once(newest).chain(older).take(KEPT - 1).collect();
        let keys = Self { newest: Secret::new(random()), older };
        let beside = path.with_added_extension("new");
        // One that a stop in the middle left; it was never used.
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        keys.write(file)?;
        Ok(fs::rename(&beside, path)?)
    }

    fn write(&self, mut file: File) -> io::Result<()> {
        for key in std::iter::once(&self.newest).chain(&self.older) {
            let line = Zeroizing::new(STANDARD.encode(key.reveal()) + "\n");
            file.write_all(line.as_bytes())?;
        }
        file.sync_all()
    }
}

fn key(line: &[u8]) -> Option<Key32> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let bytes = Zeroizing::new(STANDARD.decode(line).ok()?);
    bytes.as_slice().try_into().ok().map(Secret::new)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// A folder of its own for one test.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("inzage-tickets-{}", crate::secret::Handle::draw().reveal()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn keys(&self) -> PathBuf {
            self.0.join("tickets.key")
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn bytes(keys: &TicketKeys) -> Vec<[u8; 32]> {
        std::iter::once(&keys.newest).chain(&keys.older).map(|key| *key.reveal()).collect()
    }

    #[test]
    fn a_file_is_made_once_and_keeps_two_keys_behind_the_newest() {
        let scratch = Scratch::new();
        TicketKeys::create(&scratch.keys()).unwrap();
        assert!(matches!(TicketKeys::create(&scratch.keys()), Err(TicketKeyError::Exists)));
        let mut expected = bytes(&TicketKeys::load(&scratch.keys()).unwrap());
        for kept in [2, 3, 3] {
            TicketKeys::rotate(&scratch.keys()).unwrap();
            let found = bytes(&TicketKeys::load(&scratch.keys()).unwrap());
            assert_eq!(found.len(), kept);
            expected.truncate(KEPT - 1);
            assert_eq!(found[1..], expected, "those before stay in their order");
            expected = found;
        }
        assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 1, "nothing is left beside it");
        assert_eq!(fs::metadata(scratch.keys()).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_is_no_list_of_keys_is_refused() {
        let key = STANDARD.encode([9; 32]);
        for (text, keys) in [
            (key.clone(), 1),
            (format!("{key}\n"), 1),
            (format!("{key}\r\n{key}\r\n"), 2),
            (format!("{key}\n{key}\n{key}\n"), 3),
            (format!("{key}\n{key}\n{key}\n{key}\n"), 0),
            (format!("{key}\n\n"), 0),
            (format!("{key} {key}\n"), 0),
            (STANDARD.encode([9; 31]), 0),
            (String::new(), 0),
        ] {
            assert_eq!(TicketKeys::parse(text.as_bytes()).map_or(0, |keys| bytes(&keys).len()), keys, "{text:?}");
        }
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let scratch = Scratch::new();
        TicketKeys::create(&scratch.keys()).unwrap();
        fs::set_permissions(scratch.keys(), fs::Permissions::from_mode(0o660)).unwrap();
        for refused in [TicketKeys::load(&scratch.keys()).map(drop), TicketKeys::rotate(&scratch.keys())] {
            assert!(matches!(refused, Err(TicketKeyError::Exposed { mode: 0o660 })));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(text: Vec<u8>) {
            proptest::prop_assert!(TicketKeys::parse(&text).is_err() || text.len() >= 44);
        }
    }
}
