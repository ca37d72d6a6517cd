-- What can be searched of access logs; all of it is rebuilt from them. Times are microseconds since 1970-01-01T00:00Z.
-- A person stands here as in the log: by a keyed pseudonym, and sealed inside the payload.
-- Records are kept in packed chunks, and found by keys: what is added touches the end of the chunks and the keys of one block,
-- however large the index is.

CREATE TABLE logs (
    id   INTEGER NOT NULL PRIMARY KEY,
    name TEXT    UNIQUE, -- NULL: it was forgotten, and what is left of it is no part of the index any more
    next INTEGER NOT NULL, -- the index of the first record that is not here yet
    leaf BLOB    NOT NULL CHECK (length(leaf) = 32) -- the leaf hash of the record before it
) STRICT;

-- Consecutive chunks of one log, so many that a search has few blocks to look into and what is added few pages to change.
CREATE TABLE blocks (
    id      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    log     INTEGER NOT NULL REFERENCES logs (id),
    records INTEGER NOT NULL,
    oldest  INTEGER NOT NULL, -- no record happened before this
    newest  INTEGER NOT NULL
) STRICT;

CREATE INDEX blocks_by_time ON blocks (newest, oldest, log);
CREATE INDEX blocks_by_log ON blocks (log);

CREATE TABLE chunks (
    id      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, -- never given twice: keys may name chunks that are gone
    block   INTEGER NOT NULL,
    records INTEGER NOT NULL,
    oldest  INTEGER NOT NULL,
    newest  INTEGER NOT NULL,
    content BLOB    NOT NULL -- its records, see src/store/sqlite/index/chunk.rs
) STRICT;

CREATE INDEX chunks_by_block ON chunks (block, newest, oldest);

-- Which chunks of a block may hold records about a person, of a practice or by a PGO: the key is 64 bits of a hash of it.
CREATE TABLE keys (
    block INTEGER NOT NULL,
    key   INTEGER NOT NULL,
    chunk INTEGER NOT NULL,
    PRIMARY KEY (block, key, chunk)
) STRICT, WITHOUT ROWID;
