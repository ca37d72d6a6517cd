//! XML as the reader sees it: start tags of FHIR or XHTML, and ends. What no document may have is an error where it stands.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::errors::Error;
use quick_xml::escape::EscapeError;
use quick_xml::events::attributes::{Attribute, Attributes};
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

use super::tag::{Space, Tag};
use super::{Defect, FHIR, XHTML, XmlFault};

/// The most namespace declarations in force: one of each resource inside another, of a narrative, and some of the root.
const MAX_NAMESPACES: usize = 32;
/// Namespace of `xsi:schemaLocation`, which is passed over and not followed.
const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// A document being read. After an error it is of no further use.
pub(super) struct Markup<'a> {
    reader: NsReader<&'a [u8]>,
    text: &'a str,
    /// Where the markup read last begins.
    at: usize,
    peeked: Option<Token<'a>>,
}

/// What stands next, comments and white space apart.
pub(super) enum Token<'a> {
    /// An element begins.
    Start(Tag<'a>),
    /// The innermost open element ends.
    End,
    /// Nothing more.
    Eof,
}

impl<'a> Markup<'a> {
    /// Starts on a document in UTF-8, with or without a byte order mark.
    pub(super) fn new(xml: &'a [u8]) -> Result<Self, XmlFault> {
        let text = std::str::from_utf8(xml).map_err(|error| Defect::Encoding.at(error.valid_up_to()))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if let Some((at, _)) = text.char_indices().find(|(_, character)| !is_character(*character)) {
            return Err(Defect::Character.at(at));
        }
        Ok(Self { reader: namespace_reader(text), text, at: 0, peeked: None })
    }

    /// What stands next.
    pub(super) fn next(&mut self) -> Result<Token<'a>, XmlFault> {
        match self.peeked.take() {
            Some(token) => Ok(token),
            None => self.read(),
        }
    }

    /// The element that begins here, or nothing, and the element that holds it has ended.
    pub(super) fn child(&mut self) -> Result<Option<Tag<'a>>, XmlFault> {
        match self.next()? {
            Token::Start(tag) => Ok(Some(tag)),
            Token::End => Ok(None),
            Token::Eof => Err(self.wrong(Defect::Malformed)),
        }
    }

    /// The element that begins here if it is one of FHIR with this name.
    pub(super) fn another(&mut self, name: &str) -> Result<Option<Tag<'a>>, XmlFault> {
        let next = match self.next()? {
            Token::Start(tag) if tag.name == name && tag.space == Space::Fhir => return Ok(Some(tag)),
            next @ (Token::Start(_) | Token::End | Token::Eof) => next,
        };
        self.peeked = Some(next);
        Ok(None)
    }

    /// The reader itself, for a narrative whose start tag was read last.
    pub(super) fn reader(&mut self) -> &mut NsReader<&'a [u8]> {
        &mut self.reader
    }

    /// A defect of the markup read last.
    pub(super) const fn wrong(&self, defect: Defect) -> XmlFault {
        defect.at(self.at)
    }

    fn read(&mut self) -> Result<Token<'a>, XmlFault> {
        loop {
            self.at = offset(self.reader.buffer_position());
            let event = self.reader.read_event().map_err(|error| self.wrong(defect_of(&error)))?;
            match event {
                Event::Start(tag) => return self.tag(&tag, false).map(Token::Start),
                Event::Empty(tag) => return self.tag(&tag, true).map(Token::Start),
                Event::End(_) => return Ok(Token::End),
                Event::Eof => return Ok(Token::Eof),
                Event::Decl(declaration) if self.at == 0 && is_ours(&declaration) => {}
                Event::Comment(_) | Event::PI(_) => {}
                Event::Text(text) if text.bytes().all(|byte| byte.is_ascii_whitespace()) => {}
                Event::Text(_) | Event::CData(_) => return Err(self.wrong(Defect::Text)),
                Event::GeneralRef(name) => {
                    let defect = if referred(&name).is_some() { Defect::Text } else { Defect::Entity };
                    return Err(self.wrong(defect));
                }
                Event::Decl(_) => return Err(self.wrong(Defect::Encoding)),
                Event::DocType(_) => return Err(self.wrong(Defect::Doctype)),
            }
        }
    }

    fn tag(&self, start: &BytesStart<'_>, empty: bool) -> Result<Tag<'a>, XmlFault> {
        let begin = self.at.saturating_add(1);
        let content = self.text.get(begin..begin.saturating_add(start.len())).unwrap_or_default();
        let full = content.get(..start.name().into_inner().len()).unwrap_or_default();
        let name = full.rsplit_once(':').map_or(full, |(_, local)| local);
        let space = match self.reader.resolver().resolve_element(start.name()).0 {
            ResolveResult::Bound(Namespace(FHIR)) => Space::Fhir,
            ResolveResult::Bound(Namespace(XHTML)) => Space::Xhtml,
            ResolveResult::Bound(_) | ResolveResult::Unbound | ResolveResult::Unknown(_) => {
                return Err(self.wrong(Defect::Namespace));
            }
        };
        let mut tag = Tag { name, space, content, empty, at: self.at, id: None, url: None, value: None };
        if space == Space::Fhir {
            self.attributes(&mut tag, full.len())?;
        }
        Ok(tag)
    }

    fn attributes(&self, tag: &mut Tag<'a>, name_length: usize) -> Result<(), XmlFault> {
        for attribute in Attributes::new(tag.content, name_length) {
            let attribute = attribute.map_err(|_| self.wrong(Defect::Malformed))?;
            let place = match attribute.key.into_inner() {
                "id" => &mut tag.id,
                "url" => &mut tag.url,
                "value" => &mut tag.value,
                _ if self.is_passed_over(&attribute) => continue,
                _ => return Err(self.wrong(Defect::UnknownAttribute)),
            };
            *place = Some(value_of(&attribute).map_err(|defect| self.wrong(defect))?);
        }
        Ok(())
    }

    fn is_passed_over(&self, attribute: &Attribute<'_>) -> bool {
        let (bound, local) = self.reader.resolver().resolve_attribute(attribute.key);
        let location =
            bound == ResolveResult::Bound(Namespace(SCHEMA_INSTANCE)) && local.into_inner() == "schemaLocation";
        location || attribute.key.as_namespace_binding().is_some()
    }
}

