//! The names of the fields of a form of the register, and how they are written.

use crate::language::Language;

/// The name of a field, and a hint; empty when there is nothing to say.
pub(super) fn label(field: &str, language: Language) -> (&'static str, &'static str) {
    let (dutch, english) = of(field);
    match language {
        Language::Dutch => dutch,
        Language::English => english,
    }
}

type Label = (&'static str, &'static str);

fn of(field: &str) -> (Label, Label) {
    match field {
        "id" => (("Id", "kleine letters, cijfers en streepjes"), ("Id", "lower-case letters, digits and hyphens")),
        "name" => (("Naam", ""), ("Name", "")),
        "kind" => (
            ("Soort", "care-group, health-centres, cooperative of lhv-circle"),
            ("Kind", "care-group, health-centres, cooperative or lhv-circle"),
        ),
        "provider" => {
            (("Naam in MedMij", "zoals huisarts.delinde@medmij"), ("Name in MedMij", "as huisarts.delinde@medmij"))
        }
        "agb" => (("AGB-code", "8 cijfers"), ("AGB code", "8 digits")),
        "place" => (("Plaats", ""), ("Place", "")),
        "patients" => (("Ingeschreven patiënten", ""), ("Enrolled patients", "")),
        "patients_16" => {
            (("Ingeschreven patiënten van 16 jaar en ouder", ""), ("Enrolled patients of 16 and older", ""))
        }
        "supplier" => (("HIS-leverancier", "het id van een leverancier"), ("HIS supplier", "the id of a supplier")),
        "installation" => {
            (("HIS-installatie", "het id in de configuratie"), ("HIS installation", "the id in the configuration"))
        }
        "system_version" => (("HIS-versie", ""), ("HIS version", "")),
        "access_start" => {
            (("Inzage vanaf", "een dag als 2020-07-01, of leeg"), ("Access from", "a day as 2020-07-01, or empty"))
        }
        "coalitions" => (
            ("Coalities", "als waterland 2020-01-01..2022-09-30, met puntkomma's ertussen"),
            ("Coalitions", "as waterland 2020-01-01..2022-09-30, with semicolons between them"),
        ),
        "gp" => (("Huisartsen", "geschoold/werkzaam, zoals 1/3"), ("GPs", "trained/employed, as 1/3")),
        "poh" => (("Praktijkondersteuners", "geschoold/werkzaam"), ("Practice nurses", "trained/employed")),
        "manager" => (("Praktijkmanagers", "geschoold/werkzaam"), ("Practice managers", "trained/employed")),
        "assistant" => (("Assistenten", "geschoold/werkzaam"), ("Assistants", "trained/employed")),
        "lead" => {
            (("Penvoerder", "het id van een van de organisaties"), ("Lead party", "the id of one of the organisations"))
        }
        "organisations" => {
            (("Organisaties", "id's met puntkomma's ertussen"), ("Organisations", "ids with semicolons between them"))
        }
        "exception" => {
            (("Uitzondering", "geography, partnership of leeg"), ("Exception", "geography, partnership or empty"))
        }
        "exception_ground" => (("Grond van de uitzondering", ""), ("Ground of the exception", "")),
        _ => proof(field),
    }
}

/// A day, or where it can be seen.
fn proof(field: &str) -> (Label, Label) {
    const DAY: Label = ("een dag als 2020-07-01, of leeg", "a day as 2020-07-01, or empty");
    const SEEN: Label = ("waar het te zien is", "where it can be seen");
    let (of, hint) = match field.rsplit_once('_') {
        Some((of, "on")) => (of, DAY),
        Some((of, _)) => (of, SEEN),
        None => (field, ("", "")),
    };
    let (dutch, english) = match of {
        "informed" => ("Patiënten geïnformeerd", "Patients informed"),
        "conforms" => ("HIS werkt volgens de richtlijn", "HIS works per the guideline"),
        "tasks" => ("Taken verdeeld", "Tasks divided"),
        "agreement" => ("Overeenkomst getekend", "Agreement signed"),
        "registered" => ("Aangemeld", "Registered"),
        "subsidy" => ("Subsidie aangevraagd", "Subsidy applied for"),
        "activities" => ("Activiteiten uitgevoerd", "Activities carried out"),
        "finished" => ("Programma afgerond", "Programme finished"),
        _ => ("", ""),
    };
    ((dutch, hint.0), (english, hint.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practices::programme::EntryKind;
    use crate::practices::programme::file::fields;

    #[test]
    fn every_field_has_a_name_in_both_languages() {
        for (field, _) in EntryKind::ALL.into_iter().flat_map(|kind| fields(kind, None)) {
            for language in [Language::Dutch, Language::English] {
                assert!(field == "version" || !label(field, language).0.is_empty(), "{field}");
            }
        }
    }
}
