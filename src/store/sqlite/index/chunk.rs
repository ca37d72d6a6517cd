//! Records packed together. A chunk holds frame after frame, as one Zstandard frame: the index of a record (i64), its time in
//! microseconds (i64), the length of its payload (u32), all in little endian, and the payload.

use std::io;

use zstd::bulk;

use crate::audit::Entry;

/// A chunk is full at so many records or bytes. Whoever reads one record unpacks a chunk, so it is kept small.
const RECORDS: u32 = 128;
const BYTES: usize = 128 * 1024;
/// No chunk is longer: the last record may go over the bound, and has at most 16 KiB.
const BYTES_MAX: usize = BYTES + 64 * 1024;
/// Records of a log repeat one another, so the quickest form makes a fifth of them. The next two levels make a seventh, in
/// twice and three times the time.
const LEVEL: i32 = -1;

const NUMBER_BYTES: usize = 8;
const LENGTH_BYTES: usize = 4;

/// A chunk in the making. Its memory is used again.
pub(super) struct Packer {
    bytes: Vec<u8>,
    packed: Vec<u8>,
    pub(super) records: u32,
    pub(super) oldest: i64,
    pub(super) newest: i64,
    compressor: bulk::Compressor<'static>,
}

impl Packer {
    pub(super) fn new() -> io::Result<Self> {
        let compressor = bulk::Compressor::new(LEVEL)?;
        Ok(Self { bytes: Vec::new(), packed: Vec::new(), records: 0, oldest: i64::MAX, newest: i64::MIN, compressor })
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        (self.records, self.oldest, self.newest) = (0, i64::MAX, i64::MIN);
    }

    pub(super) fn put(&mut self, index: i64, time: i64, payload: &[u8]) {
        self.bytes.extend_from_slice(&index.to_le_bytes());
        self.bytes.extend_from_slice(&time.to_le_bytes());
        self.bytes.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.bytes.extend_from_slice(payload);
        self.records += 1;
        (self.oldest, self.newest) = (self.oldest.min(time), self.newest.max(time));
    }

    pub(super) const fn is_full(&self) -> bool {
        self.records >= RECORDS || self.bytes.len() >= BYTES
    }

    /// What the chunk is on disk.
    pub(super) fn pack(&mut self) -> io::Result<&[u8]> {
        self.packed.clear();
        self.packed.reserve(zstd::zstd_safe::compress_bound(self.bytes.len()));
        self.compressor.compress_to_buffer(&self.bytes, &mut self.packed)?;
        Ok(&self.packed)
    }
}

/// A record of a chunk.
pub(super) struct Kept<'a> {
    pub(super) index: i64,
    pub(super) time: i64,
    pub(super) payload: &'a [u8],
}

impl Kept<'_> {
    /// As what is searched.
    pub(super) fn entry(&self) -> Entry {
        let time = jiff::Timestamp::from_microsecond(self.time).unwrap_or_default();
        Entry::of(u64::try_from(self.index).unwrap_or_default(), self.payload.to_vec(), time)
    }
}

/// The records of a chunk that was read.
pub(super) struct Unpacked(Vec<u8>);

impl Unpacked {
    pub(super) fn of(packed: &[u8]) -> io::Result<Self> {
        bulk::decompress(packed, BYTES_MAX).map(Self)
    }

    /// In the order of the log. It ends where something is no frame, as nothing that was packed here does.
    pub(super) fn records(&self) -> impl Iterator<Item = Kept<'_>> {
        let mut rest = self.0.as_slice();
        std::iter::from_fn(move || {
            let (index, after) = rest.split_first_chunk::<NUMBER_BYTES>()?;
            let (time, after) = after.split_first_chunk::<NUMBER_BYTES>()?;
            let (length, after) = after.split_first_chunk::<LENGTH_BYTES>()?;
            let (payload, after) = after.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
            rest = after;
            Some(Kept { index: i64::from_le_bytes(*index), time: i64::from_le_bytes(*time), payload })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_packed_comes_back(records in prop::collection::vec(any::<(i64, i64, Vec<u8>)>(), 0..20)) {
            let mut packer = Packer::new().unwrap();
            records.iter().for_each(|(index, time, payload)| packer.put(*index, *time, payload));
            let unpacked = Unpacked::of(packer.pack().unwrap()).unwrap();
            let found: Vec<_> = unpacked.records().map(|kept| (kept.index, kept.time, kept.payload.to_vec())).collect();
            prop_assert_eq!(found, records);
        }

        #[test]
        fn nothing_that_is_no_chunk_does_harm(bytes: Vec<u8>) {
            let _ = Unpacked::of(&bytes);
            prop_assert!(Unpacked(bytes.clone()).records().count() <= bytes.len());
        }
    }

    #[test]
    fn a_full_chunk_of_the_longest_records_can_be_read() {
        let mut packer = Packer::new().unwrap();
        let mut records = 0;
        while !packer.is_full() {
            packer.put(records, 0, &[7; crate::audit::MAX_PAYLOAD_BYTES]);
            records += 1;
        }
        let unpacked = Unpacked::of(packer.pack().unwrap()).unwrap();
        assert_eq!(unpacked.records().count() as i64, records);
    }
}
