-- Lasting consent: who redeemed a grant, refresh families, and where a person finds their lasting grants.
-- subject_hash is a keyed hash (HMAC-SHA256); it stands with lasting grants only.

ALTER TABLE grants ADD COLUMN request text;
ALTER TABLE grants ADD COLUMN lasting boolean NOT NULL DEFAULT false;
ALTER TABLE grants ADD COLUMN node text;
ALTER TABLE grants ADD COLUMN node_thumbprint bytea CHECK (length(node_thumbprint) = 32);
ALTER TABLE grants ADD COLUMN subject_hash bytea CHECK (length(subject_hash) = 32);

CREATE INDEX grants_by_subject ON grants (subject_hash) WHERE subject_hash IS NOT NULL;

ALTER TABLE tokens ADD COLUMN bound_to bytea CHECK (length(bound_to) = 32);

-- One row a family, whose current refresh token it names: hashes of the handle of the family and of that of the turn.
CREATE TABLE refreshes (
    family   bytea  NOT NULL PRIMARY KEY CHECK (length(family) = 32),
    turn     bytea  NOT NULL CHECK (length(turn) = 32),
    grant_id text   NOT NULL UNIQUE REFERENCES grants (id),
    expires  bigint NOT NULL
);

CREATE INDEX refreshes_by_expires ON refreshes (expires);
