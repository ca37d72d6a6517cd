-- How far operators brought practices, and who takes part. An empty service stands for the practice as a whole, an empty stage for
-- the configured one. A mark is a keyed hash (HMAC-SHA256) of a BSN. Times are microseconds since 1970-01-01T00:00Z.

CREATE TABLE go_live (
    provider TEXT    NOT NULL,
    service  TEXT    NOT NULL,
    number   INTEGER NOT NULL,
    id       TEXT    NOT NULL CHECK (length(id) = 36),
    stage    TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    set_by   TEXT    NOT NULL,
    set_at   INTEGER NOT NULL,
    PRIMARY KEY (provider, service, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE go_live_places (
    provider TEXT    NOT NULL,
    service  TEXT    NOT NULL,
    place    INTEGER NOT NULL,
    mark     BLOB    NOT NULL CHECK (length(mark) = 32),
    taken_at INTEGER NOT NULL,
    PRIMARY KEY (provider, service, place),
    UNIQUE (provider, service, mark)
) STRICT, WITHOUT ROWID;

CREATE INDEX go_live_places_by_time ON go_live_places (taken_at);
