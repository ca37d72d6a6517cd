//! A strict JSON scanner (RFC 8259) that reads the bytes once and keeps only where each value stands, what its name is and
//! whether a rule has to look at it. Stricter than the RFC where leniency hides things: no member name twice in one object,
//! and no escapes in names (FHIR names need none).

use super::ShapeFault;
use super::marks::Marks;
use super::names::{Name, ends};
use super::outline::{Kind, Node, Outline, traits};
use super::suspects::{Suspects, Wanted};

/// How many arrays and objects may stand inside each other. FHIR data stays under 20.
pub(in crate::fhir) const DEPTH_LIMIT: usize = 64;
/// Up to this many names are compared one by one; above it they are sorted first.
const FEW_NAMES: usize = 8;
/// Bytes of text for each record that there is room for from the start: FHIR without white space has one per 20.
const BYTES_PER_RECORD: usize = 16;

/// Scans a whole document, every part of which is then looked at by the rules.
///
/// # Errors
/// `TooLarge` over 4 GiB, `NotJson`, `TooDeep`, `RepeatedName`, `EscapedName`.
pub(in crate::fhir) fn scan(body: &[u8]) -> Result<Outline<'_>, ShapeFault> {
    scan_within(body, 0, None)
}

/// Scans a value that stands within `depth` arrays and objects of its document. With `wanted` it is noted which parts may
/// hold that, so that the others need no look; without, all of them may.
///
/// # Errors
/// As [`scan`].
pub(super) fn scan_within<'b>(
    body: &'b [u8],
    depth: usize,
    wanted: Option<Wanted<'b>>,
) -> Result<Outline<'b>, ShapeFault> {
    if u32::try_from(body.len()).is_err() {
        return Err(ShapeFault::TooLarge);
    }
    let text = std::str::from_utf8(body).map_err(|error| ShapeFault::NotJson { offset: error.valid_up_to() })?;
    let mut scanner = Scanner {
        text,
        bytes: body,
        at: 0,
        depth,
        nodes: Vec::with_capacity(body.len() / BYTES_PER_RECORD + 1),
        marks: Marks::of(body),
        suspects: Suspects::of(body, wanted),
        traits: 0,
    };
    match scanner.document() {
        Ok(()) => Ok(Outline::new(text, scanner.nodes)),
        Err(stop) => Err(stop.at(scanner.at)),
    }
}

/// Why scanning stops; small, as it is handed up through every value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    NotJson,
    TooDeep,
    RepeatedName,
    EscapedName,
}

impl Stop {
    const fn at(self, offset: usize) -> ShapeFault {
        match self {
            Self::NotJson => ShapeFault::NotJson { offset },
            Self::TooDeep => ShapeFault::TooDeep,
            Self::RepeatedName => ShapeFault::RepeatedName,
            Self::EscapedName => ShapeFault::EscapedName,
        }
    }
}

type Step<T = ()> = Result<T, Stop>;

/// The name of what is scanned next: where it stands, which it is, and its [`traits`].
#[derive(Clone, Copy)]
struct Label {
    start: usize,
    name: Name,
    traits: u8,
}

impl Label {
    const NONE: Self = Self { start: 0, name: Name::Other, traits: 0 };
}

/// The names that an object had so far.
#[derive(Default)]
struct Seen {
    known: u64,
    /// A few bits of the other names.
    others: u64,
    /// A known name came twice.
    repeats: bool,
    /// Two of the other names may be the same.
    may_repeat: bool,
}

impl Seen {
    #[inline]
    fn meet(&mut self, name: Name, text: &str) {
        let bit = name.bit();
        if bit == 0 {
            let (first, last) = ends(text.as_bytes());
            let hash = (first ^ last.rotate_left(7)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58;
            self.may_repeat |= self.others >> hash & 1 == 1;
            self.others |= 1 << hash;
        }
        self.repeats |= self.known & bit != 0;
        self.known |= bit;
    }
}

struct Scanner<'b> {
    text: &'b str,
    bytes: &'b [u8],
    at: usize,
    depth: usize,
    nodes: Vec<Node>,
    marks: Marks<'b>,
    suspects: Suspects<'b>,
    /// The traits of what was scanned of the array or object under way.
    traits: u8,
}

