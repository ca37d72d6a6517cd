//! What the emulated HIS holds: resources of one FHIR version, found by type and id, by patient, and by the BSN of a patient.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::civil::Date;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::medmij::Bsn;

/// Type and logical id.
pub type Key = (String, String);

/// Why a JSON value is no resource that can be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResourceError {
    /// No object with a `resourceType` that looks like one.
    #[error("it is no FHIR resource: an object with a resourceType is needed")]
    NoType,
    /// No `id` of 1 to 64 letters, digits, hyphens and dots.
    #[error("the resource has no id of 1 to 64 letters, digits, hyphens and dots")]
    NoId,
    /// A number or nesting that cannot be written again.
    #[error("the resource cannot be written as JSON")]
    Unwritable,
}

/// One stored resource: the tree to search in, and its text as it goes out.
#[derive(Debug, Clone)]
pub struct Resource {
    kind: String,
    id: String,
    value: Value,
    text: Box<RawValue>,
}

impl Resource {
    /// Checks type and id.
    ///
    /// # Errors
    /// See [`ResourceError`].
    pub fn parse(value: Value) -> Result<Self, ResourceError> {
        let kind = value.get("resourceType").and_then(Value::as_str).filter(|kind| is_type(kind));
        let kind = kind.ok_or(ResourceError::NoType)?.to_owned();
        let id = value.get("id").and_then(Value::as_str).filter(|id| is_id(id)).ok_or(ResourceError::NoId)?.to_owned();
        let text = resource_text(&value).ok_or(ResourceError::Unwritable)?;
        Ok(Self { kind, id, value, text })
    }

    /// The resource type.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The logical id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The resource itself.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// Its JSON text, `resourceType` first.
    #[must_use]
    pub fn text(&self) -> &RawValue {
        &self.text
    }

    fn key(&self) -> Key {
        (self.kind.clone(), self.id.clone())
    }
}

/// The JSON text of a resource with `resourceType`, `id` and `meta` first, the way the systems of practices write it.
#[must_use]
pub fn resource_text(value: &Value) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(&TypeFirst(value)).ok()
}

struct TypeFirst<'a>(&'a Value);

impl Serialize for TypeFirst<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const FIRST: [&str; 3] = ["resourceType", "id", "meta"];
        let Some(members) = self.0.as_object() else { return self.0.serialize(serializer) };
        let mut map = serializer.serialize_map(Some(members.len()))?;
        for name in FIRST {
            if let Some(member) = members.get(name) {
                map.serialize_entry(name, member)?;
            }
        }
        for (name, member) in members.iter().filter(|(name, _)| !FIRST.contains(&name.as_str())) {
            map.serialize_entry(name, member)?;
        }
        map.end()
    }
}

/// A person who can log in: a Patient resource with a BSN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientEntry {
    /// The BSN.
    pub bsn: Bsn,
    /// Family name, empty when the resource has none.
    pub family: String,
    /// Date of birth, when complete.
    pub birth_date: Option<Date>,
    /// Logical id of the Patient resource.
    pub id: String,
}

/// An immutable set of resources with its indexes.
#[derive(Debug, Clone, Default)]
pub struct Records {
    resources: BTreeMap<Key, Arc<Resource>>,
    /// Ids of the Patients each resource belongs to; a resource without an entry is neutral.
    owners: HashMap<Key, BTreeSet<String>>,
    /// For each Patient id, the resources that name this patient themselves, in order.
    naming: HashMap<String, Vec<Key>>,
}

impl Records {
    /// Stores resources as if each were put in turn: of two with the same type and id the later one stays.
    ///
    /// # Errors
    /// When one of them is no resource, or has no usable id.
    pub fn from_resources(values: Vec<Value>) -> Result<Self, ResourceError> {
        let resources: Result<Vec<_>, _> = values.into_iter().map(Resource::parse).collect();
        resources.map(Self::of)
    }

