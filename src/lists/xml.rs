//! A strict reader for one list: a sequence of expected elements over a streaming parser, without a tree.
//!
//! What the schemas do not have is refused where it is met: document types, processing instructions, foreign entities,
//! attributes, other namespaces, text between elements. Nothing is ever fetched. Depth needs no limit of its own: every
//! element must be the one that the grammar has at that place, and the grammars are eleven deep at most.

mod markup;
mod scan;

use quick_xml::reader::NsReader;

use self::markup::{cut, is_space, not_utf8};
use super::Reading;
use super::error::{BadValue, Defect, Expected, ListError, Position};
use super::schema::Schema;
use super::unique::{Keyed, Unique};
use super::uri::{EndpointUri, Endpoints, UriError};

/// The most namespace declarations in force: ours, that of `xsi`, and two to spare.
const MAX_NAMESPACES: usize = 4;

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
    /// The elements that are open, from the root on.
    open: Vec<&'static str>,
    peeked: Option<Token<'a>>,
    /// Start of the markup read last.
    at: Mark,
    /// Start of the element opened last.
    opened: Mark,
    /// The text read last; one buffer for the whole file.
    buffer: String,
    /// Those that were met.
    endpoints: Endpoints,
    reading: Reading,
}

impl<'a> Xml<'a> {
    /// Starts on a file.
    pub(super) fn new(bytes: &'a [u8], reading: Reading) -> Result<Self, ListError> {
        let start = |defect| ListError { position: Position { line: 1, column: 1 }, within: None, defect };
        if bytes.len() > reading.max_bytes {
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
        let (at, open, buffer, endpoints) = (Mark(0), Vec::new(), String::new(), Endpoints::default());
        Ok(Self { reader, text, namespace: None, open, peeked: None, at, opened: at, buffer, endpoints, reading })
    }

    /// The name of the root element, without opening it.
    pub(super) fn root_name(&mut self) -> Result<&'a str, ListError> {
        match self.peek()? {
            Token::Start(found) => Ok(found),
            Token::End | Token::Eof => Err(self.wrong(Defect::Truncated)),
        }
    }

    /// The refusal of a root that belongs to no list.
    pub(super) fn no_list(&self, found: &str) -> ListError {
        self.wrong(Defect::NoList { found: cut(found) })
    }

    /// How this list is read.
    pub(super) const fn reading(&self) -> Reading {
        self.reading
    }

