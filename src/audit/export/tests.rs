//! An export is the same whoever makes it and however often it is interrupted, and its manifest tells when it was changed.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::Value;

use super::folder::{Limits, export_within};
use super::manifest::{Part, digest};
use super::*;
use crate::audit::checkpoint::Checkpoint;
use crate::audit::keys::{LogKeys, RetiredKey};
use crate::audit::note::{KeyName, SigningKey};
use crate::audit::scan;
use crate::audit::testing::{Scratch, full};
use crate::audit::tree::{RightEdge, leaf_hash};
use crate::audit::{AuditEvent, AuditLog as _, FileLog, FileLogConfig, Kind, NodeName, Outcome, Term as _};
use crate::clock::TestClock;
use crate::secret::Secret;

/// Small enough that a few records fill several parts and cross several save points.
const SMALL: Limits = Limits { part_records: 7, part_bytes: 8_000, save_every: 3 };
const RECORDS: u64 = 40;

/// A log in a folder, its newest checkpoint, and the key of both.
struct World {
    scratch: Scratch,
    key: SigningKey,
    checkpoint: Checkpoint,
    site: Site,
}

impl World {
    fn new() -> Self {
        Self::new_with(RECORDS)
    }

    fn new_with(records: u64) -> Self {
        let scratch = Scratch::quick();
        let dir = scratch.path().join("log");
        let node = NodeName::parse("test").unwrap();
        let config = FileLogConfig { segment_bytes: 4_000, ..FileLogConfig::new(dir.clone(), node) };
        let log = FileLog::open(config, TestClock::at(Timestamp::UNIX_EPOCH)).unwrap().0;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            for number in 0..records {
                log.append(&event(number)).unwrap().await.unwrap();
            }
        });
        log.close();
        let name = read_dir(&dir).unwrap().log().to_string();
        let key = SigningKey::from_seed(&Secret::new([7; 32]), KeyName::parse(&name).unwrap());
        let mut edge = RightEdge::new();
        for record in read_dir(&dir).unwrap() {
            edge.push(leaf_hash(&record.unwrap().1), &mut |_, _| {});
        }
        let checkpoint = Checkpoint { origin: KeyName::parse(&name).unwrap(), size: edge.size(), root: edge.root() };
        let site =
            Site { log: name.into(), operator: Some("Voorbeeld".into()), host: Some("inzage.example.nl".into()) };
        Self { scratch, key, checkpoint, site }
    }

    fn dir(&self) -> PathBuf {
        self.scratch.path().join("log")
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn choice(&self, format: Format) -> Choice {
        Choice { format, filter: Filter::default(), site: self.site.clone() }
    }

    fn export(&self, choice: &Choice, folder: &str) -> Result<Exported, OutputError> {
        let folder = self.folder(folder);
        export_within(SMALL, &self.dir(), choice, &self.checkpoint, &self.key, &folder, &mut |_| {})
    }

    fn keys(&self) -> LogKeys {
        LogKeys::new(self.key.verifier(), &[])
    }

    /// Everything in an export, by name.
    fn files(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.folder(folder)).unwrap().map(Result::unwrap);
        entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
    }
}

fn event(number: u64) -> AuditEvent {
    let time = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(i64::try_from(number).unwrap());
    let provider = if number.is_multiple_of(4) { "huisarts.elders@medmij" } else { "huisarts.delinde@medmij" };
    let kind = Kind::ALL[usize::try_from(number).unwrap() % Kind::ALL.len()];
    AuditEvent {
        kind,
        outcome: Outcome::Done,
        intent: Some(number),
        provider: Some(ProviderName::parse(provider).unwrap()),
        ..full(time)
    }
}

