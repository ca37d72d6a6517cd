//! Resource types of both versions: whose each is, by which element, and which never pass.

use super::*;

/// Types that say by this element whom they are about, in both versions.
const BOUND: [(&str, &str); 19] = [
    ("AllergyIntolerance", "patient"),
    ("CarePlan", "subject"),
    ("Consent", "patient"),
    ("Coverage", "beneficiary"),
    ("DeviceUseStatement", "subject"),
    ("DocumentManifest", "subject"),
    ("DocumentReference", "subject"),
    ("EpisodeOfCare", "patient"),
    ("Flag", "subject"),
    ("Immunization", "patient"),
    ("ImmunizationRecommendation", "patient"),
    ("List", "subject"),
    ("MedicationDispense", "subject"),
    ("MedicationStatement", "subject"),
    ("NutritionOrder", "patient"),
    ("Procedure", "subject"),
    ("QuestionnaireResponse", "subject"),
    ("RelatedPerson", "patient"),
    ("Task", "for"),
];
const STU3_ONLY: [(&str, &str); 5] = [
    ("BodySite", "patient"),
    ("ImagingManifest", "patient"),
    ("ImagingStudy", "patient"),
    ("ProcedureRequest", "subject"),
    ("ReferralRequest", "subject"),
];
const R4_ONLY: [(&str, &str); 4] = [
    ("BodyStructure", "patient"),
    ("ImagingStudy", "subject"),
    ("ImmunizationEvaluation", "patient"),
    ("ServiceRequest", "subject"),
];

fn shape_in(fhir: FhirVersion, resource: &str, members: &str) -> Result<String, ShapeFault> {
    let body = format!(
        r#"{{"resourceType":"Bundle","type":"searchset","entry":[{{"resource":{{"resourceType":"{resource}","id":"r",{members}}}}}]}}"#
    );
    let (bsn, rules) = (bsn(), Rules { applied: Vec::new(), ..rules() });
    let record = Record { fhir, ..record(&bsn) };
    let shaping = Shaping { record, includes: &[], ..shaping(resource, &bsn, &rules) };
    let shaped = shape_searchset(body.as_bytes(), &shaping, &next_link)?;
    assert_nothing_leaks(&shaped.body);
    Ok(String::from_utf8(shaped.body).unwrap())
}

