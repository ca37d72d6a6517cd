//! A family of lists with exactly one defect each, made from a list that has none.

use std::ops::{Range, RangeInclusive};

use crate::samples::Form;
use crate::tree::{Element, Tree};
use crate::values::wrong_values;

/// A list with one defect.
pub(crate) struct Defective {
    /// What was done to which element.
    pub(crate) what: String,
    /// The file.
    pub(crate) text: String,
    /// Where the refusal may point: the lines that were changed, and that of the next markup.
    pub(crate) lines: RangeInclusive<usize>,
    /// What the refusal may name: the element, and the one around it.
    pub(crate) elements: [String; 2],
    /// Why we refuse it although the published schema does not.
    pub(crate) stricter: Option<&'static str>,
}

/// All of them for one list.
pub(crate) fn defects(text: &str, form: Form) -> Vec<Defective> {
    let tree = Tree::of(text);
    let mut all = of_document(&tree);
    for at in tree.typical() {
        all.extend(of_element(&tree, at, form));
    }
    all.extend((0..tree.elements.len()).flat_map(|at| doubled_keys(&tree, at)));
    all
}

fn made(tree: &Tree, at: usize, what: &str, edit: Range<usize>, new: &str) -> Defective {
    let element = &tree.elements[at];
    let text = format!("{}{new}{}", &tree.text[..edit.start], &tree.text[edit.end..]);
    let after = edit.start + new.len();
    let next = after + text[after..].find(|c: char| !c.is_whitespace()).unwrap_or(text.len() - after);
    let lines = line(&text, edit.start.min(element.start.start))..=line(&text, next);
    let around = element.parent.map_or(at, |parent| parent);
    let elements = [element.name.clone(), tree.elements[around].name.clone()];
    Defective { what: format!("{what}: {}", tree.path(at)), text, lines, elements, stricter: None }
}

fn line(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// What is wrong with the file as a whole.
fn of_document(tree: &Tree) -> Vec<Defective> {
    let root = &tree.elements[0];
    let (head, tail) = (root.start.start..root.start.start, root.end.end..root.end.end);
    let tag = &tree.text[root.start.clone()];
    let namespace = tag.split("xmlns=\"").nth(1).unwrap().split('"').next().unwrap();
    let with = |what, old: &str, new: &str| made(tree, 0, what, root.start.clone(), &tag.replace(old, new));
    let bare = |mut defective: Defective| {
        // Markup outside the root is in no element.
        defective.elements = [String::new(), String::new()];
        defective
    };
    let schema_silent = |mut defective: Defective, why| {
        defective.stricter = Some(why);
        bare(defective)
    };
    vec![
        with("another namespace", namespace, "urn:other"),
        with("no namespace", &format!("xmlns=\"{namespace}\""), ""),
        with("a namespace without its last slash", namespace, namespace.trim_end_matches('/')),
        with("an unknown release", "/release", "/release9"),
        bare(made(tree, 0, "a second root", tail.clone(), "<Extra/>")),
        bare(made(tree, 0, "text after the root", tail, "more")),
        schema_silent(made(tree, 0, "a document type", head.clone(), "<!DOCTYPE a []>"), "no list has one"),
        schema_silent(made(tree, 0, "a processing instruction", head, "<?a b?>"), "no list has one"),
        bare(made(tree, 0, "cut off", root.end.clone(), "")),
    ]
}

fn of_element(tree: &Tree, at: usize, form: Form) -> Vec<Defective> {
    let element = &tree.elements[at];
    let (name, start) = (&element.name, &element.start);
    let (whole, inner) = (tree.whole(at), tree.inner(at));
    let content = &tree.text[inner.clone()];
    let tag = &tree.text[start.clone()];
    let rest = &tag[name.len() + 1..];
    let mut all = vec![
        made(tree, at, "renamed", whole.clone(), &format!("<{name}x{rest}{content}</{name}x>")),
        made(tree, at, "with an attribute", start.clone(), &format!("<{name} a=\"b\"{rest}")),
        made(tree, at, "without its end tag", element.end.clone(), ""),
        made(tree, at, "another end tag", element.end.clone(), "</Extra>"),
    ];
    if element.parent.is_some() {
        all.push(made(tree, at, "in another namespace", start.clone(), &format!("<{name} xmlns=\"urn:other\">")));
        all.push(made(tree, at, "followed by another element", whole.end..whole.end, "<Extra>a</Extra>"));
        all.push(made(tree, at, "twice", whole.end..whole.end, &tree.text[whole.clone()]));
        if required(tree, at, form) {
            all.push(made(tree, at, "removed", whole.clone(), ""));
        }
        all.extend(swapped(tree, at));
    }
    if element.children.is_empty() && !form.may_be_empty(name) {
        all.push(made(tree, at, "with an element in its text", inner.start..inner.start, "<Extra>a</Extra>"));
        all.extend(wrong_values(name, form).into_iter().map(|wrong| Defective {
            stricter: wrong.stricter,
            ..made(tree, at, &format!("value: {}", wrong.what), inner.clone(), &wrong.value)
        }));
    } else {
        all.push(made(tree, at, "with text", start.end..start.end, "text"));
        all.push(made(tree, at, "starting with another element", start.end..start.end, "<Extra>a</Extra>"));
    }
    all
}

/// Whether a list without this element is defective: neither optional, nor one of several of which one is enough.
fn required(tree: &Tree, at: usize, form: Form) -> bool {
    let Element { name, parent, .. } = &tree.elements[at];
    let siblings = &tree.elements[parent.expect("not the root")].children;
    let alone = siblings.iter().filter(|sibling| tree.elements[**sibling].name == *name).count() == 1;
    let repeats = ["Zorgaanbieder", "OAuthclient", "MedMijNode"].contains(&name.as_str())
        || tree.path(at).starts_with("Gegevensdienstnamenlijst/Gegevensdiensten/Gegevensdienst")
            && name == "Gegevensdienst";
    let optional =
        form == Form::Current && ["AuthorizationEndpoint", "TokenEndpoint", "Abonneren"].contains(&name.as_str());
    alone && !repeats && !optional
}

/// The element after the next one, when that is another.
fn swapped(tree: &Tree, at: usize) -> Option<Defective> {
    let siblings = &tree.elements[tree.elements[at].parent?].children;
    let next = *siblings.get(siblings.iter().position(|sibling| *sibling == at)? + 1)?;
    if tree.elements[next].name == tree.elements[at].name {
        return None;
    }
    let (one, other) = (tree.whole(at), tree.whole(next));
    let (first, between) = (&tree.text[one.clone()], &tree.text[one.end..other.start]);
    let new = format!("{}{between}{first}", &tree.text[other.clone()]);
    Some(made(tree, at, "swapped with the next", one.start..other.end, &new))
}

/// The key of an item, given to the next item as well.
fn doubled_keys(tree: &Tree, container: usize) -> Option<Defective> {
    let key = |item: usize| tree.elements[item].children.first().copied().unwrap_or(item);
    let items = &tree.elements[container].children;
    let (one, other) = (key(*items.first()?), key(*items.get(1)?));
    let alike = tree.elements[items[0]].name == tree.elements[items[1]].name
        && tree.elements[one].name == tree.elements[other].name;
    let leaf = tree.elements[one].children.is_empty();
    (alike && leaf).then(|| made(tree, other, "a key that is taken", tree.inner(other), &tree.text[tree.inner(one)]))
}