    /// Stores parsed resources; of two with the same type and id the later one stays.
    #[must_use]
    pub fn of(resources: Vec<Resource>) -> Self {
        Self::index(resources.into_iter().map(keyed).collect())
    }

    /// Both together; of two resources with the same type and id the one of `other` stays.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.resources.extend(other.resources);
        Self::index(self.resources)
    }

    /// These, and what is put in now; a resource with the same type and id is replaced.
    #[must_use]
    pub fn with(&self, resources: &[Resource]) -> Self {
        let added = resources.iter().cloned().map(keyed);
        Self::index(self.resources.clone().into_iter().chain(added).collect())
    }

    /// How many resources there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.resources.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    /// The Patients with a valid BSN, in order of their ids.
    pub fn patients(&self) -> impl Iterator<Item = PatientEntry> + '_ {
        self.of_type("Patient").filter_map(patient_entry)
    }

    /// One resource.
    #[must_use]
    pub fn find(&self, kind: &str, id: &str) -> Option<&Resource> {
        self.resources.get(&(kind.to_owned(), id.to_owned())).map(Arc::as_ref)
    }

    /// One resource, to keep.
    #[must_use]
    pub fn shared(&self, kind: &str, id: &str) -> Option<Arc<Resource>> {
        self.resources.get(&(kind.to_owned(), id.to_owned())).cloned()
    }

    /// All resources of a type, in order of their ids.
    pub fn of_type<'a>(&'a self, kind: &str) -> impl Iterator<Item = &'a Resource> + use<'a> {
        let kind = kind.to_owned();
        let from = (kind.clone(), String::new());
        self.resources.range(from..).take_while(move |(key, _)| key.0 == kind).map(|(_, resource)| resource.as_ref())
    }

    /// The resources of a type in which a reference names this patient, in order of their ids.
    pub fn naming_patient<'a>(&'a self, kind: &'a str, patient: &str) -> impl Iterator<Item = &'a Resource> + 'a {
        let keys = self.naming.get(patient).map_or(&[][..], Vec::as_slice);
        keys.iter().filter(move |key| key.0 == kind).filter_map(|key| self.resources.get(key)).map(Arc::as_ref)
    }

    /// Ids of the Patients a resource belongs to. Empty: the resource is neutral.
    #[must_use]
    pub fn owners(&self, resource: &Resource) -> Option<&BTreeSet<String>> {
        self.owners.get(&resource.key()).filter(|owners| !owners.is_empty())
    }

    /// The BSN of a Patient resource.
    #[must_use]
    pub fn bsn_of(&self, patient: &str) -> Option<Bsn> {
        bsn(self.find("Patient", patient)?.value())
    }

    fn index(resources: BTreeMap<Key, Arc<Resource>>) -> Self {
        let references: HashMap<Key, Vec<Key>> =
            resources.iter().map(|(key, resource)| (key.clone(), references(resource.value()))).collect();
        let mut owners: HashMap<Key, BTreeSet<String>> =
            references.iter().map(|(key, targets)| (key.clone(), named_patients(key, targets))).collect();
        let mut naming: HashMap<String, Vec<Key>> = HashMap::new();
        for key in resources.keys() {
            for patient in owners.get(key).into_iter().flatten() {
                naming.entry(patient.clone()).or_default().push(key.clone());
            }
        }
        let neutral = owners.iter().filter(|(_, named)| named.is_empty()).map(|(key, _)| key.clone()).collect();
        spread(&references, &mut owners, &neutral);
        Self { resources, owners, naming }
    }
}

fn keyed(resource: Resource) -> (Key, Arc<Resource>) {
    (resource.key(), Arc::new(resource))
}

/// A Patient belongs to itself only, whatever it links to; any other resource to every patient it names.
fn named_patients(key: &Key, targets: &[Key]) -> BTreeSet<String> {
    if key.0 == "Patient" {
        return BTreeSet::from([key.1.clone()]);
    }
    targets.iter().filter(|(kind, _)| kind == "Patient").map(|(_, id)| id.clone()).collect()
}

