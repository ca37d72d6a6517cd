//! The public keys of a log: the one that signs now, and those that it replaced. A replaced key is believed up to the size at
//! which it was replaced and no further, so that whoever steals it later can sign nothing new with it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::checkpoint::{Checkpoint, CheckpointError};
use super::note::{KeyName, NoteError, VerifierKey};
use super::tree::TreeHash;

/// A key that was replaced, with the last tree that it may speak of.
///
/// Its text is `<key> <size> <root in base64>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetiredKey {
    /// The key.
    pub key: VerifierKey,
    /// The size of the tree when it was replaced.
    pub size: u64,
    /// The root of that tree.
    pub root: TreeHash,
}

/// The keys of one log. As text, and in the file `verifier-keys` of its folder: a line each, the present one first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogKeys {
    present: VerifierKey,
    retired: Vec<RetiredKey>,
}

/// Who signed a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer<'k> {
    /// The key that signs now.
    Present,
    /// A key that was replaced since.
    Retired(&'k RetiredKey),
}

/// Why keys, or what they are said to have signed, cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// A line is no key.
    #[error("this is not a list of public keys of a log")]
    Form,
    /// The keys are of several logs.
    #[error("these keys are of different logs")]
    Names,
    /// The checkpoint says nothing.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A replaced key signed for a tree that it may not speak of: it was stolen, or is still in use somewhere.
    #[error("a key that was replaced at size {until} signed for another tree, of size {size}")]
    AfterRetirement {
        /// The size that was signed.
        size: u64,
        /// The largest size that it may sign.
        until: u64,
    },
}

impl RetiredKey {
    /// Parses what prints.
    ///
    /// # Errors
    /// [`KeysError::Form`].
    pub fn parse(text: &str) -> Result<Self, KeysError> {
        let parsed = Self::parse_words(text).ok_or(KeysError::Form)?;
        if parsed.to_string() == text { Ok(parsed) } else { Err(KeysError::Form) }
    }

    fn parse_words(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let (key, size, root) = (words.next()?, words.next()?, words.next()?);
        let root = STANDARD.decode(root).ok()?.try_into().ok()?;
        Some(Self { key: key.parse().ok()?, size: size.parse().ok()?, root })
    }

    /// The present key of these becomes one that ends with this checkpoint.
    #[must_use]
    pub fn at(keys: &LogKeys, checkpoint: &Checkpoint) -> Self {
        Self { key: keys.present.clone(), size: checkpoint.size, root: checkpoint.root }
    }
}

impl fmt::Display for RetiredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.key, self.size, STANDARD.encode(self.root))
    }
}

impl LogKeys {
    /// The keys of the log that `present` is named after; replaced keys of other logs are left out.
    #[must_use]
    pub fn new(present: VerifierKey, retired: &[RetiredKey]) -> Self {
        let own = retired.iter().filter(|retired| retired.key.name() == present.name());
        Self { retired: own.cloned().collect(), present }
    }

    /// Parses a line for each key: the present one, then those that it replaced.
    ///
    /// # Errors
    /// [`KeysError::Form`] and [`KeysError::Names`].
    pub fn parse(text: &str) -> Result<Self, KeysError> {
        let mut lines = text.lines().filter(|line| !line.is_empty());
        let present: VerifierKey = lines.next().and_then(|line| line.parse().ok()).ok_or(KeysError::Form)?;
        let retired = lines.map(RetiredKey::parse).collect::<Result<Vec<_>, _>>()?;
        let same = retired.iter().all(|retired| retired.key.name() == present.name());
        if same { Ok(Self { present, retired }) } else { Err(KeysError::Names) }
    }

    /// The key that signs now.
    #[must_use]
    pub const fn present(&self) -> &VerifierKey {
        &self.present
    }

    /// Those that it replaced.
    #[must_use]
    pub fn retired(&self) -> &[RetiredKey] {
        &self.retired
    }

