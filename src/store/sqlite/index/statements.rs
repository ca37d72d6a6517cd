//! What is done to the index in a file: adding a batch, and dropping what is old or forgotten. Each function is one operation
//! in a transaction of its own.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use jiff::Timestamp;
use rusqlite::{Connection, Error, OptionalExtension as _, Result, Row, params};

use super::chunk::{Packer, Unpacked};
use crate::audit::{Added, Entry, IndexBatch, IndexPosition};
use crate::background::breathe;

/// A block is full at so many records: its keys take about 2 MiB, and a search looks into one block for so many records.
const BLOCK_RECORDS: i64 = 65_536;
/// Keys between two breaths: some fifty microseconds of work.
const BREATH: usize = 64;
/// How many chunks one step of pruning or forgetting drops at most.
const STEP: i64 = 64;

pub(super) fn position(connection: &Connection, log: &str) -> Result<Option<IndexPosition>> {
    let sql = "SELECT next, leaf FROM logs WHERE name = ?1";
    let read = |row: &Row<'_>| Ok(IndexPosition { next: from_sql(row.get(0)?), leaf: row.get(1)? });
    connection.prepare_cached(sql)?.query_row([log], read).optional()
}

/// The writer is alone in its transaction, so that what is read here holds until it ends.
pub(super) fn add(connection: &Connection, batch: &IndexBatch) -> Result<Added> {
    let known = position(connection, &batch.log)?;
    if known.is_some_and(|position| position.next != batch.first()) {
        return Ok(Added::Raced);
    }
    let sql = "INSERT INTO logs (name, next, leaf) VALUES (?1, ?2, ?3)
               ON CONFLICT (name) DO UPDATE SET next = excluded.next, leaf = excluded.leaf RETURNING id";
    let place = params![&*batch.log, to_sql(batch.next()), batch.leaf];
    let log: i64 = connection.prepare_cached(sql)?.query_row(place, |row| row.get(0))?;
    let packer = Packer::new().map_err(unpackable)?;
    Filling { connection, log, packer, keys: Vec::new(), known: HashMap::default() }.add(&batch.entries)?;
    Ok(Added::Done)
}

/// What adds the records of a batch.
struct Filling<'a> {
    connection: &'a Connection,
    log: i64,
    packer: Packer,
    /// Of one block, to be added in their order: so the pages of the tree are gone through once.
    keys: Vec<(i64, i64)>,
    /// Those of the texts of this batch: a few practices and clients come in most of its records.
    known: HashMap<(Of, &'a str), i64, RandomState>,
}

/// The block that is added to.
struct Block {
    id: i64,
    records: i64,
}

impl<'a> Filling<'a> {
    fn add(mut self, entries: &'a [Entry]) -> Result<()> {
        let mut rest = entries;
        while !rest.is_empty() {
            let block = self.block()?;
            let room = usize::try_from(BLOCK_RECORDS - block.records).unwrap_or(1);
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.fill(&block, now)?;
            rest = later;
        }
        Ok(())
    }

    /// The newest block of the log, or a new one when that is full.
    fn block(&self) -> Result<Block> {
        let sql = "SELECT id, records FROM blocks WHERE log = ?1 ORDER BY id DESC LIMIT 1";
        let read = |row: &Row<'_>| Ok(Block { id: row.get(0)?, records: row.get(1)? });
        let newest = self.connection.prepare_cached(sql)?.query_row([self.log], read).optional()?;
        if let Some(open) = newest.filter(|block| block.records < BLOCK_RECORDS) {
            return Ok(open);
        }
        let sql = "INSERT INTO blocks (log, records, oldest, newest) VALUES (?1, 0, ?2, ?3)";
        self.connection.prepare_cached(sql)?.execute([self.log, i64::MAX, i64::MIN])?;
        Ok(Block { id: self.connection.last_insert_rowid(), records: 0 })
    }

