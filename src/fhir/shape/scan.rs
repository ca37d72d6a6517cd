//! A strict JSON scanner (RFC 8259) that reads the bytes once and keeps only where each value stands, what its name is and
//! whether a rule has to look at it. Stricter than the RFC where leniency hides things: no member name twice in one object,
//! and no escapes in names (FHIR names need none).

mod scalars;

use super::ShapeFault;
use super::look::look;
use super::marks::Marks;
use super::names::Name;
use super::outline::{Kind, Node, Outline, Records, traits};
use super::scratch::{self, Scratch};
use super::shapes::{LONGEST, Place, Shapes, Turn};
use super::suspects::{Suspects, Wanted};

/// How many arrays and objects may stand inside each other. FHIR data stays under 20.
pub(in crate::fhir) const DEPTH_LIMIT: usize = 64;
/// Up to this many names are compared one by one; above it they are sorted first.
const FEW_NAMES: usize = 8;
/// Bytes of text for each record that there is room for from the start: FHIR without white space has one per 27.
const BYTES_PER_RECORD: usize = 20;

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
    wanted: Option<&Wanted<'_>>,
) -> Result<Outline<'b>, ShapeFault> {
    if u32::try_from(body.len()).is_err() {
        return Err(ShapeFault::TooLarge);
    }
    let text = text_of(body)?;
    let (Scratch { mut marks, mut suspects, mut shapes }, mut records) = scratch::take();
    look(body, wanted, &mut marks, &mut suspects);
    shapes.make_ready();
    records.nodes.reserve(body.len() / BYTES_PER_RECORD + 1);
    let suspects = Suspects::at(wanted.map(|_| suspects));
    let read = Label::of_item(0, Place::NOWHERE);
    let mut scanner = Scanner { text, bytes: body, stopped: 0, records, marks, suspects, shapes, read };
    let end = scanner.document(depth);
    let Scanner { stopped, records, marks, suspects, shapes, .. } = scanner;
    Scratch { marks, suspects: suspects.into_places(), shapes }.leave();
    let outline = Outline::new(text, records);
    end.map(|()| outline).map_err(|stop| stop.at(stopped))
}

/// The bytes as text. Most answers are: only of one that is not the place of the fault is looked for.
fn text_of(body: &[u8]) -> Result<&str, ShapeFault> {
    simdutf8::basic::from_utf8(body).map_err(|_| {
        let valid = std::str::from_utf8(body).err().map_or(body.len(), |error| error.valid_up_to());
        ShapeFault::NotJson { offset: valid }
    })
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

/// Where what was scanned ends, unless something else is said.
type Step<T = usize> = Result<T, Stop>;

/// The name of what is scanned next: where it starts (where the value does when it has none), which it is, its [`traits`],
/// and where it is remembered.
#[derive(Clone, Copy)]
struct Label {
    start: u32,
    place: Place,
    name: Name,
    traits: u8,
}

impl Label {
    /// That of an element, which starts here, of the array that is remembered there.
    #[inline(always)]
    const fn of_item(start: usize, place: Place) -> Self {
        Self { start: start as u32, name: Name::Other, traits: 0, place }
    }
}

/// What is open around a value. All of one size, so that it is moved as one.
#[derive(Clone, Copy)]
struct Frame {
    record: u32,
    /// Where its own label is remembered; from the first name of an object on, that of the last name.
    place: Place,
    /// The label to compare the next name with.
    expected: Place,
    closes: Closes,
}

/// By which bracket an array or object closes; the document by none.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum Closes {
    Document = 0,
    Array = b']' as u32,
    Object = b'}' as u32,
}

struct Scanner<'b> {
    text: &'b str,
    bytes: &'b [u8],
    /// Where it was found that this is no JSON.
    stopped: usize,
    records: Records,
    marks: Marks,
    suspects: Suspects,
    shapes: Shapes,
    /// The label that was read last.
    read: Label,
}

/// The byte at this place, zero at the end, which is no JSON anywhere.
#[inline(always)]
fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or_default()
}

/// Where the white space ends that may start here, and the byte there.
#[inline(always)]
fn next(bytes: &[u8], at: usize) -> (usize, u8) {
    match byte(bytes, at) {
        ..=b' ' => behind_space(bytes, at),
        byte => (at, byte),
    }
}

