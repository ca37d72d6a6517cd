//! A strict reader for one list: a sequence of expected elements over a streaming parser, without a tree.
//!
//! What the schemas do not have is refused where it is met: document types, processing instructions, foreign entities,
//! attributes, other namespaces, text between elements. Nothing is ever fetched. Depth needs no limit of its own: every
//! element must be the one that the grammar has at that place, and the grammars are eleven deep at most.

mod markup;

use quick_xml::errors::{Error, IllFormedError, SyntaxError};
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

use self::markup::{cut, is_ours, is_space, not_utf8, offset, position, referred};
use super::error::{BadValue, Defect, Expected, ListError, Position};
use super::unique::{Keyed, Unique};
use super::{MAX_LIST_BYTES, Reading};

/// The longest text of a value, in bytes; the longest value that a schema limits has 57 characters, a URI some hundreds.
const MAX_TEXT_BYTES: usize = 4096;
/// The most that may stand in the start tag of the root after its name, in bytes.
const MAX_ROOT_ATTRIBUTE_BYTES: usize = 2048;
/// The most namespace declarations in force: ours, that of `xsi`, and two to spare.
const MAX_NAMESPACES: usize = 4;
/// Namespace of `xsi:schemaLocation`, the one attribute that is tolerated (and not followed).
const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// A byte offset in the file, to be turned into a [`Position`] when something is wrong there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark(usize);

/// What the grammar looks at; comments and white space are passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Start(&'a str),
    End,
    Eof,
}

/// The reader. After an error it is of no further use.
pub(super) struct Xml<'a> {
    reader: NsReader<&'a [u8]>,
    text: &'a str,
    /// The namespace of the root, empty for none; absent before the root is read.
    namespace: Option<Box<str>>,
    peeked: Option<Token<'a>>,
    /// Start of the markup read last.
    at: Mark,
    /// Start of the element opened last.
    opened: Mark,
    /// The text read last; one buffer for the whole file.
    buffer: String,
    reading: Reading,
}

