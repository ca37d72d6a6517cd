//! Whether a log is what was written, and all that was signed of it is so: every byte is covered by the form of the files, by
//! the hash chain, or by the tree whose checkpoints are signed. May run beside a live writer, or on a copy.

mod claims;
mod ledger;
mod pool;
mod state;
#[cfg(test)]
mod tests;
mod walk;

pub use state::StateError;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::broken::{ReadError, Why, broken};
use super::chain::{ChainHash, Position, Version};
use super::folder;
use super::keys::LogKeys;
use super::manifest::Manifest;
use super::record::Record;
use super::scan;
use super::segment::{Header, LogId, begins_header};
use super::tree::RightEdge;
use claims::Claims;
use ledger::Ledger;
use state::State;
use walk::{Walked, walk};

/// A log that is sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many records it has.
    pub records: u64,
    /// The chain hash over all of them. Only one kept outside tells that records at the end were taken away.
    pub head: ChainHash,
    /// Its id.
    pub log: LogId,
    /// Bytes of a last record that a crash, or a live writer, left unfinished. It was never acknowledged.
    pub unfinished_bytes: u64,
    /// How many records the largest signed checkpoint covers.
    pub signed: u64,
    /// How many statements about the tree were compared: checkpoints, manifests, and those from elsewhere.
    pub compared: usize,
    /// How many checkpoints from elsewhere were among them.
    pub outside: usize,
    /// The public keys came from the folder itself: whoever changed the log may have changed them too.
    pub own_keys: bool,
    /// How many of the records were removed after their retention, and are there as hashes only.
    pub removed: u64,
    /// How many records an earlier verification had read, whose state was used.
    pub resumed: u64,
}

/// One or more checkpoints of the log that were kept elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideCopy {
    /// Where, for people.
    pub name: String,
    /// The signed notes, one after the other.
    pub text: String,
}

/// How far a verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// How many bytes there are to read.
    Total(u64),
    /// That many more were read.
    Read(u64),
}

/// Why a log is not said to be sound.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It is damaged, or cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The state of an earlier verification cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
}

/// What a log is held against, and how.
pub struct Verification<'a> {
    /// The public keys of the log; those in its folder without.
    pub keys: Option<LogKeys>,
    /// What was kept elsewhere.
    pub outside: Vec<OutsideCopy>,
    /// How many threads read and hash records.
    pub jobs: NonZeroUsize,
    /// Where the state is kept, to go on after an interruption.
    pub state: Option<PathBuf>,
    /// Told how far it is, by any thread.
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

/// Reads the whole log in `dir` with one thread, and holds it against all that its folder says of it.
///
/// # Errors
/// [`ReadError::Broken`] with the first bad index, or what kept us from reading.
pub fn verify(dir: &Path) -> Result<Verified, ReadError> {
    let all = Verification { keys: None, outside: Vec::new(), jobs: NonZeroUsize::MIN, state: None, progress: &|_| () };
    all.run(dir).map_err(|error| match error {
        VerifyError::Read(error) => error,
        // There is no state file, so nothing is wrong with it.
        VerifyError::State(error) => ReadError::Io { path: dir.into(), source: std::io::Error::other(error) },
    })
}

impl Verification<'_> {
    /// Reads the whole log in `dir`.
    ///
    /// # Errors
    /// [`ReadError::Broken`] with the lowest bad index, or what kept us from reading.
    pub fn run(&self, dir: &Path) -> Result<Verified, VerifyError> {
        match self.once(dir) {
            // A segment that was begun, compressed or removed while the names were read. What is missing stays so.
            Err(VerifyError::Read(error)) if is_passing(&error) => self.once(dir),
            outcome => outcome,
        }
    }

    fn once(&self, dir: &Path) -> Result<Verified, VerifyError> {
        // In this order: a live node writes records, then tiles, then the checkpoint, then manifests.
        let mut claims = claims::gather(dir, self.keys.as_ref(), &self.outside, &scan::manifests(dir)?)?;
        if let Some((source, why)) = claims.refused.iter().find(|refused| says_where_it_begins(refused)) {
            return Ok(broken(0, source.clone(), *why)?);
        }
        let tiles = ledger::list_tiles(dir)?;
        let firsts: Vec<u64> = scan::left(scan::segments(dir)?, claims.pruned.as_ref()).into();
        (self.progress)(Progress::Total(firsts.iter().map(|first| size_of(dir, *first)).sum()));
        let mut course = self.begin(dir, &firsts, &mut claims)?;
        let (from, count) = (course.from, firsts.len());
        let read = |bytes| (self.progress)(Progress::Read(bytes));
        let one = |number: usize| walk(dir, firsts.get(number).copied().unwrap_or(0), number + 1 == count, &read);
        pool::in_order(self.jobs, (from, count), one, |walked| course.take(walked?))?;
        course.finish(&tiles)
    }

    /// Goes on where the state says, or begins with the first record.
    fn begin<'a>(&'a self, dir: &'a Path, firsts: &[u64], claims: &'a mut Claims) -> Result<Course<'a>, VerifyError> {
        let all = std::mem::take(&mut claims.all);
        let mut course = Course::new(dir, claims, firsts.len());
        if let (Some(path), Some(log)) = (&self.state, first_log(dir, firsts)) {
            let known = State::load(path, &log)?;
            let resumed = known.as_ref().and_then(|state| state.resume(dir, firsts, &all));
            course.state = Some((path, State::new(&log)));
            if let (Some(state), Some(resumed)) = (known, resumed) {
                course.resume(log, state, resumed, all)?;
                return Ok(course);
            }
        }
        course.ledger = Ledger::new(dir.into(), RightEdge::new(), all, course.claims.covered);
        course.ledger.push_removed(course.claims.begins())?;
        Ok(course)
    }
}

