//! What somebody with the folder in his hands can do, and by what it is found (F07).

use super::*;
use crate::audit::keys::RetiredKey;
use crate::audit::segment::LENGTH_BYTES;
use crate::audit::tree::leaf_hash;

/// The log written anew with another record at `index`: every hash of the chain fits.
fn rechain(scene: &Scene, index: u64) {
    let mut at: Option<Position> = None;
    for first in scene.firsts() {
        let path = scene.path(&folder::segment(first));
        let whole = fs::read(&path).unwrap();
        let line = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let header = Header::parse(&whole[..line]).unwrap();
        let mut position = at.unwrap_or(header.start);
        let mut written = Header { start: position, ..header }.line().into_bytes();
        let mut rest = &whole[line..];
        while !rest.is_empty() {
            let length = u32::from_le_bytes(rest[..LENGTH_BYTES].try_into().unwrap()) as usize;
            let mut payload = rest[LENGTH_BYTES..LENGTH_BYTES + length].to_vec();
            rest = &rest[LENGTH_BYTES + length + 32..];
            if position.index == index {
                payload = String::from_utf8(payload).unwrap().replacen("pgo.", "pga.", 1).into_bytes();
            }
            written.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_le_bytes());
            written.extend_from_slice(&payload);
            position = position.link(&leaf_hash(&payload)).unwrap();
            written.extend_from_slice(&position.hash);
        }
        fs::write(path, written).unwrap();
        at = Some(position);
    }
}

#[test]
fn a_record_whose_chain_was_made_anew_is_found_by_its_tile() {
    let scene = Scene::write(600, 40_000);
    scene.sign();
    rechain(&scene, 300);
    let file = folder::segment(scene.firsts().into_iter().rfind(|first| *first <= 599).unwrap());
    let (index, segment, why) = scene.fault(&scene.all());
    assert_eq!((index, why), (300, Why::Replaced));
    assert!(segment.starts_with("segment-") && segment <= file, "{segment}");
    // Not in a tile: the last checkpoint that fits is the last that can be said.
    let scene = Scene::write(600, 40_000);
    scene.sign();
    rechain(&scene, 590);
    assert_eq!(scene.fault(&scene.all()), (300, "checkpoint".to_owned(), Why::Checkpoint));
}

/// Everything is made anew, also the tiles, with a key that was replaced before.
#[test]
fn a_stolen_older_key_cannot_sign_for_another_log() {
    let scene = Scene::write(600, 40_000);
    scene.sign();
    let retired = RetiredKey { key: scene.key.verifier(), size: 500, root: scene.root(500) };
    let present = scene.other_key();
    let keys = LogKeys::new(present.verifier(), &[retired]);
    let all = || Verification { keys: Some(keys.clone()), ..scene.all() };
    fs::write(scene.path(folder::CHECKPOINT), checkpoint(&present, 600, scene.root(600))).unwrap();
    assert_eq!(all().run(scene.dir()).unwrap().signed, 600);
    let outside = OutsideCopy { name: "safe".to_owned(), text: scene.checkpoint_of(500) };
    rechain(&scene, 400);
    scene.sign();
    // What it signed for 600 records is beyond its time; what it signed for fewer leads to a tree that ends otherwise.
    assert_eq!(scene.fault(&all()).2, Why::Checkpoint);
    fs::write(scene.path(folder::CHECKPOINTS), "").unwrap();
    let (index, source, why) = scene.fault(&all());
    assert_eq!((index, source.as_str(), why), (0, "verifier-keys (replaced)", Why::Checkpoint));
    let fooled = Verification { outside: vec![outside], ..scene.all() };
    assert_eq!(scene.fault(&fooled), (0, "safe".to_owned(), Why::Checkpoint));
}

