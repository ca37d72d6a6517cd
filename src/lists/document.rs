//! What every list has in common: a root in a known namespace, a header, then the content of its form.

use jiff::Timestamp;

use super::Reading;
use super::error::ListError;
use super::schema::Schema;
use super::value::{positive, timestamp};
use super::xml::Xml;

/// What stands at the head of every list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListHeader {
    /// `Tijdstempel`: when it was published.
    pub timestamp: Timestamp,
    /// `Volgnummer`: raised by one at each publication, never below 1.
    pub sequence: u64,
}

/// One form of a list: the schema that it follows and the function that reads its content. To add a form is to add a row.
pub(super) struct Form<T> {
    /// Known by its namespace.
    pub(super) schema: Schema,
    /// Reads what follows the header.
    pub(super) read: fn(&mut Xml<'_>) -> Result<T, ListError>,
}

/// Reads a whole list in whichever of these forms it is.
pub(super) fn document<T>(
    bytes: &[u8],
    reading: Reading,
    root: &'static str,
    forms: &[Form<T>],
) -> Result<(ListHeader, T), ListError> {
    let mut xml = Xml::new(bytes, reading)?;
    let read = xml.root(root, forms, |form| form.schema)?.read;
    let header =
        ListHeader { timestamp: xml.value("Tijdstempel", timestamp)?, sequence: xml.value("Volgnummer", positive)? };
    let content = read(&mut xml)?;
    xml.end(root)?;
    xml.finish()?;
    Ok((header, content))
}
