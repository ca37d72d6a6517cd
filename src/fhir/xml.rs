//! FHIR XML at our border: what a HIS sends as XML becomes JSON before it is judged, and what is released becomes XML last.
//!
//! Both ways go by tables of the elements of each type, made from published models (`tests/xml/tables.py`), and nothing is
//! lost silently: a type, element or attribute that the tables do not have is refused, decimals keep their digits, ids and
//! extensions of primitives and narratives are carried over. What FHIR says to ignore is ignored: comments, processing
//! instructions and white space between elements (FHIR STU3 xml.html, 2.6.1).
//!
//! XML is read without document types, entities of its own or other encodings; nothing is ever fetched. What is open is
//! bounded, and so is the recursion, by the depth that the judge of the JSON allows.

mod json;
mod markup;
mod narrative;
mod reader;
pub(super) mod stream;
mod table;
mod tag;
mod writer;

#[cfg(test)]
mod tests;

use crate::medmij::FhirVersion;

/// Why a document cannot be converted, and where. It never repeats what the document says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{defect}, at byte {offset}")]
pub struct XmlFault {
    /// Offset in bytes in the document that was read.
    pub offset: usize,
    /// What is wrong there.
    pub defect: Defect,
}

/// What is wrong with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// Not UTF-8, or declared to be something else.
    #[error("the text is not UTF-8")]
    Encoding,
    /// Not well-formed XML.
    #[error("this is not well-formed XML")]
    Malformed,
    /// A document type, which could declare entities.
    #[error("a document type is not allowed")]
    Doctype,
    /// An entity that is none of the five of XML 1.0, section 4.6.
    #[error("this entity is not known")]
    Entity,
    /// A character that XML 1.0, section 2.2, does not have.
    #[error("this character cannot stand in XML")]
    Character,
    /// More elements inside each other than data has.
    #[error("elements are nested too deep")]
    TooDeep,
    /// Neither FHIR nor, in a narrative, XHTML.
    #[error("this element is in the wrong namespace")]
    Namespace,
    /// A resource of no type of this FHIR version.
    #[error("this FHIR version has no such resource type")]
    UnknownType,
    /// An element or member that its type does not have.
    #[error("this type has no such element")]
    UnknownElement,
    /// An attribute that its element does not have.
    #[error("this element has no such attribute")]
    UnknownAttribute,
    /// A single element twice, or a list that is not in one place.
    #[error("this element comes again")]
    Repeated,
    /// Text where elements stand.
    #[error("there is text between the elements")]
    Text,
    /// No value of the type of its element.
    #[error("this is no value of the type of its element")]
    Value,
    /// Not exactly one resource where one stands.
    #[error("exactly one resource stands here")]
    NotOneResource,
    /// Not a `div` of XHTML.
    #[error("this narrative is not well-formed XHTML")]
    Narrative,
    /// A member behind the entries of a Bundle under way, which XML has before them.
    #[error("this comes too late to be written in its place")]
    TooLate,
    /// Not JSON, or JSON in which something could hide: a name twice, an escape in a name.
    #[error("this is not JSON without repeated or escaped names")]
    NotJson,
}

/// One resource in XML as JSON. The result has the names of the XML in its order, and passes the judge's scanner.
///
/// # Errors
/// See [`Defect`].
pub fn to_json(xml: &[u8], version: FhirVersion) -> Result<Vec<u8>, XmlFault> {
    reader::read(xml, table::of(version))
}

/// One resource in JSON as XML, with its elements in the order of the definitions.
///
/// # Errors
/// See [`Defect`].
pub fn to_xml(json: &[u8], version: FhirVersion) -> Result<Vec<u8>, XmlFault> {
    writer::write_resource(json, table::of(version))
}

/// One entry of a Bundle in JSON as the element `entry`, without a namespace of its own: it stands inside a Bundle that is
/// written around it.
///
/// # Errors
/// See [`Defect`].
pub fn entry_to_xml(json: &[u8], version: FhirVersion) -> Result<Vec<u8>, XmlFault> {
    writer::write_entry(json, table::of(version))
}

/// The namespace of FHIR.
const FHIR: &str = "http://hl7.org/fhir";
/// The namespace of a narrative.
const XHTML: &str = "http://www.w3.org/1999/xhtml";
/// How many elements of a narrative may stand inside each other.
const NARRATIVE_DEPTH: usize = 64;

impl Defect {
    const fn at(self, offset: usize) -> XmlFault {
        XmlFault { offset, defect: self }
    }
}