    fn fill(&mut self, block: &Block, entries: &'a [Entry]) -> Result<()> {
        let (mut oldest, mut newest) = (i64::MAX, i64::MIN);
        let mut rest = entries;
        while !rest.is_empty() {
            let count = self.chunk(block, rest)?;
            breathe();
            rest = rest.get(count..).unwrap_or_default();
            (oldest, newest) = (oldest.min(self.packer.oldest), newest.max(self.packer.newest));
        }
        self.add_keys(block)?;
        let sql = "UPDATE blocks SET records = records + ?2, oldest = min(oldest, ?3), newest = max(newest, ?4) WHERE id = ?1";
        let count = i64::try_from(entries.len()).unwrap_or(i64::MAX);
        self.connection.prepare_cached(sql)?.execute([block.id, count, oldest, newest]).map(drop)
    }

    /// Makes a chunk of the first of these, and says of how many.
    fn chunk(&mut self, block: &Block, entries: &'a [Entry]) -> Result<usize> {
        let (mut count, from) = (0, self.keys.len());
        self.packer.clear();
        for entry in entries {
            self.packer.put(to_sql(entry.index), entry.time.as_microsecond(), entry.payload());
            let known = &mut self.known;
            let of = |(of, text)| *known.entry((of, text)).or_insert_with(|| key(of, text));
            self.keys.extend(texts_of(entry).map(of).map(|key| (key, 0)));
            count += 1;
            if self.packer.is_full() {
                break;
            }
        }
        let chunk = insert(self.connection, block.id, &mut self.packer)?;
        self.keys.iter_mut().skip(from).for_each(|(_, named)| *named = chunk);
        Ok(count)
    }

    fn add_keys(&mut self, block: &Block) -> Result<()> {
        self.keys.sort_unstable();
        self.keys.dedup();
        let mut insert = self.connection.prepare_cached("INSERT INTO keys (block, key, chunk) VALUES (?1, ?2, ?3)")?;
        for (at, (key, chunk)) in self.keys.drain(..).enumerate() {
            if at % BREATH == 0 {
                breathe();
            }
            insert.execute([block.id, key, chunk])?;
        }
        Ok(())
    }
}

fn insert(connection: &Connection, block: i64, packer: &mut Packer) -> Result<i64> {
    let (records, oldest, newest) = (packer.records, packer.oldest, packer.newest);
    let content = packer.pack().map_err(unpackable)?;
    let sql = "INSERT INTO chunks (block, records, oldest, newest, content) VALUES (?1, ?2, ?3, ?4, ?5)";
    connection.prepare_cached(sql)?.execute(params![block, records, oldest, newest, content])?;
    Ok(connection.last_insert_rowid())
}

/// By what a record is found.
fn texts_of(entry: &Entry) -> impl Iterator<Item = (Of, &str)> {
    let subject = entry.subject().map(|text| (Of::Subject, text));
    let provider = entry.provider().map(|text| (Of::Provider, text));
    let client = entry.client().map(|text| (Of::Client, text));
    subject.into_iter().chain(provider).chain(client)
}

/// What a key is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum Of {
    Subject = b's',
    Provider = b'p',
    Client = b'c',
}

/// 64 bits of SHA-256. Two texts that have the same key cost a search a look into a chunk, nothing else.
pub(super) fn key(of: Of, text: &str) -> i64 {
    // No text that is searched is longer than 512 bytes.
    let mut input = [0; 513];
    input[0] = of as u8;
    let length = text.len().min(input.len() - 1);
    let text = text.as_bytes().get(..length).unwrap_or_default();
    if let Some(place) = input.get_mut(1..=length) {
        place.copy_from_slice(text);
    }
    let hash = crate::secret::sha256(input.get(..=length).unwrap_or_default());
    hash.first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes))
}

/// What a step of pruning did.
pub(super) struct Step {
    /// How many records it dropped.
    pub(super) records: u64,
    /// Whether there may be more.
    pub(super) more: bool,
}

