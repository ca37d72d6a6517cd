-- How far operators brought practices, and who takes part. An empty service stands for the practice as a whole, an empty stage for
-- the configured one. A mark is a keyed hash (HMAC-SHA256) of a BSN. Times are microseconds since 1970-01-01T00:00Z.

CREATE TABLE go_live (
    provider text    NOT NULL,
    service  text    NOT NULL,
    number   bigint  NOT NULL,
    id       text    NOT NULL CHECK (length(id) = 36),
    stage    text    NOT NULL,
    reason   text    NOT NULL,
    set_by   text    NOT NULL,
    set_at   bigint  NOT NULL,
    PRIMARY KEY (provider, service, number)
);

CREATE TABLE go_live_places (
    provider text    NOT NULL,
    service  text    NOT NULL,
    place    bigint  NOT NULL,
    mark     bytea   NOT NULL CHECK (length(mark) = 32),
    taken_at bigint  NOT NULL,
    PRIMARY KEY (provider, service, place),
    UNIQUE (provider, service, mark)
);

CREATE INDEX go_live_places_by_time ON go_live_places (taken_at);
