//! The tables: which elements a type has, in which order, how often and of which type. Read once from the text that
//! `tests/xml/tables.py` writes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use crate::medmij::FhirVersion;

static STU3: LazyLock<Table> = LazyLock::new(|| Table::parse(include_str!("tables/stu3.txt")));
static R4: LazyLock<Table> = LazyLock::new(|| Table::parse(include_str!("tables/r4.txt")));

/// The types of a version.
pub(super) fn of(version: FhirVersion) -> &'static Table {
    match version {
        FhirVersion::Stu3 => &STU3,
        FhirVersion::R4 => &R4,
    }
}

/// The types of one FHIR version.
#[derive(Debug)]
pub(super) struct Table {
    types: Vec<Type>,
    resources: HashMap<&'static str, usize>,
    entry: usize,
    extension: usize,
}

/// One type: its elements in order.
#[derive(Debug, Default)]
pub(super) struct Type {
    elements: Vec<Element>,
    names: HashMap<Cow<'static, str>, usize>,
}

/// One element of a type; of a choice, one for each type that it allows.
#[derive(Debug, Clone)]
pub(super) struct Element {
    /// As it is called in XML and JSON.
    pub(super) name: Cow<'static, str>,
    /// What it holds.
    pub(super) content: Content,
    /// Whether it is a list.
    pub(super) many: bool,
    /// Whether XML has it as an attribute.
    pub(super) attribute: bool,
}

/// What an element holds. The first four are primitives, told apart by their JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// A string.
    Text,
    /// A number without fraction.
    Integer,
    /// A number.
    Decimal,
    /// `true` or `false`.
    Boolean,
    /// XHTML, a string in JSON.
    Narrative,
    /// Any resource.
    Resource,
    /// Elements of a type.
    Complex(TypeId),
}

impl Content {
    /// Whether JSON has a `_name` beside it for its id and extensions.
    pub(super) const fn is_primitive(self) -> bool {
        matches!(self, Self::Text | Self::Integer | Self::Decimal | Self::Boolean)
    }
}

/// A type of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TypeId(usize);

impl Table {
    /// The type of a resource that can stand by itself.
    pub(super) fn resource(&self, name: &str) -> Option<&Type> {
        self.types.get(*self.resources.get(name)?)
    }

    /// The names of the resource types, sorted.
    #[cfg(test)]
    pub(super) fn resource_names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.resources.keys().copied().collect();
        names.sort_unstable();
        names
    }

    /// The type of an element.
    pub(super) fn get(&self, TypeId(id): TypeId) -> Option<&Type> {
        self.types.get(id)
    }

    /// The type of an entry of a Bundle.
    pub(super) const fn entry(&self) -> TypeId {
        TypeId(self.entry)
    }

    /// The type of an extension, which primitives have too.
    pub(super) const fn extension(&self) -> TypeId {
        TypeId(self.extension)
    }

    /// Reads a table of our own making; a test reads both, and that every name in them leads somewhere.
    fn parse(text: &'static str) -> Self {
        let lines: Vec<&'static str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let names: HashMap<&str, usize> = lines.iter().enumerate().map(|(id, line)| (first_word(line), id)).collect();
        let types = (0..lines.len()).map(|id| Type::of(elements(id, &lines, &names))).collect();
        let is_resource = |line: &&&str| line.split(' ').nth(1) == Some("resource");
        let resources = lines.iter().filter(is_resource).filter_map(|line| names.get_key_value(first_word(line)));
        let id = |name| names.get(name).copied().unwrap_or(usize::MAX);
        Self {
            types,
            resources: resources.map(|(name, id)| (*name, *id)).collect(),
            entry: id("BundleEntry"),
            extension: id("Extension"),
        }
    }
}

impl Type {
    fn of(elements: Vec<Element>) -> Self {
        let names = elements.iter().enumerate().map(|(at, element)| (element.name.clone(), at)).collect();
        Self { elements, names }
    }

