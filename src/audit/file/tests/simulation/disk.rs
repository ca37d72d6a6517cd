//! A disk in memory that keeps apart what a process sees and what a loss of power leaves, as the caches of a kernel do.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::{fs, io};

use super::Draw;
use crate::audit::file::disk::Disk;

/// Errors that may pass, of a write or of making a file: EFBIG, ENOSPC, EROFS, EDQUOT.
const FULL: [i32; 4] = [27, 28, 30, 122];
/// Errors of anything: EIO, ENOSPC, EDQUOT. Of a flush each of them is the end.
const DEADLY: [i32; 3] = [5, 28, 122];
const EIO: i32 = 5;

/// What a life meets; 0 is never.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fate {
    /// One write, or one new file, in so many finds no room.
    pub(super) full_one_in: u64,
    /// One call in so many fails otherwise.
    pub(super) deadly_one_in: u64,
    /// The process dies at this call; a write gets to some byte first.
    pub(super) killed_in: Option<u64>,
}

/// A change that was not flushed.
#[derive(Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Cut(usize),
}

impl Change {
    /// Makes it; of a write only the first `most` bytes. What was never written reads as zeros.
    fn apply(&self, content: &mut Vec<u8>, most: usize) {
        match self {
            Self::Write { at, bytes } => {
                let bytes = &bytes[..bytes.len().min(most)];
                if content.len() < at + bytes.len() {
                    content.resize(at + bytes.len(), 0);
                }
                content[*at..at + bytes.len()].copy_from_slice(bytes);
            }
            Self::Cut(length) => content.truncate(*length),
        }
    }
}

#[derive(Default)]
struct SimulatedFile {
    seen: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
    named: bool,
}

impl SimulatedFile {
    fn change(&mut self, change: Change) {
        change.apply(&mut self.seen, usize::MAX);
        self.pending.push(change);
    }
}

struct Inside {
    files: BTreeMap<String, SimulatedFile>,
    current: String,
    draw: Draw,
    fate: Fate,
    killed: bool,
    flushes_failed: u64,
    /// What was asked of it and how that ended, to be read when a schedule fails.
    journal: Vec<String>,
}

#[derive(Clone)]
pub(super) struct SimulatedDisk(Arc<Mutex<Inside>>);

/// How a call ends.
#[derive(Debug)]
enum Ending {
    Well,
    /// With this error; a write gets so far, in parts of 256.
    Fails(i32, u64),
}

impl SimulatedDisk {
    pub(super) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Inside {
            files: BTreeMap::new(),
            current: String::new(),
            draw: Draw(seed),
            fate: Fate::default(),
            killed: false,
            flushes_failed: 0,
            journal: Vec::new(),
        })))
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap()
    }

    /// A new process, after the end of the one before.
    pub(super) fn begin_life(&self, fate: Fate) {
        let mut inside = self.inside();
        (inside.fate, inside.killed) = (fate, false);
        inside.journal.push(format!("{fate:?}"));
    }

    pub(super) fn journal(&self) -> String {
        self.inside().journal.join("\n")
    }

    pub(super) fn is_killed(&self) -> bool {
        self.inside().killed
    }

    pub(super) fn flushes_failed(&self) -> u64 {
        self.inside().flushes_failed
    }

    /// What opening does: the file is made when it is not there.
    pub(super) fn select(&mut self, name: &str) {
        let mut inside = self.inside();
        inside.files.entry(name.to_owned()).or_default();
        inside.current = name.to_owned();
    }

    /// What a new process finds.
    pub(super) fn dump(&self, dir: &Path) {
        for (name, file) in &self.inside().files {
            fs::write(dir.join(name), &file.seen).unwrap();
        }
    }

    /// Of the changes that were not flushed some of the first happened, and of the next write a part; a new name may be gone.
    pub(super) fn lose_power(&self) {
        let mut inside = self.inside();
        let Inside { files, draw, journal, .. } = &mut *inside;
        files.retain(|_, file| file.named || draw.one_in(2));
        for (name, file) in files {
            file.keep_some(draw);
            journal.push(format!("power is lost: {name} had {} bytes and has {}", file.seen.len(), file.durable.len()));
            file.seen.clone_from(&file.durable);
            file.named = true;
        }
    }
}

