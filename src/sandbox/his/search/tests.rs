//! Searches over the shipped records: the seven of the GP service, the semantics behind them, and any query at all.

use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::date::Range;
use super::*;
use crate::sandbox::records;

const TODAY: Date = date(2026, 11, 21);
const BASE: &str = "https://his.example/fhir";
const FIRST: &str = "delinde-p1-patient";
const NHG_45: &str = "https://referentiemodel.nhg.org/tabellen/nhg-tabel-45-diagnostische-bepalingen";

fn shipped() -> Records {
    let resources = records::shipped(TODAY).into_iter().flat_map(|practice| practice.resources);
    Records::from_resources(resources.collect()).unwrap()
}

/// Ids of the matches and of what came with them.
fn ask(records: &Records, request: &str) -> Result<(Vec<String>, Vec<String>), SearchError> {
    let (kind, query) = request.split_once('?').unwrap_or((request, ""));
    let found = search(kind, &Query::parse(query)?)?.run(records, BASE, Window::ALL);
    let ids = |resources: Vec<&Resource>| resources.into_iter().map(|resource| resource.id().to_owned()).collect();
    Ok((ids(found.matches), ids(found.included)))
}

fn search(path: &str, query: &Query) -> Result<Search, SearchError> {
    match path.split_once('/') {
        None => Search::parse(FhirVersion::Stu3, path, query),
        Some((_, operation)) => {
            assert_eq!(operation, "$lastn");
            Search::parse_last(FhirVersion::Stu3, query)
        }
    }
}

/// What is left of the ids when the patient's own prefix is taken off.
fn short(ids: &[String]) -> Vec<&str> {
    ids.iter().map(|id| id.strip_prefix("delinde-p1-").unwrap_or(id)).collect()
}

#[test]
fn the_seven_requests_of_the_gp_service_find_what_the_story_tells() {
    let records = shipped();
    let patient = format!("patient={FIRST}");
    let results = format!(
        "Observation?code={NHG_45}|&_include=Observation:related-target&_include=Observation:specimen&date=ge2025-09-21&{patient}"
    );
    let cases: [(String, Vec<&str>, Vec<&str>); 7] = [
        (
            format!("Patient?_include=Patient:general-practitioner&_id={FIRST}"),
            vec!["patient"],
            vec!["delinde-huisarts-dekker"],
        ),
        (format!("EpisodeOfCare?{patient}"), vec!["episode-1", "episode-2", "episode-3"], vec![]),
        (
            format!(
                "MedicationRequest?periodofuse=ge2026-11-21&category=http://snomed.info/sct|16076005\
                 &_include=MedicationRequest:medication&{patient}"
            ),
            vec!["afspraak-1", "afspraak-2"],
            vec!["product-900131", "product-900214"],
        ),
        (format!("AllergyIntolerance?category=medication&{patient}"), vec!["intolerantie-1"], vec![]),
        (
            results,
            vec!["bepaling-1740-47", "bepaling-1744-47", "bepaling-2816-51", "bepaling-3583-51"],
            vec!["monster-2816-51", "monster-3583-51"],
        ),
        (
            format!("Composition?type=http://loinc.org|67781-5&{patient}"),
            vec!["c1-verslag", "c2-verslag", "c3-verslag"],
            vec![],
        ),
        (format!("Encounter?{patient}"), vec!["c1-contact", "c2-contact", "c3-contact"], vec![]),
    ];
    for (request, matches, included) in cases {
        let found = ask(&records, &request).unwrap();
        assert_eq!((short(&found.0), short(&found.1)), (matches, included), "{request}");
    }
}

