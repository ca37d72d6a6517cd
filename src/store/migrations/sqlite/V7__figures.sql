-- Figures of the OPEN programme, counted from the index of the audit log. All but zal_listings is dropped and counted anew when
-- need be. A person stands here by a mark, a keyed hash, until the month is closed. Times are microseconds since
-- 1970-01-01T00:00Z, months numbers such as 202603, days of a month bits. A row has the revision that changed it last.

-- How far each log is counted, by what is counted from it.
CREATE TABLE fold_positions (
    fold TEXT    NOT NULL,
    log  TEXT    NOT NULL,
    next INTEGER NOT NULL CHECK (next >= 0), -- the index of the first record that is not counted
    PRIMARY KEY (fold, log)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_state (
    id       INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL CHECK (revision >= 0),
    epoch    INTEGER NOT NULL CHECK (epoch >= 0), -- how often everything was dropped
    closed   INTEGER, -- the last month that is closed
    zal      INTEGER  -- the number of the last ZAL
) STRICT;

INSERT INTO usage_state (id, revision, epoch) VALUES (1, 0, 0);

CREATE TABLE usage_cells (
    id       INTEGER NOT NULL PRIMARY KEY,
    month    INTEGER NOT NULL,
    late     INTEGER NOT NULL CHECK (late IN (0, 1)), -- its month was closed when it came
    provider TEXT    NOT NULL, -- empty: the record names none
    cell     TEXT    NOT NULL,
    amount   INTEGER NOT NULL CHECK (amount > 0),
    revision INTEGER NOT NULL,
    UNIQUE (month, late, provider, cell)
) STRICT;

CREATE INDEX usage_cells_by_revision ON usage_cells (revision);

CREATE TABLE usage_marks (
    id       INTEGER NOT NULL PRIMARY KEY,
    month    INTEGER NOT NULL,
    provider TEXT    NOT NULL,
    view     TEXT    NOT NULL,
    mark     BLOB    NOT NULL CHECK (length(mark) = 16),
    days     INTEGER NOT NULL CHECK (days > 0),
    revision INTEGER NOT NULL,
    UNIQUE (month, provider, view, mark)
) STRICT;

CREATE INDEX usage_marks_by_revision ON usage_marks (revision);

CREATE TABLE usage_closed (
    id       INTEGER NOT NULL PRIMARY KEY,
    month    INTEGER NOT NULL,
    scope    TEXT    NOT NULL,
    document TEXT    NOT NULL, -- counts and codes of sketches, see src/report/closed.rs
    revision INTEGER NOT NULL,
    UNIQUE (month, scope)
) STRICT;

CREATE INDEX usage_closed_by_revision ON usage_closed (revision);

-- When the ZAL named which practices. It is no part of any log, so it is never dropped.
CREATE TABLE zal_listings (
    id       INTEGER NOT NULL PRIMARY KEY,
    provider TEXT    NOT NULL,
    began    INTEGER NOT NULL,
    ended    INTEGER CHECK (ended >= began), -- absent while it does
    revision INTEGER NOT NULL,
    UNIQUE (provider, began)
) STRICT;

CREATE UNIQUE INDEX zal_listings_open ON zal_listings (provider) WHERE ended IS NULL;
CREATE INDEX zal_listings_by_revision ON zal_listings (revision);