#[test]
fn an_altered_missing_or_added_file_is_told_for_what_it_is() {
    let scene = Scene::write(600, 40_000);
    scene.sign();
    scene.pack(2);
    let firsts = scene.firsts();
    let all = || Verification { keys: Some(scene.keys()), ..scene.all() };
    let tile = scene.path("tile/0/001");
    let whole = fs::read(&tile).unwrap();
    let mut changed = whole.clone();
    changed[32 * 7 + 3] ^= 1;
    for (bytes, index) in
        [(changed, 256 + 7), (whole[..100].to_vec(), 256 + 3), ([whole.as_slice(), b"x"].concat(), 511)]
    {
        fs::write(&tile, bytes).unwrap();
        assert_eq!(scene.fault(&all()), (index, "tile/0/001".to_owned(), Why::Tile));
    }
    fs::remove_file(&tile).unwrap();
    assert_eq!(scene.fault(&all()), (256, "tile/0/001".to_owned(), Why::TileMissing));
    fs::write(&tile, &whole).unwrap();
    for name in ["tile/0/002", "tile/0/x001/000", "tile/1/000", "tile/0/1", "tile/x", "tile/0/001.p/7"] {
        fs::create_dir_all(scene.path(name).parent().unwrap()).unwrap();
        fs::write(scene.path(name), &whole).unwrap();
        assert_eq!(scene.fault(&all()), (600, name.to_owned(), Why::Foreign));
        fs::remove_file(scene.path(name)).unwrap();
    }
    fs::write(scene.path("notes.txt"), "").unwrap();
    assert_eq!(scene.fault(&all()), (0, "notes.txt".to_owned(), Why::Foreign));
    fs::remove_file(scene.path("notes.txt")).unwrap();

    let manifest = scene.path(&folder::manifest(firsts[1]));
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, fs::read_to_string(scene.path(&folder::manifest(0))).unwrap()).unwrap();
    assert_eq!(scene.fault(&all()), (firsts[1], folder::manifest(firsts[1]), Why::Manifest));
    fs::remove_file(&manifest).unwrap();
    assert_eq!(scene.fault(&all()), (firsts[1], folder::manifest(firsts[1]), Why::Manifest));
    fs::write(&manifest, &text).unwrap();

    // Compressed anew, the content is the same and the file is not.
    let packed = scene.path(&folder::packed(0));
    let whole = fs::read(&packed).unwrap();
    let raw = zstd::decode_all(whole.as_slice()).unwrap();
    fs::write(&packed, zstd::bulk::compress(&raw, 9).unwrap()).unwrap();
    assert_eq!(scene.fault(&all()), (0, folder::manifest(0), Why::Manifest));
    fs::write(&packed, &whole).unwrap();

    let checkpoint = scene.path(folder::CHECKPOINT);
    let text = fs::read(&checkpoint).unwrap();
    fs::remove_file(&checkpoint).unwrap();
    assert_eq!(scene.fault(&all()).2, Why::NoCheckpoint);
    assert_eq!(scene.fault(&scene.all()).2, Why::NoCheckpoint);
    fs::write(&checkpoint, &text).unwrap();
    fs::remove_file(scene.path(folder::KEYS)).unwrap();
    assert_eq!(scene.fault(&scene.all()).2, Why::NoKeys);
    assert!(all().run(scene.dir()).is_ok());
}

/// The end of a signed log is cut off at a whole record: the chain fits, the checkpoint does not.
#[test]
fn a_signed_log_that_was_cut_is_too_short() {
    let scene = Scene::write(9, 1 << 20);
    scene.sign();
    let path = scene.path(&folder::segment(0));
    let whole = fs::read(&path).unwrap();
    let last = LENGTH_BYTES + scene.payloads()[8].len() + 32;
    fs::write(&path, &whole[..whole.len() - last]).unwrap();
    assert_eq!(scene.fault(&scene.all()), (8, "checkpoint".to_owned(), Why::Short));
}

/// Of several damages the one with the lowest index is told, whatever the threads read first.
#[test]
fn the_lowest_of_several_damages_is_told() {
    let scene = Scene::write(60, 3_000);
    let firsts = scene.firsts();
    for first in &firsts[3..] {
        let path = scene.path(&folder::segment(*first));
        let mut whole = fs::read(&path).unwrap();
        let end = whole.len() - 1;
        whole[end] ^= 1;
        fs::write(path, whole).unwrap();
    }
    for jobs in 1..5 {
        let all = Verification { jobs: NonZeroUsize::new(jobs).unwrap(), ..scene.all() };
        assert_eq!(scene.fault(&all).0, firsts[4] - 1);
    }
}
