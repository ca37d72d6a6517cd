//! Requests outside the catalogue, each with its reason.

use super::*;
use crate::fhir::request::RequestError as E;

#[test]
fn everything_outside_the_shape_is_refused() {
    for (request, error) in [
        ("", E::BadPath),
        ("Encounter/", E::BadPath),
        ("Encounter/$", E::BadPath),
        ("Encounter/1//", E::BadPath),
        ("Encounter/..", E::BadPath),
        ("Encounter/1/../2", E::BadPath),
        ("Encounter;v=1", E::BadPath),
        ("Encounter/1%00", E::BadPath),
        ("Encounter/1_2", E::BadPath),
        ("%45ncounter", E::BadPath),
        ("%c0%ae%c0%ae/Encounter", E::BadPath),
        ("..", E::BadPath),
        ("$", E::BadPath),
        ("$a%00", E::BadPath),
        ("Enc0unter", E::BadPath),
        ("_other", E::NotOffered),
        ("$export", E::NotOffered),
        ("_history", E::NotOffered),
        ("_search", E::NotOffered),
        ("Flag", E::UnknownType),
        ("Flag/$lastn", E::UnknownType),
        ("Binary/1", E::UnknownType),
        ("Binary/1/_history/2", E::UnknownType),
        ("encounter", E::UnknownType),
        ("Encounter/1", E::NotOffered),
        ("Encounter/1/_history/2", E::NotOffered),
        ("Patient/$everything", E::NotOffered),
        ("Patient/1/$everything", E::NotOffered),
        ("Observation/$lastn", E::NotOffered),
        ("Observation/_history", E::NotOffered),
        ("Encounter/_search", E::Method(Allow::POST)),
        ("Encounter?patient=Patient/2", E::UnknownParameter),
        ("Encounter?subject:Patient.identifier=x", E::UnknownParameter),
        ("Encounter?_has:Observation:patient:code=1", E::UnknownParameter),
        ("Encounter?_summary=count", E::UnknownParameter),
        ("Encounter?_page=a&_count=1", E::UnknownParameter),
        ("Encounter?_page=a&_page=b", E::Repeated),
        ("Encounter?_page=", E::BadValue),
        ("Encounter?_page=a/b", E::BadValue),
        ("Patient?_include=*", E::BadValue),
        ("Patient?_include:iterate=Patient:general-practitioner", E::UnknownParameter),
        ("AllergyIntolerance", E::MissingParameter),
        ("AllergyIntolerance?patient=1", E::UnknownParameter),
        ("AllergyIntolerance?category=medication,food", E::BadValue),
        ("AllergyIntolerance?category=medication&category=medication", E::Repeated),
        ("Composition?type=67781-5", E::BadValue),
        ("Encounter?_format=text/html", E::NotAcceptable),
        ("Encounter?_format=application/fhir+json;fhirVersion=4.0", E::NotAcceptable),
        ("Encounter?_format=application/fhir+json;x=y", E::NotAcceptable),
        ("Encounter?_format=json&_format=json", E::Repeated),
        ("Encounter?a=%zz", E::BadEncoding),
        ("Encounter?a=%ff", E::BadEncoding),
        ("Encounter?a=%00", E::BadEncoding),
    ] {
        assert_eq!(upstream(request), Err(error), "{request}");
    }
}

#[test]
fn what_is_no_date_is_refused() {
    let medication = "MedicationRequest?category=http://snomed.info/sct|16076005&periodofuse=";
    for value in ["2026-01-01", "lt2026-01-01", "ge2026", "ge2026-02-30", "ge", "ge2026-01-01Tx", "gé2026-01-01"] {
        assert_eq!(upstream(&format!("{medication}{value}")), Err(E::BadValue), "{value}");
    }
}

#[test]
fn of_several_searches_the_closest_one_says_why() {
    let service = large();
    for (request, error) in [
        ("Observation", E::MissingParameter),
        ("Observation?date=ge2020-01-01", E::MissingParameter),
        ("Observation?code=http://loinc.org|3", E::BadValue),
        ("Observation?code=http://loinc.org|1,", E::BadValue),
        ("Observation?code=http://loinc.org|1&code=http://loinc.org|2", E::Repeated),
        ("Observation?code=http://loinc.org|1,http://loinc.org|2,http://loinc.org|1", E::Repeated),
        ("Observation?code=http://loinc.org|1&category=vital-signs", E::UnknownParameter),
        ("Observation?code=http://loinc.org|1&date=ge2020-01-01&date=gt2020-01-01", E::Repeated),
        ("Observation?code=http://loinc.org|1&date=2020-01-01&date=ge2020-01-01", E::Repeated),
        ("Observation?category=vital-signs&category=vital-signs", E::Repeated),
        ("Observation?category=vital-signs,laboratory", E::BadValue),
        ("Observation/$lastn?code=http://loinc.org|2", E::BadValue),
        ("Observation/$lastn?category=vital-signs", E::UnknownParameter),
        ("Observation/$lastn", E::MissingParameter),
        ("DocumentReference/$lastn", E::NotOffered),
        ("Binary", E::NotOffered),
        ("Binary/1?x=1", E::UnknownParameter),
        (&format!("Binary/{}", "a".repeat(65)), E::BadPath),
        ("Media", E::NotOffered),
        ("", E::Method(Allow::POST)),
    ] {
        assert_eq!(get(&service, request), Err(error), "{request}");
    }
}

#[test]
fn another_method_is_told_which_there_are() {
    let large = large();
    let catalogue = Catalogue::shipped();
    let small = catalogue.service("49").unwrap();
    for (service, path, verb, allow) in [
        (&large, "", Verb::Other, "POST"),
        (&large, "Observation", Verb::Post, "GET"),
        (&large, "Observation", Verb::Other, "GET"),
        (&large, "Observation/_search", Verb::Other, "POST"),
        (&large, "Observation/$lastn", Verb::Post, "GET"),
        (&large, "Binary/1", Verb::Post, "GET"),
        (&large, "Binary/1", Verb::Other, "GET"),
        (&large, "Observation/1", Verb::Other, ""),
        (&large, "Media", Verb::Post, ""),
        (small, "", Verb::Post, ""),
        (small, "$graphql", Verb::Post, ""),
        (small, "Flag", Verb::Other, ""),
        (small, "Flag", Verb::Post, ""),
    ] {
        match parse(service, path, asked(verb, None), FLOORS).map(|_| ()) {
            Err(E::Method(found)) => assert_eq!(found.as_str(), allow, "{path}"),
            other => panic!("{path}: {other:?}"),
        }
    }
    let other = |path| parse(small, path, asked(Verb::Other, None), FLOORS).map(|_| ());
    assert_eq!(other("%2e%2e"), Err(E::BadPath), "the path comes before the method");
}

#[test]
fn a_search_by_form_needs_a_form_that_was_read() {
    let service = large();
    let posted = |media, form| {
        let asked = Asked { media, form, ..asked(Verb::Post, Some("category=laboratory")) };
        parse(&service, "Observation/_search", asked, FLOORS).map(|_| ())
    };
    assert_eq!(posted(Media::Form, Ok(Some(""))), Ok(()));
    assert_eq!(posted(Media::Fhir(Format::Json), Ok(None)), Err(E::Media));
    assert_eq!(posted(Media::Other, Ok(None)), Err(E::Media));
    assert_eq!(posted(Media::Form, Err(FormFault::TooLarge)), Err(E::TooLarge));
    assert_eq!(posted(Media::Form, Err(FormFault::NoText)), Err(E::BadEncoding));
}
