//! A flat index of a JSON document: one record per value, in document order, each a span of the text. Nothing is copied
//! or decoded until a rule asks for it.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;

use super::names::Name;
use super::scratch;

/// What a span holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fhir) enum Kind {
    Object,
    Array,
    /// A string without a backslash.
    Plain,
    /// A string with escapes, none of them `\u`.
    Escaped,
    /// A string with at least one `\u` escape, so any character may hide in it.
    Unicode,
    Number,
    /// `true`, `false` or `null`.
    Literal,
}

/// Why the walk has to visit a value, one bit each.
pub(in crate::fhir) mod traits {
    /// A string or number that may hold a BSN or an address of the HIS.
    pub(in crate::fhir) const SUSPECT: u8 = 1;
    /// A member whose name may.
    pub(in crate::fhir) const SUSPECT_NAME: u8 = 2;
    /// Its name is one that the walk watches.
    pub(in crate::fhir) const WATCHED: u8 = 4;
}

/// One record: a value, and its name when it is a member. Offsets are bytes; the scanner refuses texts over 4 GiB.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// Of an object: a bit for each known name that its members have.
    pub(in crate::fhir) members: u64,
    /// Where the opening quote of its name stands; of no meaning outside objects.
    pub(in crate::fhir) label: u32,
    pub(in crate::fhir) start: u32,
    pub(in crate::fhir) end: u32,
    /// Index of this record.
    pub(in crate::fhir) at: u32,
    /// That of the array or object it stands in.
    pub(in crate::fhir) up: u32,
    /// Index of the first record after this one and all it holds.
    pub(in crate::fhir) after: u32,
    pub(in crate::fhir) kind: Kind,
    pub(in crate::fhir) name: Name,
    /// See [`traits`].
    pub(in crate::fhir) traits: u8,
}

/// All records of a document, and which of them the walk has to visit.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) nodes: Vec<Node>,
    /// Indexes, in order.
    pub(super) visits: Vec<u32>,
}

/// The index and the text it points into.
#[derive(Debug)]
pub(in crate::fhir) struct Outline<'t> {
    text: &'t str,
    records: Records,
}

impl Drop for Outline<'_> {
    fn drop(&mut self) {
        scratch::keep(std::mem::take(&mut self.records));
    }
}

impl<'t> Outline<'t> {
    pub(super) fn new(text: &'t str, records: Records) -> Self {
        Self { text, records }
    }

    /// The text that was scanned.
    pub(in crate::fhir) fn text(&self) -> &'t str {
        self.text
    }

    /// The one value of the document.
    pub(in crate::fhir) fn root(&self) -> Option<Value<'_>> {
        self.value(0)
    }

    fn value(&self, at: usize) -> Option<Value<'_>> {
        self.records.nodes.get(at).map(|node| Value { outline: self, node })
    }
}

/// One value of a document.
#[derive(Debug, Clone, Copy)]
pub(in crate::fhir) struct Value<'o> {
    outline: &'o Outline<'o>,
    node: &'o Node,
}

impl<'o> Value<'o> {
    pub(in crate::fhir) fn kind(self) -> Kind {
        self.node.kind
    }

    /// Whether one of these [`traits`] holds.
    pub(super) fn has(self, traits: u8) -> bool {
        self.node.traits & traits != 0
    }

