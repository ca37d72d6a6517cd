//! Which closed episodes a practice shows, as its attention flags say.

use std::collections::HashSet;

use super::ReadError;
use super::search::whole;
use crate::fhir::shape::{Page, Record, ShapeFault, ShownEpisodes, flagged_episodes};
use crate::his::{Ask, HisAdapter, HisPatient, Search};
use crate::practices::{ClosedEpisodes, Practice};
use crate::services::AllowedSearch;

/// Most pages of attention flags that are read for one answer.
const FLAG_PAGES_MAX: usize = 16;

/// Which closed episodes the practice shows; the attention flags are asked for only where they decide.
pub(super) async fn shown_episodes(
    practice: &Practice,
    search: &AllowedSearch,
    adapter: &dyn HisAdapter,
    patient: &HisPatient,
    ask: Ask<'_>,
    record: &Record<'_>,
) -> Result<ShownEpisodes, ReadError> {
    match known_episodes(practice, search) {
        Some(known) => Ok(known),
        None => Box::pin(flagged(adapter, patient, ask, record)).await.map(ShownEpisodes::Only),
    }
}

/// The same where no attention flag decides.
pub(super) fn known_episodes(practice: &Practice, search: &AllowedSearch) -> Option<ShownEpisodes> {
    match practice.closed_episodes {
        ClosedEpisodes::All => Some(ShownEpisodes::All),
        ClosedEpisodes::Flagged if search.needs_flags => None,
        ClosedEpisodes::Flagged | ClosedEpisodes::None => Some(ShownEpisodes::Only(HashSet::new())),
    }
}

/// Reads the attention flags, all pages of them: a flag that is missed would hide an episode.
async fn flagged(
    adapter: &dyn HisAdapter,
    patient: &HisPatient,
    ask: Ask<'_>,
    record: &Record<'_>,
) -> Result<HashSet<String>, ReadError> {
    let flags = Search { ask, resource: "Flag", operation: None, parameters: &[] };
    let mut answer = adapter.search(patient, flags).await;
    let (mut episodes, mut page) = (HashSet::new(), Page::First);
    for _ in 0..FLAG_PAGES_MAX {
        let body = answer.and_then(whole).map_err(ReadError::His)?;
        let flagged = flagged_episodes(&body, record, page).map_err(ReadError::Shape)?;
        episodes.extend(flagged.episodes);
        let Some(next) = flagged.next else { return Ok(episodes) };
        page = Page::Later;
        answer = adapter.page(patient, ask, &next).await;
    }
    Err(ReadError::Shape(ShapeFault::MorePages))
}
