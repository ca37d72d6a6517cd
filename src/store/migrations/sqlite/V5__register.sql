-- The register of the OPEN programme: every version of every entry, and how often it changed. The register is at the revision in
-- register_revision, which has one row; what changed in a revision was judged against all of the one before. No version is
-- changed or deleted. Times are microseconds since 1970-01-01T00:00Z.

CREATE TABLE register_revision (
    id       INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL CHECK (revision >= 0)
) STRICT;

INSERT INTO register_revision (id, revision) VALUES (1, 0);

CREATE TABLE register_versions (
    kind       TEXT    NOT NULL CHECK (kind IN ('supplier', 'organisation', 'practice', 'coalition')),
    id         TEXT    NOT NULL,
    version    INTEGER NOT NULL CHECK (version > 0),
    document   TEXT,
    changed_by TEXT    NOT NULL,
    changed_at INTEGER NOT NULL,
    revision   INTEGER NOT NULL CHECK (revision > 0),
    PRIMARY KEY (kind, id, version)
) STRICT, WITHOUT ROWID;

CREATE INDEX register_versions_by_revision ON register_versions (revision);
