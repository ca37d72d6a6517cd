//! What an answer of an emulated HIS consists of: bytes at hand, or pieces made while they are sent.

use std::fmt;

use bytes::Bytes;

/// Makes the pieces of a body that is too large to be at hand.
pub(super) type Pieces = Box<dyn Iterator<Item = Bytes> + Send + Sync>;

/// A body.
pub(super) enum Payload {
    Whole(Bytes),
    /// With its length in bytes, when that is known.
    Pieces(Pieces, Option<u64>),
}

impl Payload {
    /// These pieces, of unknown length.
    pub(super) fn of(pieces: impl Iterator<Item = Bytes> + Send + Sync + 'static) -> Self {
        Self::Pieces(Box::new(pieces), None)
    }

    /// The bytes at hand; none of a body that is made while it is sent.
    pub(super) fn at_hand(&self) -> &[u8] {
        match self {
            Self::Whole(bytes) => bytes,
            Self::Pieces(..) => &[],
        }
    }
}

impl<T: Into<Bytes>> From<T> for Payload {
    fn from(bytes: T) -> Self {
        Self::Whole(bytes.into())
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes at hand)", self.at_hand().len())
    }
}
