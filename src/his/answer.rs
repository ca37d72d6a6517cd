//! What a HIS gives back: a whole body in memory, or a stream of what is too large for that. None of it prints.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::HisError;

/// How a resource is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// application/fhir+json.
    Json,
    /// application/fhir+xml.
    Xml,
}

/// What the HIS answered to a search or a submission: a Bundle by its own account.
#[derive(Debug)]
pub struct Answer {
    /// How it is written.
    pub format: Format,
    /// The bytes.
    pub body: AnswerBody,
    /// The adapter joined several pages and could not get all: what is here is true, and not all there is.
    pub incomplete: bool,
}

/// A body: complete, or on its way.
pub enum AnswerBody {
    /// All of it, at most as large as may be judged whole.
    Whole(Bytes),
    /// More than that, or a document.
    Large(HisStream),
}

/// A document as the HIS keeps it.
pub struct Document {
    /// The media type that the HIS names, as it stands; a FHIR media type when it answered with the resource after all.
    pub media_type: String,
    /// How many bytes it announced.
    pub length: Option<u64>,
    /// The bytes.
    pub body: HisStream,
}

/// Where the bytes of a stream come from.
pub trait Chunks: Send {
    /// The next bytes, never none of them. `Ready(None)` only when the answer is complete.
    fn poll_chunk(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, HisError>>>;
}

/// The bytes of an answer, as they come. It keeps its turn and its connection until it ends or is dropped, and it ends by a
/// deadline. Once it failed, it fails: a broken answer never looks complete.
pub struct HisStream {
    first: Bytes,
    rest: Option<Pin<Box<dyn Chunks>>>,
    failed: Option<HisError>,
}

impl Answer {
    /// A complete one in one body.
    #[must_use]
    pub const fn new(format: Format, body: AnswerBody) -> Self {
        Self { format, body, incomplete: false }
    }
}

impl HisStream {
    /// `first` and then `rest`.
    #[must_use]
    pub fn new(first: Bytes, rest: impl Chunks + 'static) -> Self {
        Self { first, rest: Some(Box::pin(rest)), failed: None }
    }

    /// Bytes that are all there, as a stream.
    #[must_use]
    pub const fn complete(bytes: Bytes) -> Self {
        Self { first: bytes, rest: None, failed: None }
    }

    /// The next bytes, never none of them. `Ready(None)` when the answer is complete.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, HisError>>> {
        if let Some(error) = self.failed {
            return Poll::Ready(Some(Err(error)));
        }
        if !self.first.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.first))));
        }
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        let chunk = ready!(rest.as_mut().poll_chunk(cx));
        match chunk {
            Some(Ok(_)) => {}
            // Nothing more is wanted: turn and connection are free at once.
            Some(Err(error)) => (self.rest, self.failed) = (None, Some(error)),
            None => self.rest = None,
        }
        Poll::Ready(chunk)
    }

    /// The next bytes. `None` when the answer is complete.
    ///
    /// # Errors
    /// When it broke off or took too long; again at each later call.
    pub async fn chunk(&mut self) -> Option<Result<Bytes, HisError>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }
}

impl fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(body) => write!(f, "Whole([redacted], {} bytes)", body.len()),
            Self::Large(_) => f.write_str("Large([redacted])"),
        }
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document([redacted], {:?} bytes)", self.length)
    }
}

impl fmt::Debug for HisStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HisStream([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scripted(Vec<Option<Result<Bytes, HisError>>>);

    impl Chunks for Scripted {
        fn poll_chunk(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, HisError>>> {
            Poll::Ready(self.0.remove(0))
        }
    }

    #[tokio::test]
    async fn a_stream_gives_its_first_bytes_first_and_ends_once() {
        let rest = Scripted(vec![Some(Ok("b".into())), None]);
        let mut stream = HisStream::new("a".into(), rest);
        assert_eq!(stream.chunk().await, Some(Ok("a".into())));
        assert_eq!(stream.chunk().await, Some(Ok("b".into())));
        for _ in 0..2 {
            assert_eq!(stream.chunk().await, None);
        }
    }

    #[tokio::test]
    async fn a_stream_that_failed_never_ends_well() {
        let rest = Scripted(vec![Some(Err(HisError::TimedOut)), None]);
        let mut stream = HisStream::new(Bytes::new(), rest);
        for _ in 0..3 {
            assert_eq!(stream.chunk().await, Some(Err(HisError::TimedOut)));
        }
    }

    #[test]
    fn nothing_of_an_answer_prints() {
        let whole = AnswerBody::Whole(Bytes::from_static(b"{}"));
        let answer = Answer::new(Format::Json, whole);
        assert_eq!(
            format!("{answer:?}"),
            "Answer { format: Json, body: Whole([redacted], 2 bytes), incomplete: false }"
        );
        let body = HisStream::complete(Bytes::from_static(b"%PDF"));
        let document = Document { media_type: "application/pdf".to_owned(), length: Some(4), body };
        assert_eq!(format!("{document:?}"), "Document([redacted], Some(4) bytes)");
    }
}
