//! What somebody could do to the log of a node that stands still, and what finds it: the folder by itself, the public key from
//! elsewhere, or a checkpoint from elsewhere. The table of this stands in deploy/docs/audit-format.md.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use inzage::audit::checkpoint::Checkpoint;
use inzage::audit::keys::{LogKeys, RetiredKey};
use inzage::audit::note::SigningKey;
use inzage::audit::read_dir;
use inzage::audit::tree::{RightEdge, leaf_hash};
use inzage::secret::{Secret, sha256};

use crate::harness::{Home, text};

/// What frames a payload: its length before it, its chain hash after it.
const LENGTH_BYTES: usize = 4;
const HASH_BYTES: usize = 32;

/// What is said of a note of another key, or of one that may not speak of it any more.
const UNSIGNED: &str = "no key of the log signed this";

/// The log of a node that ran twice, and what lies elsewhere: the folder as it was after the first run, the keys, and the newest
/// checkpoint.
struct Scene {
    home: Home,
    yesterday: PathBuf,
    key: PathBuf,
    outside: PathBuf,
}

impl Scene {
    async fn new() -> Self {
        let home = Home::new();
        let world = home.world().await;
        let run = async || {
            let gateway = home.serve().ready(&world.layout.ops_url()).await;
            gateway.signal("TERM");
            assert_eq!(gateway.ended().await.code, Some(0));
        };
        run().await;
        let (yesterday, key, outside) = (home.path("yesterday"), home.path("key"), home.path("outside"));
        copy(&home.audit(), &yesterday);
        run().await;
        world.stop().await.unwrap();
        fs::copy(home.audit().join("verifier-keys"), &key).unwrap();
        fs::copy(home.audit().join("checkpoint"), &outside).unwrap();
        Self { home, yesterday, key, outside }
    }

    /// A copy of today's log.
    fn log(&self, name: &str) -> Log {
        let dir = self.home.path(name);
        copy(&self.home.audit(), &dir);
        Log(dir)
    }

    /// The key that the node signs with, as a thief would have it.
    fn stolen(&self) -> SigningKey {
        let seed = STANDARD.decode(fs::read_to_string(self.home.path("checkpoint.key")).unwrap().trim()).unwrap();
        let name = self.keys().name().clone();
        SigningKey::from_seed(&Secret::new(seed.try_into().unwrap()), name)
    }

    fn keys(&self) -> LogKeys {
        LogKeys::parse(&fs::read_to_string(&self.key).unwrap()).unwrap()
    }

    /// What `audit verify` says, with what lies elsewhere or without.
    async fn verify(&self, log: &Log, elsewhere: Elsewhere) -> Result<(), String> {
        let key = ["--key", text(&self.key)];
        let outside = ["--checkpoint", text(&self.outside)];
        let with: &[&str] = match elsewhere {
            Elsewhere::Nothing => &[],
            Elsewhere::Key => &key,
            Elsewhere::Checkpoint => &[key, outside].concat(),
        };
        let ended = self.home.run(&[&["audit", "verify", text(&log.0)], with].concat()).await;
        let last = ended.last_line().to_owned();
        match ended.code {
            Some(0) => Ok(()),
            Some(1) if last.starts_with("audit: broken") => Err(last),
            code => panic!("{code:?}: {}{}", ended.out, ended.err),
        }
    }
}

/// What the one who checks has from elsewhere.
#[derive(Debug, Clone, Copy)]
enum Elsewhere {
    Nothing,
    Key,
    Checkpoint,
}

/// A log to tamper with: one segment, no full tile.
struct Log(PathBuf);

impl Log {
    fn segment(&self) -> PathBuf {
        let files = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path());
        let [segment] = files
            .filter(|path| path.extension().is_some_and(|ending| ending == "log"))
            .collect::<Vec<_>>()
            .try_into()
            .unwrap();
        segment
    }

    /// The header, and the frame of each record.
    fn parts(&self) -> (Vec<u8>, Vec<Vec<u8>>) {
        let bytes = fs::read(self.segment()).unwrap();
        let (header, mut rest) = bytes.split_at(bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1);
        let mut frames = Vec::new();
        while let Some((length, _)) = rest.split_first_chunk::<LENGTH_BYTES>() {
            let length = LENGTH_BYTES + usize::try_from(u32::from_le_bytes(*length)).unwrap() + HASH_BYTES;
            let (frame, after) = rest.split_at(length);
            frames.push(frame.to_vec());
            rest = after;
        }
        (header.to_vec(), frames)
    }

    fn write(&self, header: &[u8], frames: &[Vec<u8>]) {
        fs::write(self.segment(), [header, &frames.concat()].concat()).unwrap();
    }

    /// Changes the frames as they are, without another hash.
    fn change(&self, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
        let (header, mut frames) = self.parts();
        change(&mut frames);
        self.write(&header, &frames);
    }

    /// Puts another outcome into record `index` and computes every hash after it anew: the chain is sound again.
    fn rehash(&self, index: usize) {
        let (header, mut frames) = self.parts();
        let mut hash =
            <[u8; HASH_BYTES]>::try_from(hex(&header[header.len() - 1 - 2 * HASH_BYTES..header.len() - 1])).unwrap();
        for (at, frame) in frames.iter_mut().enumerate() {
            let end = frame.len() - HASH_BYTES;
            if at == index {
                let payload =
                    String::from_utf8(frame[LENGTH_BYTES..end].to_vec()).unwrap().replace("\"done\"", "\"fine\"");
                frame[LENGTH_BYTES..end].copy_from_slice(payload.as_bytes());
            }
            hash = sha256(&[[2].as_slice(), &hash, &leaf_hash(&frame[LENGTH_BYTES..end])].concat());
            frame[end..].copy_from_slice(&hash);
        }
        self.write(&header, &frames);
    }

    /// Signs what the folder holds now, and leaves no other checkpoint there.
    fn sign(&self, key: &SigningKey) {
        let mut edge = RightEdge::new();
        for record in read_dir(&self.0).unwrap() {
            edge.push(leaf_hash(&record.unwrap().1), &mut |_, _| {});
        }
        let checkpoint = Checkpoint { origin: key.verifier().name().clone(), size: edge.size(), root: edge.root() };
        let note = checkpoint.sign(key).unwrap().to_string();
        fs::write(self.0.join("checkpoint"), &note).unwrap();
        fs::write(self.0.join("checkpoints"), &note).unwrap();
        fs::write(self.0.join("verifier-keys"), LogKeys::new(key.verifier(), &[]).to_string()).unwrap();
    }
}