#[test]
fn the_same_choice_gives_the_same_bytes() {
    let world = World::new();
    for format in Format::ALL {
        let choice = world.choice(format);
        let (one, other) = (format!("{}-1", format.as_str()), format!("{}-2", format.as_str()));
        let exported = world.export(&choice, &one).unwrap();
        assert_eq!((exported.records, exported.read), (RECORDS, RECORDS));
        assert!(exported.parts > 3, "{format:?}");
        world.export(&choice, &other).unwrap();
        assert_eq!(world.files(&one), world.files(&other), "{format:?}");
        let manifest = check_export(&world.folder(&one).join("manifest"), &world.keys()).unwrap();
        assert_eq!((manifest.records(), manifest.parts(), manifest.size()), (RECORDS, exported.parts, RECORDS));
        assert!(!world.folder(&one).join("state").exists());
    }
}

/// The reading of the log fails at each record in turn, and what was written meanwhile is torn as well.
#[test]
fn an_interrupted_export_goes_on_and_ends_the_same() {
    let world = World::new();
    for format in [Format::Csv, Format::FhirBundle] {
        let choice = world.choice(format);
        let whole = format!("{}-whole", format.as_str());
        world.export(&choice, &whole).unwrap();
        for stop in 0..RECORDS {
            let folder = format!("{}-{stop}", format.as_str());
            let broken = |index| {
                if index == stop {
                    panic!("the power goes")
                }
            };
            let attempt = std::panic::AssertUnwindSafe(|| {
                let folder = world.folder(&folder);
                export_within(SMALL, &world.dir(), &choice, &world.checkpoint, &world.key, &folder, &mut { broken })
            });
            assert!(std::panic::catch_unwind(attempt).is_err());
            if let Some(last) = world.files(&folder).keys().rfind(|name| name.starts_with("audit-")) {
                let path = world.folder(&folder).join(last);
                OpenOptions::new().append(true).open(path).unwrap().write_all(b"half a rec").unwrap();
            }
            world.export(&choice, &folder).unwrap();
            assert_eq!(world.files(&folder), world.files(&whole), "{format:?}, stopped at {stop}");
        }
    }
}

#[test]
fn only_the_period_and_the_practice_that_were_asked_for_are_in_it() {
    let world = World::new();
    let hour = |hours| Some(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours));
    let filter =
        Filter { from: hour(8), to: hour(20), provider: Some(ProviderName::parse("huisarts.elders@medmij").unwrap()) };
    let choice = Choice { filter, ..world.choice(Format::Ndjson) };
    let mut out = Vec::new();
    assert_eq!(export_to(&world.dir(), &choice, &mut out).unwrap(), 3);
    let lines: Vec<Value> =
        std::str::from_utf8(&out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| line["intent"].as_u64().unwrap()).collect::<Vec<_>>(), [8, 12, 16]);
    let exported = world.export(&choice, "period").unwrap();
    assert_eq!((exported.records, exported.parts, exported.read), (3, 1, RECORDS));
    assert_eq!(world.files("period")["audit-000001.ndjson"], out);
}

#[test]
fn a_bundle_is_one_json_document_also_when_it_is_empty() {
    let world = World::new();
    let all = world.choice(Format::FhirBundle);
    let none = Choice { filter: Filter { to: Some(Timestamp::UNIX_EPOCH), ..Filter::default() }, ..all.clone() };
    for (choice, records) in [(all, RECORDS), (none, 0)] {
        let mut out = Vec::new();
        assert_eq!(export_to(&world.dir(), &choice, &mut out).unwrap(), records);
        let bundle: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((&bundle["resourceType"], &bundle["type"]), (&"Bundle".into(), &"collection".into()));
        let entries = bundle.get("entry").map_or(0, |entries| entries.as_array().unwrap().len() as u64);
        assert_eq!((entries, bundle.get("entry").is_some()), (records, records > 0));
        let urls: std::collections::BTreeSet<_> =
            bundle["entry"].as_array().into_iter().flatten().map(|entry| entry["fullUrl"].as_str().unwrap()).collect();
        assert_eq!(urls.len() as u64, records);
    }
}

