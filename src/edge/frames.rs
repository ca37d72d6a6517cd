//! Reads along with what a client sends over HTTP/2 and counts the frames that bring nothing of a request. h2 bounds what each
//! kind of flood keeps in memory and ends some of them; SETTINGS, PING, PRIORITY and unknown frames it answers for ever.

/// A frame head is nine octets (RFC 9113 section 4.1).
const HEAD_BYTES: usize = 9;
/// What a client sends first (RFC 9113 section 3.4).
const PREFACE_BYTES: u32 = 24;
/// A piece of a body that is smaller than this, and not its last, is no way to send one.
const SMALL_BYTES: u32 = 16;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const END_STREAM: u8 = 1;

/// How many frames a client may send for nothing on one connection: so many by itself, so many more for each request and each
/// piece of an answer (each may be credited on its stream and on the connection, reset, and probed with a ping), and for each
/// second. A client that pings ten times a second stays under it.
pub(super) const FREE: u64 = 1_000;
/// See [`FREE`].
pub(super) const EACH_USEFUL: u64 = 20;
/// See [`FREE`].
pub(super) const EACH_SECOND: u64 = 10;

/// Where the reader is, and what it counted.
#[derive(Debug)]
pub(super) struct Frames {
    /// Octets until the next head.
    skip: u32,
    head: [u8; HEAD_BYTES],
    filled: usize,
    idle: u64,
}

impl Frames {
    /// Before the first octet.
    pub(super) const fn new() -> Self {
        Self { skip: PREFACE_BYTES, head: [0; HEAD_BYTES], filled: 0, idle: 0 }
    }

    /// Frames so far that brought nothing.
    pub(super) const fn idle(&self) -> u64 {
        self.idle
    }

    /// The next octets, however they are cut.
    pub(super) fn read(&mut self, mut octets: &[u8]) {
        loop {
            let skipped = octets.len().min(usize::try_from(self.skip).unwrap_or(usize::MAX));
            self.skip = self.skip.saturating_sub(u32::try_from(skipped).unwrap_or(u32::MAX));
            let Some((_, rest)) = octets.split_at_checked(skipped).filter(|(_, rest)| !rest.is_empty()) else { return };
            octets = self.fill(rest);
        }
    }

    /// Takes what belongs to the head; returns what comes after it.
    fn fill<'a>(&mut self, octets: &'a [u8]) -> &'a [u8] {
        let wanted = HEAD_BYTES.saturating_sub(self.filled).min(octets.len());
        let (taken, rest) = octets.split_at(wanted);
        let place = self.head.iter_mut().skip(self.filled);
        place.zip(taken).for_each(|(place, octet)| *place = *octet);
        self.filled = self.filled.saturating_add(wanted);
        if self.filled == HEAD_BYTES {
            self.filled = 0;
            self.count();
        }
        rest
    }

    fn count(&mut self) {
        let [high, middle, low, kind, flags, ..] = self.head;
        self.skip = u32::from_be_bytes([0, high, middle, low]);
        let brings = match kind {
            DATA => self.skip >= SMALL_BYTES || flags & END_STREAM != 0,
            HEADERS => true,
            _ => false,
        };
        self.idle = self.idle.saturating_add(u64::from(!brings));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u8, flags: u8, payload: usize) -> Vec<u8> {
        let length = u32::try_from(payload).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags, 0, 0, 0, 1];
        frame.resize(HEAD_BYTES + payload, 0xff);
        frame
    }

    fn idle(frames: &[Vec<u8>], cut: usize) -> u64 {
        let all = [vec![b'P'; 24], frames.concat()].concat();
        let mut reader = Frames::new();
        all.chunks(cut).for_each(|piece| reader.read(piece));
        reader.idle()
    }

    #[test]
    fn what_brings_a_request_or_a_body_is_not_counted() {
        for (frame, counts) in [
            (frame(HEADERS, 5, 120), 0),
            (frame(DATA, 0, 16_384), 0),
            (frame(DATA, END_STREAM, 0), 0),
            (frame(DATA, 0, 0), 1),
            (frame(DATA, 0, 15), 1),
            (frame(2, 0, 5), 1),
            (frame(3, 0, 4), 1),
            (frame(4, 0, 0), 1),
            (frame(6, 0, 8), 1),
            (frame(8, 0, 4), 1),
            (frame(9, 4, 10), 1),
            (frame(0x10, 0, 3), 1),
        ] {
            assert_eq!(idle(&[frame.clone(), frame.clone()], 1_000), 2 * counts, "{frame:?}");
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_octets_are_cut(
            kinds in prop::collection::vec((0_u8..12, 0_u8..6, 0_usize..300), 0..20),
            cut in 1_usize..400,
        ) {
            let frames: Vec<_> = kinds.into_iter().map(|(kind, flags, payload)| frame(kind, flags, payload)).collect();
            prop_assert_eq!(idle(&frames, cut), idle(&frames, usize::MAX));
        }
    }
}