fn hex(digits: &[u8]) -> Vec<u8> {
    let digit = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(digit).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_shows_by_itself_what_was_changed_without_the_key() {
    let scene = Scene::new().await;
    let sound = scene.log("sound");
    for elsewhere in [Elsewhere::Nothing, Elsewhere::Key, Elsewhere::Checkpoint] {
        assert_eq!(scene.verify(&sound, elsewhere).await, Ok(()), "{elsewhere:?}");
    }
    let count = sound.parts().1.len();
    assert!(count > 4, "{count} records");
    let broken = async |name: &str, index: usize, change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let log = scene.log(name);
        log.change(|frames| change(frames));
        let told = scene.verify(&log, Elsewhere::Nothing).await.unwrap_err();
        assert!(told.starts_with(&format!("audit: broken at index {index}, ")), "{name}: {told}");
    };
    broken("edited", 2, &|frames| frames[2][LENGTH_BYTES + 5] ^= 1).await;
    broken("deleted", 2, &|frames| drop(frames.remove(2))).await;
    broken("swapped", 2, &|frames| frames.swap(2, 3)).await;
    broken("put in twice", 3, &|frames| frames.insert(3, frames[2].clone())).await;
    broken("cut off", count - 1, &|frames| frames.truncate(count - 1)).await;
    broken("emptied", 0, &|frames| frames.clear()).await;
    let rehashed = scene.log("rehashed");
    rehashed.rehash(2);
    assert!(scene.verify(&rehashed, Elsewhere::Nothing).await.is_err());
}

/// Whoever writes the folder anew signs it with a key of their own, or with one that they stole.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_anew_is_told_by_what_lies_elsewhere() {
    let scene = Scene::new().await;
    let thief = scene.stolen();
    let own = SigningKey::from_seed(&Secret::new([7; 32]), thief.verifier().name().clone());

    let strange = scene.log("with a strange key");
    strange.rehash(2);
    strange.sign(&own);
    assert_eq!(scene.verify(&strange, Elsewhere::Nothing).await, Ok(()), "a folder alone cannot tell whose key it is");
    assert!(scene.verify(&strange, Elsewhere::Key).await.unwrap_err().contains(UNSIGNED));

    let stolen = scene.log("with the stolen key");
    stolen.rehash(2);
    stolen.sign(&thief);
    assert_eq!(scene.verify(&stolen, Elsewhere::Key).await, Ok(()), "the key alone cannot tell who signs with it");
    assert!(scene.verify(&stolen, Elsewhere::Checkpoint).await.is_err());

    let cut = scene.log("cut off and signed");
    cut.change(|frames| drop(frames.pop()));
    cut.sign(&thief);
    assert_eq!(scene.verify(&cut, Elsewhere::Key).await, Ok(()));
    assert!(scene.verify(&cut, Elsewhere::Checkpoint).await.is_err());

    let yesterday = Log(scene.yesterday.clone());
    assert_eq!(scene.verify(&yesterday, Elsewhere::Key).await, Ok(()));
    assert!(scene.verify(&yesterday, Elsewhere::Checkpoint).await.is_err());
}

/// A key that was replaced is worth nothing for what came after it, or in place of what it signed last.
#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_older_key_signs_nothing_anew() {
    let scene = Scene::new().await;
    let (thief, keys) = (scene.stolen(), scene.keys());
    let (last, _) = keys.open(&fs::read_to_string(&scene.outside).unwrap()).unwrap();
    let present = SigningKey::from_seed(&Secret::new([8; 32]), keys.name().clone());
    let replaced = LogKeys::new(present.verifier(), &[RetiredKey::at(&keys, &last)]);
    fs::write(&scene.key, replaced.to_string()).unwrap();

    let log = scene.log("with the older key");
    assert_eq!(scene.verify(&log, Elsewhere::Key).await, Ok(()), "what it signed in its time stays good");
    log.rehash(2);
    log.sign(&thief);
    let told = scene.verify(&log, Elsewhere::Key).await.unwrap_err();
    assert!(told.ends_with("the records are not those that were signed"), "{told}");

    let cut = scene.log("cut off with the older key");
    cut.change(|frames| drop(frames.pop()));
    cut.sign(&thief);
    let told = scene.verify(&cut, Elsewhere::Key).await.unwrap_err();
    assert!(told.ends_with("the records that it covers are missing from here on"), "{told}");
}
