//! A further page: a cursor of ours leads back to the search it goes on with, and that search is judged anew.

use std::sync::Arc;

use super::document::Target;
use super::{ReadError, Reader};
use crate::audit::NoKey;
use crate::fhir::cursor::{Bound, Cursors, NextPage, PAGE_PARAMETER};
use crate::fhir::request::{self, Asked, Floors, Interaction, PageShape, SearchShape};
use crate::fhir::shape::stream::NextLink;
use crate::form::encode_pairs;
use crate::secret::HandleHash;
use crate::services::Service;

/// What of a search is asked for.
pub(super) enum Turn {
    /// Its first page.
    First,
    /// A later page, where the HIS keeps it.
    Later {
        /// Where the cursor leads.
        page: NextPage,
        /// The client's own request on our base.
        self_link: String,
    },
    /// The document that one of its results names.
    Document(Target),
}

impl Turn {
    /// What is asked for in the catalogue's words, for the audit; `name` tells what stands there for the id of a document.
    pub(super) fn describe(
        &self,
        shape: &SearchShape<'_>,
        name: impl FnOnce(&str) -> Result<String, NoKey>,
    ) -> Result<String, NoKey> {
        match self {
            Self::First | Self::Later { .. } => Ok(shape.describe()),
            Self::Document(target) => Ok(format!("Binary/{}", name(target.id())?)),
        }
    }
}

impl Reader {
    /// Opens a cursor. Whatever is wrong with it, there is no such page: the answer does not tell a changed cursor from one
    /// of another token, nor from one of a search that the service no longer has.
    pub(super) fn open_page<'a>(
        &self,
        service: &'a Service,
        asked: &PageShape<'_>,
        bound: Bound<'_>,
        floors: Floors,
    ) -> Result<(SearchShape<'a>, Turn), ReadError> {
        let page = self.cursors.open(&asked.token, bound).ok_or(ReadError::UnknownPage)?;
        let shape = search_again(service, &page.search, floors).filter(|shape| shape.search.resource == asked.resource);
        let self_link = asked.self_link(bound.base);
        Ok((shape.ok_or(ReadError::UnknownPage)?, Turn::Later { page, self_link }))
    }
}

/// Makes the addresses of the further pages of one search. Most answers have none, so nothing is put together before one is
/// asked for.
#[derive(Clone, Copy)]
pub(super) struct PageLinks<'a> {
    pub(super) cursors: &'a Arc<Cursors>,
    pub(super) shape: &'a SearchShape<'a>,
    pub(super) patient: &'a str,
    pub(super) bound: Bound<'a>,
}

impl PageLinks<'_> {
    /// See [`OwnLinks::to`].
    pub(super) fn to(self, address: &str) -> Option<String> {
        self.own().to(address)
    }

    /// For an answer that is judged entry by entry, and may outlive its request.
    pub(super) fn into_link(self) -> NextLink {
        let own = self.own();
        Box::new(move |address| own.to(address))
    }

    fn own(self) -> OwnLinks {
        let Self { cursors, shape, patient, bound } = self;
        OwnLinks {
            cursors: Arc::clone(cursors),
            search: shape.self_link("").trim_start_matches('/').to_owned(),
            resource: shape.search.resource.clone(),
            // A page is in the format that the search was asked in, when its query said which.
            format: shape.asked.iter().find(|(name, _)| name == "_format").cloned(),
            patient: patient.to_owned(),
            token: *bound.token,
            base: bound.base.to_owned(),
        }
    }
}

/// The same with all that it needs.
struct OwnLinks {
    cursors: Arc<Cursors>,
    search: String,
    resource: String,
    format: Option<(String, String)>,
    patient: String,
    token: HandleHash,
    base: String,
}

impl OwnLinks {
    /// The address under which the client gets the page that the HIS keeps at `address`; `None` when it would be too long.
    fn to(&self, address: &str) -> Option<String> {
        let (search, patient, address) = (self.search.clone(), self.patient.clone(), address.to_owned());
        let bound = Bound { token: &self.token, base: &self.base };
        let cursor = self.cursors.seal(&NextPage { search, patient, address }, bound)?;
        let pairs: Vec<_> = [(PAGE_PARAMETER.to_owned(), cursor)].into_iter().chain(self.format.clone()).collect();
        Some(format!("{}/{}?{}", self.base, self.resource, encode_pairs(&pairs)))
    }
}

/// The search as it was asked, read by the catalogue in force.
fn search_again<'a>(service: &'a Service, search: &str, floors: Floors) -> Option<SearchShape<'a>> {
    let (path, query) = search.split_once('?').map_or((search, None), |(path, query)| (path, Some(query)));
    match request::parse(service, path, Asked::search(query), floors).ok()?.interaction {
        Interaction::Search(shape) => Some(shape),
        Interaction::Read(_) | Interaction::Page(_) | Interaction::Submit(_) => None,
    }
}
