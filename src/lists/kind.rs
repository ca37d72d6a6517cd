//! Which list: the four kinds, and one value for each.

use std::fmt;

use bytes::Bytes;

/// One of the four lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListKind {
    /// *Zorgaanbiederslijst*.
    Zal,
    /// OAuth client list.
    Ocl,
    /// Whitelist.
    Whl,
    /// *Gegevensdienstnamenlijst*.
    Gnl,
}

impl ListKind {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Zal, Self::Ocl, Self::Whl, Self::Gnl];

    /// The short form, for logs, metrics and the manifest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Zal => "zal",
            Self::Ocl => "ocl",
            Self::Whl => "whl",
            Self::Gnl => "gnl",
        }
    }

    /// The file under which MedMij publishes it; the name never changes with the schema (core.lijsten.300).
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Zal => "MedMij_Zorgaanbiederslijst.xml",
            Self::Ocl => "MedMij_OAuthclientlist.xml",
            Self::Whl => "MedMij_Whitelist.xml",
            Self::Gnl => "MedMij_Gegevensdienstnamenlijst.xml",
        }
    }
}

impl fmt::Display for ListKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One value for each list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerList<T> {
    /// Of the ZAL.
    pub zal: T,
    /// Of the OCL.
    pub ocl: T,
    /// Of the WHL.
    pub whl: T,
    /// Of the GNL.
    pub gnl: T,
}

/// The four lists as they were received.
pub type RawLists = PerList<Bytes>;

impl<T> PerList<T> {
    /// The value of one list.
    pub const fn of(&self, kind: ListKind) -> &T {
        match kind {
            ListKind::Zal => &self.zal,
            ListKind::Ocl => &self.ocl,
            ListKind::Whl => &self.whl,
            ListKind::Gnl => &self.gnl,
        }
    }

    /// Makes a value for each list.
    pub fn from_fn(mut make: impl FnMut(ListKind) -> T) -> Self {
        Self { zal: make(ListKind::Zal), ocl: make(ListKind::Ocl), whl: make(ListKind::Whl), gnl: make(ListKind::Gnl) }
    }

    /// Makes a value for each list, if none fails.
    ///
    /// # Errors
    /// The first error of `make`.
    pub fn try_from_fn<E>(mut make: impl FnMut(ListKind) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self {
            zal: make(ListKind::Zal)?,
            ocl: make(ListKind::Ocl)?,
            whl: make(ListKind::Whl)?,
            gnl: make(ListKind::Gnl)?,
        })
    }
}
