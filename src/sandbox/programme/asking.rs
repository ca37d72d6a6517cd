//! What clients ask, in the words of the catalogue as the gateway writes them into its log: each search of a service with what it
//! must be asked with, read by the gateway's own reading of requests.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::fhir::read::check::described_in_full;
use crate::fhir::request::Floors;
use crate::medmij::ServiceId;
use crate::services::Catalogue;

/// For how many months back results are shown.
const RESULT_MONTHS: i32 = 14;

/// The searches of each service on one day.
pub(super) struct Asking {
    catalogue: Catalogue,
    today: Date,
    queries: HashMap<ServiceId, Vec<Arc<str>>>,
}

impl Asking {
    /// On a day.
    pub(super) fn on(today: Date) -> Self {
        let catalogue = Catalogue::shipped();
        let queries = queries(&catalogue, today);
        Self { catalogue, today, queries }
    }

    /// Goes on to a day.
    pub(super) fn go_to(&mut self, today: Date) {
        if self.today != today {
            self.today = today;
            self.queries = queries(&self.catalogue, today);
        }
    }

    /// All searches of a service, in the order of the catalogue.
    pub(super) fn of(&self, service: &ServiceId) -> &[Arc<str>] {
        self.queries.get(service).map_or(&[], Vec::as_slice)
    }
}

fn queries(catalogue: &Catalogue, today: Date) -> HashMap<ServiceId, Vec<Arc<str>>> {
    let floors = Floors { today, results: today.saturating_sub(RESULT_MONTHS.months()) };
    let collected = catalogue.iter().filter(|service| service.is_for_everyone());
    collected
        .map(|service| {
            let each = service.searches.iter().filter_map(|search| described_in_full(service, search, floors).ok());
            (service.id.clone(), each.map(Arc::from).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn every_search_is_asked_and_dates_are_those_of_the_day() {
        let mut asking = Asking::on(date(2026, 3, 1));
        let of = |asking: &Asking, id: &str| asking.of(&ServiceId::parse(id).unwrap()).to_vec();
        for service in Catalogue::shipped().iter().filter(|service| service.is_for_everyone()) {
            assert_eq!(of(&asking, service.id.as_str()).len(), service.searches.len(), "{}", service.id);
        }
        assert_eq!(&*of(&asking, "51")[0], "DocumentReference?status=current");
        assert_eq!(&*of(&asking, "47")[0], "Appointment?date=ge2026-03-01");
        asking.go_to(date(2026, 3, 2));
        assert_eq!(&*of(&asking, "47")[0], "Appointment?date=ge2026-03-02");
    }
}
