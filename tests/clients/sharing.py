"""What a person shares through a PGO: a batch of measurements and a transaction with one document, of STU3."""

import base64
import uuid

PROFILES = "http://nictiz.nl/fhir/StructureDefinition/"


def entry(url, resource):
    return {"fullUrl": url, "resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}


def new():
    return f"urn:uuid:{uuid.uuid4()}"


def person(url):
    masked = [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]
    identifier = {"system": "http://fhir.nl/fhir/NamingSystem/bsn", "_value": {"extension": masked}}
    name = [{"text": "Iemand"}]
    meta = {"profile": ["http://fhir.nl/fhir/StructureDefinition/nl-core-patient"]}
    return entry(url, {"resourceType": "Patient", "meta": meta, "identifier": [identifier], "name": name})


def weight(subject):
    return {
        "resourceType": "Observation",
        "meta": {"profile": [PROFILES + "zib-BodyWeight"]},
        "status": "final",
        "category": [{"coding": [{"system": "http://hl7.org/fhir/observation-category", "code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7", "display": "lichaamsgewicht"}]},
        "subject": {"reference": subject},
        "effectiveDateTime": "2026-11-20T08:00:00+01:00",
        "performer": [{"reference": subject}],
        "valueQuantity": {"value": 80.5, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    }


def measurements():
    subject = new()
    return {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [person(subject), entry(new(), weight(subject)), entry(new(), weight(subject))],
    }


def document():
    subject, manifest, reference, binary = new(), new(), new(), new()
    shared = lambda kind, profile: {
        "resourceType": kind,
        "meta": {"profile": [PROFILES + profile]},
        "status": "current",
        "subject": {"reference": subject},
    }
    described = {
        "type": {"coding": [{"system": "http://snomed.info/sct", "code": "371535009", "display": "brief"}]},
        "indexed": "2026-11-20T08:00:00+01:00",
        "content": [{"attachment": {"contentType": "application/pdf", "url": binary, "title": "Brief"}}],
    }
    listed = {"content": [{"pReference": {"reference": reference}}]}
    pdf = base64.b64encode(b"%PDF-1.4\n%%EOF\n").decode()
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            person(subject),
            entry(manifest, shared("DocumentManifest", "IHE.MHD.DocumentManifest") | listed),
            entry(reference, shared("DocumentReference", "IHE.MHD.Minimal.DocumentReference") | described),
            entry(binary, {"resourceType": "Binary", "contentType": "application/pdf", "content": pdf}),
        ],
    }
