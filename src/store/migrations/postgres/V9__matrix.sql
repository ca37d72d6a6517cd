-- The matrix of combinations, counted from the access log; it can be counted again at any time. matrix_generation has one row and
-- counts the changes: one is kept only when it was made from the newest. The documents are read by the gateway alone. No row is
-- about a person. Times are microseconds since 1970-01-01T00:00Z, months count from year 0.

CREATE TABLE matrix_generation (
    id         bigint PRIMARY KEY CHECK (id = 1),
    generation bigint NOT NULL
);

INSERT INTO matrix_generation (id, generation) VALUES (1, 0);

CREATE TABLE matrix_logs (
    log      text PRIMARY KEY,
    next     bigint NOT NULL,
    newest   bigint NOT NULL
);

CREATE TABLE matrix_visits (
    visit    text PRIMARY KEY CHECK (length(visit) = 36),
    due      bigint NOT NULL,
    document bytea NOT NULL
);

CREATE INDEX matrix_visits_by_due ON matrix_visits (due);

CREATE TABLE matrix_months (
    combination text NOT NULL,
    month       bigint NOT NULL,
    document    bytea NOT NULL,
    PRIMARY KEY (month, combination)
);

CREATE TABLE matrix_standings (
    combination text PRIMARY KEY,
    alarmed     bigint NOT NULL,
    touched     bigint NOT NULL,
    document    bytea NOT NULL
);
