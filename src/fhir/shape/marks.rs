//! Where strings end: the quotes, backslashes and control characters of a text, one bit each, found by [`look`](super::look).
//!
//! This is what makes the scanner cheap: the end of a string is the next bit behind its start, however long the string is.
//! Measured in `benches/RESULTS.md`, "Shaping".

use super::look::BLOCK;

/// The marks of a text.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// One word for each block; in each a bit for each byte, the first byte lowest.
    words: Vec<u64>,
    length: usize,
}

impl Marks {
    /// The words of another text, of this length, and no marks in them yet.
    pub(super) fn begin(&mut self, length: usize) -> &mut Vec<u64> {
        self.length = length;
        self.words.clear();
        self.words.reserve(length / BLOCK + 1);
        &mut self.words
    }

    /// Where the next mark at or behind `at` is; the length of the text when there is none.
    #[inline(always)]
    pub(super) fn from(&self, at: usize) -> usize {
        let word = self.words.get(at / BLOCK).copied().unwrap_or_default() & (u64::MAX << (at % BLOCK));
        if word != 0 { (at & !(BLOCK - 1)) | first(word) } else { self.beyond(at / BLOCK + 1) }
    }

    /// Where the first mark of this block or one behind it is.
    fn beyond(&self, block: usize) -> usize {
        let mut words = self.words.iter().enumerate().skip(block);
        words.find(|(_, word)| **word != 0).map_or(self.length, |(block, word)| block * BLOCK + first(*word))
    }

    /// Bytes that it has room for without asking for more.
    pub(super) fn room(&self) -> usize {
        self.words.capacity() * BLOCK
    }
}

/// Which bit of a word is the first that is set.
#[inline(always)]
const fn first(word: u64) -> usize {
    word.trailing_zeros() as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::look::look;
    use super::*;

    proptest! {
        #[test]
        fn every_mark_is_found_from_anywhere(
            texts in prop::collection::vec(
                prop::collection::vec(prop_oneof![Just(b'a'), Just(b' '), any::<u8>()], 0..300), 1..4),
            starts in prop::collection::vec(0..310_usize, 1..20),
        ) {
            let mut marks = Marks::default();
            for bytes in texts {
                look(&bytes, None, &mut marks, &mut Vec::new());
                for start in &starts {
                    let is_mark = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
                    let slow = bytes.iter().skip(*start).position(is_mark).map_or(bytes.len(), |found| start + found);
                    prop_assert_eq!(marks.from((*start).min(bytes.len())), slow, "from {}", start);
                }
            }
        }
    }
}
