//! A log that a node writes, or that a crash left, is sound too.

use super::*;

/// A live node compresses segments whenever it likes, also while they are verified.
#[test]
fn segments_may_be_compressed_meanwhile() {
    let scene = Scene::write(40, 5_000);
    scene.sign();
    let pack = |progress| {
        if matches!(progress, Progress::Total(_)) {
            scene.pack(3);
        }
    };
    let all = Verification { keys: Some(scene.keys()), progress: &pack, ..scene.all() };
    assert_eq!(all.run(scene.dir()).unwrap().records, 40);
}

/// But a manifest that comes later is believed as little as one that was there.
#[test]
fn a_later_manifest_must_fit_too() {
    let scene = Scene::write(40, 5_000);
    scene.sign();
    let manifest = scene.path(&folder::manifest(0));
    for (from, to) in [("records ", "records 1"), ("tree ", "tree 1"), ("\n\u{2014} ", "\n")] {
        let pack = |progress| {
            if matches!(progress, Progress::Total(_)) {
                scene.pack(1);
                let note = fs::read_to_string(&manifest).unwrap();
                fs::write(&manifest, note.replacen(from, to, 1)).unwrap();
            }
        };
        let all = Verification { progress: &pack, ..scene.all() };
        assert_eq!(scene.fault(&all), (0, folder::manifest(0), Why::Manifest), "{from}");
        fs::remove_file(&manifest).unwrap();
        let packed = fs::read(scene.path(&folder::packed(0))).unwrap();
        let raw = zstd::bulk::decompress(&packed, 1 << 20).unwrap();
        fs::write(scene.path(&folder::segment(0)), raw).unwrap();
        fs::remove_file(scene.path(&folder::packed(0))).unwrap();
    }
}

/// What a tile says counts once a checkpoint covers it: before that a writer is at it, or was when it was killed.
#[test]
fn tiles_above_every_checkpoint_may_be_unfinished() {
    let scene = Scene::write(600, 40_000);
    scene.sign();
    fs::write(scene.path(folder::CHECKPOINT), scene.checkpoint_of(300)).unwrap();
    let (first, second) = (scene.path("tile/0/000"), scene.path("tile/0/001"));
    let whole = fs::read(&first).unwrap();
    for length in [0, 1, 8_000] {
        fs::write(&second, &whole[..length]).unwrap();
        assert_eq!(verify(scene.dir()).unwrap().signed, 300, "{length}");
        fs::write(&first, &whole[..length]).unwrap();
        assert_eq!(scene.fault(&scene.all()).2, Why::Tile, "{length}");
        fs::write(&first, &whole).unwrap();
    }
    // Somebody outside saw a checkpoint that covers it.
    let outside = vec![OutsideCopy { name: "safe".to_owned(), text: scene.checkpoint_of(600) }];
    let all = Verification { outside, ..scene.all() };
    assert_eq!(scene.fault(&all).2, Why::Tile);
}

/// Wherever a loss of power cut the last note of the history.
#[test]
fn an_unfinished_note_in_the_history_is_no_damage() {
    let scene = Scene::write(5, 5_000);
    scene.sign();
    let history = scene.path(folder::CHECKPOINTS);
    let whole = fs::read(&history).unwrap();
    for cut in 0..whole.len() {
        fs::write(&history, &whole[..cut]).unwrap();
        assert!(verify(scene.dir()).is_ok(), "cut at {cut}");
    }
    let mut damaged = whole;
    damaged[2] = 0xff;
    fs::write(&history, damaged).unwrap();
    assert!(verify(scene.dir()).is_err());
}
