//! Values that hold no others: strings, numbers, literals.

use super::super::outline::{Kind, traits};
use super::{Label, Scanner, Step, Stop};

impl Scanner<'_> {
    #[inline]
    pub(super) fn string(&mut self, label: Label) -> Step {
        let start = self.at;
        let kind = self.string_end()?;
        let is_suspect = kind == Kind::Unicode || self.suspects.meet(start, self.at);
        self.push(label, start, kind, if is_suspect { traits::SUSPECT } else { 0 });
        Ok(())
    }

    /// Moves from an opening quote past the closing one.
    #[inline(always)]
    pub(super) fn string_end(&mut self) -> Step<Kind> {
        let end = self.marks.from(self.at + 1);
        if self.bytes.get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok(Kind::Plain);
        }
        self.at = end;
        self.escaped_end()
    }

    /// The same, from the first mark in it that does not close it.
    fn escaped_end(&mut self) -> Step<Kind> {
        let mut kind = Kind::Plain;
        loop {
            if self.take(b'"') {
                return Ok(kind);
            }
            self.expect(b'\\')?;
            let escape = self.escape()?;
            if kind == Kind::Plain || escape == Kind::Unicode {
                kind = escape;
            }
            self.at = self.marks.from(self.at);
        }
    }

    fn escape(&mut self) -> Step<Kind> {
        match self.next() {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
            b'u' => return self.unicode_escape(),
            _ => return Err(Stop::NotJson),
        }
        Ok(Kind::Escaped)
    }

    /// `uXXXX`, or two of them for a character outside the first plane; half a pair is refused.
    fn unicode_escape(&mut self) -> Step<Kind> {
        let unit = self.code_unit()?;
        if (0xdc00..0xe000).contains(&unit) {
            return Err(Stop::NotJson);
        }
        if (0xd800..0xdc00).contains(&unit) {
            self.expect(b'\\')?;
            if !(0xdc00..0xe000).contains(&self.code_unit()?) {
                return Err(Stop::NotJson);
            }
        }
        Ok(Kind::Unicode)
    }

    fn code_unit(&mut self) -> Step<u32> {
        self.expect(b'u')?;
        let mut unit = 0;
        for _ in 0..4 {
            let digit = char::from(self.next()).to_digit(16).ok_or(Stop::NotJson)?;
            unit = unit << 4 | digit;
            self.at += 1;
        }
        Ok(unit)
    }

    pub(super) fn number(&mut self, label: Label) -> Step {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        let is_suspect = self.suspects.meet(start, self.at);
        self.push(label, start, Kind::Number, if is_suspect { traits::SUSPECT } else { 0 });
        Ok(())
    }

    /// One digit or more.
    fn digits(&mut self) -> Step {
        let start = self.at;
        while self.next().is_ascii_digit() {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(Stop::NotJson) }
    }

    pub(super) fn literal(&mut self, label: Label, word: &[u8]) -> Step {
        let start = self.at;
        if !self.bytes.get(start..).unwrap_or_default().starts_with(word) {
            return Err(Stop::NotJson);
        }
        self.at += word.len();
        self.push(label, start, Kind::Literal, 0);
        Ok(())
    }
}