/// Gives each resource that names no patient the owners of those that refer to it, directly or through others.
fn spread(references: &HashMap<Key, Vec<Key>>, owners: &mut HashMap<Key, BTreeSet<String>>, neutral: &BTreeSet<Key>) {
    let mut open: Vec<Key> = owners.iter().filter(|(_, named)| !named.is_empty()).map(|(key, _)| key.clone()).collect();
    while let Some(key) = open.pop() {
        let own = owners.get(&key).cloned().unwrap_or_default();
        for target in references.get(&key).into_iter().flatten().filter(|target| neutral.contains(*target)) {
            let held = owners.entry(target.clone()).or_default();
            let before = held.len();
            held.extend(own.iter().cloned());
            if held.len() > before {
                open.push(target.clone());
            }
        }
    }
}

/// Every resource that this value refers to: literal references at any depth, and links to a Binary.
pub(super) fn references(value: &Value) -> Vec<Key> {
    let mut found = Vec::new();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        if let Some(members) = value.as_object() {
            let text = |name| members.get(name).and_then(Value::as_str);
            found.extend(text("reference").and_then(reference_key));
            found.extend(text("url").and_then(reference_key).filter(|(kind, _)| kind == "Binary"));
            open.extend(members.values());
        } else if let Some(items) = value.as_array() {
            open.extend(items);
        }
    }
    found
}

/// Type and id of a literal reference: relative or absolute, with or without a version. `None` for contained resources
/// (`#id`), URNs and anything else.
#[must_use]
pub fn reference_key(reference: &str) -> Option<Key> {
    let unversioned = reference.split_once("/_history/").map_or(reference, |(before, _)| before);
    let mut parts = unversioned.rsplit('/');
    let (id, kind) = (parts.next()?, parts.next()?);
    (is_id(id) && is_type(kind)).then(|| (kind.to_owned(), id.to_owned()))
}

