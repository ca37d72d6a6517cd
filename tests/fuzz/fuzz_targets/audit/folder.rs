//! Folders with a log of one segment, made as the format says and not by the code under test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use inzage::secret::sha256;

const LOG: &str = "inzage-a-00000000000000ff";

/// A folder of this process, where temporary files go.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("inzage-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    folder
});

/// The bytes of a sound segment of version 1 or 2 with these payloads.
pub fn segment(version: u8, payloads: &[&[u8]]) -> Vec<u8> {
    let mut hash = sha256(format!("inzage-audit-log {version} {LOG}\n").as_bytes());
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut bytes = format!("inzage-audit-segment {version} {LOG} 0 {hex}\n").into_bytes();
    for payload in payloads {
        hash = match version {
            1 => sha256(&[&hash, *payload].concat()),
            _ => sha256(&[[2].as_slice(), &hash, &sha256(&[&[0], *payload].concat())].concat()),
        };
        let length = u32::try_from(payload.len()).expect("a short payload");
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(payload);
        bytes.extend_from_slice(&hash);
    }
    bytes
}

/// Calls `look` with a folder whose only segment has these bytes.
pub fn with_log<T>(bytes: &[u8], look: impl FnOnce(&Path) -> T) -> T {
    fs::write(FOLDER.join("segment-00000000000000000000.log"), bytes).expect("a file");
    look(&FOLDER)
}
