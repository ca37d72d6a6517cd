//! A log that is written in one go, for simulations of a time that never was: in large writes with one flush at the end. Its
//! records, chain and segments are those of every log, so whatever reads one reads it. Absent from production builds (cargo
//! feature `sandbox`): nobody waits for its records, and nothing is disclosed on them.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::chain::{Position, Version};
use super::segment::{self, Header, LogId, NodeName, Payload};
use super::{AuditEvent, folder};

/// Records are written when so many bytes of them have gathered.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// A log under construction. Until [`WholeLog::finish`] it is none.
pub struct WholeLog {
    dir: PathBuf,
    id: LogId,
    source: Arc<str>,
    segment_bytes: u64,
    /// The end of what is in the files.
    at: Position,
    segment: File,
    /// Bytes of the segment.
    written: u64,
    payload: Payload,
    framed: Vec<u8>,
    records: usize,
}

impl WholeLog {
    /// Begins one in `dir`, which must not be there, for a node of this name; the other half of its id is `number`. A new
    /// segment begins where the next write would make one longer than `segment_bytes`.
    ///
    /// # Errors
    /// When the folder is there, or cannot be made.
    pub fn begin(dir: &Path, node: &NodeName, number: u64, segment_bytes: u64) -> io::Result<Self> {
        if let Some(parent) = dir.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        }
        DirBuilder::new().mode(0o700).create(dir)?;
        let id = LogId::numbered(node, number);
        let at = Position::start(&id, Version::NEWEST);
        let (segment, written) = begin_segment(dir, &id, at)?;
        let (source, payload) = (id.shared(), Payload::default());
        let dir = dir.to_owned();
        Ok(Self { dir, id, source, segment_bytes, at, segment, written, payload, framed: Vec::new(), records: 0 })
    }

    /// The index that the next record gets.
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.at.index.saturating_add(self.records as u64)
    }

    /// Adds a record and gives its index.
    ///
    /// # Errors
    /// When what has gathered cannot be written; the log is then of no use.
    pub fn push(&mut self, event: &AuditEvent) -> io::Result<u64> {
        let index = self.next();
        self.payload.encode(event, &self.source);
        self.payload.frame(&mut self.framed);
        self.records += 1;
        if self.framed.len() >= BATCH_BYTES {
            self.write()?;
        }
        Ok(index)
    }

    /// Writes and flushes what is left, and gives the number of records.
    ///
    /// # Errors
    /// When that fails.
    pub fn finish(mut self) -> io::Result<u64> {
        self.write()?;
        self.segment.sync_all()?;
        File::open(&self.dir)?.sync_all()?;
        Ok(self.at.index)
    }

    fn write(&mut self) -> io::Result<()> {
        let linked = segment::link(self.at, &mut self.framed, self.records);
        let linked = linked.ok_or_else(|| io::Error::other("the log has no more numbers"))?;
        let length = self.framed.len() as u64;
        if self.records > 0 && self.at.index > 0 && self.written.saturating_add(length) > self.segment_bytes {
            self.segment.sync_all()?;
            (self.segment, self.written) = begin_segment(&self.dir, &self.id, self.at)?;
        }
        self.segment.write_all(&self.framed)?;
        self.written = self.written.saturating_add(length);
        self.at = linked.after;
        self.records = 0;
        self.framed.clear();
        Ok(())
    }
}

fn begin_segment(dir: &Path, id: &LogId, start: Position) -> io::Result<(File, u64)> {
    let path = dir.join(folder::segment(start.index));
    let mut file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
    let header = Header { version: Version::NEWEST, log: id.clone(), start }.line();
    file.write_all(header.as_bytes())?;
    Ok((file, header.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing::{Scratch, bare};
    use crate::audit::{Record, Records, read_dir, verify};
    use jiff::Timestamp;

    fn node() -> NodeName {
        NodeName::parse("a").unwrap()
    }

    #[test]
    fn it_verifies_and_is_read_back_over_its_segments() {
        let scratch = Scratch::new();
        let dir = scratch.path().join("deep/audit");
        let mut log = WholeLog::begin(&dir, &node(), 7, 2_000_000).unwrap();
        let event = |number: i64| AuditEvent {
            detail: Some("x".repeat(4_000).into()),
            ..bare(Timestamp::from_second(number).unwrap())
        };
        for number in 0..3_000 {
            assert_eq!(log.push(&event(number)).unwrap(), u64::try_from(number).unwrap());
        }
        assert_eq!(log.finish().unwrap(), 3_000);
        assert_eq!(verify(&dir).unwrap().records, 3_000);
        let records: Records = read_dir(&dir).unwrap();
        assert_eq!(records.log().to_string(), "inzage-a-0000000000000007");
        let times: Vec<i64> = records
            .map(Result::unwrap)
            .map(|(index, payload)| Record::parse(index, &payload).unwrap().time.as_second())
            .collect();
        assert_eq!(times, (0..3_000).collect::<Vec<_>>());
        assert!(std::fs::read_dir(&dir).unwrap().count() > 2, "several segments");
    }

    #[test]
    fn it_is_the_same_for_the_same_records_and_never_over_another() {
        let scratch = Scratch::new();
        let bytes = ["one", "two"].map(|name| {
            let dir = scratch.path().join(name);
            let mut log = WholeLog::begin(&dir, &node(), 9, u64::MAX).unwrap();
            log.push(&bare(Timestamp::UNIX_EPOCH)).unwrap();
            log.finish().unwrap();
            std::fs::read(dir.join(folder::segment(0))).unwrap()
        });
        assert_eq!(bytes[0], bytes[1]);
        assert!(WholeLog::begin(&scratch.path().join("one"), &node(), 9, u64::MAX).is_err());
    }
}