/// Whether a text can be a resource type.
#[must_use]
pub fn is_type(text: &str) -> bool {
    let starts = text.bytes().next().is_some_and(|first| first.is_ascii_uppercase());
    starts && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Whether a text can be a logical id (FHIR data type `id`).
#[must_use]
pub fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

fn patient_entry(resource: &Resource) -> Option<PatientEntry> {
    let value = resource.value();
    let family = value.pointer("/name/0/family").and_then(Value::as_str).unwrap_or_default().to_owned();
    let birth_date = value.get("birthDate").and_then(Value::as_str).and_then(|date| date.parse().ok());
    Some(PatientEntry { bsn: bsn(value)?, family, birth_date, id: resource.id().to_owned() })
}

fn bsn(patient: &Value) -> Option<Bsn> {
    let identifiers = patient.get("identifier").and_then(Value::as_array)?;
    let of_bsn = |identifier: &&Value| identifier.get("system").and_then(Value::as_str) == Some(Bsn::SYSTEM);
    let values = identifiers.iter().filter(of_bsn).filter_map(|identifier| identifier.get("value")?.as_str());
    values.filter_map(|value| Bsn::parse(value).ok()).next()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn records() -> Records {
        let reference = |to: &str| json!({"reference": to, "display": "x"});
        Records::from_resources(vec![
            json!({"resourceType": "Patient", "id": "a", "birthDate": "1960-02-03", "name": [{"family": "Aalbers"}],
                "identifier": [{"system": Bsn::SYSTEM, "value": "999911132"}], "generalPractitioner": [reference("Practitioner/gp")]}),
            json!({"resourceType": "Patient", "id": "b", "link": [{"other": reference("Patient/a")}]}),
            json!({"resourceType": "Practitioner", "id": "gp"}),
            json!({"resourceType": "PractitionerRole", "id": "role", "organization": reference("Organization/practice")}),
            json!({"resourceType": "Organization", "id": "practice", "endpoint": [reference("Organization/practice")]}),
            json!({"resourceType": "Organization", "id": "elsewhere"}),
            json!({"resourceType": "Appointment", "id": "both", "participant": [
                {"actor": reference("Patient/a")}, {"actor": reference("https://his.example/fhir/Patient/b/_history/2")}]}),
            json!({"resourceType": "DocumentReference", "id": "letter", "subject": reference("Patient/b"),
                "author": [reference("PractitionerRole/role")], "content": [{"attachment": {"url": "Binary/pdf"}}]}),
            json!({"resourceType": "Binary", "id": "pdf"}),
        ])
        .unwrap()
    }

    fn owners(records: &Records, kind: &str, id: &str) -> Vec<String> {
        records.owners(records.find(kind, id).unwrap()).into_iter().flatten().cloned().collect()
    }

    #[test]
    fn resources_belong_to_the_patients_they_name_or_that_reach_them() {
        let records = records();
        let cases = [
            ("Patient", "a", vec!["a"]),
            ("Patient", "b", vec!["b"]),
            ("Appointment", "both", vec!["a", "b"]),
            ("Practitioner", "gp", vec!["a"]),
            ("PractitionerRole", "role", vec!["b"]),
            ("Organization", "practice", vec!["b"]),
            ("Organization", "elsewhere", vec![]),
            ("Binary", "pdf", vec!["b"]),
        ];
        for (kind, id, expected) in cases {
            assert_eq!(owners(&records, kind, id), expected, "{kind}/{id}");
        }
    }

    #[test]
    fn only_a_patient_with_a_bsn_can_log_in() {
        let patients: Vec<_> = records().patients().collect();
        assert_eq!(patients.len(), 1);
        let first = patients.first().unwrap();
        assert_eq!((first.bsn.reveal(), first.family.as_str(), first.id.as_str()), ("999911132", "Aalbers", "a"));
        assert_eq!(first.birth_date, Some(jiff::civil::date(1960, 2, 3)));
    }

    #[test]
    fn a_merge_can_give_a_neutral_resource_an_owner_and_the_later_resource_stays() {
        let other = Records::from_resources(vec![
            json!({"resourceType": "Encounter", "id": "e", "subject": {"reference": "Patient/a"},
                "serviceProvider": {"reference": "Organization/elsewhere"}}),
            json!({"resourceType": "Practitioner", "id": "gp", "active": true}),
        ]);
        let merged = records().merge(other.unwrap());
        assert_eq!(owners(&merged, "Organization", "elsewhere"), ["a"]);
        assert_eq!(merged.find("Practitioner", "gp").unwrap().value()["active"], json!(true));
        assert_eq!(merged.len(), 10);
    }

    #[test]
    fn what_is_no_resource_is_refused() {
        for value in [json!(null), json!([]), json!({"id": "x"}), json!({"resourceType": "../etc", "id": "x"})] {
            assert_eq!(Resource::parse(value).unwrap_err(), ResourceError::NoType);
        }
        for value in [json!({"resourceType": "Flag"}), json!({"resourceType": "Flag", "id": "a/b"})] {
            assert_eq!(Resource::parse(value).unwrap_err(), ResourceError::NoId);
        }
    }

    #[test]
    fn the_type_is_written_first() {
        let resource = Resource::parse(json!({"active": true, "id": "x", "resourceType": "Flag"})).unwrap();
        assert_eq!(resource.text().get(), r#"{"resourceType":"Flag","id":"x","active":true}"#);
    }

    #[test]
    fn references_that_point_nowhere_are_none() {
        for reference in ["#contained", "urn:uuid:0b8f1c9e", "Patient", "", "/", "patient/x", "https://his.example/"] {
            assert_eq!(reference_key(reference), None, "{reference}");
        }
    }
}
