//! Which service catalogue is in force.

use std::path::PathBuf;

use super::files::Role;
use super::log::Read;
use super::section::Section;

/// `[services]`.
#[derive(Debug, Clone, Default)]
pub struct Services {
    /// A catalogue in the place of the one that ships.
    pub catalogue: Option<PathBuf>,
}

impl Services {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        Ok(Self { catalogue: section.optional_file("catalogue", Role::Catalogue)? })
    }
}
