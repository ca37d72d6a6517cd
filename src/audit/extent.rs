//! The data services that a record of several names in its detail.

use crate::medmij::ServiceId;

/// What stands before their ids.
const WORD: &str = "services";

/// `services 48 49`; empty when there are none.
#[must_use]
pub fn services_named(services: &[ServiceId]) -> String {
    services.iter().fold(String::new(), |words, id| {
        let before = if words.is_empty() { WORD } else { &words };
        format!("{before} {id}")
    })
}

/// The services that a detail names, in its order: those behind the word `services`, up to a comma or the end.
#[must_use]
pub fn services_of_detail(detail: &str) -> Vec<ServiceId> {
    let mut parts = detail.split(", ").filter_map(|part| part.strip_prefix(WORD)?.strip_prefix(' '));
    parts.next().map_or_else(Vec::new, |ids| ids.split(' ').filter_map(|id| ServiceId::parse(id).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn services_are_read_back(ids in proptest::collection::vec("[0-9]{1,4}|[a-z]{2,9}", 0..6), rest in ", [a-z ]{0,20}|") {
            let services: Vec<ServiceId> = ids.iter().map(|id| ServiceId::parse(id).unwrap()).collect();
            let named = services_named(&services);
            prop_assert_eq!(services_of_detail(&named), services.clone());
            prop_assert_eq!(services_of_detail(&format!("protocol portal, {named}{rest}")), services);
        }

        #[test]
        fn any_detail_is_read(detail: String) {
            let _ = services_of_detail(&detail);
        }
    }

    #[test]
    fn a_detail_of_something_else_names_none() {
        for detail in ["", "digid, level substantieel", "service 49", "servicesx 49", "lists whl 12"] {
            assert!(services_of_detail(detail).is_empty(), "{detail}");
        }
        assert_eq!(services_named(&[]), "");
    }
}
