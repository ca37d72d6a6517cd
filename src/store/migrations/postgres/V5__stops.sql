-- What operators stopped, and when it went on again. Of each target one stop at most is in force. Times are microseconds since
-- 1970-01-01T00:00Z.

CREATE TABLE stops (
    id         text   NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    target     text   NOT NULL,
    reason     text   NOT NULL,
    stopped_by text   NOT NULL,
    stopped_at bigint NOT NULL,
    lifted_by  text,
    lifted_at  bigint
);

CREATE UNIQUE INDEX stops_in_force ON stops (target) WHERE lifted_at IS NULL;
CREATE INDEX stops_by_time ON stops (stopped_at);
