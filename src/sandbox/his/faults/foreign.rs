//! A HIS that mixes people up: where something of another patient comes to stand.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::sandbox::his::search::Found;
use crate::sandbox::his::store::{Records, Resource, reference_key};

/// Where something of another patient stands in a searchset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForeignKind {
    /// An entry of its own, among the matches.
    #[default]
    Entry,
    /// An entry of its own, as if included.
    Include,
    /// A contained resource of the first entry.
    Contained,
    /// The first entry names the other patient in place of the one asked for.
    Reference,
    /// The same, with the whole address of the other patient.
    Absolute,
    /// The same, with an address on another server.
    Elsewhere,
    /// An entry of its own that, in XML, comes out of an entity of the document type.
    XmlEntity,
}

/// A resource of somebody else: of the type asked for when there is one, else their Patient.
pub(in crate::sandbox::his) fn foreign<'a>(
    records: &'a Records,
    kind: &str,
    found: &Found<'a>,
) -> Option<&'a Resource> {
    let elses = |resource: &&Resource| {
        let owners = records.owners(resource);
        let ours = found.patient.as_ref().is_some_and(|patient| owners.is_some_and(|owners| owners.contains(patient)));
        let listed = found.matches.iter().any(|other| other.kind() == resource.kind() && other.id() == resource.id());
        owners.is_some() && !ours && !listed
    };
    records.of_type(kind).find(elses).or_else(|| records.of_type("Patient").find(elses))
}

/// The first entry with something of `other` in it. `None` for the kinds that are entries of their own.
pub(in crate::sandbox::his) fn taint(
    kind: ForeignKind,
    own: &Value,
    other: &Resource,
    owner: &str,
    base: &str,
) -> Option<Value> {
    let mut tainted = own.clone();
    match kind {
        ForeignKind::Entry | ForeignKind::Include | ForeignKind::XmlEntity => return None,
        ForeignKind::Contained => {
            tainted.as_object_mut()?.insert("contained".to_owned(), json!([other.value()]));
        }
        ForeignKind::Reference => rename_patient(&mut tainted, &format!("Patient/{owner}")),
        ForeignKind::Absolute => rename_patient(&mut tainted, &format!("{base}/Patient/{owner}")),
        ForeignKind::Elsewhere => rename_patient(&mut tainted, &format!("https://elders.example/fhir/Patient/{owner}")),
    }
    Some(tainted)
}

/// Every reference to a Patient now is this one.
fn rename_patient(value: &mut Value, to: &str) {
    let names = value.get("reference").and_then(Value::as_str).and_then(reference_key);
    if let (Some(("Patient", _)), Some(members)) =
        (names.as_ref().map(|(kind, id)| (kind.as_str(), id)), value.as_object_mut())
    {
        members.insert("reference".to_owned(), json!(to));
    }
    if let Some(members) = value.as_object_mut() {
        members.values_mut().for_each(|member| rename_patient(member, to));
    } else if let Some(items) = value.as_array_mut() {
        items.iter_mut().for_each(|item| rename_patient(item, to));
    }
}
