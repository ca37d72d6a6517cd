//! A strict JSON scanner (RFC 8259) that reads the bytes once and keeps only where each value stands, what its name is and
//! whether a rule has to look at it. Stricter than the RFC where leniency hides things: no member name twice in one object,
//! and no escapes in names (FHIR names need none).

mod scalars;

use super::ShapeFault;
use super::marks::Marks;
use super::names::Name;
use super::outline::{Kind, Node, Outline, traits};
use super::shapes::{Known, Place, Seen, Shapes, Turn};
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
        shapes: Shapes::new(body.len()),
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

/// The name of what is scanned next: where it stands, which it is, its [`traits`], and where it is remembered.
#[derive(Clone, Copy)]
struct Label {
    start: usize,
    name: Name,
    traits: u8,
    place: Place,
}

impl Label {
    /// That of an element of the array with this one.
    const fn of_items(place: Place) -> Self {
        Self { start: 0, name: Name::Other, traits: 0, place }
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
    shapes: Shapes,
    /// The traits of what was scanned of the array or object under way.
    traits: u8,
}

impl Scanner<'_> {
    fn document(&mut self) -> Step {
        self.skip_space();
        self.value(Label::of_items(Place::ROOT))?;
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
        let at = self.nodes.len() as u32;
        let (start, end, label, name) = (start as u32, self.at as u32, label.start as u32, label.name);
        self.nodes.push(Node { label, start, end, at, after: at + 1, kind, name, traits });
    }

    fn object(&mut self, label: Label) -> Step {
        let outer = self.open(label, Kind::Object)?;
        let record = self.nodes.len() - 1;
        self.members(label.place, record)?;
        self.close(record, outer);
        Ok(())
    }

    fn members(&mut self, object: Place, record: usize) -> Step {
        let (mut place, mut turn, mut seen) = (object, Turn::Into, Seen::default());
        loop {
            let label = match self.shapes.find(self.bytes, self.at, place, turn) {
                Some((found, known)) => self.step_over(found, known),
                None => {
                    let from = self.at;
                    if turn == Turn::Behind {
                        seen = self.shapes.seen(place).unwrap_or(seen);
                    }
                    self.skip_space();
                    if self.take(b'}') {
                        return self.refuse_repeated(seen, place, record);
                    }
                    if turn == Turn::Behind {
                        self.expect(b',')?;
                        self.skip_space();
                    }
                    self.label(from, &mut seen, place, turn)?
                }
            };
            // Most are, and need no more than this.
            if self.next() == b'"' {
                self.string(label)?;
            } else {
                self.value(label)?;
            }
            (place, turn) = (label.place, Turn::Behind);
        }
    }

    /// Moves behind a label that was met before.
    #[inline]
    fn step_over(&mut self, place: Place, known: Known) -> Label {
        let start = self.at + known.quote as usize;
        self.at += known.length as usize;
        // Where it was met there was perhaps no space behind it.
        self.skip_space();
        self.traits |= known.traits;
        Label { start, name: known.name, traits: known.traits & traits::SUSPECT_NAME, place }
    }

    fn array(&mut self, label: Label) -> Step {
        let outer = self.open(label, Kind::Array)?;
        let record = self.nodes.len() - 1;
        self.skip_space();
        if !self.take(b']') {
            self.items(label.place)?;
        }
        self.close(record, outer);
        Ok(())
    }

    fn items(&mut self, array: Place) -> Step {
        loop {
            self.value(Label::of_items(array))?;
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
        let outer = self.traits | label.traits;
        self.push(label, self.at, kind, 0);
        self.depth += 1;
        self.traits = 0;
        self.at += 1;
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

    /// A name and its colon, as far as the value; `from` is where the space before it starts.
    fn label(&mut self, from: usize, seen: &mut Seen, before: Place, turn: Turn) -> Step<Label> {
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
        let suspect = if self.suspects.meet(start, self.at) { traits::SUSPECT_NAME } else { 0 };
        let traits = suspect | if name.is_watched() { traits::WATCHED } else { 0 };
        self.skip_space();
        self.expect(b':')?;
        self.skip_space();
        let known = Known { quote: (start - from) as u32, length: (self.at - from) as u32, name, traits };
        let place = self.shapes.meet(self.bytes, from, (known, *seen), before, turn);
        self.traits |= traits;
        Ok(Label { start, name, traits: suspect, place })
    }

    /// Checks the names of the object that closes.
    #[inline]
    fn refuse_repeated(&mut self, seen: Seen, place: Place, record: usize) -> Step {
        if seen.is_clean() {
            return Ok(());
        }
        if seen.repeats() || self.repeats_name(record) {
            return Err(Stop::RepeatedName);
        }
        self.shapes.clear(place);
        Ok(())
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
}

#[cfg(test)]
mod tests;