/// The walk over all segments, as far as it is.
struct Course<'a> {
    dir: &'a Path,
    claims: &'a Claims,
    ledger: Ledger,
    log: Option<LogId>,
    at: Option<Position>,
    /// The version of the segment before, or the oldest.
    version: Version,
    from: usize,
    /// Segments that were not taken yet.
    left: usize,
    unfinished_bytes: u64,
    resumed: u64,
    state: Option<(&'a PathBuf, State)>,
}

impl<'a> Course<'a> {
    fn new(dir: &'a Path, claims: &'a Claims, left: usize) -> Self {
        let ledger = Ledger::new(dir.into(), RightEdge::new(), Vec::new(), 0);
        let (version, state) = (Version::One, None);
        Self {
            dir,
            claims,
            ledger,
            log: None,
            at: None,
            version,
            from: 0,
            left,
            unfinished_bytes: 0,
            resumed: 0,
            state,
        }
    }

    fn resume(
        &mut self,
        log: LogId,
        state: State,
        resumed: state::Resumed,
        claims: Vec<claims::Claim>,
    ) -> Result<(), ReadError> {
        let state::Resumed { segments, at, version, edge } = resumed;
        (self.from, self.left, self.resumed) = (segments, self.left - segments, at.index);
        (self.log, self.at, self.version) = (Some(log), Some(at), version);
        self.ledger = Ledger::going_on(self.dir.into(), edge, claims, self.claims.covered);
        self.ledger.check_tiles()?;
        if let Some((_, kept)) = &mut self.state {
            *kept = state;
        }
        Ok(())
    }

    /// The next segment.
    fn take(&mut self, walked: Walked) -> Result<(), VerifyError> {
        self.left = self.left.saturating_sub(1);
        let last = self.left == 0;
        if !self.enter(&walked, last)? {
            return Ok(());
        }
        self.ledger.push(&walked.leaves, &walked.file)?;
        let Some(end) = walked.end else { return Ok(()) };
        self.at = Some(end);
        self.close(&walked, &end, last).map_err(|error| self.ledger.before(error))?;
        if let Some(fault) = walked.fault {
            return Err(self.ledger.before(fault).into());
        }
        self.keep(&walked, &end, last)
    }

    /// Whether the segment begins where the one before it ended. False when it is only the beginning of a header.
    fn enter(&mut self, walked: &Walked, last: bool) -> Result<bool, ReadError> {
        let Some(at) = self.at else { return self.enter_first(walked, last).map(|()| true) };
        let name = folder::segment(walked.first);
        if walked.first != at.index {
            let why = if walked.first > at.index { Why::Missing } else { Why::Header };
            return broken(at.index, name, why).map_err(|error| self.ledger.before(error));
        }
        let Some(log) = self.log.as_ref() else { return Ok(false) };
        if let Some(header) = walked.start.as_ref().filter(|header| header.continues(log, &at, self.version)) {
            self.version = header.version;
            return Ok(true);
        }
        // A writer that ended while it began a segment leaves a part of the header, or nothing, in the last file.
        let begun = walked.no_header.as_ref().filter(|line| Header::is_begun(line, log, &at, self.version));
        if let Some(line) = begun.filter(|_| last && walked.rest == 0) {
            self.unfinished_bytes = line.len() as u64;
            return Ok(false);
        }
        broken(at.index, name, Why::Header).map_err(|error| self.ledger.before(error))
    }

