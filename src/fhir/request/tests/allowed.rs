//! Every request of every service that ships, as the qualification scripts and the implementation guides write it.

use super::*;

const GP: &[&str] = &[
    "Patient?_include=Patient:general-practitioner",
    "EpisodeOfCare",
    "MedicationRequest?periodofuse=ge2026-11-21&category=http://snomed.info/sct|16076005&_include=MedicationRequest:medication",
    "AllergyIntolerance?category=medication",
    "Observation?code=https://referentiemodel.nhg.org/tabellen/nhg-tabel-45-diagnostische-bepalingen|&_include=Observation:related-target&_include=Observation:specimen&date=ge2025-09-21",
    "Composition?type=http://loinc.org|67781-5",
    "Encounter",
];

/// In the order of the implementation guide of Basisgegevens Zorg 3.0.
const BASIC: &[&str] = &[
    "Patient?_include=Patient:general-practitioner",
    "Coverage?_include=Coverage:payor:Patient&_include=Coverage:payor:Organization",
    "Consent?category=http://snomed.info/sct|11291000146105",
    "Consent?category=http://snomed.info/sct|11341000146107",
    "Observation/$lastn?category=http://snomed.info/sct|118228005,http://snomed.info/sct|384821006",
    "Condition",
    "Observation/$lastn?code=http://snomed.info/sct|365508006",
    "Observation?code=http://snomed.info/sct|228366006",
    "Observation?code=http://snomed.info/sct|228273003",
    "Observation?code=http://snomed.info/sct|365980008",
    "NutritionOrder",
    "Flag",
    "AllergyIntolerance",
    "MedicationStatement?category=urn:oid:2.16.840.1.113883.2.4.3.11.60.20.77.5.3|6&_include=MedicationStatement:medication",
    "MedicationRequest?category=http://snomed.info/sct|16076005&_include=MedicationRequest:medication",
    "MedicationDispense?category=http://snomed.info/sct|422037009&_include=MedicationDispense:medication",
    "DeviceUseStatement?_include=DeviceUseStatement:device",
    "Immunization?status=completed",
    "Observation/$lastn?code=http://loinc.org|85354-9",
    "Observation/$lastn?code=http://loinc.org|29463-7",
    "Observation/$lastn?code=http://loinc.org|8302-2,http://loinc.org|8306-3,http://loinc.org|8308-9",
    "Observation/$lastn?category=http://snomed.info/sct|275711006&_include=Observation:related-target&_include=Observation:specimen",
    "Procedure?category=http://snomed.info/sct|387713003",
    "Encounter?class=http://hl7.org/fhir/v3/ActCode|IMP,http://hl7.org/fhir/v3/ActCode|ACUTE,http://hl7.org/fhir/v3/ActCode|NONAC",
    "ProcedureRequest?status=active",
    "ImmunizationRecommendation",
    "DeviceRequest?status=active&_include=DeviceRequest:device",
    "Appointment?status=booked,pending,proposed",
];

const DOCUMENTS: &[&str] = &[
    "DocumentReference?status=current",
    "DocumentReference?status=current&indexed=ge2024-11-21&indexed=le2025-11-21",
    "DocumentManifest?status=current",
    "DocumentManifest?status=current&created=ge2024-11-21&created=le2025-11-21",
    "Binary/pdfa-binary1",
];

const MEASUREMENTS: &[&str] = &[
    "Observation?code=http://loinc.org|85354-9",
    "Observation/$lastn?code=http://loinc.org|29463-7",
    "Observation?code=http://loinc.org|14760-3,http://loinc.org|14743-9,http://loinc.org|14770-2",
    "Observation?code=http://loinc.org|8867-4",
    "Observation?code=http://loinc.org|85354-9&date=ge2026-10-22&date=le2026-11-21",
    "Observation?code=http://loinc.org|85354-9,http://loinc.org|29463-7,http://loinc.org|14760-3,http://loinc.org|14743-9,http://loinc.org|14770-2,http://loinc.org|8867-4&date=ge2026-10-22&date=le2026-11-21",
    "Observation?category=vital-signs",
    "Observation?category=http://hl7.org/fhir/observation-category|vital-signs&date=ge2026-10-22",
    "Observation?code=http://snomed.info/sct|422834003,http://loinc.org|8302-2,http://loinc.org|8310-5,http://loinc.org|59408-5,http://loinc.org|8893-0",
    "Observation/$lastn?code=http://snomed.info/sct|422834003",
    "Observation/$lastn?category=vital-signs",
];

