//! Checkpoints (C2SP tlog-checkpoint): the size and root of the tree of a log, signed by the log.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::note::{KeyName, Note, NoteError, SigningKey, VerifierKey};
use super::tree::{MAX_SIZE, TreeHash};

/// What a log says of itself: these records, in this order, and none before them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: its id, which is also the name of its key.
    pub origin: KeyName,
    /// How many records it covers.
    pub size: u64,
    /// The root of the tree over them.
    pub root: TreeHash,
}

/// Why a checkpoint says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The signed text is not a checkpoint of this kind of log.
    #[error("the signed text is not a checkpoint")]
    Form,
    /// It speaks of another log than the one whose key signed it.
    #[error("the checkpoint is of another log")]
    Origin,
}

impl Checkpoint {
    /// The text that is signed: origin, size and root, a line each.
    #[must_use]
    pub fn text(&self) -> String {
        self.to_string()
    }

    /// Parses the text. It has one form only; lines after the third, which the specification allows and advises against,
    /// are in no checkpoint of ours.
    ///
    /// # Errors
    /// [`CheckpointError::Form`].
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let parsed = parse_lines(text).ok_or(CheckpointError::Form)?;
        if parsed.text() == text { Ok(parsed) } else { Err(CheckpointError::Form) }
    }

    /// The signed note.
    ///
    /// # Errors
    /// [`CheckpointError::Origin`] when the key is of another log.
    pub fn sign(&self, key: &SigningKey) -> Result<Note, CheckpointError> {
        if *key.verifier().name() != self.origin {
            return Err(CheckpointError::Origin);
        }
        Ok(Note::of(&self.text()).ok_or(CheckpointError::Form)?.sign(key))
    }

    /// The checkpoint in a note that one of the keys of the log signed.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub fn open(note: &str, trusted: &[VerifierKey]) -> Result<Self, CheckpointError> {
        let signed = Note::parse(note)?.open(trusted)?;
        let checkpoint = Self::parse(signed.text())?;
        // The key of one log must not speak for another.
        if signed.is_by(&checkpoint.origin) { Ok(checkpoint) } else { Err(CheckpointError::Origin) }
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }
}

fn parse_lines(text: &str) -> Option<Checkpoint> {
    let mut lines = text.strip_suffix('\n')?.split('\n');
    let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
    let size = size.parse().ok().filter(|size| *size <= MAX_SIZE)?;
    let root = STANDARD.decode(root).ok()?.try_into().ok()?;
    Some(Checkpoint { origin: KeyName::parse(origin).ok()?, size, root })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secret::Secret;

    fn key(seed: u8, name: &str) -> SigningKey {
        SigningKey::from_seed(&Secret::new([seed; 32]), KeyName::parse(name).unwrap())
    }

    fn checkpoint(origin: &str, size: u64) -> Checkpoint {
        Checkpoint { origin: KeyName::parse(origin).unwrap(), size, root: [7; 32] }
    }

    /// The example of the specification.
    #[test]
    fn the_text_is_what_the_specification_says() {
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let parsed = Checkpoint::parse(text).unwrap();
        assert_eq!((parsed.origin.as_str(), parsed.size), ("example.com/behind-the-sofa", 20_852_163));
        assert_eq!(parsed.text(), text);
        for wrong in [
            "",
            "a\n1\n",
            &text.replace("20852163", "020852163"),
            &text.replace("20852163", "+20852163"),
            &text.replace("20852163", "9223372036854775808"),
            &text.replace("example.com/", "example com/"),
            &text.replace("q2I=", "q2J="),
            &text.replace("q2I=", "q2I"),
            &format!("{text}extension\n"),
            &format!("\n{text}"),
            text.trim_end(),
        ] {
            assert_eq!(Checkpoint::parse(wrong), Err(CheckpointError::Form), "{wrong:?}");
        }
    }

    #[test]
    fn a_checkpoint_opens_with_the_key_of_its_log_only() {
        let (ours, stranger) = (key(1, "log-a"), key(2, "log-b"));
        let one = checkpoint("log-a", 3);
        let note = one.sign(&ours).unwrap();
        let trusted = [ours.verifier(), stranger.verifier()];
        assert_eq!(Checkpoint::open(&note.to_string(), &trusted), Ok(one.clone()));
        let unsigned = Checkpoint::open(&note.to_string(), &trusted[1..]);
        assert_eq!(unsigned, Err(CheckpointError::Note(NoteError::Unsigned)));
        assert_eq!(one.sign(&stranger), Err(CheckpointError::Origin));
        let strange = Note::of(&one.text()).unwrap().sign(&stranger).to_string();
        assert_eq!(Checkpoint::open(&strange, &trusted), Err(CheckpointError::Origin));
        let text = Note::of("log-a\nthree\n").unwrap().sign(&ours).to_string();
        assert_eq!(Checkpoint::open(&text, &trusted), Err(CheckpointError::Form));
    }

    proptest! {
        #[test]
        fn another_implementation_reads_what_we_write(origin in "[a-z0-9-]{1,56}", size in 0..=MAX_SIZE, root: [u8; 32]) {
            let ours = Checkpoint { origin: KeyName::parse(&origin).unwrap(), size, root };
            prop_assert_eq!(&Checkpoint::parse(&ours.text()).unwrap(), &ours);
            let theirs = tlog_tiles::Checkpoint::from_bytes(ours.text().as_bytes()).unwrap();
            prop_assert_eq!((theirs.origin(), theirs.size(), theirs.hash().0), (origin.as_str(), size, root));
            prop_assert_eq!(theirs.to_bytes(), ours.text().into_bytes());
        }

        #[test]
        fn any_text_is_a_checkpoint_or_an_error(text in "(\\PC|\n|[0-9]){0,60}") {
            if let Ok(parsed) = Checkpoint::parse(&text) {
                prop_assert_eq!(parsed.text(), text);
            }
        }
    }
}
