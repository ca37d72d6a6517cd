//! Resources by chance, from the tables themselves: any type, any element, values with every awkward character.

use std::fmt::Write as _;

use super::super::table::{self, Content, Element, Table, Type};
use crate::medmij::FhirVersion;

/// Deeper than this an element that holds elements stays empty.
const DEPTH: usize = 6;
const TEXTS: [&str; 8] =
    ["x", "999911132", "a & b", "<&\\\"'>", "é 漢 😀", "tab\\tline\\nreturn\\r", "back\\\\slash \\\"q\\\"", " "];
const NUMBERS: [&str; 6] = ["0", "-7", "12345678901234567890", "1", "42", "-0"];
const DECIMALS: [&str; 6] = ["7.10", "-0.000", "1e-7", "12345678901234567890.123", "0", "6.0E+3"];
const DIVS: [&str; 2] = [
    "<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\">a &lt; &amp; <br/> é\\n<p id=\\\"q\\\">x</p></div>",
    "<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\"/>",
];

/// One resource in JSON, as the reader would write it.
pub(super) fn resource(seed: u64, version: FhirVersion) -> String {
    let mut generator = Generator { state: seed | 1, table: table::of(version), out: String::new() };
    generator.resource(0);
    generator.out
}

struct Generator {
    state: u64,
    table: &'static Table,
    out: String,
}

impl Generator {
    /// A number below `bound` (xorshift).
    fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 11).unwrap() % bound
    }

    fn one_of(&mut self, choices: &[&'static str]) -> &'static str {
        let at = self.below(choices.len());
        choices[at]
    }

    fn resource(&mut self, depth: usize) {
        let names = self.table.resource_names();
        let name = self.one_of(&names);
        write!(self.out, "{{\"resourceType\":\"{name}\"").unwrap();
        self.members(self.table.resource(name).unwrap(), depth, false);
        self.out.push('}');
    }

    fn object(&mut self, kind: &Type, depth: usize) {
        self.out.push('{');
        self.members(kind, depth, true);
        self.out.push('}');
    }

    fn members(&mut self, kind: &Type, depth: usize, mut first: bool) {
        for attributes in [true, false] {
            for element in kind.elements().iter().filter(|element| element.attribute == attributes) {
                // A tenth of the elements, and nothing that holds more when deep enough.
                let too_deep = depth >= DEPTH && matches!(element.content, Content::Complex(_) | Content::Resource);
                if self.below(10) == 0 && !too_deep {
                    self.element(element, depth + 1, &mut first);
                }
            }
        }
    }

    fn name(&mut self, name: &str, first: &mut bool) {
        if !std::mem::take(first) {
            self.out.push(',');
        }
        write!(self.out, "\"{name}\":").unwrap();
    }

    fn element(&mut self, element: &Element, depth: usize, first: &mut bool) {
        if element.content.is_primitive() && !element.attribute {
            return if element.many {
                self.primitives(element, depth, first);
            } else {
                self.primitive(element, depth, first);
            };
        }
        self.name(&element.name, first);
        if !element.many {
            return self.value(element.content, depth);
        }
        self.out.push('[');
        for at in 0..=self.below(3) {
            self.out.push_str(if at == 0 { "" } else { "," });
            self.value(element.content, depth);
        }
        self.out.push(']');
    }

    fn value(&mut self, content: Content, depth: usize) {
        let choices: &[&'static str] = match content {
            Content::Text => &TEXTS,
            Content::Integer => &NUMBERS,
            Content::Decimal => &DECIMALS,
            Content::Boolean => &["true", "false"],
            Content::Narrative => &DIVS,
            Content::Resource => return self.resource(depth),
            Content::Complex(id) => return self.object(self.table.get(id).unwrap(), depth),
        };
        let quote = if matches!(content, Content::Text | Content::Narrative) { "\"" } else { "" };
        let text = self.one_of(choices);
        write!(self.out, "{quote}{text}{quote}").unwrap();
    }

    fn primitive(&mut self, element: &Element, depth: usize, first: &mut bool) {
        let which = self.below(5);
        if which != 0 {
            self.name(&element.name, first);
            self.value(element.content, depth);
        }
        if which < 2 {
            self.name(&format!("_{}", element.name), first);
            self.extra(depth);
        }
    }

    /// Items with a value, with more, or with both.
    fn primitives(&mut self, element: &Element, depth: usize, first: &mut bool) {
        let items: Vec<usize> = (0..=self.below(3)).map(|_| self.below(4)).collect();
        for (prefix, is_there) in [("", [false, true, true, true]), ("_", [true, false, false, true])] {
            if !items.iter().any(|item| is_there[*item]) {
                continue;
            }
            self.name(&format!("{prefix}{}", element.name), first);
            for (at, item) in items.iter().enumerate() {
                self.out.push(if at == 0 { '[' } else { ',' });
                match (is_there[*item], prefix) {
                    (false, _) => self.out.push_str("null"),
                    (true, "") => self.value(element.content, depth),
                    (true, _) => self.extra(depth),
                }
            }
            self.out.push(']');
        }
    }

    fn extra(&mut self, depth: usize) {
        let extended = depth < DEPTH && self.below(2) == 0;
        self.out.push_str("{\"id\":\"e\"");
        if extended {
            self.out.push_str(",\"extension\":[");
            self.object(self.table.get(self.table.extension()).unwrap(), depth + 1);
            self.out.push(']');
        }
        self.out.push('}');
    }
}
