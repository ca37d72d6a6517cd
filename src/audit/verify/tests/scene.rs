//! Logs as a node leaves them, written with the parts of one.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::*;
use crate::audit::checkpoint::Checkpoint;
use crate::audit::manifest::{Digest, Manifest};
use crate::audit::note::{KeyName, SigningKey};
use crate::audit::testing::{Scratch, full};
use crate::audit::tree::{TileId, TreeHash, leaf_hash};
use crate::audit::{AuditEvent, AuditLog as _, FileLog, FileLogConfig, NodeName, read_dir};
use crate::clock::TestClock;
use crate::secret::{Secret, sha256};

pub(super) struct Scene {
    scratch: Scratch,
    dir: PathBuf,
    pub(super) key: SigningKey,
}

/// A checkpoint of the log of this key.
pub(super) fn checkpoint(key: &SigningKey, size: u64, root: TreeHash) -> String {
    Checkpoint { origin: key.verifier().name().clone(), size, root }.sign(key).unwrap().to_string()
}

impl Scene {
    /// A log of so many records, not signed.
    pub(super) fn write(records: u64, segment_bytes: u64) -> Self {
        let scratch = Scratch::quick();
        let dir = scratch.path().join("log");
        let node = NodeName::parse("test").unwrap();
        let config = FileLogConfig { segment_bytes, ..FileLogConfig::new(dir.clone(), node) };
        let (log, _) = FileLog::open(config, TestClock::at(Timestamp::UNIX_EPOCH)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            for intent in 0..records {
                let time = Timestamp::from_second(i64::try_from(intent).unwrap()).unwrap();
                log.append(&AuditEvent { intent: Some(intent), ..full(time) }).unwrap().await.unwrap();
            }
        });
        let name = KeyName::parse(&log.id().to_string()).unwrap();
        drop(log);
        Self { scratch, dir, key: SigningKey::from_seed(&Secret::new([7; 32]), name) }
    }

    /// One that is signed and partly compressed, for a single test at a time.
    pub(super) fn shared() -> MutexGuard<'static, Self> {
        static SCENE: LazyLock<Mutex<Scene>> = LazyLock::new(|| {
            let scene = Scene::write(300, 30_000);
            scene.sign();
            scene.pack(2);
            Mutex::new(scene)
        });
        SCENE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(super) fn keys(&self) -> LogKeys {
        LogKeys::new(self.key.verifier(), &[])
    }

    pub(super) fn other_key(&self) -> SigningKey {
        SigningKey::from_seed(&Secret::new([8; 32]), self.key.verifier().name().clone())
    }

    pub(super) fn all(&self) -> Verification<'static> {
        Verification { keys: None, outside: Vec::new(), jobs: NonZeroUsize::MIN, state: None, progress: &|_| () }
    }

    pub(super) fn fault(&self, verification: &Verification<'_>) -> (u64, String, Why) {
        match verification.run(&self.dir) {
            Err(VerifyError::Read(ReadError::Broken(broken))) => (broken.index, broken.segment, broken.why),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn firsts(&self) -> Vec<u64> {
        scan::list(&self.dir).unwrap().into()
    }

    pub(super) fn payloads(&self) -> Vec<Vec<u8>> {
        read_dir(&self.dir).unwrap().map(|record| record.unwrap().1).collect()
    }

    fn edge(&self, size: u64, full: &mut impl FnMut(TileId, &[TreeHash])) -> RightEdge {
        let mut edge = RightEdge::new();
        for payload in self.payloads().iter().take(usize::try_from(size).unwrap()) {
            edge.push(leaf_hash(payload), full);
        }
        edge
    }

    pub(super) fn root(&self, size: u64) -> TreeHash {
        self.edge(size, &mut |_, _| ()).root()
    }

    pub(super) fn checkpoint_of(&self, size: u64) -> String {
        checkpoint(&self.key, size, self.root(size))
    }

    /// Tiles, history, checkpoint and keys.
    pub(super) fn sign(&self) {
        let edge = self.edge(u64::MAX, &mut |tile, hashes| {
            let path = self.path(&tile.path());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, hashes.as_flattened()).unwrap();
        });
        let size = edge.size();
        fs::write(self.path(folder::CHECKPOINT), checkpoint(&self.key, size, edge.root())).unwrap();
        let history = [size / 3, size / 2].map(|size| self.checkpoint_of(size)).concat();
        fs::write(self.path(folder::CHECKPOINTS), history).unwrap();
        fs::write(self.path(folder::KEYS), self.keys().to_string()).unwrap();
    }

    /// Compresses the first segments, so many.
    pub(super) fn pack(&self, count: usize) {
        let firsts = self.firsts();
        for (at, first) in firsts.iter().take(count).enumerate() {
            let Ok(raw) = fs::read(self.path(&folder::segment(*first))) else { continue };
            let packed = zstd::bulk::compress(&raw, 3).unwrap();
            let position = |first: u64| {
                let segment = crate::audit::reader::Segment::open(&self.dir, first).unwrap();
                Header::parse(segment.line()).unwrap()
            };
            let (start, end) = (position(*first), position(firsts[at + 1]).start);
            let digest = |bytes: &[u8]| Digest { bytes: bytes.len() as u64, sha256: sha256(bytes) };
            let second = |index: u64| Timestamp::from_second(i64::try_from(index).unwrap()).unwrap();
            let manifest = Manifest {
                log: start.log,
                start: start.start,
                end,
                times: (second(*first), second(end.index - 1)),
                raw: digest(&raw),
                packed: digest(&packed),
                root: self.root(end.index),
            };
            fs::write(self.path(&folder::manifest(*first)), manifest.sign(&self.key).unwrap().to_string()).unwrap();
            fs::write(self.path(&folder::packed(*first)), packed).unwrap();
            fs::remove_file(self.path(&folder::segment(*first))).unwrap();
        }
    }

    /// All files in the folder and below.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.dir.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files.sort();
        files
    }
}

impl std::fmt::Debug for Scene {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.scratch.path().display())
    }
}
