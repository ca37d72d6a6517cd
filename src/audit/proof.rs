//! Proofs to hand to somebody: that a record is in the log (C2SP tlog-proof), and that the log grew from an earlier
//! checkpoint (the request that C2SP tlog-witness lays down). Both end with the signed checkpoint, so that the public key of
//! the log is all that is needed to check them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::checkpoint::Checkpoint;
use super::encode::MAX_PAYLOAD_BYTES;
use super::keys::{KeysError, LogKeys};
use super::note::{MAX_NOTE_BYTES, Note};
use super::tree::{ProofError, TreeHash, leaf_hash, verify_consistency, verify_inclusion};

/// The first line of a proof of inclusion.
const INCLUSION_START: &str = "c2sp.org/tlog-proof@v1";
/// No proof in a tree of fewer than 2^63 records is longer (C2SP tlog-witness: no more than 63 lines).
const MAX_HASHES: usize = 63;
/// No proof is longer, in bytes: the note, a record in base64, and the hashes.
pub const MAX_PROOF_BYTES: usize = MAX_NOTE_BYTES + 2 * MAX_PAYLOAD_BYTES + 8 * 1024;

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProvenError {
    /// The text is no proof.
    #[error("this is not a proof of the form that is asked for")]
    Form,
    /// A proof without its record, and none was given beside it.
    #[error("the proof does not hold the record that it is about")]
    Record,
    /// The checkpoint in it, or the one to compare with.
    #[error(transparent)]
    Checkpoint(#[from] KeysError),
    /// The hashes do not lead from the one to the other.
    #[error(transparent)]
    Hashes(#[from] ProofError),
}

/// That a record is in the log. Nothing in it counts before [`Self::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// The index of the record.
    pub index: u64,
    /// The payload of the record, in the line `extra`. Without it, whoever checks must have it.
    pub record: Option<Vec<u8>>,
    /// The siblings on the way to the root, from below.
    pub hashes: Vec<TreeHash>,
    /// The signed checkpoint.
    pub checkpoint: Note,
}

impl InclusionProof {
    /// Parses a proof. It has one form only.
    ///
    /// # Errors
    /// [`ProvenError::Form`].
    pub fn parse(text: &str) -> Result<Self, ProvenError> {
        parse_whole(text, Self::parse_lines)
    }

    fn parse_lines(text: &str) -> Option<Self> {
        let (head, note) = text.split_once("\n\n")?;
        let mut lines = head.strip_prefix(INCLUSION_START)?.strip_prefix('\n')?.split('\n');
        let mut line = lines.next()?;
        let mut record = None;
        if let Some(encoded) = line.strip_prefix("extra ") {
            record = Some(STANDARD.decode(encoded).ok()?);
            line = lines.next()?;
        }
        let index = line.strip_prefix("index ")?.parse().ok()?;
        Some(Self { index, record, hashes: parse_hashes(lines)?, checkpoint: Note::parse(note).ok()? })
    }

    /// Checks the checkpoint against the keys of the log, and that the record is where the proof says: the one given, or
    /// the one in the proof. Gives the checkpoint under which it stands.
    ///
    /// # Errors
    /// See [`ProvenError`].
    pub fn verify(&self, record: Option<&[u8]>, keys: &LogKeys) -> Result<Checkpoint, ProvenError> {
        let payload = record.or(self.record.as_deref()).ok_or(ProvenError::Record)?;
        let (checkpoint, _) = keys.open(&self.checkpoint.to_string())?;
        verify_inclusion(&leaf_hash(payload), self.index, checkpoint.size, &self.hashes, &checkpoint.root)?;
        Ok(checkpoint)
    }
}

impl fmt::Display for InclusionProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{INCLUSION_START}")?;
        if let Some(record) = &self.record {
            writeln!(f, "extra {}", STANDARD.encode(record))?;
        }
        writeln!(f, "index {}", self.index)?;
        write_hashes(&self.hashes, f)?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// That the log grew from an earlier size to that of a checkpoint. Nothing in it counts before [`Self::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// The earlier size.
    pub old: u64,
    /// The hashes of RFC 6962 section 2.1.2.
    pub hashes: Vec<TreeHash>,
    /// The signed checkpoint of the later size.
    pub checkpoint: Note,
}

impl ConsistencyProof {
    /// Parses a proof. It has one form only.
    ///
    /// # Errors
    /// [`ProvenError::Form`].
    pub fn parse(text: &str) -> Result<Self, ProvenError> {
        parse_whole(text, Self::parse_lines)
    }

