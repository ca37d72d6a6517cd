//! Proofs from folders that a real log wrote, at sizes around the widths of tiles, and what is refused.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use tlog_tiles::{Hash, HashReader, TileHashReader, TileReader};

use super::*;
use crate::audit::note::{KeyName, SigningKey};
use crate::audit::testing::{Scratch, bare};
use crate::audit::tiles::Shelf;
use crate::audit::tree::{RightEdge, leaf_hash};
use crate::audit::{AuditLog as _, FileLog, FileLogConfig, NodeName, read_dir};
use crate::clock::SystemClock;
use crate::secret::Secret;

/// A log of so many records in segments of some kilobytes, with its full tiles, its keys and a checkpoint at each of the sizes.
struct Signed {
    folder: Scratch,
    key: SigningKey,
    checkpoints: Vec<String>,
}

impl Signed {
    fn new(sizes: &[u64]) -> Self {
        let folder = Scratch::quick();
        let id = write(folder.path(), *sizes.iter().max().unwrap());
        let key = SigningKey::from_seed(&Secret::new([1; 32]), KeyName::parse(&id).unwrap());
        let keys = LogKeys::new(key.verifier(), &[]);
        let (mut edge, mut shelf) = (RightEdge::new(), Shelf::new(folder.path().to_owned()));
        let mut checkpoints = vec![String::new(); sizes.len()];
        for record in read_dir(folder.path()).unwrap() {
            let (_, payload) = record.unwrap();
            edge.push(leaf_hash(&payload), &mut |id, hashes| shelf.put(id, hashes).unwrap());
            for (note, _) in checkpoints.iter_mut().zip(sizes).filter(|(_, size)| **size == edge.size()) {
                let origin = key.verifier().name().clone();
                *note = Checkpoint { origin, size: edge.size(), root: edge.root() }.sign(&key).unwrap().to_string();
            }
        }
        std::fs::write(folder.path().join(folder::KEYS), keys.to_string()).unwrap();
        std::fs::write(folder.path().join(folder::CHECKPOINT), checkpoints.last().unwrap()).unwrap();
        Self { folder, key, checkpoints }
    }

    fn keys(&self) -> LogKeys {
        claimed_keys(self.folder.path()).unwrap()
    }

    fn prover(&self, note: &str) -> Prover {
        Prover::new(self.folder.path(), note, self.keys()).unwrap()
    }
}

fn write(dir: &Path, records: u64) -> String {
    let config =
        FileLogConfig { segment_bytes: 20_000, ..FileLogConfig::new(dir.to_owned(), NodeName::parse("a").unwrap()) };
    let (log, _) = FileLog::open(config, Arc::new(SystemClock)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for at in (0..records).map(|at| i64::try_from(at).unwrap()) {
        let receipt = log.append(&bare(Timestamp::from_second(at).unwrap())).unwrap();
        if at % 100 == 99 {
            runtime.block_on(receipt).unwrap();
        }
    }
    log.close();
    log.id().to_string()
}

#[test]
fn records_are_proven_under_the_newest_checkpoint_and_earlier_ones() {
    let log = Signed::new(&[1, 2, 255, 256, 257, 700]);
    for note in &log.checkpoints {
        let mut prover = log.prover(note);
        let size = prover.checkpoint().size;
        for index in [0, 1, 254, 255, 256, 511, 512, 699].into_iter().filter(|index| *index < size) {
            let proof = prover.inclusion(index, None).unwrap();
            let again = InclusionProof::parse(&proof.to_string()).unwrap();
            assert_eq!(again.verify(None, &log.keys()).unwrap().size, size);
        }
        let outside = prover.inclusion(size, None);
        assert!(matches!(outside, Err(ProveError::NotCovered { index, .. }) if index == size));
    }
}

#[test]
fn growth_is_proven_between_all_checkpoints() {
    let log = Signed::new(&[1, 2, 255, 256, 257, 700]);
    for (at, old) in log.checkpoints.iter().enumerate() {
        let (old, _) = log.keys().open(old).map(|(old, signer)| (old, format!("{signer:?}"))).unwrap();
        for new in &log.checkpoints[at..] {
            let proof = log.prover(new).consistency(&old).unwrap();
            let again = ConsistencyProof::parse(&proof.to_string()).unwrap();
            assert!(again.verify(&old, &log.keys()).is_ok());
        }
        let back = log.prover(&log.checkpoints[0]).consistency(&old);
        assert_eq!(back.is_err(), old.size > 1);
    }
}

#[test]
fn a_log_that_holds_something_else_proves_nothing() {
    let log = Signed::new(&[300]);
    let origin = log.key.verifier().name().clone();
    let forged = Checkpoint { origin, size: 300, root: [7; 32] };
    let note = forged.sign(&log.key).unwrap().to_string();
    assert!(matches!(log.prover(&note).inclusion(3, None), Err(ProveError::Other(_))));
    let old = Checkpoint { size: 200, ..forged };
    assert!(matches!(log.prover(&log.checkpoints[0]).consistency(&old), Err(ProveError::Other(_))));
    let other = log.prover(&log.checkpoints[0]).inclusion(3, Some(b"another".to_vec()));
    assert!(matches!(other, Err(ProveError::Other(_))));
    let strange = SigningKey::from_seed(&Secret::new([2; 32]), log.key.verifier().name().clone());
    let keys = LogKeys::new(strange.verifier(), &[]);
    let opened = Prover::new(log.folder.path(), &log.checkpoints[0], keys);
    assert!(matches!(opened.map(|_| ()), Err(ProveError::Keys(_))));
}

/// Removed after its retention, a record is proven for whoever kept it: the tiles hold its hash.
#[test]
fn a_removed_record_is_proven_when_it_is_given() {
    let log = Signed::new(&[700]);
    let kept = log.prover(&log.checkpoints[0]).inclusion(3, None).unwrap().record.unwrap();
    std::fs::remove_file(log.folder.path().join(folder::segment(0))).unwrap();
    let mut prover = log.prover(&log.checkpoints[0]);
    let without = prover.inclusion(3, None);
    assert!(matches!(without, Err(ProveError::Read(_))), "{without:?}");
    assert_eq!(prover.inclusion(3, Some(kept.clone())).unwrap().record, Some(kept));
    let out = Scratch::quick();
    let published = publish(&mut prover, out.path()).unwrap();
    assert_eq!((published.records, published.bundles), (700, 2), "the first bundle is not whole any more");
}

#[test]
fn a_log_that_was_never_signed_says_so() {
    let folder = Scratch::quick();
    assert!(matches!(newest_checkpoint(folder.path()), Err(ProveError::Unsigned { .. })));
    assert!(matches!(claimed_keys(folder.path()), Err(ProveError::Unsigned { .. })));
}

/// The published folder, as another implementation of tlog-tiles reads it.
struct Theirs<'a>(&'a Path);

