//! Why a list is refused: where in the file, what stands there and what was expected.

use std::fmt;

use super::uri::UriError;
use crate::medmij::{HostnameError, ProviderNameError, ServiceIdError, SystemRoleError};

/// A place in a file, both counted from 1; the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// The first defect of a list. One is enough: a list is taken whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {}, column {}{}: {defect}", position.line, position.column, Within(*within))]
pub struct ListError {
    /// Where: the start of the element or markup at fault.
    pub position: Position,
    /// The innermost element that is open there, if one is.
    pub within: Option<&'static str>,
    /// What.
    pub defect: Defect,
}

/// The element around a defect, for people.
struct Within(Option<&'static str>);

impl fmt::Display for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |element| write!(f, ", in <{element}>"))
    }
}

/// What is wrong. Names that come from the file are cut to 40 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// More than [`super::MAX_LIST_BYTES`].
    #[error("the list is larger than is read")]
    TooLarge,
    /// Not UTF-8.
    #[error("the list is not UTF-8")]
    NotUtf8,
    /// The XML declaration is not that of XML 1.0 in UTF-8, or not at the very start.
    #[error("the XML declaration is not that of XML 1.0 in UTF-8 at the start of the file")]
    Declaration,
    /// A document type definition.
    #[error("a document type definition is not allowed")]
    Doctype,
    /// A processing instruction.
    #[error("a processing instruction is not allowed")]
    ProcessingInstruction,
    /// A reference to something else than the five predefined entities and existing characters.
    #[error("a reference to an entity that XML does not define")]
    Entity,
    /// An attribute where the schema has none; on the root all but `xsi:schemaLocation` and namespace declarations.
    #[error("<{element}> has an attribute that is not allowed")]
    Attribute {
        /// The element that has it.
        element: Box<str>,
    },
    /// More namespace declarations than a list needs, or a reserved prefix.
    #[error("the namespace declarations are not those of a list")]
    NamespaceDeclarations,
    /// Another document.
    #[error("the root is <{found}>, expected <{expected}>")]
    WrongRoot {
        /// The root of this list.
        expected: &'static str,
        /// The root of the file.
        found: Box<str>,
    },
    /// The root of no list at all.
    #[error("<{found}> is the root of no list")]
    NoList {
        /// The root of the file.
        found: Box<str>,
    },
    /// An element in no namespace, that of another release, or another one.
    #[error("<{element}> is not in a namespace of this list that is accepted")]
    WrongNamespace {
        /// The element.
        element: Box<str>,
    },
    /// Another element than the schema has here.
    #[error("found <{found}>, expected {expected}")]
    UnexpectedElement {
        /// What the schema has here.
        expected: Expected,
        /// What stands there.
        found: Box<str>,
    },
    /// An end tag where the schema still has an element.
    #[error("an element ends where {expected} was expected")]
    UnexpectedEnd {
        /// What the schema has here.
        expected: Expected,
    },
    /// Text between elements.
    #[error("text stands between elements")]
    UnexpectedText,
    /// The file ends inside an element, or has no element.
    #[error("the file ends before the list does")]
    Truncated,
    /// An element after the root.
    #[error("something follows the end of the list")]
    TrailingContent,
    /// A start tag is closed by another end tag.
    #[error("an end tag does not match its start tag")]
    MismatchedEndTag,
    /// Otherwise not well-formed.
    #[error("not well-formed XML")]
    Malformed,
    /// A text longer than any value can be.
    #[error("the text of <{element}> is too long")]
    TextTooLong {
        /// The element.
        element: &'static str,
    },
    /// A text that is not a value of its type.
    #[error("the value of <{element}> is not valid: {reason}")]
    BadValue {
        /// The element.
        element: &'static str,
        /// Which rule it breaks.
        reason: BadValue,
    },
    /// A value that must be unique stands there for the second time.
    #[error("the value of <{element}> occurs twice")]
    Duplicate {
        /// The element with the second occurrence.
        element: &'static str,
    },
}

/// What the schema has at some place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// This element.
    Start(&'static str),
    /// One of these elements.
    OneOf(&'static [&'static str]),
    /// The end of this element.
    End(&'static str),
    /// Another of these elements, or the end of their container.
    ItemOrEnd {
        /// The repeated element.
        item: &'static str,
        /// Its container.
        container: &'static str,
    },
    /// Text only, in this element.
    Text(&'static str),
    /// No more elements.
    Nothing,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(name) => write!(f, "<{name}>"),
            Self::OneOf(names) => write!(f, "<{}>", names.join("> or <")),
            Self::End(name) => write!(f, "</{name}>"),
            Self::ItemOrEnd { item, container } => write!(f, "<{item}> or </{container}>"),
            Self::Text(name) => write!(f, "the text of <{name}>"),
            Self::Nothing => f.write_str("the end of the file"),
        }
    }
}

/// Which rule a value breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadValue {
    /// Not an xs:dateTime with a time zone.
    #[error("not a date and time with a time zone")]
    Timestamp,
    /// Not an xs:positiveInteger that fits.
    #[error("not a positive whole number")]
    PositiveInteger,
    /// Too short or too long, in characters.
    #[error("not {min} to {max} characters long")]
    Length {
        /// Least number of characters.
        min: usize,
        /// Most.
        max: usize,
    },
    /// A character that has no place in this value, such as a control or direction character in a name.
    #[error("a character that is not allowed")]
    Characters,
    /// Not a host name.
    #[error(transparent)]
    Hostname(#[from] HostnameError),
    /// An IP address in any notation, where a name is required.
    #[error("an IP address is not a host name")]
    IpAddress,
    /// Not the number of digits of this identifier.
    #[error("not {digits} digits")]
    Digits {
        /// How many.
        digits: usize,
    },
    /// Not a provider name.
    #[error(transparent)]
    ProviderName(#[from] ProviderNameError),
    /// Not a service id.
    #[error(transparent)]
    ServiceId(#[from] ServiceIdError),
    /// Not a system role code.
    #[error(transparent)]
    SystemRole(#[from] SystemRoleError),
    /// Not an endpoint URI.
    #[error(transparent)]
    Uri(#[from] UriError),
}
