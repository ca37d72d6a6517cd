//! Who runs the gateway, as people read it on its pages.

use super::kind::{link, phone, words};
use super::log::Read;
use super::origin::HttpsUrl;
use super::section::Section;

/// `[operator]`: whom people turn to (TS: name and telephone number of the DVA).
#[derive(Debug, Clone)]
pub struct Operator {
    /// Name, 1 to 100 characters; default "Inzage".
    pub name: String,
    /// Telephone number; without one the pages name none.
    pub phone: Option<String>,
    /// Address of the privacy statement, which the consent page links to (TV); without one there is no link.
    pub privacy: Option<HttpsUrl>,
}

impl Operator {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        let name = section.or_default("name", &words(100), "Inzage".to_owned());
        let phone = section.optional("phone", &phone());
        let privacy = section.optional("privacy", &link());
        Ok(Self { name: name?, phone: phone?, privacy: privacy? })
    }
}