    /// All elements, in order.
    #[cfg(test)]
    pub(super) fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// An element by its name, and its place in the order.
    pub(super) fn find(&self, name: &str) -> Option<(usize, &Element)> {
        let at = *self.names.get(name)?;
        self.elements.get(at).map(|element| (at, element))
    }
}

fn first_word(line: &'static str) -> &'static str {
    line.split(' ').next().unwrap_or_default()
}

/// The elements of a line, after those of the type that it builds on. Lines build on each other at most as often as there
/// are levels of types.
fn elements(id: usize, lines: &[&'static str], names: &HashMap<&str, usize>) -> Vec<Element> {
    let mut words = lines.get(id).copied().unwrap_or_default().split(' ').skip(2);
    let parent = words.next().and_then(|parent| names.get(parent));
    let mut all = parent.map(|parent| elements(*parent, lines, names)).unwrap_or_default();
    for (name, target) in words.filter_map(|word| word.split_once(':')) {
        if let Some(choice) = name.strip_suffix("[x]") {
            let named = |target| Element::of(Cow::Owned(format!("{choice}{}", capital(target))), target, names);
            all.extend(target.split('|').map(named));
        } else {
            let plain = name.trim_start_matches('@').trim_end_matches('*');
            let (many, attribute) = (name.ends_with('*'), name.starts_with('@'));
            all.push(Element { many, attribute, ..Element::of(Cow::Borrowed(plain), target, names) });
        }
    }
    all
}

impl Element {
    fn of(name: Cow<'static, str>, target: &str, names: &HashMap<&str, usize>) -> Self {
        let content = match target {
            "boolean" => Content::Boolean,
            "integer" | "unsignedInt" | "positiveInt" => Content::Integer,
            "decimal" => Content::Decimal,
            "xhtml" => Content::Narrative,
            "Resource" => Content::Resource,
            complex if complex.starts_with(char::is_uppercase) => {
                Content::Complex(TypeId(names.get(complex).copied().unwrap_or(usize::MAX)))
            }
            _ => Content::Text,
        };
        Self { name, content, many: false, attribute: false }
    }
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::super::reader::MAX_ELEMENTS;
    use super::*;

    #[test]
    fn every_name_in_the_tables_leads_somewhere() {
        for (version, resources) in [(FhirVersion::Stu3, 117), (FhirVersion::R4, 141)] {
            let table = of(version);
            assert_eq!(table.resources.len(), resources, "{version:?}");
            for kind in &table.types {
                assert!(!kind.elements.is_empty() && kind.elements.len() <= MAX_ELEMENTS);
                assert_eq!(kind.elements.len(), kind.names.len(), "a name comes twice");
                for element in &kind.elements {
                    if let Content::Complex(id) = element.content {
                        assert!(table.get(id).is_some(), "{}", element.name);
                    }
                }
            }
            let entry = table.get(table.entry()).unwrap();
            assert_eq!(entry.find("resource").unwrap().1.content, Content::Resource);
            assert!(table.get(table.extension()).unwrap().find("url").unwrap().1.attribute);
        }
    }

    #[test]
    fn a_type_has_the_elements_of_the_types_it_builds_on_first() {
        let observation = of(FhirVersion::Stu3).resource("Observation").unwrap();
        let names: Vec<&str> = observation.elements.iter().map(|element| &*element.name).collect();
        let expected =
            ["id", "meta", "implicitRules", "language", "text", "contained", "extension", "modifierExtension"];
        assert_eq!(names.get(..8), Some(&expected[..]));
        let of_name =
            |name| observation.find(name).map(|(_, element)| (element.content, element.many, element.attribute));
        assert_eq!(of_name("valueDateTime"), Some((Content::Text, false, false)));
        assert_eq!(of_name("valueBoolean"), Some((Content::Boolean, false, false)));
        assert_eq!(of_name("contained"), Some((Content::Resource, true, false)));
        assert_eq!(of_name("value"), None);
        assert_eq!(of_name("valueInteger"), None, "STU3 has none");
        assert!(of(FhirVersion::R4).resource("Observation").unwrap().find("valueInteger").is_some());
        assert!(of(FhirVersion::Stu3).resource("DomainResource").is_none());
    }
}