    /// The name that they share: the id of the log.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        self.present.name()
    }

    /// The checkpoint in a note, and which key signed it.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub fn open(&self, note: &str) -> Result<(Checkpoint, Signer<'_>), KeysError> {
        match Checkpoint::open(note, std::slice::from_ref(&self.present)) {
            Ok(checkpoint) => Ok((checkpoint, Signer::Present)),
            Err(CheckpointError::Note(NoteError::Unsigned)) => self.open_retired(note),
            Err(error) => Err(error.into()),
        }
    }

    fn open_retired(&self, note: &str) -> Result<(Checkpoint, Signer<'_>), KeysError> {
        for retired in &self.retired {
            match Checkpoint::open(note, std::slice::from_ref(&retired.key)) {
                Ok(checkpoint) => return retired.admit(checkpoint),
                Err(CheckpointError::Note(NoteError::Unsigned)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(CheckpointError::Note(NoteError::Unsigned).into())
    }
}

impl RetiredKey {
    fn admit(&self, checkpoint: Checkpoint) -> Result<(Checkpoint, Signer<'_>), KeysError> {
        let other_root = checkpoint.size == self.size && checkpoint.root != self.root;
        if checkpoint.size > self.size || other_root {
            return Err(KeysError::AfterRetirement { size: checkpoint.size, until: self.size });
        }
        Ok((checkpoint, Signer::Retired(self)))
    }
}

impl fmt::Display for LogKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.present)?;
        self.retired.iter().try_for_each(|retired| writeln!(f, "{retired}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::note::SigningKey;
    use super::*;
    use crate::secret::Secret;

    fn key(seed: u8, name: &str) -> SigningKey {
        SigningKey::from_seed(&Secret::new([seed; 32]), KeyName::parse(name).unwrap())
    }

    fn checkpoint(size: u64, root: u8) -> Checkpoint {
        Checkpoint { origin: KeyName::parse("log").unwrap(), size, root: [root; 32] }
    }

    fn note(key: &SigningKey, size: u64, root: u8) -> String {
        checkpoint(size, root).sign(key).unwrap().to_string()
    }

    #[test]
    fn a_replaced_key_speaks_up_to_its_end_only() {
        let (old, new) = (key(1, "log"), key(2, "log"));
        let before = LogKeys::new(old.verifier(), &[]);
        let retired = RetiredKey::at(&before, &checkpoint(10, 7));
        let keys = LogKeys::new(new.verifier(), std::slice::from_ref(&retired));
        assert_eq!(keys.open(&note(&new, 50, 1)), Ok((checkpoint(50, 1), Signer::Present)));
        for (size, root) in [(9, 3), (10, 7)] {
            assert_eq!(keys.open(&note(&old, size, root)), Ok((checkpoint(size, root), Signer::Retired(&retired))));
        }
        for (size, root) in [(11, 7), (10, 8), (1_000, 1)] {
            assert_eq!(keys.open(&note(&old, size, root)), Err(KeysError::AfterRetirement { size, until: 10 }));
        }
        let unsigned = KeysError::Checkpoint(CheckpointError::Note(NoteError::Unsigned));
        assert_eq!(keys.open(&note(&key(3, "log"), 9, 3)), Err(unsigned));
    }

    #[test]
    fn keys_print_and_parse_and_are_of_one_log() {
        let (old, new) = (key(1, "log"), key(2, "log"));
        let retired = RetiredKey { key: old.verifier(), size: 10, root: [7; 32] };
        let strange = RetiredKey { key: key(1, "other").verifier(), ..retired.clone() };
        let keys = LogKeys::new(new.verifier(), &[retired.clone(), strange.clone()]);
        assert_eq!(keys.retired(), std::slice::from_ref(&retired));
        assert_eq!(LogKeys::parse(&keys.to_string()), Ok(keys.clone()));
        assert_eq!(LogKeys::parse(&format!("{keys}{strange}\n")), Err(KeysError::Names));
        for text in ["", "\n", "log", &format!("{keys}x\n"), &format!("{retired}\n")] {
            assert_eq!(LogKeys::parse(text), Err(KeysError::Form), "{text}");
        }
        for text in [format!("{retired} x"), format!("{} 010 AA==", old.verifier()), old.verifier().to_string()] {
            assert_eq!(RetiredKey::parse(&text), Err(KeysError::Form), "{text}");
        }
    }
}
