//! What is said is what is allowed: every request that the statement names is one of the catalogue, and the other way round.

use super::*;
use crate::services::Catalogue;

const BASE: &str = "https://gateway.example.nl/fhir/huisarts.delinde";

fn told(id: &str) -> Value {
    let catalogue = Catalogue::shipped();
    let service = catalogue.service(id).unwrap();
    of_service(service, &format!("{BASE}/{id}"), "2026-11-21T12:00:00Z".parse().unwrap())
}

fn of_type<'a>(statement: &'a Value, kind: &str) -> &'a Value {
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    resources.iter().find(|resource| resource["type"] == kind).unwrap()
}

fn codes(resource: &Value) -> Vec<&str> {
    let interactions = resource["interaction"].as_array().unwrap();
    interactions.iter().map(|interaction| interaction["code"].as_str().unwrap()).collect()
}

#[test]
fn the_statement_of_service_49_names_its_seven_searches() {
    let statement = told("49");
    assert_eq!((&statement["kind"], &statement["fhirVersion"]), (&json!("instance"), &json!("3.0.2")));
    assert_eq!(statement["implementation"]["url"], format!("{BASE}/49"));
    assert_eq!(statement["date"], "2026-11-21");
    assert_eq!(
        statement["instantiates"],
        json!(["http://nictiz.nl/fhir/CapabilityStatement/gp-patientdata2017-servercapabilities"])
    );
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    assert_eq!(resources.len(), 7);
    assert!(resources.iter().all(|resource| codes(resource) == ["search-type"]));
    assert_eq!(of_type(&statement, "Patient")["searchInclude"], json!(["Patient:general-practitioner"]));
    let parameters = of_type(&statement, "MedicationRequest")["searchParam"].as_array().unwrap().clone();
    let names: Vec<_> = parameters.iter().map(|parameter| parameter["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["category", "periodofuse"]);
    assert_eq!(parameters[1]["definition"], "http://nictiz.nl/fhir/SearchParameter/Medications-periodofuse");
    assert_eq!(parameters[1]["type"], "date");
    assert!(statement["rest"][0].get("interaction").is_none() && statement["rest"][0].get("operation").is_none());
}

#[test]
fn operations_reads_and_submissions_are_named() {
    let lastn = "http://hl7.org/fhir/OperationDefinition/Observation-lastn";
    for id in ["48", "52"] {
        assert_eq!(told(id)["rest"][0]["operation"], json!([{"name": "lastn", "definition": {"reference": lastn}}]));
    }
    assert_eq!(codes(of_type(&told("51"), "Binary")), ["read"]);
    for (id, kind) in [("53", "batch"), ("60", "transaction")] {
        let statement = told(id);
        assert_eq!(statement["rest"][0]["interaction"], json!([{"code": kind}]));
        assert_eq!(codes(of_type(&statement, "Patient")), ["create"]);
    }
    assert_eq!(told("53")["profile"].as_array().unwrap().len(), 9);
}

#[test]
fn r4_has_no_words_of_stu3() {
    let statement = told("63");
    assert_eq!((&statement["fhirVersion"], statement.get("acceptUnknown")), (&json!("4.0.1"), None));
    assert_eq!(codes(of_type(&statement, "Immunization")), ["search-type"]);
    let text = "[[service]]\nid='1'\nname='x'\nroles=[]\nfhir='r4'\npurpose='collect'\naudience='portal_only'\n\
                search=[{resource='Observation',operation='lastn'}]\n\
                submission={kind='batch',max_entries=1,entries=[{resource='Observation',profiles=['p']}]}";
    let catalogue = Catalogue::parse(text).unwrap();
    let statement = of_service(catalogue.service("1").unwrap(), BASE, Timestamp::UNIX_EPOCH);
    let observation = of_type(&statement, "Observation");
    let lastn = "http://hl7.org/fhir/OperationDefinition/Observation-lastn";
    assert_eq!(observation["operation"], json!([{"name": "lastn", "definition": lastn}]));
    assert_eq!(observation["supportedProfile"], json!(["p"]));
    assert_eq!(codes(observation), ["search-type", "create"]);
    assert!(statement["rest"][0].get("operation").is_none() && statement.get("profile").is_none());
}

#[test]
fn every_service_is_told_whole_in_both_formats() {
    for service in Catalogue::shipped().iter() {
        let statement = of_service(service, BASE, Timestamp::UNIX_EPOCH);
        let mut said: Vec<_> = statement["rest"][0]["resource"].as_array().unwrap().iter().collect();
        said.dedup_by_key(|resource| resource["type"].clone());
        assert!(said.iter().all(|resource| service.has_type(resource["type"].as_str().unwrap())));
        for search in &service.searches {
            let resource = of_type(&statement, &search.resource);
            let names = resource["searchParam"].to_string();
            let known = |parameter: &Parameter| parameter.name == "_include" || names.contains(&parameter.name);
            assert!(search.parameters.iter().all(known), "{} {}", service.id, search.resource);
            assert!(includes(search).all(|include| resource["searchInclude"].to_string().contains(include)));
        }
        let xml = xml::to_xml(statement.to_string().as_bytes(), service.fhir).unwrap();
        let back: Value = serde_json::from_slice(&xml::to_json(&xml, service.fhir).unwrap()).unwrap();
        assert_eq!(back, statement, "{}", service.id);
    }
}