#[test]
fn conditions_combine_as_and_their_values_as_or() {
    let records = shipped();
    let counts = [
        (format!("Observation?patient={FIRST}&code={NHG_45}|1744"), 2),
        (format!("Observation?patient={FIRST}&code={NHG_45}|1744,{NHG_45}|1740"), 3),
        (format!("Observation?patient={FIRST}&code={NHG_45}|1744&code=1740"), 0),
        (format!("Observation?patient={FIRST}&code=1744&code={NHG_45}|"), 2),
        (format!("Observation?patient={FIRST}&code=http://loinc.org|"), 4),
        (format!("Observation?patient={FIRST}&code=|1744"), 0),
        (format!("Observation?patient={FIRST}&category=49581000146104"), 4),
        (format!("Observation?patient={FIRST}&code=S,O"), 6),
        (format!("Observation?patient={FIRST}&code=S&date=2026-10-05"), 1),
        (format!("Observation?patient={FIRST}&code={NHG_45}|&date=ge2026-10&date=lt2026-10-05"), 2),
        (format!("Observation?patient={FIRST}&code={NHG_45}|&date=le2024"), 2),
        (format!("MedicationRequest?patient={FIRST}&periodofuse=ge2026-11-21,le2024-01-01"), 3),
        (format!("EpisodeOfCare?patient={FIRST}&status=active"), 2),
        (format!("EpisodeOfCare?patient={FIRST}&status=http://hl7.org/fhir/episode-of-care-status|finished"), 1),
        (format!("Flag?patient={FIRST}"), 1),
        (format!("Condition?subject=Patient/{FIRST}&clinical-status=inactive"), 1),
        (format!("Encounter?subject={BASE}/Patient/{FIRST}&type=03&class=AMB"), 2),
        (format!("Encounter?patient={FIRST},delinde-p2-patient"), 6),
        (format!("Encounter?patient={FIRST}&patient=delinde-p2-patient"), 0),
        ("Encounter?patient=nobody".to_owned(), 0),
        (format!("Specimen?patient={FIRST}"), 4),
        ("Medication?_id=delinde-p1-product-900131,delinde-p1-product-900131,gone".to_owned(), 1),
        ("EpisodeOfCare".to_owned(), 28),
    ];
    for (request, expected) in counts {
        assert_eq!(ask(&records, &request).unwrap().0.len(), expected, "{request}");
    }
}

#[test]
fn a_patient_is_found_by_bsn_only_in_its_own_system() {
    let records = shipped();
    let bsn = records.bsn_of(FIRST).unwrap();
    let by = |system: &str| ask(&records, &format!("Patient?identifier={system}|{}", bsn.reveal())).unwrap().0;
    assert_eq!(by("http://fhir.nl/fhir/NamingSystem/bsn"), [FIRST]);
    assert!(by("http://fhir.nl/fhir/NamingSystem/uzi-nr-pers").is_empty());
    assert_eq!(ask(&records, "Patient?identifier=http://fhir.nl/fhir/NamingSystem/bsn|").unwrap().0.len(), 13);
}

#[test]
fn an_include_is_not_repeated_and_leads_nowhere_else() {
    let reference = |to: &str| serde_json::json!({"reference": to});
    let observation = |id: &str, specimen: &str| {
        serde_json::json!({"resourceType": "Observation", "id": id, "specimen": reference(specimen),
            "related": [{"target": reference("Observation/a")}]})
    };
    let records = Records::from_resources(vec![
        observation("a", "Specimen/s"),
        observation("b", &format!("{BASE}/Specimen/s")),
        observation("c", "https://elsewhere.example/fhir/Specimen/t"),
        observation("d", "#t"),
        observation("e", "Specimen/gone"),
        serde_json::json!({"resourceType": "Specimen", "id": "s"}),
        serde_json::json!({"resourceType": "Specimen", "id": "t"}),
    ]);
    let records = records.unwrap();
    let both = "_include=Observation:specimen&_include=Observation:related-target";
    let found = ask(&records, &format!("Observation?{both}")).unwrap();
    assert_eq!(found.1, ["s"], "a is a match already");
    assert_eq!(ask(&records, &format!("Observation?_id=c&{both}")).unwrap().1, ["a"]);
}