#[test]
fn what_lies_there_already_is_left_alone() {
    let world = World::new();
    let choice = world.choice(Format::Csv);
    world.export(&choice, "done").unwrap();
    assert!(matches!(world.export(&choice, "done"), Err(OutputError::Finished(_))));
    fs::create_dir(world.folder("full")).unwrap();
    fs::write(world.folder("full").join("thesis.txt"), "x").unwrap();
    assert!(matches!(world.export(&choice, "full"), Err(OutputError::Occupied(_))));
    assert_eq!(world.files("full").len(), 1);

    // Interrupted: the log ends before the checkpoint does.
    let longer = Checkpoint { size: RECORDS + 1, ..world.checkpoint.clone() };
    let begun = |choice: &Choice, checkpoint| {
        export_within(SMALL, &world.dir(), choice, checkpoint, &world.key, &world.folder("begun"), &mut |_| {})
    };
    assert!(matches!(begun(&choice, &longer), Err(OutputError::Export(ExportError::Read(_)))));
    assert!(matches!(begun(&choice, &world.checkpoint), Err(OutputError::Other(_))));
    assert!(matches!(begun(&world.choice(Format::Nen7513), &longer), Err(OutputError::Other(_))));
    let last = world.files("begun").into_keys().rfind(|name| name.starts_with("audit-")).unwrap();
    fs::write(world.folder("begun").join(last), "").unwrap();
    assert!(matches!(begun(&choice, &longer), Err(OutputError::Lost(_))));
}

#[test]
fn it_rests_on_a_checkpoint_of_these_records() {
    let world = World::new();
    let choice = world.choice(Format::Csv);
    let export = |checkpoint: &Checkpoint, folder: &str| {
        export_within(SMALL, &world.dir(), &choice, checkpoint, &world.key, &world.folder(folder), &mut |_| {})
    };
    let wrong = Checkpoint { root: [1; 32], ..world.checkpoint.clone() };
    assert!(matches!(export(&wrong, "root"), Err(OutputError::Root)));
    let other =
        Checkpoint { origin: KeyName::parse("inzage-other-00000000000000ff").unwrap(), ..world.checkpoint.clone() };
    assert!(matches!(export(&other, "other"), Err(OutputError::Checkpoint)));
    assert!(!world.folder("root").join("manifest").exists());
}

/// What is left of a log is exported, and the hashes of the rest come from its tiles.
#[test]
fn records_that_were_removed_are_counted_and_not_missed() {
    let world = World::new_with(600);
    let mut edge = RightEdge::new();
    for record in read_dir(&world.dir()).unwrap() {
        edge.push(leaf_hash(&record.unwrap().1), &mut |tile, hashes| {
            let path = world.dir().join(tile.path());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, hashes.concat()).unwrap();
        });
    }
    let whole = world.choice(Format::Ndjson);
    world.export(&whole, "whole").unwrap();
    let firsts = scan::list(&world.dir()).unwrap();
    let held = *firsts.iter().find(|first| **first > 300).unwrap();
    for first in firsts.iter().filter(|first| **first < held) {
        fs::remove_file(world.dir().join(format!("segment-{first:020}.log"))).unwrap();
    }
    let exported = world.export(&whole, "rest").unwrap();
    assert_eq!((exported.records, exported.read), (600 - held, 600 - held));
    let manifest = check_export(&world.folder("rest").join("manifest"), &world.keys()).unwrap();
    assert_eq!((manifest.first(), manifest.size()), (held, 600));
    let lines = |folder: &str| -> Vec<u8> {
        let files = world.files(folder);
        files.into_iter().filter(|(name, _)| name.starts_with("audit-")).flat_map(|(_, bytes)| bytes).collect()
    };
    assert!(lines("whole").ends_with(&lines("rest")));
    let tile = world.dir().join("tile/0/000");
    let mut hashes = fs::read(&tile).unwrap();
    hashes[0] ^= 1;
    fs::write(&tile, hashes).unwrap();
    assert!(matches!(world.export(&whole, "damaged"), Err(OutputError::Root)));
}