#[test]
fn each_type_says_whose_it_is_by_its_own_element() {
    let (stu3, r4) = (FhirVersion::Stu3, FhirVersion::R4);
    let both = BOUND.iter().flat_map(|bound| [(stu3, *bound), (r4, *bound)]);
    let own = STU3_ONLY.map(|bound| (stu3, bound)).into_iter().chain(R4_ONLY.map(|bound| (r4, bound)));
    for (fhir, (resource, element)) in both.chain(own) {
        let of = |name: &str, target: &str| {
            shape_in(fhir, resource, &format!(r#""{name}":{{"reference":"{target}"}},"text":{{"div":"{CANARY}"}}"#))
                .map(drop)
        };
        let kept = shape_in(fhir, resource, &format!(r#""{element}":{{"reference":"Patient/pat-1"}}"#));
        assert!(kept.is_ok_and(|kept| kept.contains("Patient/pat-1")), "{fhir:?} {resource}");
        for foreign in ["Patient/pat-2", "Group/pat-1"] {
            assert_eq!(of(element, foreign), Err(ShapeFault::NoPatient), "{fhir:?} {resource} {foreign}");
        }
        // Another element says something else.
        let others: &[&str] = if element == "subject" { &["patient"] } else { &["subject", "author"] };
        for other in others {
            assert_eq!(of(other, "Patient/pat-1"), Err(ShapeFault::NoPatient), "{fhir:?} {resource} {other}");
        }
    }
}

#[test]
fn a_type_of_the_other_version_does_not_pass() {
    let foreign_to = |fhir, types: &[(&str, &str)], own: &[(&str, &str)]| {
        for (resource, element) in types.iter().filter(|(name, _)| !own.iter().any(|(own, _)| own == name)) {
            let members = format!(r#""{element}":{{"reference":"Patient/pat-1"}}"#);
            assert_eq!(shape_in(fhir, resource, &members), Err(ShapeFault::UnexpectedType), "{fhir:?} {resource}");
        }
    };
    foreign_to(FhirVersion::R4, &STU3_ONLY, &R4_ONLY);
    foreign_to(FhirVersion::Stu3, &R4_ONLY, &STU3_ONLY);
}

#[test]
fn what_cannot_say_whose_it_is_never_passes() {
    for fhir in [FhirVersion::Stu3, FhirVersion::R4] {
        for resource in ["Binary", "Bundle", "Parameters", "Group", "Person", "Provenance", "AuditEvent", "Basic", "X"]
        {
            let members = r#""subject":{"reference":"Patient/pat-1"},"patient":{"reference":"Patient/pat-1"}"#;
            assert_eq!(shape_in(fhir, resource, members), Err(ShapeFault::UnexpectedType), "{fhir:?} {resource}");
            let contained = format!(r#"{members},"contained":[{{"resourceType":"{resource}","id":"c",{members}}}]"#);
            let fault = shape_in(fhir, "Immunization", &contained);
            assert_eq!(fault, Err(ShapeFault::UnexpectedType), "{fhir:?} {resource} contained");
        }
    }
}

#[test]
fn an_appointment_is_of_all_its_participants_and_no_other_patient_is_one() {
    let with = |actors: &str| {
        shape_in(FhirVersion::Stu3, "Appointment", &format!(r#""status":"booked","participant":[{actors}]"#)).map(drop)
    };
    let own = r#"{"actor":{"reference":"Patient/pat-1"},"status":"accepted"}"#;
    let carer = r#"{"actor":{"reference":"PractitionerRole/a"}},{"actor":{"reference":"Location/b"}}"#;
    assert_eq!(with(&format!("{carer},{own}")), Ok(()));
    assert_eq!(with(carer), Err(ShapeFault::NoPatient));
    assert_eq!(with(r#"{"actor":{"display":"KANARIE"}}"#), Err(ShapeFault::NoPatient));
    for other in [
        r#"{"reference":"Patient/pat-2"}"#.to_owned(),
        format!(r#"{{"reference":"{HIS}/Patient/pat-2"}}"#),
        format!(r#"{{"identifier":{{"system":"http://fhir.nl/fhir/NamingSystem/bsn","value":"{OTHER_BSN}"}}}}"#),
    ] {
        assert_eq!(with(&format!(r#"{own},{{"actor":{other}}}"#)), Err(ShapeFault::ForeignPatient), "{other}");
    }
}

/// What R4 has and STU3 has not: a type beside a Reference, a source in meta, canonicals as elements.
#[test]
fn the_words_of_r4_are_known() {
    let immunization = |members: &str| {
        let patient = r#""patient":{"reference":"Patient/pat-1","type":"Patient"}"#;
        shape_in(FhirVersion::R4, "Immunization", &format!("{patient},{members}"))
    };
    let kept = immunization(
        r#""meta":{"source":"https://his.praktijk.internal/x","profile":["http://nictiz.nl/fhir/StructureDefinition/nl-core-Vaccination-event|1.0"]},
        "instantiatesCanonical":["http://nictiz.nl/fhir/p|1"],"location":{"reference":"https://his.praktijk.internal/fhir/Location/l"}"#,
    )
    .unwrap();
    for text in [
        r#"{"reference":"Patient/pat-1","type":"Patient"}"#,
        r#""instantiatesCanonical":["http://nictiz.nl/fhir/p|1"]"#,
        r#""meta":{"profile":["http://nictiz.nl/fhir/StructureDefinition/nl-core-Vaccination-event|1.0"]}"#,
        r#""location":{"reference":"https://inzage.example.nl/p/linde/49/fhir/Location/l"}"#,
    ] {
        assert!(kept.contains(text), "{text} in {kept}");
    }
    for member in [
        r#""instantiatesCanonical":["https://his.praktijk.internal/fhir/PlanDefinition/1"]"#,
        r#""extension":[{"url":"urn:x","valueCanonical":"https://his.praktijk.internal/q"}]"#,
    ] {
        assert_eq!(immunization(member), Err(ShapeFault::InternalAddress), "{member}");
    }
    let url = r#""extension":[{"url":"urn:x","valueUrl":"https://x.example/999911132"}]"#;
    assert_eq!(immunization(url), Err(ShapeFault::UnmaskableBsn));
}

/// A `reference` that is an address of something to read stays; what could be a Reference is none of those.
#[test]
fn not_everything_called_reference_is_one() {
    let own = |element: &str, address: &str| format!(r#""patient":{{"reference":"Patient/pat-1"}},{element}{address}"#);
    let education = |address: &str| {
        let element = own(r#""education":[{"reference":"#, &format!("\"{address}\"}}]"));
        shape_in(FhirVersion::R4, "Immunization", &element)
    };
    let issue = |address: &str| {
        shape_in(FhirVersion::Stu3, "DetectedIssue", &own(r#""reference":"#, &format!("\"{address}\"")))
    };
    let leaflet = "https://www.example.nl/folder.pdf";
    for kept in [education(leaflet), issue(leaflet)] {
        assert!(kept.unwrap().contains(&format!(r#""reference":"{leaflet}""#)));
    }
    for patient in ["Patient/pat-2", "https://www.example.nl/Patient/1"] {
        assert_eq!(education(patient), Err(ShapeFault::ForeignPatient), "{patient}");
        assert_eq!(issue(patient), Err(ShapeFault::ForeignPatient), "{patient}");
    }
    assert_eq!(education("https://his.praktijk.internal/folder"), Err(ShapeFault::InternalAddress));
    assert_eq!(issue("https://www.example.nl/999911132"), Err(ShapeFault::UnmaskableBsn));
}
