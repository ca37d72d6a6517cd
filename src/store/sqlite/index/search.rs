//! Searching the index in a file: block after block, newest first, and in each the chunks that may hold what is asked for.
//! What a record says is judged by [`Entry::fits`](crate::audit::Entry), as every other index does.

use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, Result, Row, params_from_iter};

use super::chunk::Unpacked;
use super::statements::{Of, key, unpackable};
use crate::audit::{Cursor, Found, IndexPage, IndexQuery};

/// The blocks with records of a period. The condition on the newest record ends the walk over the index.
pub(super) const BLOCKS: &str = "SELECT b.id, b.newest, b.log, l.name FROM blocks b JOIN logs l ON l.id = b.log
    WHERE b.newest >= ?1 AND b.oldest <= ?2 AND l.name IS NOT NULL ORDER BY b.newest DESC";

/// The chunks of a block with records of a period.
pub(super) const CHUNKS: &str =
    "SELECT id, newest FROM chunks WHERE block = ?1 AND newest >= ?2 AND oldest <= ?3 ORDER BY newest DESC";

pub(super) fn search(connection: &Connection, query: &IndexQuery) -> Result<IndexPage> {
    let start = query.start();
    let mut page = Page { query, start, found: Vec::new() };
    let mut blocks = connection.prepare_cached(BLOCKS)?;
    let mut blocks = blocks.query([query.from.as_microsecond(), start.time])?;
    while let Some(row) = blocks.next()? {
        let block = Block::of(row)?;
        if page.is_past(block.newest) {
            break;
        }
        block.search(connection, &mut page)?;
    }
    Ok(IndexPage::of(page.found, query.page()))
}

struct Block {
    id: i64,
    newest: i64,
    log: i64,
    name: Arc<str>,
}

impl Block {
    fn of(row: &Row<'_>) -> Result<Self> {
        let name = Arc::from(row.get::<_, String>(3)?);
        Ok(Self { id: row.get(0)?, newest: row.get(1)?, log: row.get(2)?, name })
    }

    fn search(&self, connection: &Connection, page: &mut Page<'_>) -> Result<()> {
        for (chunk, newest) in self.chunks(connection, page)? {
            if page.is_past(newest) {
                break;
            }
            let mut read = connection.prepare_cached("SELECT content FROM chunks WHERE id = ?1")?;
            let content: Vec<u8> = read.query_row([chunk], |row| row.get(0))?;
            page.take(&Unpacked::of(&content).map_err(unpackable)?, self);
        }
        Ok(())
    }

    /// The chunks that may hold what is asked for, the newest first.
    fn chunks(&self, connection: &Connection, page: &Page<'_>) -> Result<Vec<(i64, i64)>> {
        let keys = keys(page.query);
        let sql = if keys.is_empty() { CHUNKS.to_owned() } else { with_keys(keys.len()) };
        let bounds = [self.id, page.query.from.as_microsecond(), page.start.time];
        let values = bounds.into_iter().chain(keys).map(Value::Integer);
        let mut statement = connection.prepare_cached(&sql)?;
        statement.query_map(params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }
}

/// [`CHUNKS`], but those that one of so many keys names.
pub(super) fn with_keys(count: usize) -> String {
    format!(
        "SELECT DISTINCT c.id, c.newest FROM keys k CROSS JOIN chunks c ON c.id = k.chunk
         WHERE k.block = ?1 AND c.newest >= ?2 AND c.oldest <= ?3 AND k.key IN ({}) ORDER BY c.newest DESC",
        vec!["?"; count].join(", ")
    )
}

/// The keys of the narrowest thing that is asked for; none when every chunk may hold it.
fn keys(query: &IndexQuery) -> Vec<i64> {
    if !query.subjects.is_empty() {
        return query.subjects.iter().map(|subject| key(Of::Subject, subject.as_str())).collect();
    }
    let provider = query.provider.as_ref().map(|name| key(Of::Provider, name.as_str()));
    let client = || query.client.as_ref().map(|host| key(Of::Client, host.as_str()));
    provider.or_else(client).into_iter().collect()
}

/// The page in the making: the first that were found, in order, and one more that tells of a next page.
struct Page<'a> {
    query: &'a IndexQuery,
    start: Cursor,
    found: Vec<Found>,
}

impl Page<'_> {
    /// Whether nothing that happened at `newest` or before can be on the page any more.
    fn is_past(&self, newest: i64) -> bool {
        self.found.get(self.query.page()).is_some_and(|last| last.place.time > newest)
    }

    fn take(&mut self, chunk: &Unpacked, block: &Block) {
        for kept in chunk.records() {
            let place = Cursor { time: kept.time, log: block.log, index: kept.index };
            if place < self.start && kept.entry().fits(self.query) {
                self.found.push(Found { place, log: Arc::clone(&block.name), payload: kept.payload.to_vec() });
            }
        }
        self.found.sort_by_key(|one| std::cmp::Reverse(one.place));
        self.found.truncate(self.query.page() + 1);
    }
}
