//! A Bundle too large to be held, from JSON to XML: the frame before the entries, one entry at a time, and the end.

use super::{Defect, XmlFault, entry_to_xml, to_xml};
use crate::fhir::shape::ShapeFault;
use crate::fhir::shape::stream::cutter::{Cutter, Piece, Rest};
use crate::medmij::FhirVersion;

/// The largest entry, and the largest frame before them, in bytes of JSON.
const PIECE_MAX_BYTES: usize = 8 * 1024 * 1024;
const END: &[u8] = b"</Bundle>";

/// Takes the JSON of one Bundle as it comes. After an error it is of no further use.
pub(in crate::fhir) struct BundleWriter {
    cutter: Cutter,
    version: FhirVersion,
}

impl BundleWriter {
    /// One for a Bundle of this version.
    pub(in crate::fhir) fn new(version: FhirVersion) -> Self {
        Self { cutter: Cutter::of_member(b"\"entry\"", b'[', PIECE_MAX_BYTES), version }
    }

    /// Takes the next bytes, and gives the XML of what is whole by now.
    pub(in crate::fhir) fn push(&mut self, json: &[u8]) -> Result<Vec<u8>, XmlFault> {
        let mut out = Vec::with_capacity(json.len() + json.len() / 2);
        self.cutter.push(json);
        while let Some(piece) = self.cutter.piece().map_err(|_: ShapeFault| Defect::NotJson.at(0))? {
            match piece {
                Piece::Head(text) => out.extend(opening(text, self.version)?),
                Piece::Entry { text, .. } => out.extend(entry_to_xml(text, self.version)?),
            }
        }
        Ok(out)
    }

    /// The Bundle ends here: what remains to be written.
    pub(in crate::fhir) fn finish(&mut self) -> Result<Vec<u8>, XmlFault> {
        match self.cutter.rest() {
            // There were no entries, so nothing was written.
            (Rest::Whole, text) => to_xml(text, self.version),
            (Rest::Tail, text) if text.iter().filter(|byte| !byte.is_ascii_whitespace()).eq(b"]}") => Ok(END.to_vec()),
            (Rest::Tail, _) => Err(Defect::TooLate.at(0)),
            (Rest::Torn, _) => Err(Defect::NotJson.at(0)),
        }
    }
}

/// The start tag of a Bundle, and what comes before its entries.
fn opening(head: &[u8], version: FhirVersion) -> Result<Vec<u8>, XmlFault> {
    let mut xml = to_xml(&[head, b"]}"].concat(), version)?;
    let end = xml.len().saturating_sub(END.len());
    // A Bundle that says nothing before its entries is an empty element.
    if xml.get(end..) != Some(END) {
        return Err(Defect::NotOneResource.at(0));
    }
    xml.truncate(end);
    Ok(xml)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::medmij::FhirVersion::Stu3;

    const BUNDLE: &str = r#"{"type":"searchset","resourceType":"Bundle","link":[{"relation":"self","url":"http://x?a=[{"}],
        "entry" : [ {"fullUrl":"http://x/Flag/1","resource":{"resourceType":"Flag","id":"1"}} ,
        {"resource":{"resourceType":"Observation","id":"2","valueQuantity":{"value":1.00}}} ] }"#;

    fn streamed(json: &str, chunk: usize) -> Result<String, XmlFault> {
        let mut writer = BundleWriter::new(Stu3);
        let mut xml = Vec::new();
        for bytes in json.as_bytes().chunks(chunk) {
            xml.extend(writer.push(bytes)?);
        }
        xml.extend(writer.finish()?);
        Ok(String::from_utf8(xml).unwrap())
    }

    #[test]
    fn a_bundle_in_chunks_is_the_bundle_in_one_piece() {
        for bundle in [
            BUNDLE,
            r#"{"resourceType":"Bundle","type":"searchset"}"#,
            r#"{"resourceType":"Bundle","id":"1","entry":[]}"#,
        ] {
            let whole = String::from_utf8(to_xml(bundle.as_bytes(), Stu3).unwrap()).unwrap();
            for chunk in [1, 2, 7, 64, 4096] {
                assert_eq!(streamed(bundle, chunk).unwrap(), whole);
            }
        }
    }

    #[test]
    fn what_breaks_off_or_comes_too_late_is_a_fault() {
        for end in 1..BUNDLE.len() {
            assert!(streamed(&BUNDLE[..end], 64).is_err(), "{end}");
        }
        let late = r#"{"resourceType":"Bundle","type":"searchset","entry":[{}],"link":[]}"#;
        assert_eq!(streamed(late, 64).unwrap_err().defect, Defect::TooLate);
        assert!(streamed(r#"{"resourceType":"Bundle","entry":[]}"#, 64).is_err());
        assert!(streamed(r#"{"resourceType":"Patient","entry":[]}"#, 64).is_err());
    }
}
