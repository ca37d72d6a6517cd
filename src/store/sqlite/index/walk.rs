//! Reading the index in a file in the order of a log. Blocks and chunks of a log stand in that order, and what is found in one of
//! them says on which side to look on: some ten chunks are unpacked to find the first record.

use rusqlite::{Connection, OptionalExtension as _, Result};

use super::chunk::Unpacked;
use super::statements::unpackable;
use crate::audit::Indexed;

/// The blocks of a log. They were made in its order.
const BLOCKS: &str = "SELECT b.id FROM blocks b JOIN logs l ON l.id = b.log WHERE l.name = ?1 ORDER BY b.id";
/// The chunks of a block. They were made in its order.
const CHUNKS: &str = "SELECT id FROM chunks WHERE block = ?1 ORDER BY id";

pub(super) fn records(connection: &Connection, log: &str, from: u64, most: u16) -> Result<Vec<Indexed>> {
    let blocks: Vec<i64> =
        connection.prepare_cached(BLOCKS)?.query_map([log], |row| row.get(0))?.collect::<Result<_>>()?;
    let begins = |block: &i64| {
        Ok(chunks(connection, *block)?.first().map(|chunk| first(connection, *chunk)).transpose()?.flatten())
    };
    let at = last_that_begins_by(from, &blocks, begins)?;
    let mut found = Vec::new();
    for block in blocks.get(at..).unwrap_or_default() {
        let chunks = chunks(connection, *block)?;
        let at = last_that_begins_by(from, &chunks, |chunk| first(connection, *chunk))?;
        for chunk in chunks.get(at..).unwrap_or_default() {
            let Some(unpacked) = read(connection, *chunk)? else { continue };
            let later = unpacked.records().filter_map(|kept| {
                let index = u64::try_from(kept.index).ok().filter(|index| *index >= from)?;
                Some(Indexed { index, payload: kept.payload.to_vec() })
            });
            found.extend(later.take(usize::from(most) - found.len()));
            if found.len() >= usize::from(most) {
                return Ok(found);
            }
        }
    }
    Ok(found)
}

/// The place of the last of these that begins at this index or before; 0 when none does. One that is gone by now begins nowhere, and
/// is passed over.
fn last_that_begins_by<T>(index: u64, of: &[T], begins: impl Fn(&T) -> Result<Option<u64>>) -> Result<usize> {
    let (mut low, mut high) = (0, of.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        let begin = of.get(middle).map(&begins).transpose()?.flatten();
        if begin.is_none_or(|begin| begin <= index) { low = middle + 1 } else { high = middle }
    }
    Ok(low.saturating_sub(1))
}

fn chunks(connection: &Connection, block: i64) -> Result<Vec<i64>> {
    connection.prepare_cached(CHUNKS)?.query_map([block], |row| row.get(0))?.collect()
}

/// The index of the first record of a chunk.
fn first(connection: &Connection, chunk: i64) -> Result<Option<u64>> {
    let unpacked = read(connection, chunk)?;
    Ok(unpacked.and_then(|unpacked| u64::try_from(unpacked.records().next()?.index).ok()))
}

/// `None` when it was pruned meanwhile.
fn read(connection: &Connection, chunk: i64) -> Result<Option<Unpacked>> {
    let mut read = connection.prepare_cached("SELECT content FROM chunks WHERE id = ?1")?;
    let content: Option<Vec<u8>> = read.query_row([chunk], |row| row.get(0)).optional()?;
    content.map(|content| Unpacked::of(&content).map_err(unpackable)).transpose()
}
