//! JSON to XML: the members of each object in the order of its type. The JSON comes from our own judge or a client, and is
//! scanned as strictly as what a HIS sends.

use std::borrow::Cow;

use super::json::{is_decimal, is_integer};
use super::markup::is_character;
use super::narrative::{self, push_attribute_text};
use super::table::{Content, Element, Table, Type, TypeId};
use super::{Defect, FHIR, XmlFault};
use crate::fhir::shape::ShapeFault;
use crate::fhir::shape::outline::{Items, Kind, Member, Outline, Value};
use crate::fhir::shape::scan::scan;

/// Writes a document that is one resource.
pub(super) fn write_resource(json: &[u8], table: &'static Table) -> Result<Vec<u8>, XmlFault> {
    let outline = outline_of(json)?;
    let mut writer = Writer { table, out: String::with_capacity(json.len() + json.len() / 2) };
    writer.out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    writer.resource(root_of(&outline)?, true)?;
    Ok(writer.out.into_bytes())
}

/// Writes one entry of a Bundle.
pub(super) fn write_entry(json: &[u8], table: &'static Table) -> Result<Vec<u8>, XmlFault> {
    let outline = outline_of(json)?;
    let mut writer = Writer { table, out: String::with_capacity(json.len() + json.len() / 2) };
    writer.complex("entry", root_of(&outline)?, table.entry())?;
    Ok(writer.out.into_bytes())
}

fn outline_of(json: &[u8]) -> Result<Outline<'_>, XmlFault> {
    scan(json).map_err(|fault| {
        let offset = if let ShapeFault::NotJson { offset } = fault { offset } else { 0 };
        let defect = if fault == ShapeFault::TooDeep { Defect::TooDeep } else { Defect::NotJson };
        defect.at(offset)
    })
}

fn root_of<'o>(outline: &'o Outline<'o>) -> Result<Value<'o>, XmlFault> {
    outline.root().ok_or(Defect::NotJson.at(0))
}

struct Writer {
    table: &'static Table,
    out: String,
}

/// What an object has of one element: `name`, `_name`, or both.
struct Slot<'o> {
    element: &'static Element,
    value: Option<Value<'o>>,
    extra: Option<Value<'o>>,
}

impl Writer {
    fn resource(&mut self, value: Value<'_>, root: bool) -> Result<(), XmlFault> {
        let name =
            value.member("resourceType").and_then(Value::plain).ok_or(Defect::NotOneResource.at(value.start()))?;
        let kind = self.table.resource(name).ok_or(Defect::UnknownType.at(value.start()))?;
        self.out.push('<');
        self.out.push_str(name);
        if root {
            self.out.push_str(" xmlns=\"");
            self.out.push_str(FHIR);
            self.out.push('"');
        }
        let members = value.members().filter(|member| member.name() != "resourceType");
        self.body(name, &slots(members, kind)?)
    }

    fn complex(&mut self, name: &str, value: Value<'_>, id: TypeId) -> Result<(), XmlFault> {
        let kind = self.table.get(id).ok_or(Defect::UnknownType.at(value.start()))?;
        if value.kind() != Kind::Object {
            return Err(Defect::Value.at(value.start()));
        }
        self.out.push('<');
        self.out.push_str(name);
        self.body(name, &slots(value.members(), kind)?)
    }

