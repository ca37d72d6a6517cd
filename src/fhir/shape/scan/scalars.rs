//! Values that hold no others: strings, numbers, literals. Each gives where it ends.

use super::super::outline::{Kind, traits};
use super::{Label, Scanner, Step, byte};

impl Scanner<'_> {
    #[inline(always)]
    pub(super) fn string(&mut self, bytes: &[u8], at: usize, label: Label, up: u32) -> Step {
        let end = self.marks.from(at + 1);
        if byte(bytes, end) != b'"' {
            return self.escaped_string((at, end), label, up);
        }
        self.push((at, end + 1), label, up, Kind::Plain);
        Ok(end + 1)
    }

    /// A string with escapes, of which the first stands at `mark`.
    #[cold]
    fn escaped_string(&mut self, (at, mark): (usize, usize), label: Label, up: u32) -> Step {
        let (end, kind) = self.escaped_end(mark)?;
        let found = self.suspects.traits(label.start as usize, at, end);
        let hidden = if kind == Kind::Unicode { traits::SUSPECT } else { 0 };
        self.push_with(label.traits | found | hidden, (at, end), label, up, kind);
        Ok(end)
    }

    /// Behind the quote that closes a string, from its first mark on.
    pub(super) fn escaped_end(&mut self, mut at: usize) -> Step<(usize, Kind)> {
        let mut kind = Kind::Plain;
        while byte(self.bytes, at) != b'"' {
            at = self.expect(at, b'\\')?;
            let (end, escape) = self.escape(at)?;
            if kind == Kind::Plain || escape == Kind::Unicode {
                kind = escape;
            }
            at = self.marks.from(end);
        }
        Ok((at + 1, kind))
    }

    /// Behind a byte that has to stand here.
    fn expect(&mut self, at: usize, wanted: u8) -> Step {
        if byte(self.bytes, at) == wanted { Ok(at + 1) } else { Err(self.no_json(at)) }
    }

    fn escape(&mut self, at: usize) -> Step<(usize, Kind)> {
        match byte(self.bytes, at) {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok((at + 1, Kind::Escaped)),
            b'u' => Ok((self.unicode_escape(at)?, Kind::Unicode)),
            _ => Err(self.no_json(at)),
        }
    }

    /// `uXXXX`, or two of them for a character outside the first plane; half a pair is refused.
    fn unicode_escape(&mut self, at: usize) -> Step {
        let (end, unit) = self.code_unit(at)?;
        if (0xdc00..0xe000).contains(&unit) {
            return Err(self.no_json(end));
        }
        if !(0xd800..0xdc00).contains(&unit) {
            return Ok(end);
        }
        let second = self.expect(end, b'\\')?;
        let (end, unit) = self.code_unit(second)?;
        if (0xdc00..0xe000).contains(&unit) { Ok(end) } else { Err(self.no_json(end)) }
    }

    fn code_unit(&mut self, at: usize) -> Step<(usize, u32)> {
        let mut at = self.expect(at, b'u')?;
        let mut unit = 0;
        for _ in 0..4 {
            let Some(digit) = char::from(byte(self.bytes, at)).to_digit(16) else { return Err(self.no_json(at)) };
            unit = unit << 4 | digit;
            at += 1;
        }
        Ok((at, unit))
    }

    pub(super) fn number(&mut self, start: usize, label: Label, up: u32) -> Step {
        let mut at = self.behind(start, b"-");
        at = if byte(self.bytes, at) == b'0' { at + 1 } else { self.digits(at)? };
        if byte(self.bytes, at) == b'.' {
            at = self.digits(at + 1)?;
        }
        if matches!(byte(self.bytes, at), b'e' | b'E') {
            at = self.behind(at + 1, b"+-");
            at = self.digits(at)?;
        }
        self.push((start, at), label, up, Kind::Number);
        Ok(at)
    }

    /// Behind one of these bytes, if one stands here.
    fn behind(&self, at: usize, some: &[u8]) -> usize {
        at + usize::from(some.contains(&byte(self.bytes, at)))
    }

    /// One digit or more.
    fn digits(&mut self, start: usize) -> Step {
        let mut at = start;
        while byte(self.bytes, at).is_ascii_digit() {
            at += 1;
        }
        if at > start { Ok(at) } else { Err(self.no_json(at)) }
    }

    pub(super) fn literal(&mut self, start: usize, label: Label, up: u32, word: &[u8]) -> Step {
        if !self.bytes.get(start..).unwrap_or_default().starts_with(word) {
            return Err(self.no_json(start));
        }
        let end = start + word.len();
        self.push((start, end), label, up, Kind::Literal);
        Ok(end)
    }
}