impl Scanner<'_> {
    fn document(&mut self) -> Step {
        self.skip_space();
        self.value(Label::NONE)?;
        self.skip_space();
        if self.at == self.bytes.len() { Ok(()) } else { Err(Stop::NotJson) }
    }

    /// The next byte, zero at the end, which is no JSON anywhere.
    #[inline]
    fn next(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or_default()
    }

    #[inline]
    fn skip_space(&mut self) {
        if self.next() <= b' ' {
            self.skip_spaces();
        }
    }

    /// Line breaks and indents, eight bytes at a time where these are spaces.
    fn skip_spaces(&mut self) {
        while matches!(self.next(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
            while self.bytes.get(self.at..).and_then(<[u8]>::first_chunk) == Some(&[b' '; 8]) {
                self.at += 8;
            }
        }
    }

    /// Steps over `byte` if it is next.
    #[inline]
    fn take(&mut self, byte: u8) -> bool {
        let found = self.next() == byte;
        self.at += usize::from(found);
        found
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Step {
        if self.take(byte) { Ok(()) } else { Err(Stop::NotJson) }
    }

    #[inline]
    fn value(&mut self, label: Label) -> Step {
        match self.next() {
            b'"' => self.string(label),
            b'{' => self.object(label),
            b'[' => self.array(label),
            b'-' | b'0'..=b'9' => self.number(label),
            b't' => self.literal(label, b"true"),
            b'f' => self.literal(label, b"false"),
            b'n' => self.literal(label, b"null"),
            _ => Err(Stop::NotJson),
        }
    }

    /// Adds the record of a value that ends here. Lengths were checked to fit when the scan began.
    #[inline]
    fn push(&mut self, label: Label, start: usize, kind: Kind, traits: u8) {
        let traits = traits | label.traits;
        self.traits |= traits;
        let after = self.nodes.len() as u32 + 1;
        let (start, end, label, name) = (start as u32, self.at as u32, label.start as u32, label.name);
        self.nodes.push(Node { label, start, end, after, kind, name, traits });
    }

    fn object(&mut self, label: Label) -> Step {
        let outer = self.open(label, Kind::Object)?;
        let record = self.nodes.len() - 1;
        if !self.take(b'}') {
            let seen = self.members()?;
            if seen.repeats || (seen.may_repeat && self.repeats_name(record)) {
                return Err(Stop::RepeatedName);
            }
        }
        self.close(record, outer);
        Ok(())
    }

    fn members(&mut self) -> Step<Seen> {
        let mut seen = Seen::default();
        loop {
            let label = self.label(&mut seen)?;
            self.value(label)?;
            self.skip_space();
            if self.take(b'}') {
                return Ok(seen);
            }
            self.expect(b',')?;
            self.skip_space();
        }
    }

    fn array(&mut self, label: Label) -> Step {
        let outer = self.open(label, Kind::Array)?;
        let record = self.nodes.len() - 1;
        if !self.take(b']') {
            self.items()?;
        }
        self.close(record, outer);
        Ok(())
    }

    fn items(&mut self) -> Step {
        loop {
            self.value(Label::NONE)?;
            self.skip_space();
            if self.take(b']') {
                return Ok(());
            }
            self.expect(b',')?;
            self.skip_space();
        }
    }

    /// Steps into an array or object. Gives the traits of the outer one up to here.
    #[inline]
    fn open(&mut self, label: Label, kind: Kind) -> Step<u8> {
        if self.depth == DEPTH_LIMIT {
            return Err(Stop::TooDeep);
        }
        self.depth += 1;
        let outer = self.traits | label.traits;
        self.push(label, self.at, kind, 0);
        self.traits = 0;
        self.at += 1;
        self.skip_space();
        Ok(outer)
    }

    #[inline]
    fn close(&mut self, record: usize, outer: u8) {
        let (end, after) = (self.at as u32, self.nodes.len() as u32);
        if let Some(node) = self.nodes.get_mut(record) {
            node.end = end;
            node.after = after;
            node.traits |= self.traits;
        }
        self.traits |= outer;
        self.depth -= 1;
    }

    /// A name and its colon.
    #[inline]
    fn label(&mut self, seen: &mut Seen) -> Step<Label> {
        let start = self.at;
        if self.next() != b'"' {
            return Err(Stop::NotJson);
        }
        if self.string_end()? != Kind::Plain {
            return Err(Stop::EscapedName);
        }
        let text = self.text.get(start + 1..self.at - 1).unwrap_or_default();
        let name = Name::of(text);
        seen.meet(name, text);
        if name.is_watched() {
            self.traits |= traits::WATCHED;
        }
        let traits = if self.suspects.meet(start, self.at) { traits::SUSPECT_NAME } else { 0 };
        self.skip_space();
        self.expect(b':')?;
        self.skip_space();
        Ok(Label { start, name, traits })
    }

    /// Whether two names of this object are the same.
    #[cold]
    fn repeats_name(&self, record: usize) -> bool {
        let mut names = Vec::new();
        let mut next = record + 1;
        while let Some(node) = self.nodes.get(next) {
            let rest = self.bytes.get(node.label as usize + 1..).unwrap_or_default();
            names.extend(rest.split(|byte| *byte == b'"').next());
            next = node.after as usize;
        }
        if names.len() <= FEW_NAMES {
            return names
                .iter()
                .enumerate()
                .any(|(index, name)| names.iter().skip(index + 1).any(|other| other == name));
        }
        names.sort_unstable();
        names.windows(2).any(|pair| pair.first() == pair.last())
    }

    #[inline]
    fn string(&mut self, label: Label) -> Step {
        let start = self.at;
        let kind = self.string_end()?;
        let is_suspect = kind == Kind::Unicode || self.suspects.meet(start, self.at);
        self.push(label, start, kind, if is_suspect { traits::SUSPECT } else { 0 });
        Ok(())
    }

    /// Moves from an opening quote past the closing one.
    #[inline]
    fn string_end(&mut self) -> Step<Kind> {
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

    fn number(&mut self, label: Label) -> Step {
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

    fn literal(&mut self, label: Label, word: &[u8]) -> Step {
        let start = self.at;
        if !self.bytes.get(start..).unwrap_or_default().starts_with(word) {
            return Err(Stop::NotJson);
        }
        self.at += word.len();
        self.push(label, start, Kind::Literal, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
