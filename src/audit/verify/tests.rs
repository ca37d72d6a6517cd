//! A sound log is found sound, signed or not, compressed or not; each change to its folder is found, and told for what it is.

mod altered;
mod beside;
mod scene;
mod versions;

use std::fs;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;
use crate::audit::notes;
use scene::{Scene, checkpoint};

#[test]
fn a_signed_log_is_sound_in_every_form_and_with_any_number_of_threads() {
    let scene = Scene::write(700, 9_000);
    scene.sign();
    let records = 700;
    for packed in [0, 1, 3] {
        scene.pack(packed);
        for jobs in [1, 2, 5] {
            let read = AtomicU64::new(0);
            let total = AtomicU64::new(0);
            let progress = |progress| match progress {
                Progress::Total(bytes) => total.store(bytes, Ordering::Relaxed),
                Progress::Read(bytes) => drop(read.fetch_add(bytes, Ordering::Relaxed)),
            };
            let all = Verification { jobs: NonZeroUsize::new(jobs).unwrap(), progress: &progress, ..scene.all() };
            let verified = all.run(scene.dir()).unwrap();
            assert_eq!((verified.records, verified.signed, verified.unfinished_bytes), (records, records, 0));
            assert!(verified.own_keys && verified.outside == 0 && verified.resumed == 0);
            assert!(verified.compared > packed, "{verified:?}");
            assert_eq!(read.into_inner(), total.into_inner());
        }
    }
}

#[test]
fn checkpoints_from_elsewhere_are_compared() {
    let scene = Scene::write(40, 5_000);
    scene.sign();
    let copy = |text: String| OutsideCopy { name: "safe".to_owned(), text };
    let history: String = [0, 1, 17, 40].map(|size| scene.checkpoint_of(size)).concat();
    let all = Verification { outside: vec![copy(history)], keys: Some(scene.keys()), ..scene.all() };
    let verified = all.run(scene.dir()).unwrap();
    assert_eq!((verified.outside, verified.own_keys), (4, false));
    for (text, index, why) in [
        (checkpoint(&scene.key, 17, [7; 32]), 13, Why::Checkpoint),
        (checkpoint(&scene.key, 41, [7; 32]), 40, Why::Short),
        (checkpoint(&scene.other_key(), 17, scene.root(17)), 40, Why::Unsigned),
        (scene.checkpoint_of(17).replacen("\n17\n", "\n16\n", 1), 40, Why::Unsigned),
        ("no note".to_owned(), 40, Why::NoCheckpoint),
    ] {
        let all = Verification { outside: vec![copy(text)], keys: Some(scene.keys()), ..scene.all() };
        assert_eq!(scene.fault(&all), (index, "safe".to_owned(), why));
    }
    // The log shrank below what somebody saw of it.
    let later = Scene::write(20, 5_000);
    let seen = vec![copy(checkpoint(&later.key, 30, [7; 32]))];
    let all = Verification { outside: seen.clone(), keys: Some(later.keys()), ..later.all() };
    assert_eq!(later.fault(&all), (20, "safe".to_owned(), Why::Short));
    // Keys of another log say nothing of this one.
    let all = Verification { outside: vec![copy(scene.checkpoint_of(20))], keys: Some(scene.keys()), ..later.all() };
    assert_eq!(later.fault(&all), (0, folder::segment(0), Why::OtherKeys));
}

/// A log that nobody signed is only a chain; asked with a key, it is not enough.
#[test]
fn an_unsigned_log_is_sound_unless_a_signature_is_asked_for() {
    let scene = Scene::write(5, 5_000);
    let verified = verify(scene.dir()).unwrap();
    assert_eq!((verified.records, verified.signed, verified.compared, verified.own_keys), (5, 0, 0, false));
    let all = Verification { keys: Some(scene.keys()), ..scene.all() };
    assert_eq!(scene.fault(&all), (0, "checkpoint".to_owned(), Why::NoCheckpoint));
}

