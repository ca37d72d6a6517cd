//! How client certificates are held against revocation lists; the same keys for each listener that asks for them.

use std::path::PathBuf;

use super::files::Role;
use super::kind::choice;
use super::log::Read;
use super::section::Section;
use crate::tls::revocation::Lenience;

/// `client_crls` and what holds beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The files with revocation lists. Without any, revocation is not looked at.
    pub lists: Vec<PathBuf>,
    /// What passes although no list says that it was not revoked; default nothing.
    pub lenience: Lenience,
}

const WORDS: &[(&str, bool)] = &[("deny", false), ("allow", true)];

impl Revocation {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        let lists = section.files("client_crls", Role::RevocationLists);
        let uncovered = section.or_default("client_crl_missing", &choice(WORDS), false);
        let overdue = section.or_default("client_crl_overdue", &choice(WORDS), false);
        Ok(Self { lists: lists?, lenience: Lenience { uncovered: uncovered?, overdue: overdue? } })
    }
}
