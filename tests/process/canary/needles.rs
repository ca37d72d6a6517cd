//! What must not be found, in every form in which it could stand somewhere; and the search through bytes and folders.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// By so many bytes a form is looked up; none is shorter.
const KEY: usize = 6;
/// A part of a compact token that says something of this token only.
const PART: usize = 24;

/// Secrets and their forms.
#[derive(Default)]
pub(crate) struct Needles {
    by_key: HashMap<[u8; KEY], Vec<(Vec<u8>, String)>>,
    begins: BTreeSet<usize>,
    known: BTreeSet<String>,
}

impl Needles {
    /// A BSN: also as people write it.
    pub(crate) fn bsn(&mut self, bsn: &str) {
        if self.known.insert(bsn.to_owned()) {
            for written in written(bsn) {
                self.forms("BSN", &written);
            }
        }
    }

    /// A token, code, cookie or state; of one with dots, also its longer parts. What the header of a JWT says is no secret.
    pub(crate) fn secret(&mut self, what: &str, secret: &str) {
        assert!(secret.len() >= PART, "{what} is too short to be one: {secret}");
        if self.known.insert(secret.to_owned()) {
            self.forms(what, secret);
            for part in secret.split('.').skip(1).filter(|part| part.len() >= PART) {
                self.forms(what, part);
            }
        }
    }

    /// How many secrets there are.
    pub(crate) fn count(&self) -> usize {
        self.known.len()
    }

    fn forms(&mut self, what: &str, secret: &str) {
        for (form, bytes) in forms(secret) {
            let key = *bytes.first_chunk::<KEY>().unwrap();
            self.begins.insert(pair(key[0], key[1]));
            self.by_key.entry(key).or_default().push((bytes, format!("{what} {form}")));
        }
    }

    /// What of it stands in these bytes, and near what.
    pub(crate) fn within(&self, content: &[u8]) -> BTreeSet<String> {
        let mut may_begin = vec![false; 1 << 16];
        for begin in &self.begins {
            may_begin[*begin] = true;
        }
        let mut found = BTreeSet::new();
        for at in 0..content.len().saturating_sub(KEY - 1) {
            if !may_begin[pair(content[at], content[at + 1])] {
                continue;
            }
            let Some(candidates) = content[at..].first_chunk().and_then(|key| self.by_key.get(key)) else { continue };
            for (bytes, name) in candidates.iter().filter(|(bytes, _)| content[at..].starts_with(bytes)) {
                let near = &content[at.saturating_sub(60)..(at + bytes.len() + 20).min(content.len())];
                found.insert(format!("{name} at {at}: {:?}", String::from_utf8_lossy(near)));
            }
        }
        found
    }

    /// What of it stands in the files of a folder, also in those that are compressed; and which files were read. Not those
    /// that went meanwhile, as what is delivered goes from a spool.
    pub(crate) fn within_folder(&self, folder: &Path) -> (Vec<PathBuf>, Vec<String>) {
        let (mut read, mut found) = (Vec::new(), Vec::new());
        for path in files(folder) {
            let content = match fs::read(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                content => content.unwrap(),
            };
            let plain = path.extension().is_some_and(|end| end == "zst").then(|| unpacked(&content));
            for content in [Some(content), plain].iter().flatten() {
                found.extend(self.within(content).into_iter().map(|what| format!("{}: {what}", path.display())));
            }
            read.push(path);
        }
        (read, found)
    }
}

fn pair(first: u8, second: u8) -> usize {
    usize::from(u16::from_be_bytes([first, second]))
}

/// What a compressed file holds.
fn unpacked(content: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    zstd::stream::copy_decode(content, &mut plain).unwrap();
    plain
}

/// Every file in a folder and below it.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// A BSN as it is, in groups of three, and as it stands on papers, with each separator.
pub(crate) fn written(bsn: &str) -> Vec<String> {
    let mut all = vec![bsn.to_owned()];
    for separator in [".", " ", "-"] {
        for [one, two] in [[3, 6], [4, 6]] {
            all.push([&bsn[..one], &bsn[one..two], &bsn[two..]].join(separator));
        }
    }
    all
}

/// As it is, in hexadecimal, and in Base64 wherever it begins among other bytes; each with its name.
pub(crate) fn forms(secret: &str) -> Vec<(String, Vec<u8>)> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![
        ("in clear".to_owned(), secret.as_bytes().to_vec()),
        ("in capital hexadecimal".to_owned(), hex.to_uppercase().into_bytes()),
        ("in hexadecimal".to_owned(), hex.into_bytes()),
    ];
    // Only whole groups of three bytes have one form whatever stands around them.
    for shift in 0..3 {
        let groups = &secret.as_bytes()[shift..];
        let groups = &groups[..groups.len() / 3 * 3];
        for (name, text) in [("Base64", STANDARD_NO_PAD.encode(groups)), ("Base64url", URL_SAFE_NO_PAD.encode(groups))]
        {
            forms.push((format!("in {name} from byte {shift}"), text.into_bytes()));
        }
    }
    forms
}
