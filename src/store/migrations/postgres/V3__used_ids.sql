-- Ids of assertions that were used (RFC 7523 section 3), until the assertion is of no use anyhow.

CREATE TABLE used_ids (
    hash    bytea  NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    expires bigint NOT NULL
);

CREATE INDEX used_ids_by_expires ON used_ids (expires);
