//! A body that is compressed though nobody asked for it, and may hold far more than it weighs: gzip (RFC 1952) with one block
//! of fixed codes (RFC 1951 section 3.2.6), in which white space comes as matches of full length.

use super::payload::Payload;

/// The longest match of the format.
const RUN: usize = 258;

/// The body, with `megabytes` of 1,000,000 bytes of white space before it.
pub(super) fn compressed(body: &[u8], megabytes: u32) -> Payload {
    let runs = usize::try_from(megabytes).unwrap_or(usize::MAX).saturating_mul(1_000_000) / RUN;
    let (mut bits, mut sum, mut length) = (Bits::default(), Crc::default(), body.len());
    // The last block, of fixed codes.
    bits.write(0b011, 3);
    if runs > 0 {
        bits.literal(b' ');
        (0..runs).for_each(|_| bits.run());
        (0..=runs * RUN).for_each(|_| sum.add(b' '));
        length += runs * RUN + 1;
    }
    for byte in body {
        bits.literal(*byte);
        sum.add(*byte);
    }
    // The end of the block is a code of seven zeros.
    bits.write(0, 7);
    let head = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF];
    let size = (length as u64 % (1 << 32)).to_le_bytes();
    let (size, _) = size.split_at(4);
    [&head, bits.finish().as_slice(), &sum.finish().to_le_bytes(), size].concat().into()
}

/// Bits from the lowest of each byte up; codes go in from their highest bit.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    waiting: u32,
    count: u32,
}

impl Bits {
    fn write(&mut self, bits: u32, count: u32) {
        self.waiting |= bits << self.count;
        self.count += count;
        while self.count >= 8 {
            let [lowest, ..] = self.waiting.to_le_bytes();
            self.bytes.push(lowest);
            self.waiting >>= 8;
            self.count -= 8;
        }
    }

    fn code(&mut self, code: u32, count: u32) {
        self.write(code.reverse_bits() >> (32 - count), count);
    }

    fn literal(&mut self, byte: u8) {
        match byte {
            0..=143 => self.code(0x30 + u32::from(byte), 8),
            144..=255 => self.code(0x190 + u32::from(byte) - 144, 9),
        }
    }

    /// 258 times the byte before: length code 285 and distance code 0.
    fn run(&mut self) {
        self.code(0xC5, 8);
        self.code(0, 5);
    }

    fn finish(mut self) -> Vec<u8> {
        self.write(0, 7);
        self.bytes
    }
}

/// CRC-32 of RFC 1952 section 8.
struct Crc(u32);

impl Default for Crc {
    fn default() -> Self {
        Self(u32::MAX)
    }
}

impl Crc {
    const TABLE: [u32; 256] = table();

    fn add(&mut self, byte: u8) {
        let [lowest, ..] = (self.0 ^ u32::from(byte)).to_le_bytes();
        let step = Self::TABLE.get(usize::from(lowest)).copied().unwrap_or_default();
        self.0 = (self.0 >> 8) ^ step;
    }

    const fn finish(&self) -> u32 {
        !self.0
    }
}

#[expect(clippy::indexing_slicing, reason = "the table has a place for every byte, and it is made while compiling")]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < table.len() {
        let (mut value, mut bit) = (at as u32, 0);
        while bit < 8 {
            value = (value >> 1) ^ (0xEDB8_8320 * (value & 1));
            bit += 1;
        }
        table[at] = value;
        at += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector was read back by gzip 1.12.
    #[test]
    fn what_is_written_is_what_gzip_reads() {
        let expected =
            [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF, 0x4B, 0x3C, 0xBC, 0x12, 0, 0xC4, 0xE7, 0x89, 0xF9, 3, 0, 0, 0];
        assert_eq!(compressed("aé".as_bytes(), 0).at_hand(), expected);
    }

    #[test]
    fn a_bomb_weighs_little() {
        let weight = compressed(b"{}", 10).at_hand().len();
        assert!(weight < 10_000_000 / 150, "{weight}");
    }
}
