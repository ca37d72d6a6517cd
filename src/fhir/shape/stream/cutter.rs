//! Cuts a searchset that comes in chunks: the frame before its entries, one entry at a time, and the frame behind them.
//!
//! It knows no more of JSON than where strings end and how brackets nest. Every piece it gives is scanned strictly by its
//! user, with the brackets that make it whole, so that what passes is JSON by the same rules as a document in one piece.

use memchr::memchr2;

use super::super::ShapeFault;

/// A part of the document.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::fhir) enum Piece<'c> {
    /// Everything up to and with the bracket that opens the entries.
    Head(&'c [u8]),
    /// One entry, an object by its first byte.
    Entry {
        /// What stands between it and what came before, a comma with it.
        gap: &'c [u8],
        /// The entry.
        text: &'c [u8],
    },
}

/// Chunks in, pieces out. Holds one piece at most.
#[derive(Debug)]
pub(in crate::fhir) struct Cutter {
    held: Vec<u8>,
    /// Where the piece under way starts in `held`.
    from: usize,
    /// How far it was looked at.
    at: usize,
    /// The largest piece, in bytes.
    limit: usize,
    /// The member whose value is cut out, and the byte with which that starts.
    sought: (&'static [u8], u8),
    place: Place,
    /// How many brackets are open within the piece.
    depth: usize,
    quote: Quote,
}

/// Where a string is, if in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quote {
    Outside,
    Inside,
    /// Behind a backslash.
    Escape,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    /// Before the entries; where the last string of the outermost object starts, and whether it named the entries.
    Head { string: usize, names_entries: bool },
    /// Between the opening bracket and whatever comes.
    First,
    /// Within an entry, which starts there.
    Entry { start: usize },
    /// Behind an entry.
    Behind,
    /// Behind the comma after an entry.
    Next,
    /// From the gap before the closing bracket on.
    Tail,
}

