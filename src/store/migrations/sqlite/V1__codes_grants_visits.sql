-- Codes, grants with their tokens, and visits. Times are microseconds since 1970-01-01T00:00Z; hashes are SHA-256.
-- A citizen service number stands in no column in clear: subject_sealed and visits.sealed are AES-256-GCM.

CREATE TABLE grants (
    id             TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    client         TEXT    NOT NULL,
    provider       TEXT    NOT NULL,
    services       TEXT    NOT NULL, -- ids, with a space between them
    subject_sealed BLOB    NOT NULL,
    correlation    TEXT,
    consented      INTEGER NOT NULL,
    ended_at       INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX grants_by_consented ON grants (consented);

-- A grant stands here from its code on, so that it can be ended before there is a token.
CREATE TABLE codes (
    hash         BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    grant_id     TEXT    NOT NULL REFERENCES grants (id),
    redirect_uri TEXT    NOT NULL,
    expires      INTEGER NOT NULL,
    spent_at     INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX codes_by_grant ON codes (grant_id);
CREATE INDEX codes_by_expires ON codes (expires);

CREATE TABLE tokens (
    hash     BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    grant_id TEXT    NOT NULL REFERENCES grants (id),
    expires  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX tokens_by_grant ON tokens (grant_id);
CREATE INDEX tokens_by_expires ON tokens (expires);

-- With a rowid: rows are too long for a tree that is keyed by id.
CREATE TABLE visits (
    id      TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    cookie  BLOB    NOT NULL CHECK (length(cookie) = 32),
    form    BLOB    NOT NULL CHECK (length(form) = 32),
    expires INTEGER NOT NULL,
    sealed  BLOB    NOT NULL
) STRICT;

CREATE INDEX visits_by_expires ON visits (expires);