#[test]
fn what_cannot_be_answered_exactly_is_refused() {
    let records = shipped();
    let unknown = |name: &str| SearchError::UnknownParameter { name: name.to_owned() };
    let bad = |name: &str| SearchError::BadValue { name: name.to_owned() };
    let cases = [
        ("Spaceship", SearchError::UnknownType),
        ("Observation?colour=red", unknown("colour")),
        ("Observation?code:text=x", unknown("code:text")),
        ("Observation?_count=5", unknown("_count")),
        ("Patient?patient=x", unknown("patient")),
        ("Composition?_include=Composition:author", bad("_include")),
        ("Observation?date=soon", bad("date")),
        ("Observation?date=ge2026-11-21,", bad("date")),
        ("Observation?code=", bad("code")),
        ("Observation?patient=Practitioner/x", bad("patient")),
        ("Observation?_format=pdf", bad("_format")),
        ("Observation?code=%zz", SearchError::BadQuery),
    ];
    for (request, expected) in cases {
        assert_eq!(ask(&records, request).unwrap_err(), expected, "{request}");
    }
}

/// Two people with a little of everything that the services beside the GP record ask for.
fn cared_for() -> Records {
    let of = |value: serde_json::Value, id: &str, patient: &str| {
        let mut value = value;
        let reference = serde_json::json!({"reference": format!("Patient/{patient}")});
        let member = match value["resourceType"].as_str().unwrap() {
            "Appointment" => ("participant", serde_json::json!([{"actor": reference}])),
            "Coverage" => ("beneficiary", reference),
            "Immunization" => ("patient", reference),
            _ => ("subject", reference),
        };
        value["id"] = id.into();
        value[member.0] = member.1;
        value
    };
    let measured = |code: &str, date: &str| {
        serde_json::json!({"resourceType": "Observation", "status": "final", "effectiveDateTime": date,
            "category": [{"coding": [{"system": "http://hl7.org/fhir/observation-category", "code": "vital-signs"}]}],
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]}})
    };
    let document = |status: &str, at: &str| {
        serde_json::json!({"resourceType": "DocumentReference", "status": status, "indexed": format!("{at}T08:00:00Z"),
            "created": at})
    };
    let appointment = |status: &str, at: &str| serde_json::json!({"resourceType": "Appointment", "status": status, "start": format!("{at}T09:00:00+01:00")});
    let payor = serde_json::json!([{"reference": "Organization/insurer"}, {"reference": "Patient/a"}]);
    Records::from_resources(vec![
        of(measured("29463-7", "2026-01-05"), "w1", "a"),
        of(measured("29463-7", "2026-11-01T08:30:00+01:00"), "w2", "a"),
        of(measured("29463-7", "2026-12-01"), "w3", "b"),
        of(measured("85354-9", "2026-10-01"), "p1", "a"),
        of(measured("85354-9", "2026-10-02"), "p2", "a"),
        of(document("current", "2026-02-01"), "d1", "a"),
        of(document("superseded", "2026-02-01"), "d2", "a"),
        of(document("current", "2025-02-01"), "d3", "a"),
        of(
            serde_json::json!({"resourceType": "DocumentManifest", "status": "current", "created": "2026-02-01"}),
            "m1",
            "a",
        ),
        of(appointment("booked", "2026-12-01"), "t1", "a"),
        of(appointment("fulfilled", "2026-03-01"), "t2", "a"),
        of(appointment("booked", "2026-12-02"), "t3", "b"),
        of(serde_json::json!({"resourceType": "Immunization", "status": "completed", "date": "2026-10-10"}), "v1", "a"),
        of(serde_json::json!({"resourceType": "Coverage", "payor": payor}), "c1", "a"),
        serde_json::json!({"resourceType": "Organization", "id": "insurer"}),
        serde_json::json!({"resourceType": "Patient", "id": "a"}),
        serde_json::json!({"resourceType": "Patient", "id": "b"}),
    ])
    .unwrap()
}

