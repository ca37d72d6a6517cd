//! The rows of the vendor API, as `fixtures/his-rest/README.md` describes them, in the words of the vendor. Unknown members
//! are ignored; what a rule, an address or a Reference is made of must be there and in form, or the page means nothing.

use serde::Deserialize;

use super::value::{Day, Digits, Id, Instant, Moment};

/// One page of a list.
#[derive(Debug, Deserialize)]
pub(super) struct Page<R> {
    pub(super) regels: Vec<R>,
    /// What to ask the next page with; absent on the last one.
    pub(super) volgende: Option<String>,
}

/// The answer to a search for a patient.
#[derive(Debug, Deserialize)]
pub(super) struct Found {
    pub(super) patienten: Vec<Patient>,
}

/// A number that something has in a system of numbers.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Kenmerk {
    pub(super) stelsel: String,
    pub(super) waarde: String,
}

/// Something else, by id and by name.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Verwijzing {
    pub(super) id: Id,
    pub(super) naam: String,
}

/// Who did something, and the role in the practice.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Medewerker {
    pub(super) id: Id,
    pub(super) naam: String,
    pub(super) rol_id: Option<Id>,
}

/// A code and its name; of which system, the member says that holds it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Code {
    pub(super) code: String,
    pub(super) naam: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Patient {
    pub(super) id: Id,
    pub(super) bsn: String,
    #[serde(default)]
    pub(super) kenmerken: Vec<Kenmerk>,
    pub(super) naam: Naam,
    pub(super) geslacht: Option<Geslacht>,
    pub(super) geboortedatum: Option<String>,
    pub(super) adres: Option<Adres>,
    pub(super) huisarts: Option<Medewerker>,
    pub(super) praktijk: Option<Verwijzing>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Naam {
    pub(super) volledig: String,
    pub(super) voornaam: Option<String>,
    pub(super) achternaam: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) enum Geslacht {
    V,
    M,
    X,
    /// Not known, or a word of a later version.
    #[serde(other)]
    Onbekend,
}

#[derive(Debug, Deserialize)]
pub(super) struct Adres {
    pub(super) straat: Option<String>,
    pub(super) postcode: Option<String>,
    pub(super) plaats: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Huisarts {
    pub(super) id: Id,
    #[serde(default)]
    pub(super) kenmerken: Vec<Kenmerk>,
    pub(super) naam: Naam,
    pub(super) geslacht: Option<Geslacht>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Episode {
    pub(super) id: Id,
    pub(super) patient: Verwijzing,
    #[serde(default)]
    pub(super) kenmerken: Vec<Kenmerk>,
    pub(super) titel: String,
    pub(super) status: EpisodeStatus,
    pub(super) begin: Option<Day>,
    pub(super) eind: Option<Day>,
    pub(super) probleem: Option<Verwijzing>,
    pub(super) regiebehandelaar: Option<Medewerker>,
    pub(super) praktijk: Option<Verwijzing>,
}

/// Whether an episode is shown hangs on it, so a word that is not known is no episode that can be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum EpisodeStatus {
    Actief,
    Afgesloten,
    Vervallen,
}

#[derive(Debug, Deserialize)]
pub(super) struct Attentie {
    pub(super) id: Id,
    pub(super) patient: Verwijzing,
    #[serde(default)]
    pub(super) kenmerken: Vec<Kenmerk>,
    pub(super) actief: bool,
    pub(super) episode: Option<Verwijzing>,
    pub(super) icpc: Option<Code>,
    pub(super) tekst: String,
    pub(super) begin: Option<Day>,
    pub(super) medewerker: Option<Medewerker>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Contact {
    pub(super) id: Id,
    pub(super) patient: Verwijzing,
    #[serde(default)]
    pub(super) kenmerken: Vec<Kenmerk>,
    pub(super) omschrijving: String,
    /// NHG table 14.
    pub(super) contactwijze: Code,
    pub(super) begin: Moment,
    pub(super) eind: Option<Moment>,
    #[serde(default)]
    pub(super) episodes: Vec<Verwijzing>,
    pub(super) medewerker: Medewerker,
    pub(super) praktijk: Option<Verwijzing>,
    pub(super) verslag: Option<Verslag>,
}

/// The report of a contact.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Verslag {
    pub(super) id: Id,
    #[serde(default)]
    pub(super) kenmerken: Vec<Kenmerk>,
    pub(super) titel: String,
    /// How many journal lines it has: a report is whole or it is not shown.
    pub(super) aantal_regels: usize,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Journaalregel {
    pub(super) id: Id,
    pub(super) patient: Verwijzing,
    pub(super) contact_id: Id,
    /// S, O, E or P.
    pub(super) soort: Code,
    pub(super) tekst: String,
    pub(super) icpc: Option<Code>,
    pub(super) episode: Option<Verwijzing>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meting {
    pub(super) id: Id,
    pub(super) patient: Verwijzing,
    #[serde(default)]
    pub(super) kenmerken: Vec<Kenmerk>,
    pub(super) soort: MetingSoort,
    /// NHG table 45.
    pub(super) bepaling: Code,
    pub(super) waarde: Option<Digits>,
    pub(super) waarde_tekst: Option<String>,
    pub(super) eenheid: Option<Eenheid>,
    pub(super) ondergrens: Option<Digits>,
    pub(super) bovengrens: Option<Digits>,
    pub(super) datum: Moment,
    pub(super) contact: Option<Verwijzing>,
    pub(super) episode: Option<Verwijzing>,
    pub(super) medewerker: Option<Medewerker>,
    pub(super) materiaal: Option<Materiaal>,
    pub(super) hoort_bij: Option<Verwijzing>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum MetingSoort {
    Lab,
    Meting,
}

#[derive(Debug, Deserialize)]
pub(super) struct Eenheid {
    pub(super) naam: String,
    pub(super) ucum: String,
}

/// What was taken for a determination.
#[derive(Debug, Deserialize)]
pub(super) struct Materiaal {
    pub(super) id: Id,
    #[serde(default)]
    pub(super) kenmerken: Vec<Kenmerk>,
    pub(super) naam: String,
    /// SNOMED CT.
    pub(super) soort: Code,
    pub(super) afgenomen: Option<Moment>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Medicatie {
    pub(super) id: Id,
    pub(super) patient: Verwijzing,
    #[serde(default)]
    pub(super) kenmerken: Vec<Kenmerk>,
    pub(super) behandeling: Option<Kenmerk>,
    pub(super) product: Product,
    pub(super) dosering: String,
    pub(super) begin: Moment,
    pub(super) eind: Option<Moment>,
    pub(super) afgesproken_op: Moment,
    pub(super) voorschrijver: Medewerker,
    pub(super) contact: Option<Verwijzing>,
    pub(super) episode: Option<Verwijzing>,
}

/// A product of the G-Standaard.
#[derive(Debug, Deserialize)]
pub(super) struct Product {
    pub(super) id: Id,
    pub(super) prk: String,
    pub(super) naam: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Overgevoeligheid {
    pub(super) id: Id,
    pub(super) patient: Verwijzing,
    #[serde(default)]
    pub(super) kenmerken: Vec<Kenmerk>,
    pub(super) soort: OvergevoeligheidSoort,
    /// SSK of the G-Standaard.
    pub(super) stof: Code,
    #[serde(default)]
    pub(super) reacties: Vec<String>,
    pub(super) actief: bool,
    pub(super) bevestigd: bool,
    pub(super) begin: Option<Moment>,
    pub(super) vastgesteld_op: Option<Moment>,
    pub(super) medewerker: Option<Medewerker>,
}

/// The service shows intolerances for medication; another word is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum OvergevoeligheidSoort {
    Medicatie,
    #[serde(other)]
    Anders,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Afspraak {
    pub(super) id: Id,
    pub(super) patient: Verwijzing,
    #[serde(default)]
    pub(super) kenmerken: Vec<Kenmerk>,
    pub(super) status: AfspraakStatus,
    /// AGB specialism.
    pub(super) specialisme: Option<Code>,
    pub(super) omschrijving: Option<String>,
    pub(super) instructie: Option<String>,
    pub(super) begin: Instant,
    pub(super) eind: Instant,
    pub(super) medewerker: Option<Medewerker>,
    pub(super) locatie: Option<Verwijzing>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum AfspraakStatus {
    Aangevraagd,
    Geboekt,
    Voltooid,
    Geannuleerd,
    Verzuimd,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    pub(super) id: Id,
    pub(super) patient: Verwijzing,
    #[serde(default)]
    pub(super) kenmerken: Vec<Kenmerk>,
    /// The number that the document has everywhere.
    pub(super) documentnummer: Option<Kenmerk>,
    pub(super) status: DocumentStatus,
    /// LOINC.
    pub(super) soort: Code,
    pub(super) titel: String,
    pub(super) vastgelegd: Instant,
    pub(super) auteur: Option<Medewerker>,
    pub(super) mediatype: String,
    /// Id of the bytes.
    pub(super) inhoud_id: Id,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum DocumentStatus {
    Actueel,
    Vervangen,
    Vervallen,
}

/// What the installation says of itself.
#[derive(Debug, Deserialize)]
pub(super) struct Release {
    pub(super) product: String,
    pub(super) api: String,
    #[serde(default)]
    pub(super) onderdelen: Vec<String>,
}
