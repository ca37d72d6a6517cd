//! XML to JSON, written as the elements come; only a list of primitives waits for its end, because JSON keeps the ids and
//! extensions of its items in a list beside it.

use super::json::{is_decimal, is_integer, push_string};
use super::markup::{Markup, Token};
use super::table::{Content, Element, Table, Type, TypeId};
use super::tag::{Space, Tag};
use super::{Defect, XmlFault, narrative};
use crate::fhir::shape::scan::DEPTH_LIMIT;

/// More elements than any type has.
pub(super) const MAX_ELEMENTS: usize = 256;

/// Reads one document.
pub(super) fn read(xml: &[u8], table: &'static Table) -> Result<Vec<u8>, XmlFault> {
    let mut reader = Reader { markup: Markup::new(xml)?, table, out: Vec::with_capacity(xml.len()), depth: 0 };
    match reader.markup.next()? {
        Token::Start(root) => reader.resource(&root)?,
        Token::End | Token::Eof => return Err(reader.markup.wrong(Defect::NotOneResource)),
    }
    match reader.markup.next()? {
        Token::Eof => Ok(reader.out),
        Token::Start(_) | Token::End => Err(reader.markup.wrong(Defect::NotOneResource)),
    }
}

struct Reader<'a> {
    markup: Markup<'a>,
    table: &'static Table,
    out: Vec<u8>,
    /// Objects and arrays that are open.
    depth: usize,
}

/// The elements of an object that have been there, by their place in the order.
#[derive(Default)]
struct Seen([u64; MAX_ELEMENTS / 64]);

impl Seen {
    /// Whether it is there for the first time.
    fn insert(&mut self, at: usize) -> bool {
        let bit = 1 << (at % 64);
        let Some(word) = self.0.get_mut(at / 64) else { return false };
        let first = *word & bit == 0;
        *word |= bit;
        first
    }
}

impl<'a> Reader<'a> {
    fn resource(&mut self, tag: &Tag<'a>) -> Result<(), XmlFault> {
        let known = Some(tag).filter(|tag| tag.space == Space::Fhir).and_then(|tag| self.table.resource(tag.name));
        let kind = known.ok_or(tag.wrong(Defect::UnknownType))?;
        tag.refuse_attributes()?;
        self.open(b'{', tag)?;
        self.out.extend_from_slice(b"\"resourceType\":");
        push_string(&mut self.out, tag.name);
        self.members(tag, kind, false)?;
        self.close(b'}');
        Ok(())
    }

    /// The object of an element that holds elements.
    fn complex(&mut self, tag: &Tag<'a>, id: TypeId) -> Result<(), XmlFault> {
        let kind = self.table.get(id).ok_or(tag.wrong(Defect::UnknownType))?;
        self.open(b'{', tag)?;
        let mut first = true;
        for (name, value) in [("id", &tag.id), ("url", &tag.url), ("value", &tag.value)] {
            let Some(value) = value else { continue };
            if !kind.find(name).is_some_and(|(_, element)| element.attribute) {
                return Err(tag.wrong(Defect::UnknownAttribute));
            }
            self.name(name, &mut first);
            push_string(&mut self.out, value);
        }
        self.members(tag, kind, first)?;
        self.close(b'}');
        Ok(())
    }

    fn members(&mut self, parent: &Tag<'a>, kind: &'static Type, mut first: bool) -> Result<(), XmlFault> {
        let mut seen = Seen::default();
        while let Some(tag) = self.child_of(parent)? {
            let known = kind.find(tag.name).filter(|(_, element)| !element.attribute && is_in_place(&tag, element));
            let (at, element) = known.ok_or(tag.wrong(Defect::UnknownElement))?;
            if !seen.insert(at) {
                return Err(tag.wrong(Defect::Repeated));
            }
            self.element(tag, element, &mut first)?;
        }
        Ok(())
    }