impl TileReader for Theirs<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let path = |tile: &tlog_tiles::Tile| self.0.join(tile.path().replace("tile/8/", "tile/"));
        Ok(tiles.iter().map(|tile| std::fs::read(path(tile)).unwrap()).collect())
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

#[test]
fn another_implementation_reads_what_is_published() {
    for size in [1, 256, 700, 66_000] {
        let log = Signed::new(&[size]);
        let out = Scratch::quick();
        let published = publish(&mut log.prover(&log.checkpoints[0]), out.path()).unwrap();
        assert_eq!((published.records, published.bundles), (size, size.div_ceil(256)));

        let note = std::fs::read(out.path().join("checkpoint")).unwrap();
        let verifier = signed_note::StandardVerifier::new(&log.key.verifier().to_string()).unwrap();
        let known = signed_note::VerifierList::new(vec![Box::new(verifier)]);
        let note = signed_note::Note::from_bytes(&note).unwrap();
        note.verify(&known).unwrap();
        let checkpoint = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();

        // Their reader checks every tile against the root.
        let theirs = Theirs(out.path());
        let reader = TileHashReader::new(checkpoint.size(), *checkpoint.hash(), &theirs);
        for (index, payload) in entries(out.path(), size).into_iter().enumerate().step_by(97) {
            let index = index as u64;
            let hashes = reader.read_hashes(&[tlog_tiles::stored_hash_index(0, index)]).unwrap();
            assert_eq!(hashes[0].0, tlog_tiles::record_hash(&payload).0);
            let proof = tlog_tiles::prove_record(size, index, &reader).unwrap();
            let leaf = Hash(leaf_hash(&payload));
            tlog_tiles::check_record(&proof, size, *checkpoint.hash(), index, leaf).unwrap();
        }
        let again = publish(&mut log.prover(&log.checkpoints[0]), out.path());
        assert!(matches!(again, Err(ProveError::Write { .. })), "a folder with something in it is left alone");
    }
}

/// The records in the bundles.
fn entries(out: &Path, size: u64) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    for first in (0..size).step_by(256) {
        let width = u16::try_from((size - first).min(256)).unwrap();
        let id = crate::audit::tree::TileId::of_width(0, first / 256, width).unwrap();
        let bundle = std::fs::read(out.join(id.entries_path())).unwrap();
        let mut rest = bundle.as_slice();
        while let Some((length, after)) = rest.split_first_chunk::<2>() {
            let (entry, after) = after.split_at(u16::from_be_bytes(*length).into());
            entries.push(entry.to_vec());
            rest = after;
        }
    }
    assert_eq!(entries.len() as u64, size);
    entries
}
