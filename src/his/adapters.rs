//! The adapters of a node, by id of the HIS installation.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::HisAdapter;

/// All of them. A register of practices refers to them by id, so the two are in force together.
#[derive(Clone, Default)]
pub struct Adapters(HashMap<String, Arc<dyn HisAdapter>>);

impl Adapters {
    /// The adapter of an installation.
    #[must_use]
    pub fn of(&self, his: &str) -> Option<&Arc<dyn HisAdapter>> {
        self.0.get(his)
    }
}

impl FromIterator<(String, Arc<dyn HisAdapter>)> for Adapters {
    fn from_iter<I: IntoIterator<Item = (String, Arc<dyn HisAdapter>)>>(all: I) -> Self {
        Self(all.into_iter().collect())
    }
}

/// Their ids.
impl fmt::Debug for Adapters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
