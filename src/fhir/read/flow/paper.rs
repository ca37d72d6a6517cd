//! A document on its way: out of the resource in which a HIS may send it, and into the one that a client may ask for. It is
//! held to its kind by its first bytes; what it says is not looked at.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::Filter;
use crate::audit::Counts;
use crate::fhir::read::ReadError;
use crate::fhir::request::Format;
use crate::fhir::shape::ShapeFault;
use crate::fhir::shape::document::BinaryStream;
use crate::medmij::FhirVersion;

/// The one kind of document that is passed on: what MedMij shares is PDF/A.
pub(in crate::fhir::read) const PDF: &str = "application/pdf";
/// How each begins (ISO 32000-1 section 7.5.2).
const PDF_START: &[u8] = b"%PDF-";

/// The filter.
pub(in crate::fhir::read) struct Paper {
    unwrap: Option<BinaryStream>,
    /// The first bytes, until there are enough to know what they begin.
    start: Option<Vec<u8>>,
    wrap: Option<Wrap>,
}

impl Paper {
    /// `unwrap`: the HIS sends the resource; `wrap`: the client gets it.
    pub(in crate::fhir::read) const fn new(unwrap: Option<BinaryStream>, wrap: Option<Wrap>) -> Self {
        Self { unwrap, start: Some(Vec::new()), wrap }
    }

    fn pass(&mut self, bytes: Bytes, is_last: bool) -> Result<Bytes, ReadError> {
        let checked = self.checked(bytes)?;
        if is_last && self.start.is_some() {
            return Err(ReadError::Shape(ShapeFault::NotTheDocument));
        }
        Ok(match &mut self.wrap {
            Some(_) if self.start.is_some() => Bytes::new(),
            Some(wrap) => Bytes::from(wrap.encode(&checked, is_last)),
            None => checked,
        })
    }

    /// Holds back the first bytes until it is known that they begin a document of the right kind.
    fn checked(&mut self, bytes: Bytes) -> Result<Bytes, ReadError> {
        let Some(start) = &mut self.start else { return Ok(bytes) };
        start.extend_from_slice(&bytes);
        let known = start.len().min(PDF_START.len());
        if start.get(..known) != PDF_START.get(..known) {
            return Err(ReadError::Shape(ShapeFault::NotTheDocument));
        }
        if known < PDF_START.len() {
            return Ok(Bytes::new());
        }
        Ok(self.start.take().map(Bytes::from).unwrap_or_default())
    }
}

impl Filter for Paper {
    fn push(&mut self, bytes: Bytes) -> Result<Bytes, ReadError> {
        let bytes = match &mut self.unwrap {
            Some(unwrap) => Bytes::from(unwrap.push(&bytes).map_err(ReadError::Shape)?),
            None => bytes,
        };
        self.pass(bytes, false)
    }

    fn finish(&mut self) -> Result<Bytes, ReadError> {
        let rest = match &mut self.unwrap {
            Some(unwrap) => Bytes::from(unwrap.finish().map_err(ReadError::Shape)?),
            None => Bytes::new(),
        };
        self.pass(rest, true)
    }

    fn counts(&self) -> Counts {
        Counts { entries: u32::from(self.start.is_none()), withheld: 0, bytes: 0 }
    }
}

/// The Binary resource around a document (FHIR STU3 and R4 binary.html, 2.1.27).
pub(in crate::fhir::read) struct Wrap {
    /// Written before the first byte.
    opening: String,
    closing: &'static str,
    /// Up to two bytes that fill no group of three yet.
    carry: Vec<u8>,
}

