//! Each code stands once and is used, its texts are fit to be shown, and the document is that of this catalogue.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// Every file of `src` but those of the catalogue.
fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("catalogue") {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("catalogue.rs") {
            found.push((path.clone(), fs::read_to_string(&path).unwrap()));
        }
    }
}

fn all_sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found
}

/// The names of the entries, as the files of the catalogue write them.
fn names() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/catalogue");
    let files = fs::read_dir(folder).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let named = |line: &str| {
        let (name, rest) = line.strip_prefix("    ")?.split_once(": \"")?;
        let is_name = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        (is_name && rest.contains("\", ")).then(|| name.to_owned())
    };
    files.flat_map(|text| text.lines().filter_map(named).collect::<Vec<_>>()).collect()
}

#[test]
fn a_code_stands_once_and_is_found() {
    let mut seen = HashSet::new();
    for entry in Entry::all() {
        assert!(seen.insert(entry.code()), "{} stands twice", entry.code());
        assert_eq!(Entry::find(entry.code()), Some(entry));
        assert_eq!(Why::of(entry.code()), entry.why());
        let plain = |byte: u8| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_');
        assert!(entry.code().bytes().all(plain), "{}", entry.code());
    }
    assert_eq!((Entry::find("of-a-later-release"), Why::of("of-a-later-release")), (None, Why::Other));
}

#[test]
fn what_people_are_told_are_sentences_and_says_nothing_of_our_inside() {
    for entry in Entry::all() {
        for text in [entry.nl(), entry.en()] {
            assert!(text.ends_with('.') && text.starts_with(char::is_uppercase), "{}: {text}", entry.code());
            for word in ["HTTP", "FHIR", "OAuth", "token", "breaker", "JSON", "RFC"] {
                assert!(!text.contains(word), "{}: {word} in: {text}", entry.code());
            }
        }
        let diagnostics = entry.diagnostics();
        assert!(!diagnostics.is_empty() && !diagnostics.ends_with('.'), "{}: {diagnostics}", entry.code());
    }
}

#[test]
fn what_passes_by_itself_does_not_ask_anybody_to_come_back_at_once() {
    for entry in Entry::all() {
        if let Again::After(seconds) = entry.again() {
            assert!((1..=3_600).contains(&seconds), "{}", entry.code());
        }
    }
}

#[test]
fn every_entry_is_used() {
    let (sources, names) = (all_sources(), names());
    assert_eq!(names.len(), Entry::all().count(), "the names of all entries are read");
    let used = |name: &String| sources.iter().any(|(_, text)| text.contains(&format!("catalogue::{name}")));
    let unused: BTreeSet<_> = names.iter().filter(|name| !used(name)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

/// What the record of a request or visit gives as its reason comes from here: no such file writes a reason of its own.
#[test]
fn no_reason_of_a_request_is_written_elsewhere() {
    let parts = ["fault", "fhir", "oauth", "session", "accesslog", "routing", "routes"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (path, text) in all_sources() {
        let place = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let is_part = parts.iter().any(|part| place.starts_with(&format!("{part}/")) || place == format!("{part}.rs"));
        if !is_part || place.contains("tests") {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap();
        for written in ["reason = Some(\"", "reason: Some(\"", "Some(\"stopped", "reason: \""] {
            assert!(!code.contains(written), "{place} writes a reason of its own: {written}");
        }
    }
}

#[test]
fn the_document_is_that_of_this_catalogue() {
    let kept = include_str!("../../deploy/docs/errors.md");
    assert!(
        kept == document(),
        "deploy/docs/errors.md is of another catalogue: `inzage errors > deploy/docs/errors.md`"
    );
}
