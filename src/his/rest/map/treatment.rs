//! Medication, intolerances, and results of determinations with what was taken for them.

use super::Resource;
use super::person::subject;
use crate::his::rest::element::{
    NHG_45, PRK, SNOMED, SSK, UCUM, carer, concept, concept_of, identifier, identifiers, in_episode, nictiz, period,
    refer, reference,
};
use crate::his::rest::node::{Node, object};
use crate::his::rest::rows::{
    Materiaal, Medicatie, Meting, MetingSoort, Overgevoeligheid, OvergevoeligheidSoort, Product,
};
use crate::his::rest::value::Digits;

/// zib-MedicationAgreement.
pub(in crate::his::rest) fn agreement(row: &Medicatie) -> Resource {
    let treatment = row.behandeling.as_ref().map(identifier);
    let extensions = [
        treatment.map(|treatment| nictiz("zib-Medication-MedicationTreatment", "valueIdentifier", treatment)),
        in_episode(row.episode.as_ref()),
        Some(nictiz("zib-Medication-PeriodOfUse", "valuePeriod", period(Some(&row.begin), row.eind.as_ref()))),
    ];
    let members = object! {
        "extension": extensions.into_iter().flatten().collect::<Vec<_>>(),
        "identifier": identifiers(&row.kenmerken),
        "intent": "order",
        "category": concept(SNOMED, "16076005", "Voorschrijven"),
        "medicationReference": refer("Medication", &row.product.id, &row.product.naam),
        "subject": subject(&row.patient),
        "context": row.contact.as_ref().map(|contact| reference("Encounter", contact)),
        "authoredOn": &row.afgesproken_op,
        "requester": object! { "agent": carer(&row.voorschrijver) },
        "dosageInstruction": [object! { "sequence": Node::Count(1), "text": &row.dosering }],
    };
    Resource::new(
        "MedicationRequest",
        &row.id,
        "zib-MedicationAgreement",
        &format!("{}: {}", row.product.naam, row.dosering),
        members,
    )
}

/// zib-Product.
pub(in crate::his::rest) fn product(row: &Product) -> Resource {
    Resource::new(
        "Medication",
        &row.id,
        "zib-Product",
        &row.naam,
        object! { "code": concept(PRK, &row.prk, &row.naam) },
    )
}

/// zib-AllergyIntolerance. Only one for medication has a category: the service shows no other.
pub(in crate::his::rest) fn intolerance(row: &Overgevoeligheid) -> Resource {
    let is_medication = row.soort == OvergevoeligheidSoort::Medicatie;
    let code = concept(SNOMED, "419511003", "Allergie voor geneesmiddel");
    let code = object! { "extension": [nictiz("code-specification", "valueCodeableConcept", code)] };
    let reactions = row.reacties.iter().map(|text| object! { "text": text }).map(|text| {
        object! { "manifestation": [text] }
    });
    let members = object! {
        "identifier": identifiers(&row.kenmerken),
        "clinicalStatus": if row.actief { "active" } else { "inactive" },
        "verificationStatus": if row.bevestigd { "confirmed" } else { "unconfirmed" },
        "category": is_medication.then(|| [Node::Text("medication".to_owned())]),
        "_category": is_medication.then_some([code]),
        "code": concept_of(SSK, &row.stof),
        "patient": subject(&row.patient),
        "onsetDateTime": &row.begin,
        "assertedDate": &row.vastgesteld_op,
        "recorder": row.medewerker.as_ref().map(carer),
        "reaction": reactions.collect::<Vec<_>>(),
    };
    Resource::new(
        "AllergyIntolerance",
        &row.id,
        "zib-AllergyIntolerance",
        &format!("{}: {}", row.stof.naam, row.reacties.join(", ")),
        members,
    )
}

/// gp-LaboratoryResult or gp-DiagnosticResult.
pub(in crate::his::rest) fn result(row: &Meting) -> Resource {
    let (profile, code, display) = match row.soort {
        MetingSoort::Lab => ("gp-LaboratoryResult", "49581000146104", "bevinding betreffende laboratoriumonderzoek"),
        MetingSoort::Meting => ("gp-DiagnosticResult", "363787002", "waarneembare entiteit"),
    };
    let related = row
        .hoort_bij
        .as_ref()
        .map(|other| [object! { "type": "has-member", "target": reference("Observation", other) }]);
    let members = object! {
        "extension": in_episode(row.episode.as_ref()).map(|extension| [extension]),
        "identifier": identifiers(&row.kenmerken),
        "status": "final",
        "category": [concept(SNOMED, code, display)],
        "code": concept_of(NHG_45, &row.bepaling),
        "subject": subject(&row.patient),
        "context": row.contact.as_ref().map(|contact| reference("Encounter", contact)),
        "effectiveDateTime": &row.datum,
        "performer": row.medewerker.as_ref().map(|who| [carer(who)]),
        "valueQuantity": row.waarde.as_ref().map(|value| quantity(value, row)),
        // An Observation has one value (FHIR STU3 observation.html, value[x]).
        "valueString": row.waarde_tekst.as_ref().filter(|_| row.waarde.is_none()),
        "referenceRange": reference_range(row).map(|range| [range]),
        "specimen": row.materiaal.as_ref().map(|taken| refer("Specimen", &taken.id, &taken.naam)),
        "related": related,
    };
    Resource::new("Observation", &row.id, profile, &in_words(row), members)
}

/// A result as people say it.
fn in_words(row: &Meting) -> String {
    let value = row.waarde.as_ref().map(ToString::to_string).or_else(|| row.waarde_tekst.clone());
    let unit = row.eenheid.as_ref().filter(|_| row.waarde.is_some()).map(|unit| format!(" {}", unit.naam));
    format!("{}: {}{}", row.bepaling.naam, value.unwrap_or_default(), unit.unwrap_or_default())
}

/// zib-LaboratoryTestResult-Specimen.
pub(in crate::his::rest) fn specimen(row: &Meting, taken: &Materiaal) -> Resource {
    let collection = taken.afgenomen.as_ref().map(|moment| object! { "collectedDateTime": moment });
    let members = object! {
        "identifier": identifiers(&taken.kenmerken),
        "type": concept_of(SNOMED, &taken.soort),
        "subject": subject(&row.patient),
        "collection": collection,
    };
    Resource::new(
        "Specimen",
        &taken.id,
        "zib-LaboratoryTestResult-Specimen",
        &format!("Monster: {}", taken.naam),
        members,
    )
}

fn quantity(value: &Digits, row: &Meting) -> Node {
    let unit = row.eenheid.as_ref();
    object! {
        "value": value,
        "unit": unit.map(|unit| &unit.naam),
        "system": unit.map(|_| UCUM),
        "code": unit.map(|unit| &unit.ucum),
    }
}

fn reference_range(row: &Meting) -> Option<Node> {
    let (low, high) = (row.ondergrens.as_ref(), row.bovengrens.as_ref());
    let meaning = concept("http://hl7.org/fhir/referencerange-meaning", "normal", "Normal Range");
    (low.is_some() || high.is_some()).then(|| {
        object! {
            "low": low.map(|low| quantity(low, row)),
            "high": high.map(|high| quantity(high, row)),
            "type": meaning,
        }
    })
}
