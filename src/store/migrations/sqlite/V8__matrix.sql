-- The matrix of combinations, counted from the access log; it can be counted again at any time. matrix_generation has one row and
-- counts the changes: one is kept only when it was made from the newest. The documents are read by the gateway alone. No row is
-- about a person. Times are microseconds since 1970-01-01T00:00Z, months count from year 0.

CREATE TABLE matrix_generation (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL
) STRICT;

INSERT INTO matrix_generation (id, generation) VALUES (1, 0);

CREATE TABLE matrix_logs (
    log      TEXT PRIMARY KEY,
    next     INTEGER NOT NULL,
    newest   INTEGER NOT NULL
) STRICT;

CREATE TABLE matrix_visits (
    visit    TEXT PRIMARY KEY CHECK (length(visit) = 36),
    due      INTEGER NOT NULL,
    document BLOB NOT NULL
) STRICT;

CREATE INDEX matrix_visits_by_due ON matrix_visits (due);

CREATE TABLE matrix_months (
    combination TEXT NOT NULL,
    month       INTEGER NOT NULL,
    document    BLOB NOT NULL,
    PRIMARY KEY (month, combination)
) STRICT;

CREATE TABLE matrix_standings (
    combination TEXT PRIMARY KEY,
    alarmed     INTEGER NOT NULL,
    touched     INTEGER NOT NULL,
    document    BLOB NOT NULL
) STRICT;