#[test]
fn the_requests_of_the_other_services_find_what_they_should() {
    let records = cared_for();
    let cases = [
        ("Observation?patient=a&code=http://loinc.org|85354-9", vec!["p1", "p2"]),
        ("Observation?patient=a&category=vital-signs", vec!["p1", "p2", "w1", "w2"]),
        (
            "Observation?patient=a&category=http://hl7.org/fhir/observation-category|vital-signs",
            vec!["p1", "p2", "w1", "w2"],
        ),
        (
            "Observation?patient=a&code=http://loinc.org|85354-9,http://loinc.org|29463-7&date=ge2026-10-02&date=le2026-11-01",
            vec!["p2", "w2"],
        ),
        ("Observation/$lastn?patient=a&code=http://loinc.org|29463-7", vec!["w2"]),
        ("Observation/$lastn?patient=a&category=vital-signs", vec!["w2", "p2"]),
        ("Observation/$lastn?patient=a&category=vital-signs&max=2", vec!["w2", "w1", "p2", "p1"]),
        ("DocumentReference?patient=a&status=current", vec!["d1", "d3"]),
        ("DocumentReference?patient=a&status=current&indexed=ge2025-01-01&indexed=le2025-12-31", vec!["d3"]),
        ("DocumentReference?patient=a&status=current&indexed=ge2023-01-01&indexed=le2024-01-01", vec![]),
        ("DocumentManifest?patient=a&status=current&created=ge2026-01-01&created=le2026-12-31", vec!["m1"]),
        ("Appointment?patient=a&date=ge2026-11-21", vec!["t1"]),
        ("Appointment?patient=a&date=ge2026-01-01&date=le2026-11-21", vec!["t2"]),
        ("Appointment?patient=a&status=booked,pending,proposed", vec!["t1"]),
        ("Immunization?patient=a&status=completed", vec!["v1"]),
        ("Coverage?patient=b", vec![]),
    ];
    for (request, expected) in cases {
        assert_eq!(ask(&records, request).unwrap().0, expected, "{request}");
    }
    let typed = ask(&records, "Coverage?patient=a&_include=Coverage:payor:Organization").unwrap();
    assert_eq!(
        typed,
        (vec!["c1".to_owned()], vec!["insurer".to_owned()]),
        "the Patient among the payors does not come along"
    );
    let refused = ask(&records, "Observation?patient=a&max=1").unwrap_err();
    assert_eq!(refused, SearchError::UnknownParameter { name: "max".to_owned() }, "only $lastn has it");
    let refused = ask(&records, "Observation/$lastn?patient=a&max=0").unwrap_err();
    assert_eq!(refused, SearchError::BadValue { name: "max".to_owned() });
}

proptest! {
    #[test]
    fn no_query_panics(
        kind in prop::sample::select(tables(FhirVersion::Stu3).iter().copied().flatten().map(|table| table.kind).collect::<Vec<_>>()),
        name in prop_oneof![
            prop::sample::select(vec!["_id", "identifier", "patient", "code", "category", "date", "periodofuse", "_include"]),
            Just("?")
        ],
        value in ".{0,40}",
        raw in ".{0,60}",
    ) {
        let records = Records::from_resources(Vec::new()).unwrap();
        ask(&records, &format!("{kind}?{raw}")).ok();
        ask(&records, &format!("{kind}?{name}={value}")).ok();
        ask(&records, &format!("{kind}?{name}={}", percent_encode(&value))).ok();
    }

    #[test]
    fn no_date_panics(term in "(eq|ge|le|gt|lt)?[0-9]{0,4}(-[0-9]{0,2}){0,2}(T[0-9:.Z+ -]{0,20})?", start in "[0-9T:+-]{0,25}") {
        if let Some(term) = DateTerm::parse(&term) {
            Range::between(Some(&start), None).map(|range| term.matches(range));
        }
    }
}
