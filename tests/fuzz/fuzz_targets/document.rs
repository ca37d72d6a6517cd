//! A document inside whatever a HIS sends as a Binary: no panic, the same bytes however they arrive, and a Binary of another
//! type, id, media type or person never ends well.

#![no_main]

use inzage::fhir::shape::document::{BinaryStream, Expected};
use inzage::medmij::FhirVersion;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fn expected(fhir: FhirVersion) -> Expected {
    Expected {
        fhir,
        id: "b-1".to_owned(),
        media_type: "application/pdf",
        patient_id: "pat-1".to_owned(),
        his_base: "https://his.praktijk.internal/fhir".to_owned(),
    }
}

/// The document, when all of it may leave.
fn taken(input: &[u8], fhir: FhirVersion, chunk: usize) -> Option<Vec<u8>> {
    let mut stream = BinaryStream::new(expected(fhir));
    let mut document = Vec::new();
    for part in input.chunks(chunk) {
        document.extend(stream.push(part).ok()?);
    }
    document.extend(stream.finish().ok()?);
    Some(document)
}

fuzz_target!(|input: &[u8]| {
    for fhir in [FhirVersion::Stu3, FhirVersion::R4] {
        let whole = taken(input, fhir, usize::MAX);
        assert_eq!(taken(input, fhir, 1), whole);
        assert_eq!(taken(input, fhir, 7), whole);
        let (Some(_), Ok(resource)) = (whole, serde_json::from_slice::<Value>(input)) else { continue };
        // It need not name its id: it was asked for by that.
        assert!(resource["resourceType"] == "Binary" && resource.get("id").is_none_or(|id| id == "b-1"));
        assert_eq!(resource["contentType"], "application/pdf");
    }
});