/// A reader that resolves namespaces, of which only so many may be in force.
pub(super) fn namespace_reader(text: &str) -> NsReader<&[u8]> {
    let mut reader = NsReader::from_str(text);
    reader.config_mut().check_comments = true;
    reader.resolver_mut().set_max_namespace_bindings(MAX_NAMESPACES);
    reader
}

/// The value of an attribute as a parser reports it (XML 1.0, section 3.3.3).
pub(super) fn value_of<'a>(attribute: &Attribute<'a>) -> Result<Cow<'a, str>, Defect> {
    if attribute.value.contains('<') {
        return Err(Defect::Malformed);
    }
    let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|error| defect_of(&error))?;
    if value.chars().all(is_character) { Ok(value) } else { Err(Defect::Character) }
}

/// The character that a reference stands for: by number, or one of the five of XML 1.0, section 4.6.
pub(super) fn referred(name: &BytesRef<'_>) -> Option<char> {
    match (name.resolve_char_ref(), &**name) {
        (Ok(Some(character)), _) => Some(character).filter(|character| is_character(*character)),
        (Ok(None), "lt") => Some('<'),
        (Ok(None), "gt") => Some('>'),
        (Ok(None), "amp") => Some('&'),
        (Ok(None), "apos") => Some('\''),
        (Ok(None), "quot") => Some('"'),
        (Ok(None) | Err(_), _) => None,
    }
}

/// Whether XML 1.0, section 2.2, has the character.
pub(super) const fn is_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// What an error of the parser is for us.
pub(super) fn defect_of(error: &Error) -> Defect {
    match error {
        Error::Escape(EscapeError::UnrecognizedEntity(..)) => Defect::Entity,
        Error::Encoding(_) => Defect::Encoding,
        Error::Namespace(_) => Defect::Namespace,
        Error::Escape(_) | Error::Syntax(_) | Error::IllFormed(_) | Error::Io(_) | Error::InvalidAttr(_) => {
            Defect::Malformed
        }
    }
}

/// Whether the declaration is that of XML 1.0 in UTF-8.
fn is_ours(declaration: &BytesDecl<'_>) -> bool {
    let utf8 = match declaration.encoding() {
        None => true,
        Some(Ok(encoding)) => encoding.eq_ignore_ascii_case("utf-8"),
        Some(Err(_)) => false,
    };
    utf8 && declaration.xml_version().is_ok_and(|version| version == XmlVersion::Explicit1_0)
}

/// Offsets of the parser count bytes of a slice in memory, so they fit.
fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}
