//! The same in the format that is asked for. Judging is done on JSON, so this comes last.

use bytes::Bytes;

use super::{Filter, Outgoing};
use crate::audit::Counts;
use crate::fhir::read::ReadError;
use crate::fhir::request::Format;
use crate::fhir::xml::stream::BundleWriter;
use crate::fhir::xml::to_xml;
use crate::medmij::FhirVersion;

impl Outgoing {
    /// A whole answer that was judged, in this format.
    pub(in crate::fhir::read) fn written(json: Vec<u8>, format: Format, fhir: FhirVersion) -> Result<Self, ReadError> {
        Ok(Self::Whole(match format {
            Format::Json => json,
            Format::Xml => to_xml(&json, fhir).map_err(ReadError::Xml)?,
        }))
    }
}

/// What comes out of a filter, in this format.
pub(in crate::fhir::read) fn written(filter: Box<dyn Filter>, format: Format, fhir: FhirVersion) -> Box<dyn Filter> {
    match format {
        Format::Json => filter,
        Format::Xml => Box::new(InXml { filter, writer: BundleWriter::new(fhir) }),
    }
}

/// A searchset that leaves as XML, entry by entry.
struct InXml {
    filter: Box<dyn Filter>,
    writer: BundleWriter,
}

impl Filter for InXml {
    fn push(&mut self, bytes: Bytes) -> Result<Bytes, ReadError> {
        let json = self.filter.push(bytes)?;
        self.writer.push(&json).map(Bytes::from).map_err(ReadError::Xml)
    }

    fn finish(&mut self) -> Result<Bytes, ReadError> {
        let json = self.filter.finish()?;
        let mut xml = self.writer.push(&json).map_err(ReadError::Xml)?;
        xml.extend(self.writer.finish().map_err(ReadError::Xml)?);
        Ok(Bytes::from(xml))
    }

    fn counts(&self) -> Counts {
        self.filter.counts()
    }
}
