-- Figures of the OPEN programme, counted from the index of the audit log. All but zal_listings is dropped and counted anew when
-- need be. A person stands here by a mark, a keyed hash, until the month is closed. Times are microseconds since
-- 1970-01-01T00:00Z, months numbers such as 202603, days of a month bits. A row has the revision that changed it last.

-- How far each log is counted, by what is counted from it.
CREATE TABLE fold_positions (
    fold text   NOT NULL,
    log  text   NOT NULL,
    next bigint NOT NULL CHECK (next >= 0), -- the index of the first record that is not counted
    PRIMARY KEY (fold, log)
);

CREATE TABLE usage_state (
    id       bigint NOT NULL PRIMARY KEY CHECK (id = 1),
    revision bigint NOT NULL CHECK (revision >= 0),
    epoch    bigint NOT NULL CHECK (epoch >= 0), -- how often everything was dropped
    closed   bigint, -- the last month that is closed
    zal      bigint  -- the number of the last ZAL
);

INSERT INTO usage_state (id, revision, epoch) VALUES (1, 0, 0);

CREATE TABLE usage_cells (
    id       bigint  NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    month    bigint  NOT NULL,
    late     boolean NOT NULL, -- its month was closed when it came
    provider text    NOT NULL, -- empty: the record names none
    cell     text    NOT NULL,
    amount   bigint  NOT NULL CHECK (amount > 0),
    revision bigint  NOT NULL,
    UNIQUE (month, late, provider, cell)
);

CREATE INDEX usage_cells_by_revision ON usage_cells (revision, id);

CREATE TABLE usage_marks (
    id       bigint NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    month    bigint NOT NULL,
    provider text   NOT NULL,
    view     text   NOT NULL,
    mark     bytea  NOT NULL CHECK (length(mark) = 16),
    days     bigint NOT NULL CHECK (days > 0),
    revision bigint NOT NULL,
    UNIQUE (month, provider, view, mark)
);

CREATE INDEX usage_marks_by_revision ON usage_marks (revision, id);

CREATE TABLE usage_closed (
    id       bigint NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    month    bigint NOT NULL,
    scope    text   NOT NULL,
    document text   NOT NULL, -- counts and codes of sketches, see src/report/closed.rs
    revision bigint NOT NULL,
    UNIQUE (month, scope)
);

CREATE INDEX usage_closed_by_revision ON usage_closed (revision, id);

-- When the ZAL named which practices. It is no part of any log, so it is never dropped.
CREATE TABLE zal_listings (
    id       bigint NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider text   NOT NULL,
    began    bigint NOT NULL,
    ended    bigint CHECK (ended >= began), -- absent while it does
    revision bigint NOT NULL,
    UNIQUE (provider, began)
);

CREATE UNIQUE INDEX zal_listings_open ON zal_listings (provider) WHERE ended IS NULL;
CREATE INDEX zal_listings_by_revision ON zal_listings (revision, id);
