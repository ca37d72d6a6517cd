//! `inzage audit`: a sound log, a tampered copy, and none at all.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::{Home, text};

/// A log that a real gateway wrote; the number of its records.
async fn log(home: &Home) -> usize {
    let world = home.world().await;
    let gateway = home.serve().ready(&world.layout.ops_url()).await;
    gateway.signal("TERM");
    assert_eq!(gateway.ended().await.code, Some(0));
    world.stop().await.unwrap();
    home.records().await.len()
}

/// A copy with one bit changed, counted from the end when `at` is negative.
fn tampered(home: &Home, name: &str, at: isize) -> PathBuf {
    let copy = home.path(name);
    fs::create_dir(&copy).unwrap();
    let [segment] = segments(&home.audit()).try_into().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let at = if at < 0 { bytes.len().checked_add_signed(at).unwrap() } else { at.unsigned_abs() };
    bytes[at] ^= 1;
    fs::write(copy.join(segment.file_name().unwrap()), bytes).unwrap();
    copy
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|end| end == "log")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tampered_copy_is_broken_at_the_changed_record() {
    let home = Home::new();
    let count = log(&home).await;
    let sound = home.run(&["audit", "verify", text(&home.audit())]).await;
    assert_eq!(sound.code, Some(0));
    assert_eq!(sound.last_line(), format!("audit: {count} records, tree size {count}, ok"));
    let [segment] = segments(&home.audit()).try_into().unwrap();
    let header = fs::read(&segment).unwrap().iter().position(|byte| *byte == b'\n').unwrap();
    // After the header and the length of four bytes stands the first record; the last bytes are the hash of the last.
    let first = isize::try_from(header + 1 + 4 + 10).unwrap();
    for (name, at, index) in [("header", 0, 0), ("first", first, 0), ("last", -1, count - 1)] {
        let copy = tampered(&home, name, at);
        let ended = home.run(&["audit", "verify", text(&copy)]).await;
        assert_eq!(ended.code, Some(1), "{}", ended.out);
        assert!(ended.last_line().starts_with(&format!("audit: broken at index {index}, ")), "{}", ended.out);
        let shown = home.run(&["audit", "show", text(&copy), "--json"]).await;
        assert_eq!((shown.code, shown.out.lines().count()), (Some(1), index), "{}", shown.out);
    }
}

#[tokio::test]
async fn an_empty_or_missing_folder_is_no_log() {
    let home = Home::new();
    fs::create_dir(home.path("empty")).unwrap();
    for name in ["empty", "missing"] {
        let ended = home.run(&["audit", "verify", text(&home.path(name))]).await;
        assert_eq!(ended.code, Some(1), "{}", ended.out);
        assert!(ended.last_line().starts_with("audit: broken"), "{}", ended.out);
    }
}
