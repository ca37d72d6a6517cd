//! Files of signed notes, one after the other: the history of checkpoints, and the copies that a folder elsewhere keeps.
//! They only grow. A note that a crash left unfinished at the end is cut off before the next is added.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::note::MAX_NOTE_BYTES;

/// No file of notes that is read is larger: a note a minute for a year.
const MAX_FILE_BYTES: u64 = 512 * 1024 * 1024;
/// How a line with a signature begins.
const SIGNATURE_START: &str = "\u{2014} ";

/// Each whole note in a text, in order. A note ends after its last signature; what follows the last of them was not finished.
pub(super) fn split(text: &str) -> Vec<&str> {
    let (mut notes, mut begin, mut at, mut signed) = (Vec::new(), 0, 0, 0);
    for line in text.split_inclusive('\n') {
        let is_signature = line.starts_with(SIGNATURE_START) && line.ends_with('\n');
        if signed > begin && !is_signature {
            notes.extend(text.get(begin..signed));
            begin = signed;
        }
        at += line.len();
        if is_signature {
            signed = at;
        }
    }
    if signed > begin {
        notes.extend(text.get(begin..signed));
    }
    notes
}

/// A file of notes; an absent one is empty.
///
/// # Errors
/// Those of reading. A file that is too large or no text is `InvalidData`.
pub(super) fn read(path: &Path) -> io::Result<String> {
    match read_present(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        text => text,
    }
}

/// The same for a file that is there.
///
/// # Errors
/// Those of reading. A file that is too large or no text is `InvalidData`.
pub(super) fn read_present(path: &Path) -> io::Result<String> {
    let mut bytes = read_bytes(path)?;
    // A crash may leave a part of a character at the end; anywhere else it is damage.
    if let Some(error) = std::str::from_utf8(&bytes).err().filter(|error| error.error_len().is_none()) {
        bytes.truncate(error.valid_up_to());
    }
    String::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData.into())
}

fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let length = File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if length as u64 > MAX_FILE_BYTES { Err(io::ErrorKind::InvalidData.into()) } else { Ok(bytes) }
}

/// The bytes up to the end of the last whole note. Damage before that is kept: it is evidence, and so are the notes after it.
fn whole_bytes(bytes: &[u8]) -> u64 {
    let (mut at, mut whole) = (0, 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        at += line.len() as u64;
        if line.starts_with(SIGNATURE_START.as_bytes()) && line.ends_with(b"\n") {
            whole = at;
        }
    }
    whole
}

/// A single note of a file; `None` when it is absent.
///
/// # Errors
/// Those of reading. A file that is too large or no text is `InvalidData`.
pub(super) fn read_one(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut text = String::new();
    file.take(MAX_NOTE_BYTES as u64 + 1).read_to_string(&mut text)?;
    if text.len() > MAX_NOTE_BYTES { Err(io::ErrorKind::InvalidData.into()) } else { Ok(Some(text)) }
}

/// Adds a note to the end of a file and makes it durable. The name of a new file is durable once its folder is synced, which
/// this does too.
pub(super) fn append(path: &Path, note: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    let whole = whole_bytes(&read_bytes(path)?);
    let length = file.metadata()?.len();
    if length > whole {
        file.set_len(whole)?;
    }
    file.write_all(note.as_bytes())?;
    file.sync_all()?;
    if whole == 0 {
        sync_folder(path)?;
    }
    Ok(())
}

/// Puts a file in the place of another, whole: whoever reads it finds the one or the other, also after a crash.
pub(super) fn replace(path: &Path, temporary: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(temporary, path)?;
    sync_folder(path)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing::Scratch;
    use proptest::prelude::*;

    const ONE: &str = "log\n1\nAA=\n\n\u{2014} log AAAA\n";
    const TWO: &str = "log\n2\nAA=\n\n\u{2014} log AAAA\n\u{2014} witness BBBB\n";

    #[test]
    fn notes_are_told_apart() {
        assert_eq!(split(""), Vec::<&str>::new());
        assert_eq!(split(&format!("{ONE}{TWO}{ONE}")), [ONE, TWO, ONE]);
        assert_eq!(split("log\n1\n"), Vec::<&str>::new());
    }

    #[test]
    fn a_note_that_was_not_finished_is_cut_off() {
        let scratch = Scratch::quick();
        let path = scratch.path().join("checkpoints");
        append(&path, ONE).unwrap();
        append(&path, TWO).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for cut in ONE.len()..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            append(&path, TWO).unwrap();
            let text = read(&path).unwrap();
            let kept = split(&text);
            assert_eq!((kept.first(), kept.last()), (Some(&ONE), Some(&TWO)), "cut at {cut}");
            assert_eq!(kept.concat(), text);
        }
    }

    /// A byte that went bad in an old note must not cost the notes after it.
    #[test]
    fn what_follows_damage_is_kept() {
        let scratch = Scratch::quick();
        let path = scratch.path().join("checkpoints");
        let mut damaged = [ONE, TWO].concat().into_bytes();
        damaged[2] = 0xff;
        std::fs::write(&path, &damaged).unwrap();
        append(&path, ONE).unwrap();
        damaged.extend_from_slice(ONE.as_bytes());
        assert_eq!(std::fs::read(&path).unwrap(), damaged);
        assert_eq!(read(&path).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let scratch = Scratch::quick();
        let (path, temporary) = (scratch.path().join("checkpoint"), scratch.path().join("checkpoint.tmp"));
        assert_eq!(read_one(&path).unwrap(), None);
        replace(&path, &temporary, ONE).unwrap();
        replace(&path, &temporary, TWO).unwrap();
        assert_eq!(read_one(&path).unwrap().as_deref(), Some(TWO));
        assert!(!temporary.exists());
        std::fs::write(&path, "x".repeat(MAX_NOTE_BYTES + 1)).unwrap();
        assert!(read_one(&path).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_cut_into_parts_of_it(text in "(\\PC|\n|\u{2014} ){0,60}") {
            let whole = split(&text).concat();
            prop_assert!(text.starts_with(&whole));
            prop_assert_eq!(whole_bytes(text.as_bytes()), whole.len() as u64);
        }
    }
}
