//! The data services that the demonstration sites show, and what people read about each.

use std::collections::HashMap;

use crate::sandbox::client::Endpoints;

/// The role that gives the bytes of documents; the list of them has one of its own.
pub(in crate::sandbox) const BYTES_ROLE: &str = "MM-3.0-PDB-FHIR";

/// A data service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sandbox) enum DataService {
    Record,
    Appointments,
    Documents,
    Measurements,
    Vaccinations,
}

impl DataService {
    /// In the order in which they are shown.
    pub(in crate::sandbox) const ALL: [Self; 5] =
        [Self::Record, Self::Appointments, Self::Documents, Self::Measurements, Self::Vaccinations];

    /// Its id in the lists.
    pub(in crate::sandbox) const fn id(self) -> &'static str {
        match self {
            Self::Record => "49",
            Self::Appointments => "47",
            Self::Documents => "51",
            Self::Measurements => "52",
            Self::Vaccinations => "63",
        }
    }

    /// The system role that is searched.
    pub(in crate::sandbox) const fn role(self) -> &'static str {
        match self {
            Self::Record => "MM-2.0-HGB-FHIR",
            Self::Appointments => "EA-2.0-AFB-FHIR",
            Self::Documents => "MM-3.0-PLB-FHIR",
            Self::Measurements => "MM-2.0-MVB-FHIR",
            Self::Vaccinations => "MM-1.0-VAB-FHIR",
        }
    }

    /// What people call it.
    pub(in crate::sandbox) const fn title(self) -> &'static str {
        match self {
            Self::Record => "Huisartsdossier",
            Self::Appointments => "Afspraken",
            Self::Documents => "Documenten",
            Self::Measurements => "Metingen",
            Self::Vaccinations => "Vaccinaties",
        }
    }

    /// What is in it.
    pub(in crate::sandbox) const fn about(self) -> &'static str {
        match self {
            Self::Record => "Episodes, medicijnen, uitslagen en consulten",
            Self::Appointments => "Wanneer u bij de praktijk komt en kwam",
            Self::Documents => "Brieven en verslagen, als PDF",
            Self::Measurements => "Gewicht, bloeddruk en wat u verder zelf meet",
            Self::Vaccinations => "Welke prikken u kreeg",
        }
    }
}

/// The FHIR bases of these services, by system role.
pub(in crate::sandbox) fn bases(
    services: &[DataService],
    offered: &HashMap<String, Endpoints>,
) -> HashMap<String, String> {
    let listed = services.iter().filter_map(|service| offered.get(service.id()));
    listed.flat_map(|endpoints| endpoints.resources.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::{Catalogue, Purpose};

    #[test]
    fn every_service_is_one_of_the_catalogue_and_has_its_role() {
        let catalogue = Catalogue::shipped();
        for service in DataService::ALL {
            let known = catalogue.service(service.id()).unwrap();
            assert_eq!(known.purpose, Purpose::Collect);
            assert!(known.roles.iter().any(|role| role.as_str() == service.role()), "{service:?}");
        }
        let documents = catalogue.service(DataService::Documents.id()).unwrap();
        assert!(documents.roles.iter().any(|role| role.as_str() == BYTES_ROLE));
    }
}