    fn child_of(&mut self, parent: &Tag<'a>) -> Result<Option<Tag<'a>>, XmlFault> {
        if parent.empty { Ok(None) } else { self.markup.child() }
    }

    fn element(&mut self, tag: Tag<'a>, element: &'static Element, first: &mut bool) -> Result<(), XmlFault> {
        match element.content {
            Content::Complex(_) | Content::Resource | Content::Narrative => {
                self.name(&element.name, first);
                if element.many { self.list(tag, element) } else { self.item(&tag, element) }
            }
            Content::Text | Content::Integer | Content::Decimal | Content::Boolean => {
                if element.many {
                    self.primitives(tag, element, first)
                } else {
                    self.primitive(&tag, element, first)
                }
            }
        }
    }

    fn list(&mut self, mut tag: Tag<'a>, element: &'static Element) -> Result<(), XmlFault> {
        self.open(b'[', &tag)?;
        loop {
            self.item(&tag, element)?;
            let Some(next) = self.markup.another(&element.name)? else { break };
            self.out.push(b',');
            tag = next;
        }
        self.close(b']');
        Ok(())
    }

    fn item(&mut self, tag: &Tag<'a>, element: &'static Element) -> Result<(), XmlFault> {
        match element.content {
            Content::Complex(id) => self.complex(tag, id),
            Content::Resource => self.held_resource(tag),
            Content::Narrative => self.narrative(tag),
            Content::Text | Content::Integer | Content::Decimal | Content::Boolean => Ok(()),
        }
    }

    /// The one resource that an element holds; JSON has no level of its own for it.
    fn held_resource(&mut self, tag: &Tag<'a>) -> Result<(), XmlFault> {
        tag.refuse_attributes()?;
        let resource = self.child_of(tag)?.ok_or(tag.wrong(Defect::NotOneResource))?;
        self.resource(&resource)?;
        self.markup.child()?.map_or(Ok(()), |second| Err(second.wrong(Defect::NotOneResource)))
    }

    fn narrative(&mut self, tag: &Tag<'a>) -> Result<(), XmlFault> {
        let mut text = String::new();
        narrative::copy(self.markup.reader(), tag.content, tag.empty, &mut text).map_err(|defect| tag.wrong(defect))?;
        push_string(&mut self.out, &text);
        Ok(())
    }

    /// A single primitive: `name` when it has a value, `_name` when it has more or nothing.
    fn primitive(&mut self, tag: &Tag<'a>, element: &'static Element, first: &mut bool) -> Result<(), XmlFault> {
        if let Some(value) = &tag.value {
            self.name(&element.name, first);
            self.value(tag, element.content, value)?;
        }
        let end = self.out.len();
        self.name_of_extra(&element.name, first);
        if !self.extra(tag)? {
            self.out.truncate(end);
        }
        Ok(())
    }

    /// A list of primitives: `name` when one has a value, `_name` when one has more; `null` holds the place of what an
    /// item does not have (FHIR STU3 json.html, 2.6.2.3).
    fn primitives(&mut self, mut tag: Tag<'a>, element: &'static Element, first: &mut bool) -> Result<(), XmlFault> {
        let (mut values, mut extras) = (0, 0);
        // While the values are written, the list of the rest grows beside them.
        let mut beside = Vec::new();
        let start = self.out.len();
        let was_first = *first;
        self.name(&element.name, first);
        self.open(b'[', &tag)?;
        loop {
            match &tag.value {
                Some(value) => self.value(&tag, element.content, value)?,
                None => self.out.extend_from_slice(b"null"),
            }
            values += usize::from(tag.value.is_some());
            std::mem::swap(&mut self.out, &mut beside);
            let found = self.extra(&tag)?;
            if !found {
                self.out.extend_from_slice(b"null");
            }
            extras += usize::from(found);
            std::mem::swap(&mut self.out, &mut beside);
            let Some(next) = self.markup.another(&element.name)? else { break };
            self.out.push(b',');
            beside.push(b',');
            tag = next;
        }
        self.close(b']');
        if values == 0 {
            self.out.truncate(start);
            *first = was_first;
        }
        if extras > 0 {
            self.name_of_extra(&element.name, first);
            self.out.push(b'[');
            self.out.append(&mut beside);
            self.out.push(b']');
        }
        Ok(())
    }

    fn value(&mut self, tag: &Tag<'a>, content: Content, value: &str) -> Result<(), XmlFault> {
        let fits = match content {
            Content::Boolean => matches!(value, "true" | "false"),
            Content::Integer => is_integer(value),
            Content::Decimal => is_decimal(value),
            Content::Text | Content::Narrative | Content::Resource | Content::Complex(_) => {
                push_string(&mut self.out, value);
                return Ok(());
            }
        };
        self.out.extend_from_slice(value.as_bytes());
        if fits { Ok(()) } else { Err(tag.wrong(Defect::Value)) }
    }

    /// The id and extensions of a primitive as an object, and whether there is one. One that has no value either is an
    /// empty object, so that it is not lost.
    fn extra(&mut self, tag: &Tag<'a>) -> Result<bool, XmlFault> {
        if tag.url.is_some() {
            return Err(tag.wrong(Defect::UnknownAttribute));
        }
        let child = self.child_of(tag)?;
        if tag.id.is_none() && child.is_none() && tag.value.is_some() {
            return Ok(false);
        }
        self.open(b'{', tag)?;
        let mut first = true;
        if let Some(id) = &tag.id {
            self.name("id", &mut first);
            push_string(&mut self.out, id);
        }
        if let Some(child) = child {
            self.name("extension", &mut first);
            self.extensions(child)?;
        }
        self.close(b'}');
        Ok(true)
    }

    fn extensions(&mut self, mut tag: Tag<'a>) -> Result<(), XmlFault> {
        self.open(b'[', &tag)?;
        loop {
            if tag.name != "extension" || tag.space != Space::Fhir {
                return Err(tag.wrong(Defect::UnknownElement));
            }
            self.complex(&tag, self.table.extension())?;
            let Some(next) = self.markup.child()? else { break };
            self.out.push(b',');
            tag = next;
        }
        self.close(b']');
        Ok(())
    }

    fn name(&mut self, name: &str, first: &mut bool) {
        if !std::mem::take(first) {
            self.out.push(b',');
        }
        push_string(&mut self.out, name);
        self.out.push(b':');
    }

    fn name_of_extra(&mut self, name: &str, first: &mut bool) {
        self.name(&format!("_{name}"), first);
    }

    fn open(&mut self, bracket: u8, tag: &Tag<'a>) -> Result<(), XmlFault> {
        if self.depth == DEPTH_LIMIT {
            return Err(tag.wrong(Defect::TooDeep));
        }
        self.depth += 1;
        self.out.push(bracket);
        Ok(())
    }

    fn close(&mut self, bracket: u8) {
        self.depth -= 1;
        self.out.push(bracket);
    }
}

/// A narrative is of XHTML, everything else of FHIR.
fn is_in_place(tag: &Tag<'_>, element: &Element) -> bool {
    (tag.space == Space::Xhtml) == (element.content == Content::Narrative)
}
