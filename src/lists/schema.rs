//! The releases of the list schemas that are read, and which of them an installation accepts.

/// One release of the schema of one list. A file says by its namespace which one it follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Schema {
    /// *Zorgaanbiederslijst* of 1.0 and 1.1: no interface versions.
    ZalRelease2,
    /// *Zorgaanbiederslijst* from 1.3 on.
    ZalRelease3,
    /// OAuth client list.
    OclRelease2,
    /// Whitelist: nodes with a `Hostname`, and the older form with the name as the text of the node.
    WhlRelease2,
    /// *Gegevensdienstnamenlijst*.
    GnlRelease1,
    /// *Zorgaanbiederskoppellijst*.
    ZaklRelease1,
}

impl Schema {
    /// All that are read.
    pub const ALL: [Self; 6] = [
        Self::ZalRelease2,
        Self::ZalRelease3,
        Self::OclRelease2,
        Self::WhlRelease2,
        Self::GnlRelease1,
        Self::ZaklRelease1,
    ];

    /// Its namespace: the pseudo scheme `xmlns://`, and a slash at the end. The ZAKL is the one with a capital.
    #[must_use]
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::ZalRelease2 => "xmlns://afsprakenstelsel.medmij.nl/zorgaanbiederslijst/release2/",
            Self::ZalRelease3 => "xmlns://afsprakenstelsel.medmij.nl/zorgaanbiederslijst/release3/",
            Self::OclRelease2 => "xmlns://afsprakenstelsel.medmij.nl/oauthclientlist/release2/",
            Self::WhlRelease2 => "xmlns://afsprakenstelsel.medmij.nl/whitelist/release2/",
            Self::GnlRelease1 => "xmlns://afsprakenstelsel.medmij.nl/gegevensdienstnamenlijst/release1/",
            Self::ZaklRelease1 => "xmlns://afsprakenstelsel.medmij.nl/Zorgaanbiederskoppellijst/release1/",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::ZalRelease2 => 1,
            Self::ZalRelease3 => 2,
            Self::OclRelease2 => 4,
            Self::WhlRelease2 => 8,
            Self::GnlRelease1 => 16,
            Self::ZaklRelease1 => 32,
        }
    }
}

/// A set of schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schemas(u8);

impl Schemas {
    /// Whether this one is in it.
    #[must_use]
    pub const fn contains(self, schema: Schema) -> bool {
        self.0 & schema.bit() != 0
    }
}

/// All that are read.
impl Default for Schemas {
    fn default() -> Self {
        Schema::ALL.into_iter().collect()
    }
}

impl FromIterator<Schema> for Schemas {
    fn from_iter<I: IntoIterator<Item = Schema>>(schemas: I) -> Self {
        Self(schemas.into_iter().fold(0, |bits, schema| bits | schema.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        for one in Schema::ALL {
            let set: Schemas = [one].into_iter().collect();
            for other in Schema::ALL {
                assert_eq!(set.contains(other), one == other, "{one:?} {other:?}");
            }
            assert!(Schemas::default().contains(one));
        }
    }
}
