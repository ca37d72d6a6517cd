//! Narratives: a `div` of XHTML, copied in one form. Declarations of namespaces are made good by one on the `div`, references
//! to characters become the characters, comments and processing instructions go: what is left shows all that it says.

use quick_xml::events::attributes::{Attribute, Attributes};
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

use super::markup::{defect_of, is_character, namespace_reader, referred, value_of};
use super::{Defect, NARRATIVE_DEPTH, XHTML};

/// Copies the `div` whose start tag was read last, up to its end. `start` is what stands between the angle brackets.
pub(super) fn copy(reader: &mut NsReader<&[u8]>, start: &str, empty: bool, out: &mut String) -> Result<(), Defect> {
    let name = start.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
    let mut copier = Copier { out, open: 0, bare: false };
    let start = BytesStart::from_content(start, name.len());
    copier.start(reader, &start, empty)?;
    copier.rest(reader)
}

/// Copies the text of a narrative in JSON. One whose `div` lacks the declaration of its namespace gets it.
pub(super) fn copy_text(text: &str, out: &mut String) -> Result<(), Defect> {
    if text.starts_with('\u{feff}') || !text.chars().all(is_character) {
        return Err(Defect::Narrative);
    }
    let mut reader = namespace_reader(text.trim());
    let mut copier = Copier { out, open: 0, bare: true };
    let (start, empty) = match reader.read_event().map_err(|_| Defect::Narrative)? {
        Event::Start(start) => (start, false),
        Event::Empty(start) => (start, true),
        Event::End(_)
        | Event::Text(_)
        | Event::CData(_)
        | Event::Comment(_)
        | Event::Decl(_)
        | Event::PI(_)
        | Event::DocType(_)
        | Event::GeneralRef(_)
        | Event::Eof => return Err(Defect::Narrative),
    };
    copier.start(&reader, &start, empty)?;
    copier.rest(&mut reader)?;
    match reader.read_event() {
        Ok(Event::Eof) => Ok(()),
        _ => Err(Defect::Narrative),
    }
}

struct Copier<'o> {
    out: &'o mut String,
    /// Elements that are open.
    open: usize,
    /// Whether elements without a namespace are taken for XHTML.
    bare: bool,
}

impl Copier<'_> {
    /// Everything after the start tag of the `div`, to its end.
    fn rest(&mut self, reader: &mut NsReader<&[u8]>) -> Result<(), Defect> {
        while self.open > 0 {
            match reader.read_event().map_err(|error| defect_of(&error))? {
                Event::Start(start) => self.start(reader, &start, false)?,
                Event::Empty(start) => self.start(reader, &start, true)?,
                Event::End(end) => {
                    self.open -= 1;
                    self.end(end.local_name().into_inner());
                }
                Event::Text(text) if text.contains("]]>") => return Err(Defect::Malformed),
                Event::Text(text) => self.text(&text.xml10_content()),
                Event::CData(text) => self.text(&text.xml10_content()),
                Event::GeneralRef(name) => {
                    let character = referred(&name).ok_or(Defect::Entity)?;
                    self.text(character.encode_utf8(&mut [0; 4]));
                }
                Event::Comment(_) | Event::PI(_) => {}
                Event::DocType(_) => return Err(Defect::Doctype),
                Event::Decl(_) | Event::Eof => return Err(Defect::Malformed),
            }
        }
        Ok(())
    }

    fn start(&mut self, reader: &NsReader<&[u8]>, start: &BytesStart<'_>, empty: bool) -> Result<(), Defect> {
        let (space, local) = reader.resolver().resolve_element(start.name());
        let ours = match space {
            ResolveResult::Bound(Namespace(bound)) => bound == XHTML,
            ResolveResult::Unbound => self.bare,
            ResolveResult::Unknown(_) => false,
        };
        let name = local.into_inner();
        let first = self.open == 0;
        if !ours || !is_name(name) || (first && name != "div") || self.open == NARRATIVE_DEPTH {
            return Err(Defect::Narrative);
        }
        self.out.push('<');
        self.out.push_str(name);
        if first {
            self.out.push_str(" xmlns=\"");
            self.out.push_str(XHTML);
            self.out.push('"');
        }
        for attribute in Attributes::new(start, start.name().into_inner().len()) {
            self.attribute(&attribute.map_err(|_| Defect::Malformed)?)?;
        }
        self.out.push_str(if empty { "/>" } else { ">" });
        self.open += usize::from(!empty);
        Ok(())
    }

    fn attribute(&mut self, attribute: &Attribute<'_>) -> Result<(), Defect> {
        if attribute.key.as_namespace_binding().is_some() {
            return Ok(());
        }
        let name = attribute.key.into_inner();
        if !is_name(name.strip_prefix("xml:").unwrap_or(name)) {
            return Err(Defect::Narrative);
        }
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        push_attribute_text(self.out, &value_of(attribute)?);
        self.out.push('"');
        Ok(())
    }

    fn end(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    fn text(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                // A parser takes it for the end of a line otherwise (XML 1.0, section 2.11).
                '\r' => self.out.push_str("&#13;"),
                _ => self.out.push(character),
            }
        }
    }
}

/// Writes the text of an attribute so that a parser reports exactly it.
pub(super) fn push_attribute_text(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            _ => out.push(character),
        }
    }
}

/// Names of XHTML, and of attributes as `data-x`.
fn is_name(name: &str) -> bool {
    let rest = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(rest)
}
