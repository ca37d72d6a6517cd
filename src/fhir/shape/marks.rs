//! Where strings end: the quotes, backslashes and control characters of a text, found 64 bytes at a time.
//!
//! This is what makes the scanner cheap: the end of a string is the next bit of a mask that was made for the whole block,
//! however long the string is. Measured in `benches/RESULTS.md`, "Shaping".

use wide::u8x16;

/// Bytes that are looked at together.
const BLOCK: usize = 64;

/// The marks of a text. Keeps those of one block.
pub(super) struct Marks<'b> {
    blocks: &'b [[u8; BLOCK]],
    /// The rest of the text, followed by spaces.
    tail: [u8; BLOCK],
    length: usize,
    /// Where the block starts that `found` is about.
    base: usize,
    found: u64,
}

impl<'b> Marks<'b> {
    /// The marks of this text.
    pub(super) fn of(bytes: &'b [u8]) -> Self {
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        let mut tail = [b' '; BLOCK];
        tail.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        let mut marks = Self { blocks, tail, length: bytes.len(), base: 0, found: 0 };
        marks.found = marks.look(0);
        marks
    }

    /// Where the next mark at or behind `at` is; the length of the text when there is none.
    #[inline]
    pub(super) fn from(&mut self, at: usize) -> usize {
        let base = at & !(BLOCK - 1);
        if base != self.base {
            self.base = base;
            self.found = self.look(base);
        }
        let found = self.found & (u64::MAX << (at % BLOCK));
        if found != 0 { base + found.trailing_zeros() as usize } else { self.beyond() }
    }

    /// Where the first mark behind the block is.
    fn beyond(&mut self) -> usize {
        while self.base + BLOCK < self.length {
            self.base += BLOCK;
            self.found = self.look(self.base);
            if self.found != 0 {
                return self.base + self.found.trailing_zeros() as usize;
            }
        }
        self.length
    }

    #[inline]
    fn look(&self, base: usize) -> u64 {
        marked(self.blocks.get(base / BLOCK).unwrap_or(&self.tail))
    }
}

/// One bit for each byte that is a mark, the first byte lowest.
#[inline]
fn marked(block: &[u8; BLOCK]) -> u64 {
    let (quote, backslash, control) = (u8x16::splat(b'"'), u8x16::splat(b'\\'), u8x16::splat(0x1f));
    bits(block, |bytes| bytes.simd_eq(quote) | bytes.simd_eq(backslash) | bytes.min(control).simd_eq(bytes))
}

/// One bit for each byte of which `is` makes 0xff, the first byte lowest.
#[inline]
pub(super) fn bits(block: &[u8; BLOCK], is: impl Fn(u8x16) -> u8x16) -> u64 {
    let (parts, _) = block.as_chunks::<16>();
    parts.iter().rev().fold(0, |bits, part| bits << 16 | u64::from(is(u8x16::new(*part)).to_bitmask()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_mark_is_found_from_anywhere(
            bytes in prop::collection::vec(prop_oneof![Just(b'a'), Just(b' '), any::<u8>()], 0..300),
            starts in prop::collection::vec(0..310_usize, 1..20),
        ) {
            let mut marks = Marks::of(&bytes);
            for start in starts {
                let is_mark = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
                let slow = bytes.iter().skip(start).position(is_mark).map_or(bytes.len(), |found| start + found);
                prop_assert_eq!(marks.from(start.min(bytes.len())), slow, "from {}", start);
            }
        }
    }
}