impl Cutter {
    /// A cutter whose pieces hold at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self::of_member(b"\"entry\"", b'[', limit)
    }

    /// A cutter that gives the head of an object up to the value of this member, whose name is given with its quotes.
    pub(in crate::fhir) fn of_member(name: &'static [u8], opens: u8, limit: usize) -> Self {
        let place = Place::Head { string: 0, names_entries: false };
        let sought = (name, opens);
        Self { held: Vec::new(), from: 0, at: 0, limit, sought, place, depth: 0, quote: Quote::Outside }
    }

    /// Takes the next bytes of the document.
    pub(in crate::fhir) fn push(&mut self, bytes: &[u8]) {
        self.held.drain(..self.from);
        self.at -= self.from;
        if let Place::Head { string: start, .. } | Place::Entry { start } = &mut self.place {
            *start -= self.from;
        }
        self.from = 0;
        self.held.extend_from_slice(bytes);
    }

    /// The next piece that is whole; `None` when more bytes are needed.
    ///
    /// # Errors
    /// `NotASearchset` when the entries are no array of objects, `NotJson` for signs that stand nowhere,
    /// `PieceTooLarge` over the limit.
    pub(in crate::fhir) fn piece(&mut self) -> Result<Option<Piece<'_>>, ShapeFault> {
        let found = match self.place {
            Place::Head { .. } => self.head()?,
            Place::First | Place::Behind | Place::Next | Place::Entry { .. } => self.entry()?,
            Place::Tail => {
                self.at = self.held.len();
                None
            }
        };
        let end = found.map_or(self.held.len(), |(_, end)| end);
        if end - self.from > self.limit {
            return Err(ShapeFault::PieceTooLarge);
        }
        let Some((start, end)) = found else { return Ok(None) };
        let from = std::mem::replace(&mut self.from, end);
        let part = |range: std::ops::Range<usize>| self.held.get(range).unwrap_or_default();
        Ok(Some(match start {
            None => Piece::Head(part(from..end)),
            Some(start) => Piece::Entry { gap: part(from..start), text: part(start..end) },
        }))
    }

    /// What stands behind the last piece, and whether the document got as far as the end of its entries.
    pub(in crate::fhir) fn rest(&self) -> (Rest, &[u8]) {
        let rest = match self.place {
            Place::Head { .. } => Rest::Whole,
            Place::Tail => Rest::Tail,
            Place::First | Place::Entry { .. } | Place::Behind | Place::Next => Rest::Torn,
        };
        (rest, self.held.get(self.from..).unwrap_or_default())
    }

    fn peek(&self) -> Option<u8> {
        self.held.get(self.at).copied()
    }

    /// Looks for the bracket that opens the entries. Start (none) and end of the piece.
    fn head(&mut self) -> Result<Found, ShapeFault> {
        while let Place::Head { string, names_entries } = self.place {
            if !self.skip_string() {
                return Ok(None);
            }
            let Some(byte) = self.peek() else { return Ok(None) };
            let at = self.at;
            self.at += 1;
            match byte {
                opens if names_entries && opens == self.sought.1 => {
                    self.place = Place::First;
                    return Ok(Some((None, self.at)));
                }
                b'"' if !names_entries => self.quote = Quote::Inside,
                b' ' | b'\n' | b'\r' | b'\t' => continue,
                _ if names_entries => return Err(ShapeFault::NotASearchset),
                byte => self.nest(byte),
            }
            if self.depth == 1 {
                let name = self.held.get(string..at).unwrap_or_default();
                let names_entries = byte == b':' && name.trim_ascii_end() == self.sought.0;
                self.place = Place::Head { string: if byte == b'"' { at } else { string }, names_entries };
            }
        }
        Ok(None)
    }

    fn entry(&mut self) -> Result<Found, ShapeFault> {
        loop {
            if let Place::Entry { start } = self.place {
                let end = self.object_end();
                if end.is_some() {
                    self.place = Place::Behind;
                }
                return Ok(end.map(|end| (Some(start), end)));
            }
            let Some(byte) = self.peek() else { return Ok(None) };
            self.place = match (byte, self.place) {
                (b' ' | b'\n' | b'\r' | b'\t', place) => place,
                (b'{', Place::First | Place::Next) => Place::Entry { start: self.at },
                (b',', Place::Behind) => Place::Next,
                (b']', Place::First | Place::Behind) => Place::Tail,
                (_, Place::First | Place::Next) => return Err(ShapeFault::NotASearchset),
                (_, Place::Behind | Place::Head { .. } | Place::Entry { .. } | Place::Tail) => {
                    return Err(ShapeFault::NotJson { offset: self.at });
                }
            };
            match self.place {
                Place::Tail => return Ok(None),
                Place::Entry { .. } => self.depth = 0,
                Place::First | Place::Behind | Place::Next | Place::Head { .. } => self.at += 1,
            }
        }
    }

    /// Where the object under way ends.
    fn object_end(&mut self) -> Option<usize> {
        while self.skip_string() {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => self.quote = Quote::Inside,
                byte => self.nest(byte),
            }
            if self.depth == 0 {
                return Some(self.at);
            }
        }
        None
    }

    fn nest(&mut self, byte: u8) {
        match byte {
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    /// Moves behind the string under way, if there is one; `false` when its end is not there yet.
    fn skip_string(&mut self) -> bool {
        while self.quote != Quote::Outside {
            let rest = self.held.get(self.at..).unwrap_or_default();
            let found = if self.quote == Quote::Escape { rest.first().map(|_| 0) } else { memchr2(b'"', b'\\', rest) };
            let Some(found) = found else {
                self.at = self.held.len();
                return false;
            };
            let is_backslash = self.quote == Quote::Inside && rest.get(found) == Some(&b'\\');
            let closes = self.quote == Quote::Inside && !is_backslash;
            self.at += found + 1;
            self.quote = match (is_backslash, closes) {
                (true, _) => Quote::Escape,
                (_, true) => Quote::Outside,
                (false, false) => Quote::Inside,
            };
        }
        true
    }
}

/// Start of an entry (none for the head) and end of a piece.
type Found = Option<(Option<usize>, usize)>;

/// How far a document got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fhir) enum Rest {
    /// It has no entries: nothing was cut from it.
    Whole,
    /// Its entries are closed: this is what stands behind them.
    Tail,
    /// It ends among its entries.
    Torn,
}
