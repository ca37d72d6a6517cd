//! `inzage audit export` and `check-export`, of a log that a real gateway wrote.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use inzage::audit::checkpoint::Checkpoint;
use inzage::audit::note::{KeyName, SigningKey};
use inzage::audit::read_dir;
use inzage::audit::tree::{RightEdge, leaf_hash};
use inzage::secret::Secret;

use crate::harness::{Home, text};

/// A log that a gateway wrote; a key for it, its public half and a checkpoint that it signed, in files.
async fn signed_log(home: &Home) -> usize {
    let world = home.world().await;
    let gateway = home.serve().ready(&world.layout.ops_url()).await;
    gateway.signal("TERM");
    assert_eq!(gateway.ended().await.code, Some(0));
    world.stop().await.unwrap();
    let mut edge = RightEdge::new();
    let records = read_dir(&home.audit()).unwrap();
    let origin = KeyName::parse(&records.log().to_string()).unwrap();
    for record in records {
        edge.push(leaf_hash(&record.unwrap().1), &mut |_, _| {});
    }
    let key = SigningKey::from_seed(&Secret::new([7; 32]), origin.clone());
    let checkpoint = Checkpoint { origin, size: edge.size(), root: edge.root() };
    fs::write(home.path("own-checkpoint"), checkpoint.sign(&key).unwrap().to_string()).unwrap();
    fs::write(home.path("own.vkey"), format!("{}\n", key.verifier())).unwrap();
    fs::write(home.path("own.key"), STANDARD.encode([7; 32])).unwrap();
    fs::set_permissions(home.path("own.key"), fs::Permissions::from_mode(0o600)).unwrap();
    usize::try_from(edge.size()).unwrap()
}

fn to_folder<'a>(log: &'a str, folder: &'a str, key: &'a str, checkpoint: &'a str) -> Vec<&'a str> {
    let options = ["--out", folder, "--key", key, "--checkpoint", checkpoint, "--host", "inzage.example.nl"];
    [["audit", "export", log, "--format", "csv"].as_slice(), &options].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_written_signed_checked_and_told_when_it_was_changed() {
    let home = Home::new();
    let count = signed_log(&home).await;
    let (audit, folder) = (home.audit(), home.path("export"));
    let (key, checkpoint) = (home.path("own.key"), home.path("own-checkpoint"));
    for (format, head) in [("ndjson", 0), ("csv", 1), ("fhir", 0), ("nen7513", 1)] {
        let ended = home.run(&["audit", "export", text(&audit), "--format", format]).await;
        assert_eq!((ended.code, ended.out.lines().count()), (Some(0), count + head), "{format}");
    }
    let command = to_folder(text(&audit), text(&folder), text(&key), text(&checkpoint));
    let ended = home.run(&command).await;
    let told = format!("export: {count} of {count} records in 1 parts, manifest signed, in {}", folder.display());
    assert_eq!((ended.code, ended.last_line()), (Some(0), told.as_str()));
    assert_eq!(home.run(&command).await.code, Some(1), "a finished export is not written over");

    let manifest = folder.join("manifest");
    let vkey = home.path("own.vkey");
    let check = ["audit", "check-export", text(&manifest), "--key", text(&vkey)];
    let ended = home.run(&check).await;
    let told = format!("export: {count} records in 1 parts, under a checkpoint of {count} records, ok");
    assert_eq!((ended.code, ended.last_line()), (Some(0), told.as_str()));
    change_first_byte(&folder.join("audit-000001.csv"));
    let ended = home.run(&check).await;
    let told = "export: broken: audit-000001.csv is not what was exported";
    assert_eq!((ended.code, ended.last_line()), (Some(1), told));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_exported_is_said() {
    let home = Home::new();
    signed_log(&home).await;
    let (audit, folder) = (home.audit(), home.path("export"));
    let (key, checkpoint) = (home.path("own.key"), home.path("own-checkpoint"));
    let base = ["audit", "export", text(&audit), "--format", "csv"];
    for (wrong, code) in [
        (vec!["--out", text(&folder)], 2),
        (vec!["--from", "yesterday"], 2),
        (vec!["--provider", "De Linde"], 2),
        (vec!["--operator", ""], 2),
        (vec!["--out", text(&folder), "--key", text(&checkpoint)], 1),
    ] {
        let ended = home.run(&[base.as_slice(), &wrong].concat()).await;
        assert_eq!(ended.code, Some(code), "{wrong:?}: {}", ended.out);
    }
    // Another key than that of the checkpoint.
    fs::write(&key, STANDARD.encode([8; 32])).unwrap();
    let ended = home.run(&to_folder(text(&audit), text(&folder), text(&key), text(&checkpoint))).await;
    assert_eq!(ended.code, Some(1));
    assert!(!folder.exists());
    assert_eq!(home.run(&["audit", "export", text(&folder), "--format", "csv"]).await.code, Some(1));
}

fn change_first_byte(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes[0] ^= 1;
    fs::write(path, bytes).unwrap();
}
