//! The side of the reader that looks at markup: events become the few things that a grammar asks about, and what no list may
//! have is an error where it is met.

use quick_xml::errors::{Error, IllFormedError, SyntaxError};
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};

use super::super::error::{Defect, Expected, ListError};
use super::markup::{cut, is_ours, is_space, offset, position, referred};
use super::{Mark, Token, Xml};
use crate::background::breathe;

/// The longest text of a value, in bytes; the longest value that a schema limits has 57 characters, a URI some hundreds.
const MAX_TEXT_BYTES: usize = 4096;
/// The most that may stand in the start tag of the root after its name, in bytes.
const MAX_ROOT_ATTRIBUTE_BYTES: usize = 2048;
/// Bytes between two breaths: some hundred microseconds of work.
const BREATH_BYTES: usize = 16 * 1024;
/// Namespace of `xsi:schemaLocation`, the one attribute that is tolerated (and not followed).
const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

impl<'a> Xml<'a> {
    pub(super) fn peek(&mut self) -> Result<Token<'a>, ListError> {
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
    pub(super) fn read_text(&mut self, element: &'static str) -> Result<(), ListError> {
        match self.text_up_to(element)? {
            Token::End => Ok(()),
            Token::Start(found) => {
                let expected = Expected::Text(element);
                Err(self.wrong(Defect::UnexpectedElement { expected, found: cut(found) }))
            }
            Token::Eof => Err(self.wrong(Defect::Truncated)),
        }
    }

    /// The text from here to the next tag, into the buffer, and that tag. An end tag closes the element.
    pub(super) fn text_up_to(&mut self, element: &'static str) -> Result<Token<'a>, ListError> {
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
                Event::End(_) => {
                    self.open.pop();
                    return Ok(Token::End);
                }
                Event::Start(tag) | Event::Empty(tag) => return self.start_tag(&tag).map(Token::Start),
                Event::Eof => return Ok(Token::Eof),
                Event::Decl(_) | Event::PI(_) | Event::DocType(_) => return Err(self.wrong(Defect::Malformed)),
            }
            if self.buffer.len() > MAX_TEXT_BYTES {
                return Err(self.bad(Defect::TextTooLong { element }));
            }
        }
    }

    /// The next event; those that no list may have are errors here, wherever they stand.
    fn next_event(&mut self) -> Result<Event<'a>, ListError> {
        let at = offset(self.reader.buffer_position());
        if at / BREATH_BYTES > self.at.0 / BREATH_BYTES {
            breathe();
        }
        self.at = Mark(at);
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

    pub(super) fn unexpected(&self, expected: Expected) -> ListError {
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
    pub(super) fn wrong(&self, defect: Defect) -> ListError {
        self.error(self.at, defect)
    }

    /// A defect of the element opened last.
    pub(super) fn bad(&self, defect: Defect) -> ListError {
        self.error(self.opened, defect)
    }

    pub(super) fn error(&self, Mark(at): Mark, defect: Defect) -> ListError {
        ListError { position: position(self.text.as_bytes(), at), within: self.open.last().copied(), defect }
    }
}