impl Wrap {
    /// Around the document of this id, whose characters need no escape in either format.
    pub(in crate::fhir::read) fn new(format: Format, fhir: FhirVersion, id: &str) -> Self {
        let element = match fhir {
            FhirVersion::Stu3 => "content",
            FhirVersion::R4 => "data",
        };
        let (opening, closing) = match format {
            Format::Json => {
                (format!(r#"{{"resourceType":"Binary","id":"{id}","contentType":"{PDF}","{element}":""#), "\"}")
            }
            Format::Xml => (
                format!(
                    r#"<Binary xmlns="http://hl7.org/fhir"><id value="{id}"/><contentType value="{PDF}"/><{element} value=""#
                ),
                "\"/></Binary>",
            ),
        };
        Self { opening, closing, carry: Vec::new() }
    }

    /// How long the resource is around a document of this many bytes.
    pub(in crate::fhir::read) fn length(&self, document: u64) -> Option<u64> {
        let around = u64::try_from(self.opening.len() + self.closing.len()).ok()?;
        document.div_ceil(3).checked_mul(4)?.checked_add(around)
    }

    fn encode(&mut self, bytes: &[u8], is_last: bool) -> Vec<u8> {
        let mut out = std::mem::take(&mut self.opening);
        let mut bytes = [&std::mem::take(&mut self.carry), bytes].concat();
        if !is_last {
            self.carry = bytes.split_off(bytes.len() / 3 * 3);
        }
        STANDARD.encode_string(&bytes, &mut out);
        if is_last {
            out.push_str(self.closing);
        }
        out.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn through(mut paper: Paper, chunks: &[&[u8]]) -> Result<Vec<u8>, ReadError> {
        let mut out = Vec::new();
        for chunk in chunks {
            out.extend(paper.push(Bytes::copy_from_slice(chunk))?);
        }
        out.extend(paper.finish()?);
        Ok(out)
    }

    proptest! {
        #[test]
        fn a_document_is_passed_on_as_it_is_or_as_the_resource(
            tail in prop::collection::vec(any::<u8>(), 0..200),
            size in 1..40_usize,
        ) {
            let document = [PDF_START, &tail].concat();
            let chunks: Vec<&[u8]> = document.chunks(size).collect();
            prop_assert_eq!(through(Paper::new(None, None), &chunks).unwrap(), document.clone());
            let wrap = Wrap::new(Format::Json, FhirVersion::Stu3, "b-1");
            let length = wrap.length(document.len() as u64);
            let resource = through(Paper::new(None, Some(wrap)), &chunks).unwrap();
            prop_assert_eq!(Some(resource.len() as u64), length);
            let read: serde_json::Value = serde_json::from_slice(&resource).unwrap();
            let expected = serde_json::json!({
                "resourceType": "Binary", "id": "b-1", "contentType": PDF, "content": STANDARD.encode(&document),
            });
            prop_assert_eq!(read, expected);
        }
    }

    #[test]
    fn anything_else_lets_nothing_pass() {
        for chunks in [&[&b"<html>"[..]][..], &[b"%PD", b"X"], &[b"%PDF"], &[], &[b"", b""], &[b" %PDF-1.7"]] {
            for wrap in [None, Some(Wrap::new(Format::Json, FhirVersion::R4, "b-1"))] {
                let fault = through(Paper::new(None, wrap), chunks);
                assert_eq!(fault, Err(ReadError::Shape(ShapeFault::NotTheDocument)), "{chunks:?}");
            }
        }
    }

    #[test]
    fn the_resource_is_written_in_both_formats_and_versions() {
        let resource = |format, fhir| {
            let out = through(Paper::new(None, Some(Wrap::new(format, fhir, "b-1"))), &[b"%PDF-1"]).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            resource(Format::Json, FhirVersion::R4),
            r#"{"resourceType":"Binary","id":"b-1","contentType":"application/pdf","data":"JVBERi0x"}"#
        );
        assert_eq!(
            resource(Format::Xml, FhirVersion::Stu3),
            r#"<Binary xmlns="http://hl7.org/fhir"><id value="b-1"/><contentType value="application/pdf"/><content value="JVBERi0x"/></Binary>"#
        );
    }
}