impl<'a> Xml<'a> {
    /// Starts on a file.
    pub(super) fn new(bytes: &'a [u8], reading: Reading) -> Result<Self, ListError> {
        let start = |defect| ListError { position: Position { line: 1, column: 1 }, defect };
        if bytes.len() > MAX_LIST_BYTES {
            return Err(start(Defect::TooLarge));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, error))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.starts_with('\u{feff}') {
            return Err(start(Defect::Malformed));
        }
        let mut reader = NsReader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        reader.config_mut().check_comments = true;
        reader.resolver_mut().set_max_namespace_bindings(MAX_NAMESPACES);
        let (at, buffer) = (Mark(0), String::new());
        Ok(Self { reader, text, namespace: None, peeked: None, at, opened: at, buffer, reading })
    }

    /// How this list is read.
    pub(super) const fn reading(&self) -> Reading {
        self.reading
    }

    /// Opens the root element and gives the first form that has its namespace.
    pub(super) fn root<'f, F>(
        &mut self,
        name: &'static str,
        forms: &'f [F],
        namespace: impl Fn(&F) -> &'static str,
    ) -> Result<&'f F, ListError> {
        match self.peek()? {
            Token::Start(found) if found == name => {}
            Token::Start(found) => return Err(self.wrong(Defect::WrongRoot { expected: name, found: cut(found) })),
            Token::End | Token::Eof => return Err(self.wrong(Defect::Truncated)),
        }
        let known = forms.iter().find(|form| self.namespace.as_deref() == Some(namespace(form)));
        let form = known.ok_or_else(|| self.wrong(Defect::WrongNamespace { element: cut(name) }))?;
        self.peeked = None;
        Ok(form)
    }

    /// Opens this element if it is next.
    fn opens(&mut self, name: &'static str) -> Result<bool, ListError> {
        let next = self.peek()? == Token::Start(name);
        if next {
            self.peeked = None;
            self.opened = self.at;
        }
        Ok(next)
    }

    /// Opens this element, which must be next.
    fn start(&mut self, name: &'static str) -> Result<(), ListError> {
        if self.opens(name)? { Ok(()) } else { Err(self.unexpected(Expected::Start(name))) }
    }

    /// Closes this element.
    pub(super) fn end(&mut self, name: &'static str) -> Result<(), ListError> {
        self.close(Expected::End(name))
    }

    /// Nothing more may follow, whatever it is.
    pub(super) fn finish(&mut self) -> Result<(), ListError> {
        if matches!(self.peek(), Ok(Token::Eof)) { Ok(()) } else { Err(self.wrong(Defect::TrailingContent)) }
    }

    /// An element with exactly this content.
    pub(super) fn within<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, ListError>,
    ) -> Result<T, ListError> {
        self.start(name)?;
        let content = read(self)?;
        self.end(name)?;
        Ok(content)
    }

    /// The same, if it is next.
    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, ListError>,
    ) -> Result<Option<T>, ListError> {
        if !self.opens(name)? {
            return Ok(None);
        }
        let content = read(self)?;
        self.end(name)?;
        Ok(Some(content))
    }

    /// An element that holds a text, and its value.
    pub(super) fn value<T, E: Into<BadValue>>(
        &mut self,
        element: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, ListError> {
        self.start(element)?;
        self.read_text(element)?;
        parse(&self.buffer).map_err(|reason| self.bad(Defect::BadValue { element, reason: reason.into() }))
    }

    /// A container of repeated elements whose keys are unique; the key is the first element in each.
    pub(super) fn many<T: Keyed>(
        &mut self,
        (container, item): (&'static str, &'static str),
        least: Least,
        mut read: impl FnMut(&mut Self) -> Result<T, ListError>,
    ) -> Result<Unique<T>, ListError> {
        self.start(container)?;
        if least == Least::One && self.peek()? != Token::Start(item) {
            return Err(self.unexpected(Expected::Start(item)));
        }
        let mut items = Unique::new();
        while self.opens(item)? {
            self.peek()?;
            let key_at = self.at;
            let value = read(self)?;
            self.end(item)?;
            items.insert(value).map_err(|_| self.error(key_at, Defect::Duplicate { element: T::KEY_ELEMENT }))?;
        }
        self.close(Expected::ItemOrEnd { item, container })?;
        Ok(items)
    }

    fn close(&mut self, expected: Expected) -> Result<(), ListError> {
        match self.peek()? {
            Token::End => {
                self.peeked = None;
                Ok(())
            }
            Token::Start(_) | Token::Eof => Err(self.unexpected(expected)),
        }
    }

    fn peek(&mut self) -> Result<Token<'a>, ListError> {
        if let Some(token) = self.peeked {
            return Ok(token);
        }
        let token = self.next_token()?;
        self.peeked = Some(token);
        Ok(token)
    }

    fn next_token(&mut self) -> Result<Token<'a>, ListError> {
        loop {
            match self.next_event()? {
                Event::Start(tag) | Event::Empty(tag) => return self.start_tag(&tag).map(Token::Start),
                Event::End(_) => return Ok(Token::End),
                Event::Eof => return Ok(Token::Eof),
                Event::Comment(_) | Event::Decl(_) => {}
                Event::Text(text) => match text.bytes().position(|byte| !is_space(byte)) {
                    None => {}
                    Some(spaces) => {
                        self.at = Mark(self.at.0.saturating_add(spaces));
                        return Err(self.wrong(Defect::UnexpectedText));
                    }
                },
                Event::CData(_) | Event::GeneralRef(_) | Event::PI(_) | Event::DocType(_) => {
                    return Err(self.wrong(Defect::UnexpectedText));
                }
            }
        }
    }

    /// The text up to the end of the element just opened, into the buffer.
    fn read_text(&mut self, element: &'static str) -> Result<(), ListError> {
        self.buffer.clear();
        loop {
            match self.next_event()? {
                Event::Text(text) if text.contains("]]>") => return Err(self.wrong(Defect::Malformed)),
                Event::Text(text) => self.buffer.push_str(&text.xml10_content()),
                Event::CData(text) => self.buffer.push_str(&text.xml10_content()),
                Event::GeneralRef(name) => {
                    let character = referred(&name).ok_or_else(|| self.wrong(Defect::Entity))?;
                    self.buffer.push(character);
                }
                Event::Comment(_) => {}
                Event::End(_) => return Ok(()),
                Event::Start(tag) | Event::Empty(tag) => {
                    let found = cut(self.start_tag(&tag)?);
                    return Err(self.wrong(Defect::UnexpectedElement { expected: Expected::Text(element), found }));
                }
                Event::Eof => return Err(self.wrong(Defect::Truncated)),
                Event::Decl(_) | Event::PI(_) | Event::DocType(_) => return Err(self.wrong(Defect::Malformed)),
            }
            if self.buffer.len() > MAX_TEXT_BYTES {
                return Err(self.bad(Defect::TextTooLong { element }));
            }
        }
    }

    /// The next event; those that no list may have are errors here, wherever they stand.
    fn next_event(&mut self) -> Result<Event<'a>, ListError> {
        self.at = Mark(offset(self.reader.buffer_position()));
        match self.reader.read_event() {
            Ok(Event::DocType(_)) => Err(self.wrong(Defect::Doctype)),
            Ok(Event::PI(_)) => Err(self.wrong(Defect::ProcessingInstruction)),
            Ok(Event::Decl(declaration)) if self.at != Mark(0) || !is_ours(&declaration) => {
                Err(self.wrong(Defect::Declaration))
            }
            Ok(event) => Ok(event),
            Err(error) => Err(self.malformed(&error)),
        }
    }

    /// Checks the namespace and attributes of a start tag and gives its local name.
    fn start_tag(&mut self, tag: &BytesStart<'_>) -> Result<&'a str, ListError> {
        let Mark(at) = self.at;
        let name_at = at.saturating_add(1);
        let name = self.text.get(name_at..name_at.saturating_add(tag.name().0.len())).unwrap_or_default();
        let local = name.rsplit_once(':').map_or(name, |(_, local)| local);
        let (bound, _) = self.reader.resolver().resolve_element(tag.name());
        if let Some(ours) = &self.namespace {
            if bound != ResolveResult::Bound(Namespace(ours)) {
                return Err(self.wrong(Defect::WrongNamespace { element: cut(local) }));
            }
            if !tag.attributes_raw().bytes().all(is_space) {
                return Err(self.wrong(Defect::Attribute { element: cut(local) }));
            }
        } else {
            self.namespace = match bound {
                ResolveResult::Bound(Namespace(name)) => Some(name.into()),
                ResolveResult::Unbound | ResolveResult::Unknown(_) => Some(Box::default()),
            };
            if !self.root_attributes_allowed(tag) {
                return Err(self.wrong(Defect::Attribute { element: cut(local) }));
            }
        }
        Ok(local)
    }

    /// Namespace declarations and `xsi:schemaLocation`, in a tag of a sane size.
    fn root_attributes_allowed(&self, tag: &BytesStart<'_>) -> bool {
        tag.attributes_raw().len() <= MAX_ROOT_ATTRIBUTE_BYTES
            && tag.attributes().all(|attribute| {
                let Ok(attribute) = attribute else { return false };
                let (bound, local) = self.reader.resolver().resolve_attribute(attribute.key);
                let location =
                    bound == ResolveResult::Bound(Namespace(SCHEMA_INSTANCE)) && local.into_inner() == "schemaLocation";
                location || attribute.key.as_namespace_binding().is_some()
            })
    }

    fn unexpected(&self, expected: Expected) -> ListError {
        self.wrong(match self.peeked {
            Some(Token::Start(found)) => Defect::UnexpectedElement { expected, found: cut(found) },
            Some(Token::End) => Defect::UnexpectedEnd { expected },
            Some(Token::Eof) | None => Defect::Truncated,
        })
    }

    fn malformed(&self, error: &Error) -> ListError {
        let at = Mark(offset(self.reader.error_position()).max(self.at.0));
        let defect = match error {
            Error::Syntax(SyntaxError::InvalidBangMarkup) => Defect::Malformed,
            Error::Syntax(_) => Defect::Truncated,
            Error::Namespace(_) => Defect::NamespaceDeclarations,
            Error::IllFormed(IllFormedError::MismatchedEndTag { .. } | IllFormedError::UnmatchedEndTag(_)) => {
                Defect::MismatchedEndTag
            }
            Error::IllFormed(_) | Error::Io(_) | Error::InvalidAttr(_) | Error::Encoding(_) | Error::Escape(_) => {
                Defect::Malformed
            }
        };
        self.error(at, defect)
    }

    /// A defect of the markup read last.
    fn wrong(&self, defect: Defect) -> ListError {
        self.error(self.at, defect)
    }

    /// A defect of the element opened last.
    fn bad(&self, defect: Defect) -> ListError {
        self.error(self.opened, defect)
    }

    fn error(&self, Mark(at): Mark, defect: Defect) -> ListError {
        ListError { position: position(self.text.as_bytes(), at), defect }
    }
}

/// How many items a container must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Least {
    /// It may be empty.
    Zero,
    /// The schema demands one.
    One,
}