    fn enter_first(&mut self, walked: &Walked, last: bool) -> Result<(), ReadError> {
        let name = folder::segment(walked.first);
        let begins = self.claims.begins();
        if walked.first != begins {
            return broken(begins, name, Why::Missing);
        }
        let Some(header) = &walked.start else {
            let line = walked.no_header.as_deref().unwrap_or_default();
            let begun = begins > 0 || !last || walked.rest > 0 || !begins_header(line);
            return broken(begins, name, if begun { Why::Header } else { Why::NotBegun });
        };
        let begin = || Position::start(&header.log, header.version);
        let start = self.claims.pruned.as_ref().map_or_else(begin, |pruned| pruned.start);
        if header.start != start {
            return broken(begins, name, Why::Header);
        }
        if self.claims.keys.as_ref().is_some_and(|keys| keys.name().as_str() != header.log.to_string()) {
            return broken(begins, name, Why::OtherKeys);
        }
        (self.log, self.version) = (Some(header.log.clone()), header.version);
        Ok(())
    }

    /// The end of a segment: only the last may be unfinished, only others compressed, and those have a manifest that fits.
    fn close(&mut self, walked: &Walked, end: &Position, last: bool) -> Result<(), ReadError> {
        if walked.fault.is_some() {
            return Ok(());
        }
        if walked.rest > 0 && !last {
            return broken(end.index, walked.file.clone(), Why::Unfinished);
        }
        self.unfinished_bytes = walked.rest;
        if !walked.is_packed() {
            return Ok(());
        }
        if last {
            return broken(end.index, folder::segment(end.index), Why::Missing);
        }
        if self.is_sealed(walked, end)? {
            return Ok(());
        }
        broken(walked.first, folder::manifest(walked.first), Why::Manifest)
    }

    fn is_sealed(&self, walked: &Walked, end: &Position) -> Result<bool, ReadError> {
        if let Some(manifest) = self.claims.manifests.get(&walked.first) {
            return Ok(fits(manifest, walked, end));
        }
        // Its root is among no claims, but the tree ends where the segment does.
        let later = self.claims.later_manifest(self.dir, walked.first)?;
        Ok(later.is_some_and(|manifest| fits(&manifest, walked, end) && manifest.root == self.ledger.edge().root()))
    }

    fn keep(&mut self, walked: &Walked, end: &Position, last: bool) -> Result<(), VerifyError> {
        if let Some((path, state)) = self.state.as_mut().filter(|_| !last) {
            state.add(self.dir, walked, end, self.ledger.edge(), self.ledger.confirmed());
            state.save(path)?;
        }
        Ok(())
    }

    fn finish(mut self, tiles: &[String]) -> Result<Verified, VerifyError> {
        let (Some(log), Some(at)) = (self.log, self.at) else {
            return Ok(broken(0, String::new(), Why::NotBegun)?);
        };
        self.ledger.finish()?;
        if let Some((source, why)) = self.claims.refused.first() {
            return Ok(broken(self.ledger.confirmed_size(), source.clone(), *why)?);
        }
        if let Some(path) = ledger::strange_tile(tiles, at.index) {
            return Ok(broken(self.ledger.confirmed_size(), path.clone(), Why::Foreign)?);
        }
        Ok(Verified {
            records: at.index,
            head: at.hash,
            log,
            unfinished_bytes: self.unfinished_bytes,
            signed: self.ledger.confirmed_size(),
            compared: self.ledger.confirmed().len(),
            outside: self.claims.outside,
            own_keys: self.claims.own_keys,
            removed: self.claims.begins(),
            resumed: self.resumed,
        })
    }
}

/// Whether the manifest is of this compressed segment, which ends here.
fn fits(manifest: &Manifest, walked: &Walked, end: &Position) -> bool {
    let time = |index, payload: &[u8]| Record::parse(index, payload).ok().map(|record| record.time);
    let (first, last) = &walked.payloads;
    let times = time(walked.first, first).zip(time(end.index.saturating_sub(1), last));
    let is_of = |header: &Header| header.log == manifest.log && header.start == manifest.start;
    walked.start.as_ref().is_some_and(is_of)
        && manifest.end == *end
        && walked.digests == Some((manifest.raw, manifest.packed))
        && times == Some(manifest.times)
}

/// Whether nothing else can be judged: without keys, or where the log begins is not known.
fn says_where_it_begins((source, why): &(String, Why)) -> bool {
    *why == Why::NoKeys || source == folder::PRUNED
}

/// The id in the first header, if there is one.
fn first_log(dir: &Path, firsts: &[u64]) -> Option<LogId> {
    let segment = super::reader::Segment::open(dir, *firsts.first()?).ok()?;
    segment.header().map(|header| header.log.clone())
}

fn size_of(dir: &Path, first: u64) -> u64 {
    super::reader::Segment::open(dir, first).map_or(0, |segment| segment.whole() + segment.left())
}

fn is_passing(error: &ReadError) -> bool {
    match error {
        ReadError::Broken(broken) => broken.why == Why::Missing,
        ReadError::Io { source, .. } => source.kind() == std::io::ErrorKind::NotFound,
    }
}