impl SimulatedFile {
    /// Makes some of the pending changes durable, and forgets the others.
    fn keep_some(&mut self, draw: &mut Draw) {
        let whole = draw.below(self.pending.len() as u64 + 1) as usize;
        let part = draw.below(1_000) as usize;
        for (number, change) in self.pending.drain(..).enumerate() {
            match (number < whole, number == whole, &change) {
                (true, ..) => change.apply(&mut self.durable, usize::MAX),
                (_, true, Change::Write { .. }) => change.apply(&mut self.durable, part),
                _ => {}
            }
        }
    }
}

impl Inside {
    fn enter(&mut self, call: &str, takes_room: bool) -> Ending {
        let ending = self.ending(takes_room);
        self.journal.push(format!("{call}: {ending:?}"));
        ending
    }

    fn ending(&mut self, takes_room: bool) -> Ending {
        let part = self.draw.below(257);
        if self.killed {
            return Ending::Fails(EIO, 0);
        }
        if let Some(left) = &mut self.fate.killed_in {
            if *left == 0 {
                self.killed = true;
                return Ending::Fails(EIO, part);
            }
            *left -= 1;
        }
        let Fate { full_one_in, deadly_one_in, .. } = self.fate;
        if takes_room && full_one_in > 0 && self.draw.one_in(full_one_in) {
            return Ending::Fails(FULL[self.draw.below(4) as usize], part);
        }
        if deadly_one_in > 0 && self.draw.one_in(deadly_one_in) {
            return Ending::Fails(if takes_room { EIO } else { DEADLY[self.draw.below(3) as usize] }, part);
        }
        Ending::Well
    }

    fn current(&mut self) -> &mut SimulatedFile {
        self.files.get_mut(&self.current).unwrap()
    }

    fn write(&mut self, at: Option<u64>, bytes: &[u8]) -> io::Result<()> {
        let ending = self.enter(&format!("write {} to {}", bytes.len(), self.current), true);
        let file = self.current();
        let at = at.map_or(file.seen.len(), |at| at as usize);
        let (written, result) = match ending {
            Ending::Well => (bytes.len(), Ok(())),
            Ending::Fails(errno, part) => (bytes.len() * part as usize / 256, fails(errno)),
        };
        file.change(Change::Write { at, bytes: bytes[..written].to_vec() });
        result
    }
}

fn fails(errno: i32) -> io::Result<()> {
    Err(io::Error::from_raw_os_error(errno))
}

impl Disk for SimulatedDisk {
    fn create(&mut self, name: &str) -> io::Result<()> {
        let mut inside = self.inside();
        if let Ending::Fails(errno, _) = inside.enter(&format!("create {name}"), true) {
            return fails(errno);
        }
        let before = inside.files.insert(name.to_owned(), SimulatedFile::default());
        assert!(before.is_none(), "{name} is there");
        inside.current = name.to_owned();
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.inside().write(None, bytes)
    }

    /// After a failure the kernel may call clean what it never wrote: a later success does not bring it back.
    fn sync(&mut self) -> io::Result<()> {
        let mut inside = self.inside();
        let ending = inside.enter("flush", false);
        let killed = inside.killed;
        let mut draw = inside.draw.clone();
        let file = inside.current();
        match ending {
            Ending::Well => {
                for change in file.pending.drain(..) {
                    change.apply(&mut file.durable, usize::MAX);
                }
                Ok(())
            }
            Ending::Fails(errno, _) if killed => fails(errno),
            Ending::Fails(errno, _) => {
                file.keep_some(&mut draw);
                inside.flushes_failed += 1;
                fails(errno)
            }
        }
    }

    fn sync_names(&mut self) -> io::Result<()> {
        let mut inside = self.inside();
        match inside.enter("flush the names", false) {
            Ending::Well => {
                inside.files.values_mut().for_each(|file| file.named = true);
                Ok(())
            }
            Ending::Fails(errno, _) => {
                inside.flushes_failed += u64::from(!inside.killed);
                fails(errno)
            }
        }
    }

    fn rewrite_end(&mut self, most: u64) -> io::Result<()> {
        let mut inside = self.inside();
        let seen = inside.current().seen.clone();
        let from = seen.len().saturating_sub(most as usize);
        inside.write(Some(from as u64), &seen[from..])
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        let mut inside = self.inside();
        match inside.enter(&format!("cut to {length}"), false) {
            Ending::Well => {
                inside.current().change(Change::Cut(length as usize));
                Ok(())
            }
            Ending::Fails(errno, _) => fails(errno),
        }
    }
}
