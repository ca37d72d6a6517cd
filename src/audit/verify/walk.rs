//! One segment from its first byte to its last, on its own: what it says it begins with, and what its records hash to.

use std::path::Path;

use crate::audit::broken::ReadError;
use crate::audit::chain::Position;
use crate::audit::manifest::Digest;
use crate::audit::reader::{Hashing, Segment, Step};
use crate::audit::segment::Header;
use crate::audit::tree::TreeHash;

/// How many bytes are walked between two reports of progress.
const REPORT_BYTES: u64 = 1024 * 1024;

/// What was found in a segment.
pub(super) struct Walked {
    pub(super) first: u64,
    /// The file it was read from.
    pub(super) file: String,
    /// The first line, when it is not a header.
    pub(super) no_header: Option<Vec<u8>>,
    /// The header as it stands there; whether it continues the segment before is not known here.
    pub(super) start: Option<Header>,
    pub(super) end: Option<Position>,
    /// The hashes of its whole records.
    pub(super) leaves: Vec<TreeHash>,
    /// The first and last payload, of a compressed segment.
    pub(super) payloads: (Vec<u8>, Vec<u8>),
    /// Bytes after the last whole record, or after the first line when that is no header.
    pub(super) rest: u64,
    /// What the bytes of a compressed segment hash to, unpacked and as they lie there.
    pub(super) digests: Option<(Digest, Digest)>,
    /// Damage after the last whole record.
    pub(super) fault: Option<ReadError>,
}

impl Walked {
    pub(super) fn is_packed(&self) -> bool {
        self.digests.is_some()
    }
}

/// Walks over the segment. In the last one a live writer may take back bytes that were read half: damage stays, so that is
/// looked at again.
pub(super) fn walk(dir: &Path, first: u64, last: bool, read: &(dyn Fn(u64) + Sync)) -> Result<Walked, ReadError> {
    let walked = once(dir, first, read)?;
    if last && walked.fault.is_some() { once(dir, first, &|_| ()) } else { Ok(walked) }
}

fn once(dir: &Path, first: u64, read: &(dyn Fn(u64) + Sync)) -> Result<Walked, ReadError> {
    let mut segment = Segment::open(dir, first)?;
    let start = segment.header().cloned();
    let mut walked = Walked {
        first,
        file: segment.name(),
        no_header: start.is_none().then(|| segment.line().to_vec()),
        end: start.as_ref().map(|header| header.start),
        start,
        leaves: Vec::new(),
        payloads: (Vec::new(), Vec::new()),
        rest: segment.left(),
        digests: None,
        fault: None,
    };
    if walked.end.is_some() {
        walked.fault = records(&mut segment, &mut walked, read).err();
    }
    Ok(walked)
}

fn records(segment: &mut Segment, walked: &mut Walked, read: &(dyn Fn(u64) + Sync)) -> Result<(), ReadError> {
    let mut raw = segment.is_packed().then(Hashing::new);
    if let Some(raw) = &mut raw {
        raw.add(segment.line());
    }
    let mut payload = Vec::new();
    let mut reported = 0;
    while let Some(at) = walked.end {
        if segment.whole() - reported >= REPORT_BYTES {
            read(segment.whole() - reported);
            reported = segment.whole();
        }
        match segment.next(&at, &mut payload)? {
            Step::Record { after, leaf } => {
                walked.leaves.push(leaf);
                walked.end = Some(after);
                if let Some(raw) = &mut raw {
                    raw.record(&payload, &after);
                    keep(&mut walked.payloads, &payload);
                }
            }
            Step::End => {
                walked.rest = 0;
                break;
            }
            Step::Unfinished(bytes) => {
                walked.rest = bytes;
                break;
            }
        }
    }
    read(segment.whole() - reported);
    if let Some(raw) = raw {
        walked.digests = Some((raw.finish(), segment.digest()?));
    }
    Ok(())
}

fn keep((first, last): &mut (Vec<u8>, Vec<u8>), payload: &[u8]) {
    if first.is_empty() {
        first.extend_from_slice(payload);
    }
    last.clear();
    last.extend_from_slice(payload);
}
