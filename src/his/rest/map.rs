//! From rows of the vendor to resources of the Dutch profiles. Each resource is about the patient its own row names, never
//! about the one that was asked for: whether that is the same person, the shaping judges for every dialect alike.

pub(super) mod agenda;
pub(super) mod journal;
pub(super) mod person;
pub(super) mod treatment;

use super::answer::Joined;
use super::node::{Node, object};
use super::value::Id;

/// One resource.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    pub(super) kind: &'static str,
    pub(super) id: Id,
    node: Node,
}

impl Resource {
    /// A resource of these members, after `resourceType`, `id`, `meta` and the text for people.
    fn new(kind: &'static str, id: &Id, profile: &str, text: &str, members: Node) -> Self {
        let first = object! {
            "resourceType": kind,
            "id": id,
            "meta": super::element::meta(profile),
            "text": super::element::narrative(text),
        };
        Self { kind, id: id.clone(), node: first.and(members) }
    }
}

/// A searchset of these resources, on `base`. Of an incomplete one nobody knows the total.
pub(super) fn searchset(base: &str, joined: &Joined) -> Vec<u8> {
    let Joined { matches, includes, incomplete } = joined;
    let entry = |resource: &Resource, mode: &str| {
        object! {
            "fullUrl": format!("{base}/{}/{}", resource.kind, resource.id.as_str()),
            "resource": resource.node.clone(),
            "search": object! { "mode": mode },
        }
    };
    let total = (!incomplete).then_some(Node::Count(matches.len()));
    let matches = matches.iter().map(|resource| entry(resource, "match"));
    let entries: Vec<Node> = matches.chain(includes.iter().map(|resource| entry(resource, "include"))).collect();
    let bundle = object! { "resourceType": "Bundle", "type": "searchset", "total": total, "entry": entries };
    serde_json::to_vec(&bundle).expect("a tree of texts and digits can be written")
}
