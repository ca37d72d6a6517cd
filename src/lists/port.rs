//! The port through which lists are fetched; who implements it knows about networks, who uses it does not.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;

use super::ListKind;

/// A future of a source.
pub type SourceFuture<'a> = Pin<Box<dyn Future<Output = Result<Fetched, SourceError>> + Send + 'a>>;

/// Where the lists come from.
pub trait ListSource: Send + Sync + 'static {
    /// Fetches one list, whole, within a deadline and a size of the source's own. With the mark of the list that is held, the
    /// publisher may answer that it is still that one.
    fn fetch<'a>(&'a self, list: ListKind, held: Option<&'a Validator>) -> SourceFuture<'a>;
}

/// What the publisher gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// A list.
    List {
        /// The file.
        bytes: Bytes,
        /// By what to ask for it next time, when the publisher gave such a mark.
        validator: Option<Validator>,
    },
    /// The list that the mark stands for is still the one.
    NotModified,
}

/// The publisher's mark of one content of a list (RFC 9110 section 8.8), sent back as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validator {
    /// `ETag`, for `If-None-Match`.
    EntityTag(Box<str>),
    /// `Last-Modified`, for `If-Modified-Since`; only when no content could follow it in the same second.
    LastModified(Box<str>),
}

/// Why there is no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// No connection, no trust in the publisher's certificate, or the answer broke off.
    #[error("the publisher cannot be reached, is not trusted, or broke off")]
    Unreachable,
    /// No complete answer before the deadline.
    #[error("the publisher did not answer in time")]
    TimedOut,
    /// A redirect; it is not followed, for a list decides whom we trust.
    #[error("the publisher sent a redirect")]
    Redirected,
    /// Another status than 200.
    #[error("the publisher answered with status {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// More than [`super::MAX_LIST_BYTES`].
    #[error("the list is larger than is read")]
    TooLarge,
}
