//! The lists of the vendor, and the pieces its rows are made of, from FHIR resources.

use serde_json::{Value, json};

use super::{Refusal, agenda, care, journal};
use crate::form::single;
use crate::medmij::Bsn;
use crate::sandbox::his::store::{Records, Resource, reference_key};

/// A row as it goes out.
#[derive(Debug, Clone)]
pub(super) struct Row(pub(super) Value);

/// A list of a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    Episodes,
    Flags,
    Contacts,
    Lines,
    Results,
    Medication,
    Intolerances,
    Appointments,
    Documents,
}

impl List {
    pub(super) const ALL: [(&'static str, Self); 9] = [
        ("episodes", Self::Episodes),
        ("attentieregels", Self::Flags),
        ("contacten", Self::Contacts),
        ("journaalregels", Self::Lines),
        ("metingen", Self::Results),
        ("medicatie", Self::Medication),
        ("overgevoeligheden", Self::Intolerances),
        ("afspraken", Self::Appointments),
        ("documenten", Self::Documents),
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, list)| *list)
    }

    /// The filters it has, besides `vervolg`. Any other is refused.
    const fn filters(self) -> &'static [&'static str] {
        match self {
            Self::Results | Self::Appointments => &["vanaf", "tot"],
            Self::Documents => &["status", "vanaf", "tot"],
            Self::Medication => &["actueel"],
            Self::Intolerances => &["soort"],
            Self::Episodes | Self::Flags | Self::Contacts | Self::Lines => &[],
        }
    }

    /// The rows of a patient that pass the filters.
    pub(super) fn rows(
        self,
        records: &Records,
        patient: &str,
        query: &[(String, String)],
    ) -> Result<Vec<Row>, Refusal> {
        let known = |name: &str| name == "vervolg" || self.filters().contains(&name);
        if !query.iter().all(|(name, _)| known(name)) {
            return Err(Refusal::Malformed);
        }
        let of = |kind: &'static str| records.naming_patient(kind, patient).map(Resource::value);
        let filter = |name| single(query, name);
        let is_between = |resource: &Value, moment| {
            // By day, as written.
            let day = text(resource, moment).and_then(|moment| moment.get(..10)).unwrap_or_default();
            filter("vanaf").is_none_or(|from| day >= from) && filter("tot").is_none_or(|until| day <= until)
        };
        Ok(match self {
            Self::Episodes => of("EpisodeOfCare").map(journal::episode).collect(),
            Self::Flags => of("Flag").map(journal::flag).collect(),
            Self::Contacts => of("Encounter").map(|contact| journal::contact(records, patient, contact)).collect(),
            Self::Lines => of("Composition").flat_map(|report| journal::lines(records, report)).collect(),
            Self::Results => of("Observation")
                .filter(|found| care::is_result(found) && is_between(found, "/effectiveDateTime"))
                .map(|found| care::result(records, found))
                .collect(),
            Self::Medication => of("MedicationRequest")
                .filter(|found| filter("actueel").is_none_or(|day| care::is_used_on(found, day)))
                .map(|found| care::agreement(records, found))
                .collect(),
            Self::Intolerances => of("AllergyIntolerance")
                .map(care::intolerance)
                .filter(|Row(row)| filter("soort").is_none_or(|kind| text(row, "/soort") == Some(kind)))
                .collect(),
            Self::Appointments => {
                of("Appointment").filter(|found| is_between(found, "/start")).map(agenda::appointment).collect()
            }
            Self::Documents => of("DocumentReference")
                .filter(|found| is_between(found, "/indexed"))
                .map(agenda::document)
                .filter(|Row(row)| filter("status").is_none_or(|status| text(row, "/status") == Some(status)))
                .collect(),
        })
    }
}

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// What a list of FHIR holds; nothing when it is not there.
pub(super) fn items<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// What a Reference leads to, when it is of this type.
pub(super) fn target<'a>(records: &'a Records, reference: &Value, kind: &str) -> Option<&'a Value> {
    let (found, id) = reference_key(text(reference, "/reference")?)?;
    if found == kind { records.find(kind, &id).map(Resource::value) } else { None }
}