    fn parse_lines(text: &str) -> Option<Self> {
        let (head, note) = text.split_once("\n\n")?;
        let mut lines = head.strip_prefix("old ")?.split('\n');
        let old = lines.next()?.parse().ok()?;
        Some(Self { old, hashes: parse_hashes(lines)?, checkpoint: Note::parse(note).ok()? })
    }

    /// Checks the checkpoint against the keys of the log, and that its tree begins with that of `old`. Gives the later one.
    ///
    /// # Errors
    /// See [`ProvenError`].
    pub fn verify(&self, old: &Checkpoint, keys: &LogKeys) -> Result<Checkpoint, ProvenError> {
        let (new, _) = keys.open(&self.checkpoint.to_string())?;
        if self.old != old.size || old.origin != new.origin {
            return Err(ProofError::OutOfTree.into());
        }
        verify_consistency((old.size, &old.root), (new.size, &new.root), &self.hashes)?;
        Ok(new)
    }
}

/// The body of a request to a witness.
impl fmt::Display for ConsistencyProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        write_hashes(&self.hashes, f)?;
        write!(f, "\n{}", self.checkpoint)
    }
}

fn parse_whole<T: fmt::Display>(text: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, ProvenError> {
    let short = text.len() <= MAX_PROOF_BYTES;
    let parsed = short.then(|| parse(text)).flatten().ok_or(ProvenError::Form)?;
    if parsed.to_string() == text { Ok(parsed) } else { Err(ProvenError::Form) }
}

fn parse_hashes<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Vec<TreeHash>> {
    let hashes: Option<Vec<TreeHash>> = lines.map(|line| STANDARD.decode(line).ok()?.try_into().ok()).collect();
    hashes.filter(|hashes| hashes.len() <= MAX_HASHES)
}

fn write_hashes(hashes: &[TreeHash], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    hashes.iter().try_for_each(|hash| writeln!(f, "{}", STANDARD.encode(hash)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::audit::note::{KeyName, NoteError, SigningKey};
    use crate::audit::tree::{OutOfTree, RightEdge, Subtree, consistency_proof, inclusion_proof, node_hash};
    use crate::secret::Secret;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(&Secret::new([seed; 32]), KeyName::parse("log").unwrap())
    }

    fn keys(seed: u8) -> LogKeys {
        LogKeys::new(key(seed).verifier(), &[])
    }

    fn payload(at: u64) -> Vec<u8> {
        format!("{{\"v\":1,\"at\":{at}}}").into_bytes()
    }

    fn subtree(Subtree { height, index }: Subtree) -> Result<TreeHash, OutOfTree> {
        let Some(height) = height.checked_sub(1) else { return Ok(leaf_hash(&payload(index))) };
        let [left, right] = [2 * index, 2 * index + 1].map(|index| subtree(Subtree { height, index }));
        Ok(node_hash(&left?, &right?))
    }

    fn checkpoint(size: u64) -> Checkpoint {
        let mut edge = RightEdge::new();
        (0..size).for_each(|at| edge.push(leaf_hash(&payload(at)), &mut |_, _| {}));
        Checkpoint { origin: KeyName::parse("log").unwrap(), size, root: edge.root() }
    }

    fn included(index: u64, size: u64) -> InclusionProof {
        let hashes = inclusion_proof(index, size, &mut subtree).unwrap();
        let checkpoint = checkpoint(size).sign(&key(1)).unwrap();
        InclusionProof { index, record: Some(payload(index)), hashes, checkpoint }
    }

    fn grown(old: u64, size: u64) -> ConsistencyProof {
        let hashes = consistency_proof(old, size, &mut subtree).unwrap();
        ConsistencyProof { old, hashes, checkpoint: checkpoint(size).sign(&key(1)).unwrap() }
    }

    /// The form in full; the root is that of the tree, and the signature of Ed25519 is the same each time.
    #[test]
    fn the_form_is_that_of_the_specifications() {
        let [first, note] = [leaf_hash(&payload(0)), node_hash(&leaf_hash(&payload(0)), &leaf_hash(&payload(1)))]
            .map(|hash| STANDARD.encode(hash));
        let proof = included(1, 2);
        let signed = proof.checkpoint.to_string();
        let extra = STANDARD.encode(r#"{"v":1,"at":1}"#);
        let expected = format!("c2sp.org/tlog-proof@v1\nextra {extra}\nindex 1\n{first}\n\n{signed}");
        assert_eq!(proof.to_string(), expected);
        assert!(signed.starts_with(&format!("log\n2\n{note}\n\n\u{2014} log ")));
        assert_eq!(InclusionProof { record: None, ..included(0, 1) }.to_string().lines().nth(1), Some("index 0"));
        assert_eq!(grown(1, 1).to_string(), format!("old 1\n\n{}", checkpoint(1).sign(&key(1)).unwrap()));
    }

    #[test]
    fn a_record_may_be_given_beside_its_proof() {
        let bare = InclusionProof { record: None, ..included(3, 9) };
        assert_eq!(bare.verify(Some(&payload(3)), &keys(1)), Ok(checkpoint(9)));
        assert_eq!(bare.verify(None, &keys(1)), Err(ProvenError::Record));
        assert_eq!(bare.verify(Some(&payload(4)), &keys(1)), Err(ProofError::Root.into()));
    }

    #[test]
    fn the_key_of_another_log_opens_nothing() {
        let unsigned = ProvenError::Checkpoint(KeysError::Checkpoint(NoteError::Unsigned.into()));
        assert_eq!(included(3, 9).verify(None, &keys(2)), Err(unsigned));
        assert_eq!(grown(3, 9).verify(&checkpoint(3), &keys(2)), Err(unsigned));
    }

    #[test]
    fn growth_is_told_from_the_tree_it_began_with() {
        let proof = grown(3, 9);
        assert_eq!(proof.verify(&checkpoint(3), &keys(1)), Ok(checkpoint(9)));
        assert_eq!(proof.verify(&checkpoint(4), &keys(1)), Err(ProofError::OutOfTree.into()));
        let other = Checkpoint { root: [7; 32], ..checkpoint(3) };
        assert_eq!(proof.verify(&other, &keys(1)), Err(ProofError::Root.into()));
        let strange = Checkpoint { origin: KeyName::parse("other").unwrap(), ..checkpoint(3) };
        assert_eq!(proof.verify(&strange, &keys(1)), Err(ProofError::OutOfTree.into()));
    }

    #[test]
    fn another_form_is_no_proof() {
        let text = included(5, 9).to_string();
        for wrong in [
            text.replace("@v1", "@v2"),
            text.replace("index 5", "index 05"),
            text.replace("index 5", "index -5"),
            text.replace("index 5\n", ""),
            text.replace("extra ", "extra  "),
            text.replace("index 5\n", "index 5\nAAAA\n"),
            text.replacen("\n\n", "\n", 1),
            text.trim_end().to_owned(),
            format!("{text}\n"),
            text.replace("index 5\n", &format!("index 5\n{}", format!("{}\n", STANDARD.encode([7; 32])).repeat(64))),
        ] {
            assert_eq!(InclusionProof::parse(&wrong), Err(ProvenError::Form), "{wrong:.120}");
        }
        for wrong in ["", "old 1", "old 01\n\n", "old 1\nAAAA\n\n"] {
            let wrong = format!("{wrong}{}", checkpoint(1).sign(&key(1)).unwrap());
            assert_eq!(ConsistencyProof::parse(&wrong), Err(ProvenError::Form), "{wrong:.120}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// C.5 case 96, on the proofs as they are handed over: no changed byte goes unnoticed.
        #[test]
        fn case_96_a_proof_holds_as_it_is_only(size in 1_u64..300, at: u64, place: usize, bit in 0_u8..7) {
            let (index, old) = (at % size, 1 + at % size);
            let (included, grown) = (included(index, size), grown(old, size));
            let texts = [included.to_string(), grown.to_string()];
            prop_assert_eq!(&InclusionProof::parse(&texts[0]).unwrap(), &included);
            prop_assert_eq!(&ConsistencyProof::parse(&texts[1]).unwrap(), &grown);
            prop_assert_eq!(included.verify(None, &keys(1)), Ok(checkpoint(size)));
            prop_assert_eq!(grown.verify(&checkpoint(old), &keys(1)), Ok(checkpoint(size)));
            let [included, grown] = texts.map(|text| {
                let mut bytes = text.into_bytes();
                let place = place % bytes.len();
                bytes[place] ^= 1 << bit;
                String::from_utf8(bytes).unwrap_or_default()
            });
            let verified = InclusionProof::parse(&included).and_then(|proof| proof.verify(None, &keys(1)));
            prop_assert!(verified.is_err());
            let verified = ConsistencyProof::parse(&grown).and_then(|proof| proof.verify(&checkpoint(old), &keys(1)));
            prop_assert!(verified.is_err());
        }
    }
}
