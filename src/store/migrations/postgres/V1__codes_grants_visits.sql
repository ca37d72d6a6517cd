-- Codes, grants with their tokens, and visits. Times are microseconds since 1970-01-01T00:00Z; hashes are SHA-256.
-- A citizen service number stands in no column in clear: subject_sealed and visits.sealed are AES-256-GCM.

CREATE TABLE grants (
    id             text   NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    client         text   NOT NULL,
    provider       text   NOT NULL,
    services       text   NOT NULL, -- ids, with a space between them
    subject_sealed bytea  NOT NULL,
    correlation    text,
    consented      bigint NOT NULL,
    ended_at       bigint
);

CREATE INDEX grants_by_consented ON grants (consented);

-- A grant stands here from its code on, so that it can be ended before there is a token.
CREATE TABLE codes (
    hash         bytea  NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    grant_id     text   NOT NULL REFERENCES grants (id),
    redirect_uri text   NOT NULL,
    expires      bigint NOT NULL,
    spent_at     bigint
);

CREATE INDEX codes_by_grant ON codes (grant_id);
CREATE INDEX codes_by_expires ON codes (expires);

CREATE TABLE tokens (
    hash     bytea  NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    grant_id text   NOT NULL REFERENCES grants (id),
    expires  bigint NOT NULL
);

CREATE INDEX tokens_by_grant ON tokens (grant_id);
CREATE INDEX tokens_by_expires ON tokens (expires);

CREATE TABLE visits (
    id      text   NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    cookie  bytea  NOT NULL CHECK (length(cookie) = 32),
    form    bytea  NOT NULL CHECK (length(form) = 32),
    expires bigint NOT NULL,
    sealed  bytea  NOT NULL
);

CREATE INDEX visits_by_expires ON visits (expires);
