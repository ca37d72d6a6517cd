//! How an installation of a practice information system is asked: what its dialect leaves open, and by what right.

use std::path::PathBuf;

use super::files::Role;
use super::kind::{base_url, boolean, choice, link, number, word, words};
use super::log::Read;
use super::origin::HttpsUrl;
use super::section::Section;

/// What a FHIR server leaves open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manner {
    /// Where it answers in R4; without one, services in R4 are not connected.
    pub r4_base_url: Option<HttpsUrl>,
    /// How it writes resources, default JSON.
    pub xml: bool,
    /// Whether searches go by POST, default not.
    pub post_search: bool,
    /// Entries a page, 10 to 1,000.
    pub page_size: Option<u16>,
}

impl Manner {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        let r4_base_url = section.optional("r4_base_url", &base_url());
        let xml = section.or_default("format", &choice(&[("json", false), ("xml", true)]), false);
        let post_search = section.or_default("post_search", &boolean(), false);
        let page_size = section.optional("page_size", &number(10..=1000, ""));
        Ok(Self { r4_base_url: r4_base_url?, xml: xml?, post_search: post_search?, page_size: page_size? })
    }
}

/// Who we are to a system that gives tokens (SMART Backend Services).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    /// Where it gives them.
    pub token_url: HttpsUrl,
    /// The id under which we are registered.
    pub client_id: String,
    /// The key whose public half is registered, on P-384.
    pub client_key: PathBuf,
    /// What we ask for, default `system/*.rs`.
    pub scope: String,
}

impl Backend {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        let token_url = section.required("token_url", &link());
        let client_id = section.required("client_id", &word());
        let client_key = section.file("client_key", Role::SigningKey);
        let scope = section.or_default("scope", &words(500), "system/*.rs".to_owned());
        Ok(Self { token_url: token_url?, client_id: client_id?, client_key: client_key?, scope: scope? })
    }
}