/// Id and name of what a Reference leads to.
pub(super) fn to(reference: Option<&Value>) -> Value {
    let key = reference.and_then(|reference| reference_key(text(reference, "/reference")?));
    key.map_or(Value::Null, |(_, id)| json!({"id": id, "naam": reference.and_then(|it| text(it, "/display"))}))
}

/// The same of a carer, with the role.
pub(super) fn carer(reference: Option<&Value>) -> Value {
    let mut carer = to(reference);
    let extensions = reference.into_iter().flat_map(|reference| items(reference, "/extension"));
    let role = extensions.filter_map(|extension| extension.get("valueReference")).next();
    if let (Some(members), Some(role)) = (carer.as_object_mut(), role) {
        members.insert("rolId".to_owned(), to(Some(role)).get("id").cloned().unwrap_or_default());
    }
    carer
}

/// Code and name in a CodeableConcept, of the first coding.
pub(super) fn code(concept: Option<&Value>) -> Value {
    let coding = concept.and_then(|concept| concept.pointer("/coding/0"));
    coding.map_or(Value::Null, |coding| json!({"code": coding.get("code"), "naam": coding.get("display")}))
}

/// The numbers of a resource, but not the BSN: it has a place of its own.
pub(super) fn numbers(resource: &Value) -> Value {
    let identifier = resource.get("identifier");
    let all = identifier.and_then(Value::as_array).into_iter().flatten();
    let one = identifier.filter(|identifier| identifier.is_object());
    let plain = all.chain(one).filter(|number| text(number, "/system") != Some(Bsn::SYSTEM));
    plain.map(number).collect()
}

pub(super) fn number(identifier: &Value) -> Value {
    json!({"stelsel": identifier.get("system"), "waarde": identifier.get("value")})
}

/// The value of an extension whose address ends like this.
pub(super) fn extension<'a>(element: &'a Value, end: &str, member: &str) -> Option<&'a Value> {
    items(element, "/extension").find(|found| text(found, "/url").is_some_and(|url| url.ends_with(end)))?.get(member)
}

/// The episode that an extension ties a line to.
pub(super) fn episode_of(element: &Value) -> Value {
    to(extension(element, "extension-context-nl-core-episodeofcare", "valueReference"))
}

fn sex(resource: &Value) -> &'static str {
    match text(resource, "/gender") {
        Some("female") => "V",
        Some("male") => "M",
        Some("other") => "X",
        _ => "onbekend",
    }
}

fn name(resource: &Value) -> Value {
    json!({
        "volledig": text(resource, "/name/0/text").or_else(|| text(resource, "/name/0/family")).unwrap_or_default(),
        "voornaam": resource.pointer("/name/0/given/0"),
        "achternaam": resource.pointer("/name/0/family"),
    })
}

pub(super) fn patient(resource: &Value) -> Row {
    let bsn = items(resource, "/identifier").find(|number| text(number, "/system") == Some(Bsn::SYSTEM));
    let address = resource.pointer("/address/0").map(|address| {
        json!({"straat": address.pointer("/line/0"), "postcode": address.get("postalCode"), "plaats": address.get("city")})
    });
    Row(json!({
        "id": resource.get("id"),
        "bsn": bsn.and_then(|number| number.get("value")),
        "kenmerken": numbers(resource),
        "naam": name(resource),
        "geslacht": sex(resource),
        "geboortedatum": resource.get("birthDate"),
        "adres": address,
        "huisarts": carer(resource.pointer("/generalPractitioner/0")),
        "praktijk": to(resource.get("managingOrganization")),
    }))
}

pub(super) fn practitioner(resource: &Value) -> Value {
    json!({"id": resource.get("id"), "kenmerken": numbers(resource), "naam": name(resource), "geslacht": sex(resource)})
}