/// A step of dropping the records before a moment: chunks of the oldest block that has some.
pub(super) fn prune(connection: &Connection, before: Timestamp) -> Result<Step> {
    let before = before.as_microsecond();
    let sql = "SELECT id, newest FROM blocks WHERE oldest < ?1 ORDER BY id LIMIT 1";
    let found = connection.prepare_cached(sql)?.query_row([before], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((block, newest)): Option<(i64, i64)> = found else { return Ok(Step { records: 0, more: false }) };
    let sql = "DELETE FROM chunks WHERE id IN (SELECT id FROM chunks WHERE block = ?1 AND newest < ?2 LIMIT ?3) RETURNING records";
    let mut drop = connection.prepare_cached(sql)?;
    let dropped: Vec<i64> = drop.query_map([block, before, STEP], |row| row.get(0))?.collect::<Result<_>>()?;
    let mut records = from_sql(dropped.iter().sum());
    if i64::try_from(dropped.len()).is_ok_and(|count| count < STEP) {
        if newest < before {
            drop_block(connection, block)?;
        } else {
            records += thin(connection, block, before)?;
        }
    }
    Ok(Step { records, more: true })
}

fn drop_block(connection: &Connection, block: i64) -> Result<()> {
    connection.prepare_cached("DELETE FROM keys WHERE block = ?1")?.execute([block])?;
    connection.prepare_cached("DELETE FROM chunks WHERE block = ?1")?.execute([block])?;
    connection.prepare_cached("DELETE FROM blocks WHERE id = ?1")?.execute([block]).map(drop)
}

/// Takes the records before a moment out of the chunks of a block that have later ones too.
fn thin(connection: &Connection, block: i64, before: i64) -> Result<u64> {
    let mut chunks = connection.prepare_cached("SELECT id, content FROM chunks WHERE block = ?1 AND oldest < ?2")?;
    let chunks = chunks.query_map([block, before], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut dropped = 0;
    for (id, content) in chunks.collect::<Result<Vec<(i64, Vec<u8>)>>>()? {
        let (unpacked, mut packer) =
            Unpacked::of(&content).and_then(|one| Ok((one, Packer::new()?))).map_err(unpackable)?;
        for kept in unpacked.records() {
            if kept.time < before {
                dropped += 1;
            } else {
                packer.put(kept.index, kept.time, kept.payload);
            }
        }
        let (records, oldest) = (packer.records, packer.oldest);
        let content = packer.pack().map_err(unpackable)?;
        let sql = "UPDATE chunks SET records = ?2, oldest = ?3, content = ?4 WHERE id = ?1";
        connection.prepare_cached(sql)?.execute(params![id, records, oldest, content])?;
    }
    connection.prepare_cached("UPDATE blocks SET oldest = ?2 WHERE id = ?1")?.execute([block, before])?;
    Ok(dropped)
}

/// From here on the log is not in the index; what is left of it is dropped by [`sweep`].
pub(super) fn forget(connection: &Connection, log: &str) -> Result<()> {
    connection.prepare_cached("UPDATE logs SET name = NULL WHERE name = ?1")?.execute([log]).map(drop)
}

/// Drops a block of a log that was forgotten; whether there may be more.
pub(super) fn sweep(connection: &Connection) -> Result<bool> {
    let sql = "SELECT b.id FROM blocks b JOIN logs l ON l.id = b.log WHERE l.name IS NULL LIMIT 1";
    let left: Option<i64> = connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?;
    match left {
        Some(block) => drop_block(connection, block).map(|()| true),
        None => connection.prepare_cached("DELETE FROM logs WHERE name IS NULL")?.execute([]).map(|_| false),
    }
}

/// What is no chunk, as SQLite says that a column is not what it should be.
pub(super) fn unpackable(error: std::io::Error) -> Error {
    Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, Box::new(error))
}

/// SQLite has signed numbers only; no log reaches half of the unsigned ones.
fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn from_sql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