/// The same for line breaks and indents, eight bytes at a time where these are spaces.
#[inline(never)]
fn behind_space(bytes: &[u8], mut at: usize) -> (usize, u8) {
    while matches!(byte(bytes, at), b' ' | b'\n' | b'\r' | b'\t') {
        at += 1;
        while bytes.get(at..).and_then(<[u8]>::first_chunk) == Some(&[b' '; 8]) {
            at += 8;
        }
    }
    (at, byte(bytes, at))
}

impl Scanner<'_> {
    /// Reads value after value, within `depth` arrays and objects. One loop and not a function that calls itself for each of
    /// those, as what it works with then stays in registers.
    fn document(&mut self, mut depth: usize) -> Step<()> {
        let bytes = self.bytes;
        let mut frame = Frame { record: 0, place: Place::ROOT, expected: Place::NOWHERE, closes: Closes::Document };
        let mut outer = [frame; DEPTH_LIMIT];
        let (mut at, mut first) = next(bytes, 0);
        let mut label = Label::of_item(at, Place::ROOT);
        loop {
            // A value stands here.
            if first == b'"' {
                at = self.string(bytes, at, label, frame.record)?;
            } else if first == b'{' || first == b'[' {
                *outer.get_mut(depth).ok_or(Stop::TooDeep)? = frame;
                depth += 1;
                frame = self.open(at, label, frame.record, first);
                (at, first) = next(bytes, at + 1);
                if first as u32 != frame.closes as u32 {
                    if frame.closes == Closes::Object {
                        at = self.label(bytes, at, (&mut label, &mut frame), Turn::Into)?;
                        (at, first) = next(bytes, at);
                    } else {
                        label = Label::of_item(at, frame.place);
                    }
                    continue;
                }
                self.close(frame, at, 0);
                depth -= 1;
                frame = outer.get(depth).copied().unwrap_or(frame);
                at += 1;
            } else {
                at = self.scalar(at, first, label, frame.record)?;
            }
            // It ended.
            loop {
                (at, first) = next(bytes, at);
                if first == b',' && frame.closes == Closes::Object {
                    (at, _) = next(bytes, at + 1);
                    at = self.label(bytes, at, (&mut label, &mut frame), Turn::Behind)?;
                    break;
                }
                if first == b',' && frame.closes == Closes::Array {
                    (at, _) = next(bytes, at + 1);
                    label = Label::of_item(at, frame.place);
                    break;
                }
                if frame.closes == Closes::Document {
                    return if at == bytes.len() { Ok(()) } else { Err(self.no_json(at)) };
                }
                if first as u32 != frame.closes as u32 {
                    return Err(self.no_json(at));
                }
                let names = if frame.closes == Closes::Object { self.names(frame)? } else { 0 };
                self.close(frame, at, names);
                depth -= 1;
                frame = outer.get(depth).copied().unwrap_or(frame);
                at += 1;
            }
            (at, first) = next(bytes, at);
        }
    }

    #[cold]
    fn no_json(&mut self, at: usize) -> Stop {
        self.stopped = at;
        Stop::NotJson
    }

    #[inline(never)]
    fn scalar(&mut self, at: usize, first: u8, label: Label, up: u32) -> Step {
        match first {
            b'-' | b'0'..=b'9' => self.number(at, label, up),
            b't' => self.literal(at, label, up, b"true"),
            b'f' => self.literal(at, label, up, b"false"),
            b'n' => self.literal(at, label, up, b"null"),
            _ => Err(self.no_json(at)),
        }
    }

    /// Adds the record of a value. Lengths were checked to fit when the scan began.
    #[inline(always)]
    fn push(&mut self, (start, end): (usize, usize), label: Label, up: u32, kind: Kind) -> u32 {
        let mut traits = label.traits;
        if self.suspects.come_before(end) {
            traits |= self.suspects.traits(label.start as usize, start, end);
        }
        self.push_with(traits, (start, end), label, up, kind)
    }

    #[inline(always)]
    fn push_with(&mut self, traits: u8, (start, end): (usize, usize), label: Label, up: u32, kind: Kind) -> u32 {
        let at = self.records.nodes.len() as u32;
        if traits != 0 {
            self.records.visits.push(at);
        }
        let (start, end, label, name) = (start as u32, end as u32, label.start, label.name);
        let after = at.wrapping_add(1);
        self.records.nodes.push(Node { members: 0, label, start, end, at, up, after, kind, name, traits });
        at
    }

    /// Steps into the array or object of which this is the bracket.
    #[inline(always)]
    fn open(&mut self, at: usize, label: Label, up: u32, bracket: u8) -> Frame {
        let (kind, closes) =
            if bracket == b'{' { (Kind::Object, Closes::Object) } else { (Kind::Array, Closes::Array) };
        let record = self.push((at, at), label, up, kind);
        Frame { record, place: label.place, expected: self.shapes.first_in(label.place), closes }
    }

    /// Notes that an array or object with these names closes here.
    #[inline(always)]
    fn close(&mut self, frame: Frame, at: usize, names: u64) {
        let after = self.records.nodes.len() as u32;
        if let Some(node) = self.records.nodes.get_mut(frame.record as usize) {
            node.end = at as u32 + 1;
            node.after = after;
            node.members = names;
        }
    }

    /// A name and its colon, and where they end.
    #[inline(always)]
    fn label(&mut self, bytes: &[u8], at: usize, to: (&mut Label, &mut Frame), turn: Turn) -> Step {
        let (label, frame) = to;
        let text = bytes.get(at..).and_then(<[u8]>::first_chunk::<LONGEST>);
        if let Some((place, met)) = text.and_then(|text| self.shapes.find(text, frame.expected)) {
            (frame.place, frame.expected) = (place, met.behind);
            *label = Label { start: at as u32, place, name: met.name, traits: met.traits };
            return Ok(at + usize::from(met.length));
        }
        let end = self.new_label(at, frame.place, turn)?;
        *label = self.read;
        (frame.place, frame.expected) = (label.place, self.shapes.first_behind(label.place));
        Ok(end)
    }

    /// The same where it has to be read.
    #[cold]
    fn new_label(&mut self, at: usize, before: Place, turn: Turn) -> Step {
        if byte(self.bytes, at) != b'"' {
            return Err(self.no_json(at));
        }
        let end = self.marks.from(at + 1) + 1;
        if byte(self.bytes, end - 1) != b'"' {
            return self.escaped_end(end - 1).and(Err(Stop::EscapedName));
        }
        let (colon, found) = next(self.bytes, end);
        if found != b':' {
            return Err(self.no_json(colon));
        }
        let text = self.text.get(at + 1..end - 1).unwrap_or_default();
        let (name, place) = (Name::of(text), self.shapes.meet(text, before, turn));
        let traits = if name.is_watched() { traits::WATCHED } else { 0 };
        self.read = Label { start: at as u32, place, name, traits };
        Ok(colon + 1)
    }

    /// The known names of an object that closes; none comes twice.
    #[inline(always)]
    fn names(&mut self, frame: Frame) -> Step<u64> {
        match self.shapes.get(frame.place) {
            Some(met) if met.is_clean => Ok(met.names),
            _ => self.new_names(frame),
        }
    }

    /// The same for an object with members that did not follow each other before.
    #[cold]
    fn new_names(&mut self, frame: Frame) -> Step<u64> {
        let (mut texts, mut names, mut next) = (Vec::new(), 0, frame.record as usize + 1);
        while let Some(node) = self.records.nodes.get(next) {
            let rest = self.bytes.get(node.label as usize + 1..).unwrap_or_default();
            texts.extend(rest.split(|byte| *byte == b'"').next());
            names |= node.name.bit();
            next = node.after as usize;
        }
        if repeats(&mut texts) {
            return Err(Stop::RepeatedName);
        }
        self.shapes.clear(frame.place);
        Ok(names)
    }
}

/// Whether two of these are the same.
fn repeats(names: &mut [&[u8]]) -> bool {
    if names.len() <= FEW_NAMES {
        let mut others = names.iter().enumerate();
        return others.any(|(index, name)| names.iter().skip(index + 1).any(|other| other == name));
    }
    names.sort_unstable();
    names.windows(2).any(|pair| pair.first() == pair.last())
}

#[cfg(test)]
mod tests;