    /// Opens the root element and gives the form whose namespace it has, if that is accepted.
    pub(super) fn root<'f, F>(
        &mut self,
        name: &'static str,
        forms: &'f [F],
        schema: impl Fn(&F) -> Schema,
    ) -> Result<&'f F, ListError> {
        let found = self.root_name()?;
        if found != name {
            return Err(self.wrong(Defect::WrongRoot { expected: name, found: cut(found) }));
        }
        let namespace = self.namespace.as_deref();
        let accepted = |schema: Schema| self.reading.schemas.contains(schema) && namespace == Some(schema.namespace());
        let known = forms.iter().find(|form| accepted(schema(form)));
        let form = known.ok_or_else(|| self.wrong(Defect::WrongNamespace { element: cut(name) }))?;
        self.peeked = None;
        self.open.push(name);
        Ok(form)
    }

    /// Opens this element if it is next.
    fn opens(&mut self, name: &'static str) -> Result<bool, ListError> {
        let next = self.peek()? == Token::Start(name);
        if next {
            self.peeked = None;
            self.opened = self.at;
            self.open.push(name);
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

    /// An element that holds an endpoint of browsers.
    pub(super) fn front_channel(&mut self, element: &'static str) -> Result<EndpointUri, ListError> {
        let reading = self.reading;
        self.endpoint(element, |uri| uri.for_browsers(reading))
    }

    /// An element that holds an endpoint of nodes.
    pub(super) fn back_channel(&mut self, element: &'static str) -> Result<EndpointUri, ListError> {
        self.endpoint(element, Ok)
    }

    fn endpoint(
        &mut self,
        element: &'static str,
        check: impl FnOnce(EndpointUri) -> Result<EndpointUri, UriError>,
    ) -> Result<EndpointUri, ListError> {
        self.start(element)?;
        self.read_text(element)?;
        let checked = self.endpoints.get(&self.buffer).and_then(check);
        checked.map_err(|reason| self.bad(Defect::BadValue { element, reason: reason.into() }))
    }

    /// The one of these elements that is next, which must hold a text, and its value.
    pub(super) fn one_of<K: Copy, T>(
        &mut self,
        names: &'static [&'static str],
        kinds: &[(K, &'static str)],
        parse: impl FnOnce(K, &str) -> Result<T, BadValue>,
    ) -> Result<T, ListError> {
        let next = self.peek()?;
        match kinds.iter().find(|(_, name)| next == Token::Start(name)) {
            Some((kind, name)) => self.value(name, |text| parse(*kind, text)),
            None => Err(self.unexpected(Expected::OneOf(names))),
        }
    }

    /// A container of repeated elements whose keys are unique; the key is the first element in each.
    pub(super) fn many<T: Keyed>(
        &mut self,
        names: (&'static str, &'static str),
        least: Least,
        mut read: impl FnMut(&mut Self) -> Result<T, ListError>,
    ) -> Result<Unique<T>, ListError> {
        self.items(names, least, |xml| {
            xml.peek()?;
            let key_at = xml.at;
            let value = read(xml)?;
            xml.end(names.1)?;
            Ok((key_at, T::KEY_ELEMENT, value))
        })
    }

    /// A container of repeated elements of one value each: as the text of an element in them, or as their own text. The
    /// first tells which; the others do the same.
    pub(super) fn many_values<T: Keyed>(
        &mut self,
        names: (&'static str, &'static str),
        mut parse: impl FnMut(&str) -> Result<T, BadValue>,
    ) -> Result<Unique<T>, ListError> {
        let (item, mut form) = (names.1, None);
        self.items(names, Least::Zero, |xml| {
            let item_at = xml.opened;
            let stop = xml.text_up_to(item)?;
            let spaces = xml.buffer.bytes().all(is_space);
            let nested = *form.get_or_insert(spaces);
            match stop {
                Token::Start(_) if nested && spaces => {
                    xml.peeked = Some(stop);
                    let key_at = xml.at;
                    let value = xml.value(T::KEY_ELEMENT, &mut parse)?;
                    xml.end(item)?;
                    Ok((key_at, T::KEY_ELEMENT, value))
                }
                Token::End if !nested => {
                    let value = parse(&xml.buffer);
                    let bad = |reason| xml.error(item_at, Defect::BadValue { element: item, reason });
                    Ok((item_at, item, value.map_err(bad)?))
                }
                Token::End if spaces => {
                    Err(xml.wrong(Defect::UnexpectedEnd { expected: Expected::Start(T::KEY_ELEMENT) }))
                }
                Token::Start(found) if !nested => {
                    let expected = Expected::Text(item);
                    Err(xml.wrong(Defect::UnexpectedElement { expected, found: cut(found) }))
                }
                Token::Start(_) | Token::End | Token::Eof => Err(xml.wrong(Defect::UnexpectedText)),
            }
        })
    }

    /// A container and its items; `read` takes an item to its end and says where its key stands and in which element.
    fn items<T: Keyed>(
        &mut self,
        (container, item): (&'static str, &'static str),
        least: Least,
        mut read: impl FnMut(&mut Self) -> Result<(Mark, &'static str, T), ListError>,
    ) -> Result<Unique<T>, ListError> {
        self.start(container)?;
        if least == Least::One && self.peek()? != Token::Start(item) {
            return Err(self.unexpected(Expected::Start(item)));
        }
        let mut items = Unique::new();
        while self.opens(item)? {
            let (key_at, element, value) = read(self)?;
            items.insert(value).map_err(|_| self.error(key_at, Defect::Duplicate { element }))?;
        }
        self.close(Expected::ItemOrEnd { item, container })?;
        items.settle();
        Ok(items)
    }

    fn close(&mut self, expected: Expected) -> Result<(), ListError> {
        match self.peek()? {
            Token::End => {
                self.peeked = None;
                self.open.pop();
                Ok(())
            }
            Token::Start(_) | Token::Eof => Err(self.unexpected(expected)),
        }
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
