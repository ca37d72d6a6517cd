//! A searchset too large to be held, judged entry by entry.

use bytes::Bytes;

use super::Filter;
use crate::audit::Counts;
use crate::fhir::read::ReadError;
use crate::fhir::shape::stream::{Kept, NextLink, Passed, SearchsetStream};

/// The largest entry, in bytes: it is held while it is judged.
const ENTRY_MAX_BYTES: usize = 4 * 1024 * 1024;

/// The filter. It is finished once.
pub(in crate::fhir::read) struct Entries {
    stream: Option<SearchsetStream>,
    passed: Passed,
}

impl Entries {
    /// Without `next_link` an answer that has a next page is refused.
    pub(in crate::fhir::read) fn new(kept: Kept, next_link: Option<NextLink>) -> Self {
        let stream = SearchsetStream::new(kept, next_link, ENTRY_MAX_BYTES);
        Self { stream: Some(stream), passed: Passed { entries: 0, withheld: 0 } }
    }
}

impl Filter for Entries {
    fn push(&mut self, bytes: Bytes) -> Result<Bytes, ReadError> {
        let Some(stream) = &mut self.stream else { return Ok(Bytes::new()) };
        let out = stream.push(&bytes).map_err(ReadError::Shape)?;
        self.passed = stream.passed();
        Ok(Bytes::from(out))
    }

    fn finish(&mut self) -> Result<Bytes, ReadError> {
        let Some(stream) = self.stream.take() else { return Ok(Bytes::new()) };
        let (out, passed) = stream.finish().map_err(ReadError::Shape)?;
        self.passed = passed;
        Ok(Bytes::from(out))
    }

    fn counts(&self) -> Counts {
        Counts { entries: self.passed.entries, withheld: self.passed.withheld, bytes: 0 }
    }
}
