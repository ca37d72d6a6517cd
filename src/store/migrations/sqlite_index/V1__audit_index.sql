-- What can be searched of access logs; all of it is rebuilt from them. Times are microseconds since 1970-01-01T00:00Z.
-- A person stands here as in the log: by a keyed pseudonym, and sealed inside the payload.

CREATE TABLE logs (
    id   INTEGER NOT NULL PRIMARY KEY,
    name TEXT    NOT NULL UNIQUE,
    next INTEGER NOT NULL, -- the index of the first record that is not here yet
    leaf BLOB    NOT NULL CHECK (length(leaf) = 32) -- the leaf hash of the record before it
) STRICT;

-- With a rowid: rows are too long for a tree that is keyed by more.
CREATE TABLE records (
    time     INTEGER NOT NULL,
    log      INTEGER NOT NULL REFERENCES logs (id),
    idx      INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    outcome  TEXT    NOT NULL,
    subject  TEXT,
    provider TEXT,
    client   TEXT,
    service  TEXT,
    payload  BLOB    NOT NULL
) STRICT;

CREATE UNIQUE INDEX records_by_time ON records (time, log, idx);
CREATE INDEX records_by_subject ON records (subject, time, log, idx) WHERE subject IS NOT NULL;
CREATE INDEX records_by_provider ON records (provider, time, log, idx) WHERE provider IS NOT NULL;
CREATE INDEX records_by_client ON records (client, time, log, idx) WHERE client IS NOT NULL;
