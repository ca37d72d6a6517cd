//! Our own samples: invented, one of each form, and always there.

use std::path::{Path, PathBuf};

use inzage::lists::{AnyList, ListError, Reading};

use crate::defects::{Defective, defects};
use crate::tree::Tree;

/// What of the grammars matters to the defects that are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it is today.
    Current,
    /// A ZAL without interface versions.
    OldZal,
    /// The same by the schemas of 1.0, which leave more open.
    Release10,
}

impl Form {
    /// Whether a container of this name may have no element in it, so that one without children is not a text.
    pub(crate) fn may_be_empty(self, name: &str) -> bool {
        ["Zorgaanbieders", "OAuthclients", "MedMijNodes"].contains(&name)
    }
}

/// Reads a list of any kind.
pub(crate) fn read(text: &str) -> Result<AnyList, ListError> {
    AnyList::parse(text.as_bytes(), Reading::default())
}

fn good() -> Vec<(PathBuf, Form)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/lists");
    let of = |name: &str, form| (folder.join(format!("{name}-good.xml")), form);
    let current = ["zal", "ocl", "whl", "whl-text", "gnl", "zakl"].map(|name| of(name, Form::Current));
    current.into_iter().chain([of("zal-release2", Form::OldZal)]).collect()
}

/// Every defect of the family is refused, on a line that was changed, by the name of the element or the one around it.
pub(crate) fn assert_every_defect_is_refused(name: &str, text: &str, form: Form) {
    let all = defects(text, form);
    assert!(all.len() >= 60, "{name}: only {} defects", all.len());
    let missed: Vec<_> = all.iter().filter_map(missed).collect();
    assert!(missed.is_empty(), "{name}: {missed:#?}");
}

/// What is wrong with the refusal of a defect, if it is refused at all.
fn missed(defective: &Defective) -> Option<String> {
    let Defective { what, lines, elements, .. } = defective;
    let Err(error) = read(&defective.text) else { return Some(format!("{what}: was read")) };
    let message = error.to_string();
    let named = elements.iter().any(|element| message.contains(&format!("<{element}")));
    let right = lines.contains(&error.position.line) && (named || elements[0].is_empty());
    (!right).then(|| format!("{what}: {message}, not in lines {lines:?} by {elements:?}"))
}

#[test]
fn each_single_defect_of_our_own_samples_is_refused_at_its_place() {
    for (path, form) in good() {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(read(&text).is_ok(), "{name}");
        assert_every_defect_is_refused(name, &text, form);
    }
}

/// Changes that a list may have without being another list.
pub(crate) fn harmless(text: &str) -> Vec<(&'static str, String)> {
    let tree = Tree::of(text);
    let leaf = (0..tree.elements.len()).rev().find(|at| {
        let content = &tree.text[tree.inner(*at)];
        tree.elements[*at].children.is_empty() && !content.contains(['<', '&']) && !content.trim().is_empty()
    });
    let leaf = tree.inner(leaf.expect("a list has a value"));
    let (before, value, after) = (&text[..leaf.start], &text[leaf.clone()], &text[leaf.end..]);
    let first = value.chars().next().unwrap();
    let head = tree.elements[1].start.start;
    vec![
        ("a comment between elements", format!("{}<!-- note -->{}", &text[..head], &text[head..])),
        ("a comment in a value", format!("{before}<!-- note -->{value}{after}")),
        ("a value as character data", format!("{before}<![CDATA[{value}]]>{after}")),
        ("a character by its number", format!("{before}&#{};{}{after}", u32::from(first), &value[first.len_utf8()..])),
        ("other white space between elements", format!("{} \t\r\n{}", &text[..head], &text[head..])),
        ("a prefix", prefixed(&tree)),
    ]
}

fn prefixed(tree: &Tree) -> String {
    let mut text = tree.text.clone();
    let starts = tree.elements.iter().map(|element| element.start.start + 1);
    let ends = tree.elements.iter().map(|element| element.end.start + 2);
    let mut places: Vec<usize> = starts.chain(ends).collect();
    places.sort_unstable();
    places.into_iter().rev().for_each(|at| text.insert_str(at, "p:"));
    text.replacen(" xmlns=\"", " xmlns:p=\"", 1)
}

#[test]
fn what_does_not_change_a_list_is_read_as_the_same_list() {
    for (path, _) in good() {
        let text = std::fs::read_to_string(&path).unwrap();
        let list = read(&text).unwrap();
        for (what, changed) in harmless(&text) {
            assert_eq!(read(&changed).as_ref(), Ok(&list), "{what}: {}", path.display());
        }
    }
}
