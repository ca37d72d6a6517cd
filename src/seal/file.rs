//! A key in a file that only the service can read.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::seal::Key32;
use crate::secret::{Secret, is_private};

/// A file with a key: the base64 form of 32 bytes, such as `openssl rand -base64 32` writes.
#[derive(Debug, Clone, Copy)]
pub struct KeyFile;

/// Why a file gives no key. Its content is not repeated.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It is not there, or may not be read.
    #[error("the key file cannot be read")]
    Unreadable(#[from] io::Error),
    /// Others than its owner may use it.
    #[error("the key file has mode {mode:03o}; only its owner may have access (chmod 600)")]
    Exposed {
        /// The permission bits of the file.
        mode: u32,
    },
    /// It holds something else.
    #[error("the key file must hold the base64 form of 32 bytes and nothing else")]
    NotAKey,
}

impl KeyFile {
    /// Longest content that is read, in bytes: 44 of base64 and a line end.
    const MAX_BYTES: u64 = 46;

    /// Reads a key. One line end after it is allowed.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn load(path: &Path) -> Result<Key32, KeyError> {
        let file = File::open(path)?;
        refuse_exposed(&file)?;
        let mut text = Zeroizing::new(Vec::with_capacity(64));
        file.take(Self::MAX_BYTES + 1).read_to_end(&mut text)?;
        parse_key(&text).ok_or(KeyError::NotAKey)
    }
}

fn parse_key(text: &[u8]) -> Option<Key32> {
    let line = text.strip_suffix(b"\n").unwrap_or(text);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let bytes = Zeroizing::new(STANDARD.decode(line).ok()?);
    bytes.as_slice().try_into().ok().map(Secret::new)
}

/// Looks at the open file, not at its path, so that what was checked is what is read.
#[cfg(unix)]
fn refuse_exposed(file: &File) -> Result<(), KeyError> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let metadata = file.metadata()?;
    let mode = metadata.permissions().mode() & 0o777;
    if is_private(mode, metadata.uid()) { Ok(()) } else { Err(KeyError::Exposed { mode }) }
}

#[cfg(not(unix))]
fn refuse_exposed(_: &File) -> Result<(), KeyError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    /// A folder of its own for one test.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            let number = u128::from_le_bytes(crate::secret::random());
            let path = std::env::temp_dir().join(format!("inzage-key-{number:032x}"));
            std::fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes: Vec<u8>) {
            proptest::prop_assert!(parse_key(&bytes).is_none() || bytes.len() >= 44);
        }
    }

    fn written(scratch: &Scratch, content: &str, mode: u32) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = scratch.path("key");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_key_file_may_end_its_line() {
        let scratch = Scratch::new();
        let text = STANDARD.encode([9; 32]);
        for content in [text.clone(), format!("{text}\n"), format!("{text}\r\n")] {
            let key = KeyFile::load(&written(&scratch, &content, 0o600)).unwrap();
            assert_eq!(*key.reveal(), [9; 32]);
            assert_eq!(format!("{key:?}"), "[redacted]");
        }
    }

    #[test]
    fn any_other_content_is_refused() {
        let scratch = Scratch::new();
        let text = STANDARD.encode([9; 32]);
        for content in [
            String::new(),
            STANDARD.encode([9; 31]),
            STANDARD.encode([9; 33]),
            format!("{text}\n\n"),
            format!(" {text}"),
        ] {
            let refused = KeyFile::load(&written(&scratch, &content, 0o600));
            assert!(matches!(refused, Err(KeyError::NotAKey)), "{content:?}");
        }
        assert!(matches!(KeyFile::load(&scratch.path("absent")), Err(KeyError::Unreadable(_))));
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let scratch = Scratch::new();
        for mode in [0o660, 0o604, 0o620, 0o644] {
            let refused = KeyFile::load(&written(&scratch, &STANDARD.encode([9; 32]), mode));
            assert!(matches!(refused, Err(KeyError::Exposed { mode: found }) if found == mode), "{mode:o}");
        }
        assert!(KeyFile::load(&written(&scratch, &STANDARD.encode([9; 32]), 0o400)).is_ok());
    }
}