const SERVICES: &[(&str, &[&str])] = &[
    ("47", &["Appointment?date=ge2026-11-21", "Appointment?date=ge2026-11-01&date=le2026-11-30"]),
    ("48", BASIC),
    ("49", GP),
    ("51", DOCUMENTS),
    ("52", MEASUREMENTS),
    ("63", &["Immunization", "Immunization?status=completed"]),
    ("inzagelog", &["AuditEvent", "AuditEvent?date=ge2026-10-22&date=le2026-11-21&_count=20"]),
];

fn demanded<'a>(service: &'a Service, request: &str) -> Interaction<'a> {
    let (path, query) = split(request);
    match parse(service, path, asked(Verb::Get, query), FLOORS) {
        Ok(demand) => demand.interaction,
        Err(error) => panic!("{} {request}: {error}", service.id),
    }
}

#[test]
fn every_request_of_every_service_is_allowed_with_and_without_encoding() {
    let catalogue = Catalogue::shipped();
    for (id, requests) in SERVICES {
        let service = catalogue.service(id).unwrap();
        for request in *requests {
            let encoded = request.replace('|', "%7C").replace(',', "%2C");
            let (raw, encoded) = (demanded(service, request), demanded(service, &encoded));
            assert_eq!(in_words(&raw), in_words(&encoded), "{id} {request}");
            if let Interaction::Search(shape) = raw {
                assert_eq!(shape.asked, shape.upstream, "nothing is added to {request}");
                assert!(shape.self_link("").ends_with(&request.replace('|', "%7C")), "{request}");
            }
        }
    }
}

#[test]
fn every_search_that_ships_is_asked_by_one_of_them() {
    let catalogue = Catalogue::shipped();
    for service in catalogue.iter().filter(|service| service.purpose == crate::services::Purpose::Collect) {
        let (_, requests) = SERVICES.iter().find(|(id, _)| *id == service.id.as_str()).unwrap();
        for search in &service.searches {
            let is_it = |request: &&str| matches!(demanded(service, request), Interaction::Search(shape) if std::ptr::eq(shape.search, search));
            assert!(requests.iter().any(is_it), "{} {search:?}", service.id);
        }
    }
}

#[test]
fn what_is_of_one_service_is_not_of_another() {
    let catalogue = Catalogue::shipped();
    for (id, request, error) in [
        ("47", "Appointment", RequestError::MissingParameter),
        ("47", "Appointment?status=booked", RequestError::UnknownParameter),
        ("48", "Observation/$lastn", RequestError::MissingParameter),
        ("48", "Observation/$lastn?code=http://snomed.info/sct|228366006", RequestError::BadValue),
        ("48", "Observation?category=http://snomed.info/sct|275711006", RequestError::UnknownParameter),
        ("48", "Composition?type=http://loinc.org|67781-5", RequestError::UnknownType),
        ("48", "Appointment?date=ge2026-11-21", RequestError::UnknownParameter),
        ("51", "DocumentReference", RequestError::MissingParameter),
        ("51", "DocumentReference?status=superseded", RequestError::BadValue),
        ("51", "DocumentReference/$", RequestError::BadPath),
        ("51", "DocumentReference/1", RequestError::NotOffered),
        ("51", "Binary", RequestError::NotOffered),
        ("52", "Observation", RequestError::MissingParameter),
        ("52", "Observation?code=http://loinc.org|67781-5", RequestError::BadValue),
        ("52", "Observation?code=85354-9", RequestError::BadValue),
        ("53", "Observation?code=http://loinc.org|85354-9", RequestError::NotOffered),
        ("53", "", RequestError::Method(Allow::POST)),
        ("63", "Immunization?status=entered-in-error", RequestError::BadValue),
    ] {
        assert_eq!(get(catalogue.service(id).unwrap(), request), Err(error), "{id} {request}");
    }
}