#[test]
fn a_changed_export_is_told() {
    let world = World::new();
    world.export(&world.choice(Format::Csv), "csv").unwrap();
    let folder = world.folder("csv");
    let manifest = folder.join("manifest");
    let check = |keys: &LogKeys| check_export(&manifest, keys);
    assert!(check(&world.keys()).is_ok());

    let part = folder.join("audit-000002.csv");
    let bytes = fs::read(&part).unwrap();
    for damage in [&bytes[1..], &[bytes.as_slice(), b"x"].concat(), b""] {
        fs::write(&part, damage).unwrap();
        assert!(matches!(check(&world.keys()), Err(CheckError::Part { name }) if name == "audit-000002.csv"));
    }
    fs::remove_file(&part).unwrap();
    assert!(matches!(check(&world.keys()), Err(CheckError::Part { .. })));
    fs::write(&part, &bytes).unwrap();

    let signed = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, signed.replacen("records 40", "records 39", 1)).unwrap();
    assert!(matches!(check(&world.keys()), Err(CheckError::Note(_))));
    fs::write(&manifest, &signed).unwrap();
    let stranger = SigningKey::from_seed(&Secret::new([8; 32]), world.checkpoint.origin.clone());
    assert!(matches!(check(&LogKeys::new(stranger.verifier(), &[])), Err(CheckError::Note(_))));

    // A key that was replaced speaks of the records before that only; the key of another log not at all.
    let retired = |size| {
        let old = RetiredKey { key: world.key.verifier(), size, root: world.checkpoint.root };
        LogKeys::new(stranger.verifier(), &[old])
    };
    assert!(check(&retired(RECORDS)).is_ok());
    assert!(matches!(check(&retired(RECORDS - 1)), Err(CheckError::Signer)));
    let other = SigningKey::from_seed(&Secret::new([7; 32]), KeyName::parse("inzage-other-00000000000000ff").unwrap());
    let manifest_of_ours = ExportManifest::open(&signed, &world.keys()).unwrap();
    let by_other = manifest_of_ours.sign(&other).unwrap().to_string();
    fs::write(&manifest, by_other).unwrap();
    assert!(matches!(check(&LogKeys::new(other.verifier(), &[])), Err(CheckError::Signer)));
}

proptest! {
    #[test]
    fn a_manifest_reads_back(records in prop::collection::vec((0_u64..1_000, any::<u64>(), any::<[u8; 32]>()), 0..5), size: u64) {
        let choice = "log inzage-a-00000000000000ff\nformat csv\nfrom -\nto -\nprovider -\nhost -\noperator checkpoint 3 -\n";
        let checkpoint = Checkpoint { origin: KeyName::parse("l").unwrap(), size, root: [3; 32] };
        let parts = records.iter().map(|(records, bytes, sha256)| {
            Part { name: "audit-000001.csv".into(), records: *records, bytes: *bytes, sha256: *sha256 }
        });
        let manifest = ExportManifest::new(choice.to_owned(), &checkpoint, size / 2, parts.collect());
        prop_assert_eq!(ExportManifest::parse(&manifest.to_string()), Some(manifest));
    }

    #[test]
    fn no_garbage_is_a_manifest_and_no_part_lies_elsewhere(text: String, name in "(\\.\\./|/|\\.)[a-z]{1,8}") {
        prop_assert_eq!(ExportManifest::parse(&text), None);
        let zero = "0".repeat(64);
        let choice = "log l\nformat csv\nfrom -\nto -\nprovider -\nhost -\noperator -\n";
        let root = format!("{}=", "A".repeat(43));
        let text = format!("inzage-audit-export 1\n{choice}checkpoint 1 {root}\nfirst 0\nrecords 0\npart {name} 0 0 {zero}\n");
        prop_assert_eq!(ExportManifest::parse(&text), None);
        let fine = text.replace(&name, "a.csv");
        prop_assert!(ExportManifest::parse(&fine).is_some());
    }
}

#[test]
fn a_digest_is_that_of_the_whole_file() {
    let scratch = Scratch::quick();
    let path = scratch.path().join("x");
    let bytes = vec![7; 600_000];
    fs::write(&path, &bytes).unwrap();
    assert_eq!(digest(&path).unwrap(), (600_000, crate::secret::sha256(&bytes)));
}
