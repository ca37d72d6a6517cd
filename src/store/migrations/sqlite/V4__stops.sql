-- What operators stopped, and when it went on again. Of each target one stop at most is in force. Times are microseconds since
-- 1970-01-01T00:00Z.

CREATE TABLE stops (
    id         TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    target     TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    stopped_by TEXT    NOT NULL,
    stopped_at INTEGER NOT NULL,
    lifted_by  TEXT,
    lifted_at  INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX stops_in_force ON stops (target) WHERE lifted_at IS NULL;
CREATE INDEX stops_by_time ON stops (stopped_at);
