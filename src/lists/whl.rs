//! The whitelist: the nodes whose certificates are accepted on the back channel.

use super::Reading;
use super::document::{Form, ListHeader, document};
use super::error::ListError;
use super::schema::Schema;
use super::unique::{Keyed, Unique};
use super::value::hostname;
use super::xml::Xml;
use crate::medmij::Hostname;

const ROOT: &str = "Whitelist";

const FORMS: &[Form<Unique<Node>>] = &[Form { schema: Schema::WhlRelease2, read: release2 }];

/// The whitelist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whl {
    header: ListHeader,
    nodes: Unique<Node>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Node(Hostname);

impl Keyed for Node {
    const KEY_ELEMENT: &'static str = "Hostname";
    fn key(&self) -> &str {
        self.0.as_str()
    }
}

impl Whl {
    /// Reads the list.
    ///
    /// # Errors
    /// The first place where it is not a valid whitelist.
    pub fn parse(bytes: &[u8], reading: Reading) -> Result<Self, ListError> {
        let (header, nodes) = document(bytes, reading, ROOT, FORMS)?;
        Ok(Self { header, nodes })
    }

    /// When it was published, and its number.
    #[must_use]
    pub const fn header(&self) -> ListHeader {
        self.header
    }

    /// Whether this host may connect.
    #[must_use]
    pub fn contains(&self, host: &Hostname) -> bool {
        self.nodes.find(host.as_str()).is_some()
    }

    /// All hosts, in the order of the list.
    pub fn hosts(&self) -> impl ExactSizeIterator<Item = &Hostname> {
        self.nodes.as_slice().iter().map(|node| &node.0)
    }
}

/// Two structures share the namespace: nodes that hold a `Hostname` (from 1.1 on), and nodes whose own text is the name (1.0).
/// Each is invalid against the schema of the other, so a list is of one of them throughout.
fn release2(xml: &mut Xml<'_>) -> Result<Unique<Node>, ListError> {
    xml.many_values(("MedMijNodes", "MedMijNode"), |text| hostname(text).map(Node))
}