    /// The array or object it stands in; itself when it is all of the document.
    pub(super) fn up(self) -> Value<'o> {
        self.outline.value(self.node.up as usize).unwrap_or(self)
    }

    /// Whether it stands in this array or object, and not deeper.
    pub(super) fn is_in(self, other: Value<'_>) -> bool {
        self.node.up == other.node.at
    }

    /// The element that it is, or is one of several of: itself when it is a member, else the array it stands in, and so on.
    pub(super) fn element(self) -> Value<'o> {
        let up = self.up();
        if up.kind() == Kind::Array { up.element() } else { self }
    }

    /// The name of a member, as far as it is known.
    pub(super) fn name(self) -> Name {
        self.node.name
    }

    /// The name of a member.
    pub(super) fn text(self) -> &'o str {
        if let Some(known) = self.name().text() {
            return known;
        }
        let rest = self.outline.text.get(self.node.label as usize + 1..).unwrap_or_default();
        rest.get(..memchr(b'"', rest.as_bytes()).unwrap_or_default()).unwrap_or_default()
    }

    /// Which values in this one the walk has to visit, itself among them, in order.
    pub(super) fn visits(self) -> impl Iterator<Item = Value<'o>> {
        let (all, from, to) = (self.outline.records.visits.as_slice(), self.node.at, self.node.after);
        let first = all.partition_point(|at| *at < from);
        let some = all.get(first..).unwrap_or_default().iter().take_while(move |at| **at < to);
        some.filter_map(|at| self.outline.value(*at as usize))
    }

    /// Whether a member has one of these names, a bit for each.
    pub(super) fn has_member(self, names: u64) -> bool {
        self.node.members & names != 0
    }

    pub(in crate::fhir) fn start(self) -> usize {
        self.node.start as usize
    }

    pub(in crate::fhir) fn end(self) -> usize {
        self.node.end as usize
    }

    pub(in crate::fhir) fn span(self) -> Range<usize> {
        self.start()..self.end()
    }

    /// The bytes as they stand in the document; of a string with its quotes.
    pub(in crate::fhir) fn raw(self) -> &'o str {
        self.outline.text.get(self.span()).unwrap_or_default()
    }

    /// What stands between the quotes, still escaped. Empty for anything but a string.
    #[inline]
    pub(in crate::fhir) fn quoted(self) -> &'o str {
        match self.node.kind {
            Kind::Plain | Kind::Escaped | Kind::Unicode => {
                self.outline.text.get(self.start() + 1..self.end().saturating_sub(1)).unwrap_or_default()
            }
            Kind::Object | Kind::Array | Kind::Number | Kind::Literal => "",
        }
    }

    /// The string without escapes that this is, for codes that need none.
    #[inline]
    pub(in crate::fhir) fn plain(self) -> Option<&'o str> {
        (self.node.kind == Kind::Plain).then(|| self.quoted())
    }

    /// The string that this is, decoded.
    #[inline]
    pub(in crate::fhir) fn string(self) -> Option<Cow<'o, str>> {
        if self.node.kind == Kind::Plain { Some(Cow::Borrowed(self.quoted())) } else { self.decoded() }
    }

    #[cold]
    fn decoded(self) -> Option<Cow<'o, str>> {
        match self.node.kind {
            Kind::Plain | Kind::Escaped | Kind::Unicode => serde_json::from_str(self.raw()).ok().map(Cow::Owned),
            Kind::Object | Kind::Array | Kind::Number | Kind::Literal => None,
        }
    }

    /// Name and value of each member; none when this is no object.
    pub(in crate::fhir) fn members(self) -> Members<'o> {
        Members { items: self.children(Kind::Object) }
    }

    /// The elements of an array; none when this is no array.
    pub(in crate::fhir) fn items(self) -> Items<'o> {
        self.children(Kind::Array)
    }

    /// The value of a member.
    #[inline(always)]
    pub(in crate::fhir) fn member(self, name: &str) -> Option<Value<'o>> {
        // Almost every name is written where this is called, so it is told apart while compiling.
        let known = Name::of(name);
        if known == Name::Other {
            self.other(name)
        } else if self.has_member(known.bit()) {
            self.named(known)
        } else {
            None
        }
    }

    /// The value of a member with a known name.
    fn named(self, name: Name) -> Option<Value<'o>> {
        let mut next = self.children(Kind::Object);
        while next.next < next.end {
            let node = self.outline.records.nodes.get(next.next)?;
            if node.name == name {
                return Some(Value { outline: self.outline, node });
            }
            next.next = node.after as usize;
        }
        None
    }

    fn other(self, name: &str) -> Option<Value<'o>> {
        self.members().find(|member| member.name() == name).map(|member| member.value)
    }

    fn children(self, kind: Kind) -> Items<'o> {
        let at = self.node.at as usize;
        let end = if self.node.kind == kind { self.node.after as usize } else { at };
        Items { outline: self.outline, next: at + 1, end }
    }
}

/// One member of an object.
#[derive(Debug, Clone, Copy)]
pub(in crate::fhir) struct Member<'o> {
    pub(in crate::fhir) value: Value<'o>,
}

impl<'o> Member<'o> {
    /// Its name, which never has escapes.
    #[inline]
    pub(in crate::fhir) fn name(self) -> &'o str {
        self.value.text()
    }

    /// The same, as far as it is known.
    pub(super) fn known(self) -> Name {
        self.value.node.name
    }

    fn label(self) -> usize {
        self.value.node.label as usize
    }

    /// From the opening quote of the name to the end of the value.
    pub(in crate::fhir) fn span(self) -> Range<usize> {
        self.label()..self.value.end()
    }
}

/// Iterator over the elements of an array.
#[derive(Debug, Clone)]
pub(in crate::fhir) struct Items<'o> {
    outline: &'o Outline<'o>,
    next: usize,
    end: usize,
}

impl<'o> Iterator for Items<'o> {
    type Item = Value<'o>;

    #[inline]
    fn next(&mut self) -> Option<Value<'o>> {
        if self.next >= self.end {
            return None;
        }
        let value = self.outline.value(self.next)?;
        self.next = value.node.after as usize;
        Some(value)
    }
}

/// Iterator over the members of an object.
#[derive(Debug, Clone)]
pub(in crate::fhir) struct Members<'o> {
    items: Items<'o>,
}

impl<'o> Iterator for Members<'o> {
    type Item = Member<'o>;

    #[inline]
    fn next(&mut self) -> Option<Member<'o>> {
        self.items.next().map(|value| Member { value })
    }
}