#[test]
fn a_verification_goes_on_where_it_ended() {
    let scene = Scene::write(600, 9_000);
    scene.sign();
    scene.pack(2);
    let state = scene.path("../state");
    let all = Verification { state: Some(state.clone()), ..scene.all() };
    assert_eq!(all.run(scene.dir()).unwrap().resumed, 0);
    let firsts = scene.firsts();
    let last = *firsts.last().unwrap();
    assert_eq!(all.run(scene.dir()).unwrap().resumed, last);

    // Damage in what is read anew is found, and what was read before is not read again.
    let newest = scene.path(&folder::segment(last));
    let whole = fs::read(&newest).unwrap();
    let mut changed = whole.clone();
    let end = changed.len() - 1;
    changed[end] ^= 1;
    fs::write(&newest, changed).unwrap();
    assert_eq!(scene.fault(&all).2, Why::Hash);
    fs::write(&newest, &whole).unwrap();

    // A file that changed since, and what is newly said of what was read, make the state worthless.
    let old = scene.path(&folder::segment(firsts[3]));
    let whole = fs::read(&old).unwrap();
    let mut changed = whole.clone();
    changed[300] ^= 1;
    fs::write(&old, changed).unwrap();
    assert_eq!(scene.fault(&all).2, Why::Hash);
    fs::write(&old, &whole).unwrap();
    assert_eq!(all.run(scene.dir()).unwrap().resumed, firsts[3]);
    let outside = vec![OutsideCopy { name: "safe".to_owned(), text: checkpoint(&scene.key, 17, [7; 32]) }];
    let wrong = Verification { outside, state: Some(state.clone()), ..scene.all() };
    assert_eq!(scene.fault(&wrong), (firsts[1], "safe".to_owned(), Why::Checkpoint));

    // Nor does setting its times back hide a change.
    all.run(scene.dir()).unwrap();
    let times = fs::metadata(&old).unwrap().modified().unwrap();
    let mut changed = whole.clone();
    changed[300] ^= 1;
    fs::write(&old, changed).unwrap();
    fs::File::options().write(true).open(&old).unwrap().set_modified(times).unwrap();
    assert_eq!(scene.fault(&all).2, Why::Hash);
    fs::write(&old, &whole).unwrap();

    // The tiles over what is not read again are looked at all the same.
    all.run(scene.dir()).unwrap();
    let tile = scene.path("tile/0/000");
    let hashes = fs::read(&tile).unwrap();
    let mut altered = hashes.clone();
    altered[9] ^= 1;
    fs::write(&tile, altered).unwrap();
    assert_eq!(scene.fault(&all), (0, "tile/0/000".to_owned(), Why::Tile));
    fs::remove_file(&tile).unwrap();
    assert_eq!(scene.fault(&all), (0, "tile/0/000".to_owned(), Why::TileMissing));
    fs::write(&tile, &hashes).unwrap();
    assert!(all.run(scene.dir()).unwrap().resumed > 0);

    // A state of another log, and a file that is none, are refused.
    all.run(scene.dir()).unwrap();
    let other = Scene::write(3, 9_000);
    assert!(matches!(all.run(other.dir()), Err(VerifyError::State(StateError::OtherLog { .. }))));
    fs::write(&state, "{}").unwrap();
    assert!(matches!(all.run(scene.dir()), Err(VerifyError::State(StateError::Form(_)))));
    fs::remove_file(&state).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever one byte becomes, in any file of the folder.
    #[test]
    fn every_changed_byte_is_found(file in any::<usize>(), at in any::<usize>(), bit in 0_u8..8) {
        let scene = Scene::shared();
        let files = scene.files();
        let path = &files[file % files.len()];
        let whole = fs::read(path).unwrap();
        let mut changed = whole.clone();
        let at = at % changed.len();
        changed[at] ^= 1 << bit;
        fs::write(path, &changed).unwrap();
        let outcome = Verification { keys: Some(scene.keys()), ..scene.all() }.run(scene.dir());
        fs::write(path, &whole).unwrap();
        // Not used: another key was given.
        prop_assume!(!path.ends_with(folder::KEYS));
        // A last note of the history that has no end is what a crash leaves.
        let text = String::from_utf8_lossy(&changed);
        prop_assume!(!path.ends_with(folder::CHECKPOINTS) || notes::split(&text).concat() == text);
        prop_assert!(outcome.is_err(), "byte {at} of {path:?}: {outcome:?}");
    }
}
