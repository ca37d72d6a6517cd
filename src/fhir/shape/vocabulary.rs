//! Every name that FHIR gives to an element: a closed list, so that nothing which is remembered of one answer can say
//! anything about a patient to the next.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

/// The elements of the types of STU3 and R4. See `xml/tables/stu3.txt` for the form of a line.
const TABLES: [&str; 2] = [include_str!("../xml/tables/stu3.txt"), include_str!("../xml/tables/r4.txt")];

static NAMES: LazyLock<HashSet<Cow<'static, str>>> = LazyLock::new(|| {
    let lines = TABLES.iter().flat_map(|table| table.lines()).filter(|line| !line.starts_with('#'));
    let elements = lines.flat_map(|line| line.split(' ').skip(3)).filter_map(|element| element.split_once(':'));
    elements.flat_map(|(name, types)| spellings(name, types)).chain([Cow::Borrowed("resourceType")]).collect()
});

/// Whether FHIR has an element of this name, or one whose id and extensions stand under it (STU3 json.html, 2.6.2.3).
pub(super) fn knows(name: &str) -> bool {
    NAMES.contains(name.strip_prefix('_').unwrap_or(name))
}

/// What an element of a table is called in JSON.
fn spellings(name: &'static str, types: &'static str) -> Vec<Cow<'static, str>> {
    let Some(choice) = name.strip_suffix("[x]") else {
        return vec![Cow::Borrowed(name.trim_start_matches('@').trim_end_matches('*'))];
    };
    let capital = |kind: &str| -> String {
        kind.chars().take(1).flat_map(char::to_uppercase).chain(kind.chars().skip(1)).collect()
    };
    types.split('|').map(|kind| Cow::Owned(format!("{choice}{}", capital(kind)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_elements_of_fhir_are_known_and_nothing_else() {
        for name in
            ["resourceType", "id", "_id", "url", "valueQuantity", "valueCodeableConcept", "div", "_birthDate", "entry"]
        {
            assert!(knows(name), "{name}");
        }
        for name in
            ["", "_", "__id", "value[x]", "url:uri", "identifier*", "@id", "999911132", "Jan", "Observation", "value"]
        {
            assert_eq!(knows(name), name == "value", "{name}");
        }
        assert!((1_000..3_000).contains(&NAMES.len()), "{}", NAMES.len());
        assert!(NAMES.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric())));
    }
}
