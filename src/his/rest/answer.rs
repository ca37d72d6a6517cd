//! Asks the vendor what a question needs, and joins it.

use serde::de::DeserializeOwned;

use super::map::{Resource, agenda, journal, person, treatment};
use super::question::{Period, Question};
use super::rows;
use super::value::{Day, Id};
use super::vendor::{List, Vendor};
use crate::his::{Ask, HisError};

/// The resources that answer a question.
#[derive(Debug, Default)]
pub(super) struct Joined {
    pub(super) matches: Vec<Resource>,
    pub(super) includes: Vec<Resource>,
    /// Whether the vendor did not give all of it.
    pub(super) incomplete: bool,
}

/// Answers a question about this patient.
pub(super) async fn answer(
    vendor: &Vendor,
    patient: &Id,
    question: Question,
    ask: Ask<'_>,
) -> Result<Joined, HisError> {
    let of = Of { vendor, patient, ask };
    match question {
        Question::Patient { with_gp } => of.person(with_gp).await,
        Question::Episodes => of.each("episodes", journal::episode).await,
        Question::Flags => of.each("attentieregels", journal::flag).await,
        Question::Contacts => of.each("contacten", journal::encounter).await,
        Question::Reports => of.reports().await,
        Question::Intolerances => of.intolerances().await,
        Question::Agreements { in_use_from, with_products } => of.agreements(in_use_from, with_products).await,
        Question::Results { period, with_specimens } => of.results(period, with_specimens).await,
        Question::Appointments { period } => {
            of.list("afspraken", &filters(period)).await.map(|list| each(&list, agenda::appointment))
        }
        Question::Documents { period } => of.documents(period).await,
    }
}

/// About whom which vendor is asked.
#[derive(Clone, Copy)]
struct Of<'a> {
    vendor: &'a Vendor,
    patient: &'a Id,
    ask: Ask<'a>,
}

impl Of<'_> {
    async fn list<R: DeserializeOwned>(self, name: &str, filters: &[(String, String)]) -> Result<List<R>, HisError> {
        self.vendor.list(self.patient, name, filters, self.ask).await
    }

    async fn each<R: DeserializeOwned>(self, name: &str, map: impl Fn(&R) -> Resource) -> Result<Joined, HisError> {
        self.list(name, &[]).await.map(|list| each(&list, map))
    }

    async fn person(self, with_gp: bool) -> Result<Joined, HisError> {
        let path = format!("/patienten/{}", self.patient.as_str());
        let gp_path = format!("{path}/huisarts");
        let gp = async {
            let found: Option<rows::Huisarts> = if with_gp { self.vendor.one(&gp_path, self.ask).await? } else { None };
            Ok(found)
        };
        let (patient, gp) = tokio::try_join!(self.vendor.one::<rows::Patient>(&path, self.ask), gp)?;
        Ok(Joined {
            matches: patient.iter().map(person::patient).collect(),
            includes: gp.iter().map(person::practitioner).collect(),
            incomplete: false,
        })
    }

    async fn reports(self) -> Result<Joined, HisError> {
        let (contacts, lines) = tokio::try_join!(self.list("contacten", &[]), self.list("journaalregels", &[]))?;
        Ok(reports(self.patient, &contacts, &lines))
    }

    async fn intolerances(self) -> Result<Joined, HisError> {
        let filters = [("soort".to_owned(), "medicatie".to_owned())];
        self.list("overgevoeligheden", &filters).await.map(|list| each(&list, treatment::intolerance))
    }

    async fn agreements(self, in_use_from: Option<Day>, with_products: bool) -> Result<Joined, HisError> {
        let filters: Vec<_> = in_use_from.map(|day| filter("actueel", day)).into_iter().collect();
        self.list("medicatie", &filters).await.map(|list| agreements(&list, with_products))
    }

    async fn documents(self, period: Period) -> Result<Joined, HisError> {
        let current = ("status".to_owned(), "actueel".to_owned());
        let filters: Vec<_> = std::iter::once(current).chain(filters(period)).collect();
        self.list("documenten", &filters).await.map(|list| each(&list, agenda::document))
    }

    async fn results(self, period: Period, with_specimens: bool) -> Result<Joined, HisError> {
        self.list("metingen", &filters(period)).await.map(|list| results(&list, with_specimens))
    }
}

/// A list of which each row is a resource.
fn each<R>(list: &List<R>, map: impl Fn(&R) -> Resource) -> Joined {
    Joined { matches: list.rows.iter().map(map).collect(), includes: Vec::new(), incomplete: list.incomplete }
}

fn agreements(list: &List<rows::Medicatie>, with_products: bool) -> Joined {
    let products = list.rows.iter().filter(|_| with_products).map(|row| treatment::product(&row.product));
    Joined { includes: once_each(products), ..each(list, treatment::agreement) }
}

fn results(list: &List<rows::Meting>, with_specimens: bool) -> Joined {
    let taken = list.rows.iter().filter(|_| with_specimens).filter_map(|row| Some((row, row.materiaal.as_ref()?)));
    let specimens = taken.map(|(row, taken)| treatment::specimen(row, taken));
    Joined { includes: once_each(specimens), ..each(list, treatment::result) }
}

fn reports(patient: &Id, contacts: &List<rows::Contact>, lines: &List<rows::Journaalregel>) -> Joined {
    let journal::Reports { found, left_out } = journal::reports(patient, &contacts.rows, &lines.rows);
    let incomplete = contacts.incomplete || lines.incomplete || left_out;
    Joined { matches: found, includes: Vec::new(), incomplete }
}

/// What one page of a list becomes, with all that can come along.
pub(super) fn of_page(list: &str, page: &[u8]) -> Result<Joined, HisError> {
    Ok(match list {
        "episodes" => each(&List::of_page(page)?, journal::episode),
        "attentieregels" => each(&List::of_page(page)?, journal::flag),
        "contacten" => each(&List::of_page(page)?, journal::encounter),
        "overgevoeligheden" => each(&List::of_page(page)?, treatment::intolerance),
        "afspraken" => each(&List::of_page(page)?, agenda::appointment),
        "documenten" => each(&List::of_page(page)?, agenda::document),
        "medicatie" => agreements(&List::of_page(page)?, true),
        "metingen" => results(&List::of_page(page)?, true),
        _ => return Err(HisError::Unsupported),
    })
}

/// What a page of contacts and one of journal lines become.
pub(super) fn of_reports(patient: &Id, contacts: &[u8], lines: &[u8]) -> Result<Joined, HisError> {
    Ok(reports(patient, &List::of_page(contacts)?, &List::of_page(lines)?))
}

fn filters(period: Period) -> Vec<(String, String)> {
    let from = period.from.map(|day| filter("vanaf", day));
    from.into_iter().chain(period.until.map(|day| filter("tot", day))).collect()
}

fn filter(name: &str, day: Day) -> (String, String) {
    (name.to_owned(), day.0.to_string())
}

/// What several rows name comes along once.
fn once_each(resources: impl Iterator<Item = Resource>) -> Vec<Resource> {
    let mut seen = std::collections::HashSet::new();
    resources.filter(|resource| seen.insert((resource.kind, resource.id.clone()))).collect()
}
