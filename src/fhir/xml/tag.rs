//! A start tag, and the little that FHIR lets it say.

use std::borrow::Cow;

use super::{Defect, XmlFault};

/// Which vocabulary an element is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// FHIR.
    Fhir,
    /// XHTML, whose attributes are left to the narrative.
    Xhtml,
}

/// A start tag. The attributes are those of FHIR, decoded.
#[derive(Debug)]
pub(super) struct Tag<'a> {
    /// Name without prefix.
    pub(super) name: &'a str,
    /// Namespace.
    pub(super) space: Space,
    /// What stands between the angle brackets.
    pub(super) content: &'a str,
    /// Whether it is its own end tag too.
    pub(super) empty: bool,
    /// Where it begins, in bytes.
    pub(super) at: usize,
    /// `id` of an element.
    pub(super) id: Option<Cow<'a, str>>,
    /// `url` of an extension.
    pub(super) url: Option<Cow<'a, str>>,
    /// `value` of a primitive.
    pub(super) value: Option<Cow<'a, str>>,
}

impl Tag<'_> {
    /// A defect of this tag.
    pub(super) const fn wrong(&self, defect: Defect) -> XmlFault {
        defect.at(self.at)
    }

    /// An element that has no attributes of FHIR.
    pub(super) const fn refuse_attributes(&self) -> Result<(), XmlFault> {
        if self.id.is_none() && self.url.is_none() && self.value.is_none() {
            Ok(())
        } else {
            Err(self.wrong(Defect::UnknownAttribute))
        }
    }
}