    /// The rest of the start tag, the elements, and the end.
    fn body(&mut self, name: &str, slots: &[Slot<'_>]) -> Result<(), XmlFault> {
        for slot in slots.iter().filter(|slot| slot.element.attribute) {
            if let Some(value) = slot.value {
                self.attribute(&slot.element.name, &text_of(value)?, value)?;
            }
        }
        self.out.push('>');
        let begin = self.out.len();
        for slot in slots.iter().filter(|slot| !slot.element.attribute) {
            self.element(slot)?;
        }
        self.end(name, begin);
        Ok(())
    }

    /// Ends an element whose content begins at `begin`.
    fn end(&mut self, name: &str, begin: usize) {
        if self.out.len() == begin {
            self.out.truncate(begin.saturating_sub(1));
            self.out.push_str("/>");
        } else {
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
        }
    }

    fn element(&mut self, slot: &Slot<'_>) -> Result<(), XmlFault> {
        let element = slot.element;
        if !element.many {
            return self.item(element, slot.value, slot.extra);
        }
        let mut values = slot.value.map(items_of).transpose()?.into_iter().flatten();
        let mut extras = slot.extra.map(items_of).transpose()?.into_iter().flatten();
        loop {
            let (value, extra) = (values.next(), extras.next());
            if value.is_none() && extra.is_none() {
                return Ok(());
            }
            // `null` holds the place of what an item does not have.
            let is_there = |value: &Value<'_>| !is_null(*value);
            match (value.filter(is_there), extra.filter(is_there)) {
                (None, None) => return Err(Defect::Value.at(value.or(extra).map_or(0, Value::start))),
                (value, extra) => self.item(element, value, extra)?,
            }
        }
    }

    fn item(&mut self, element: &Element, value: Option<Value<'_>>, extra: Option<Value<'_>>) -> Result<(), XmlFault> {
        match (element.content, value) {
            (Content::Complex(id), Some(value)) => self.complex(&element.name, value, id),
            (Content::Resource, Some(value)) => self.held_resource(&element.name, value),
            (Content::Narrative, Some(value)) => self.narrative(value),
            (Content::Complex(_) | Content::Resource | Content::Narrative, None) => Ok(()),
            (Content::Text | Content::Integer | Content::Decimal | Content::Boolean, _) => {
                self.primitive(element, value, extra)
            }
        }
    }

    fn held_resource(&mut self, name: &str, value: Value<'_>) -> Result<(), XmlFault> {
        self.out.push('<');
        self.out.push_str(name);
        self.out.push('>');
        self.resource(value, false)?;
        self.end(name, 0);
        Ok(())
    }

    fn narrative(&mut self, value: Value<'_>) -> Result<(), XmlFault> {
        let text = text_of(value)?;
        narrative::copy_text(&text, &mut self.out).map_err(|_| Defect::Narrative.at(value.start()))
    }

    fn primitive(
        &mut self,
        element: &Element,
        value: Option<Value<'_>>,
        extra: Option<Value<'_>>,
    ) -> Result<(), XmlFault> {
        let mut extensions = None;
        self.out.push('<');
        self.out.push_str(&element.name);
        if extra.is_some_and(|extra| extra.kind() != Kind::Object) {
            return Err(Defect::Value.at(extra.map_or(0, Value::start)));
        }
        for member in extra.into_iter().flat_map(Value::members) {
            match member.name() {
                "id" => self.attribute("id", &text_of(member.value)?, member.value)?,
                "extension" => extensions = Some(member.value),
                _ => return Err(Defect::UnknownElement.at(member.span().start)),
            }
        }
        if let Some(value) = value {
            self.value(element.content, value)?;
        }
        self.out.push('>');
        let begin = self.out.len();
        for extension in extensions.map(items_of).transpose()?.into_iter().flatten() {
            self.complex("extension", extension, self.table.extension())?;
        }
        self.end(&element.name, begin);
        Ok(())
    }

    fn value(&mut self, content: Content, value: Value<'_>) -> Result<(), XmlFault> {
        let raw = value.raw();
        let fits = match content {
            Content::Boolean => matches!(raw, "true" | "false"),
            Content::Integer => value.kind() == Kind::Number && is_integer(raw),
            Content::Decimal => value.kind() == Kind::Number && is_decimal(raw),
            Content::Text | Content::Narrative | Content::Resource | Content::Complex(_) => {
                return self.attribute("value", &text_of(value)?, value);
            }
        };
        if fits { self.attribute("value", raw, value) } else { Err(Defect::Value.at(value.start())) }
    }

    fn attribute(&mut self, name: &str, text: &str, value: Value<'_>) -> Result<(), XmlFault> {
        if !text.chars().all(is_character) {
            return Err(Defect::Character.at(value.start()));
        }
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        push_attribute_text(&mut self.out, text);
        self.out.push('"');
        Ok(())
    }
}

/// The members of an object in the order of its type, `_name` beside `name`.
fn slots<'o>(members: impl Iterator<Item = Member<'o>>, kind: &'static Type) -> Result<Vec<Slot<'o>>, XmlFault> {
    let mut found = Vec::with_capacity(8);
    for member in members {
        let (name, is_extra) = member.name().strip_prefix('_').map_or((member.name(), false), |name| (name, true));
        let unknown = Defect::UnknownElement.at(member.span().start);
        let (at, element) = kind.find(name).ok_or(unknown)?;
        if is_extra && (!element.content.is_primitive() || element.attribute) {
            return Err(unknown);
        }
        found.push((at, is_extra, element, member.value));
    }
    found.sort_unstable_by_key(|(at, is_extra, ..)| (*at, *is_extra));
    let mut slots: Vec<Slot<'o>> = Vec::with_capacity(found.len());
    for (_, is_extra, element, value) in found {
        match slots.last_mut() {
            Some(slot) if is_extra && std::ptr::eq(slot.element, element) => slot.extra = Some(value),
            _ if is_extra => slots.push(Slot { element, value: None, extra: Some(value) }),
            _ => slots.push(Slot { element, value: Some(value), extra: None }),
        }
    }
    Ok(slots)
}

/// The items of a list.
fn items_of(value: Value<'_>) -> Result<Items<'_>, XmlFault> {
    if value.kind() == Kind::Array { Ok(value.items()) } else { Err(Defect::Value.at(value.start())) }
}

fn text_of(value: Value<'_>) -> Result<Cow<'_, str>, XmlFault> {
    value.string().ok_or(Defect::Value.at(value.start()))
}

fn is_null(value: Value<'_>) -> bool {
    value.kind() == Kind::Literal && value.raw() == "null"
}
