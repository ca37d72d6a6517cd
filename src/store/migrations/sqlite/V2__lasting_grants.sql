-- Lasting consent: who redeemed a grant, refresh families, and where a person finds their lasting grants.
-- subject_hash is a keyed hash (HMAC-SHA256); it stands with lasting grants only.

ALTER TABLE grants ADD COLUMN request TEXT;
ALTER TABLE grants ADD COLUMN lasting INTEGER NOT NULL DEFAULT 0 CHECK (lasting IN (0, 1));
ALTER TABLE grants ADD COLUMN node TEXT;
ALTER TABLE grants ADD COLUMN node_thumbprint BLOB CHECK (length(node_thumbprint) = 32);
ALTER TABLE grants ADD COLUMN subject_hash BLOB CHECK (length(subject_hash) = 32);

CREATE INDEX grants_by_subject ON grants (subject_hash) WHERE subject_hash IS NOT NULL;

ALTER TABLE tokens ADD COLUMN bound_to BLOB CHECK (length(bound_to) = 32);

-- One row a family, whose current refresh token it names: hashes of the handle of the family and of that of the turn.
CREATE TABLE refreshes (
    family   BLOB    NOT NULL PRIMARY KEY CHECK (length(family) = 32),
    turn     BLOB    NOT NULL CHECK (length(turn) = 32),
    grant_id TEXT    NOT NULL UNIQUE REFERENCES grants (id),
    expires  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX refreshes_by_expires ON refreshes (expires);
