//! A flat index of a JSON document: one record per value, in document order, each a span of the text. Nothing is copied
//! or decoded until a rule asks for it.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;

use super::names::Name;

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

/// What is known of a value besides its kind, one bit each. Those of an array or object are also those of all within.
pub(in crate::fhir) mod traits {
    /// A string or number that may hold a BSN or an address of the HIS.
    pub(in crate::fhir) const SUSPECT: u8 = 1;
    /// The name of a member may.
    pub(in crate::fhir) const SUSPECT_NAME: u8 = 2;
    /// A member has a name that the walk watches.
    pub(in crate::fhir) const WATCHED: u8 = 4;
    /// Any of them: without one there is nothing in a value that the walk could find.
    pub(in crate::fhir) const ANY: u8 = SUSPECT | SUSPECT_NAME | WATCHED;
}

/// One record: a value, and its name when it is a member. Offsets are bytes; the scanner refuses texts over 4 GiB.
#[derive(Debug, Clone, Copy)]
pub(in crate::fhir) struct Node {
    /// Where the opening quote of its name stands; of no meaning outside objects.
    pub(in crate::fhir) label: u32,
    pub(in crate::fhir) start: u32,
    pub(in crate::fhir) end: u32,
    /// Index of this record.
    pub(in crate::fhir) at: u32,
    /// Index of the first record after this one and all it holds.
    pub(in crate::fhir) after: u32,
    pub(in crate::fhir) kind: Kind,
    pub(in crate::fhir) name: Name,
    /// See [`traits`].
    pub(in crate::fhir) traits: u8,
}

/// The index and the text it points into.
#[derive(Debug)]
pub(in crate::fhir) struct Outline<'t> {
    text: &'t str,
    nodes: Vec<Node>,
}

impl<'t> Outline<'t> {
    pub(in crate::fhir) fn new(text: &'t str, nodes: Vec<Node>) -> Self {
        Self { text, nodes }
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
        self.nodes.get(at).map(|node| Value { outline: self, node })
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
    pub(in crate::fhir) fn quoted(self) -> &'o str {
        match self.node.kind {
            Kind::Plain | Kind::Escaped | Kind::Unicode => {
                self.outline.text.get(self.start() + 1..self.end().saturating_sub(1)).unwrap_or_default()
            }
            Kind::Object | Kind::Array | Kind::Number | Kind::Literal => "",
        }
    }

    /// The string without escapes that this is, for codes that need none.
    pub(in crate::fhir) fn plain(self) -> Option<&'o str> {
        (self.node.kind == Kind::Plain).then(|| self.quoted())
    }

    /// The string that this is, decoded.
    pub(in crate::fhir) fn string(self) -> Option<Cow<'o, str>> {
        match self.node.kind {
            Kind::Plain => Some(Cow::Borrowed(self.quoted())),
            Kind::Escaped | Kind::Unicode => serde_json::from_str(self.raw()).ok().map(Cow::Owned),
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
    #[inline]
    pub(in crate::fhir) fn member(self, name: &str) -> Option<Value<'o>> {
        let known = Name::of(name);
        if known == Name::Other {
            self.members().find(|member| member.name() == name).map(|member| member.value)
        } else {
            self.named(known)
        }
    }

    /// The value of a member with a known name.
    fn named(self, name: Name) -> Option<Value<'o>> {
        let mut next = self.children(Kind::Object);
        while next.next < next.end {
            let node = self.outline.nodes.get(next.next)?;
            if node.name == name {
                return Some(Value { outline: self.outline, node });
            }
            next.next = node.after as usize;
        }
        None
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
    pub(in crate::fhir) fn name(self) -> &'o str {
        if let Some(known) = self.known().text() {
            return known;
        }
        let rest = self.value.outline.text.get(self.label() + 1..).unwrap_or_default();
        rest.get(..memchr(b'"', rest.as_bytes()).unwrap_or_default()).unwrap_or_default()
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
