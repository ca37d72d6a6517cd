-- What can be searched of access logs; all of it is rebuilt from them. Times are microseconds since 1970-01-01T00:00Z.
-- A person stands here as in the log: by a keyed pseudonym, and sealed inside the payload.
-- A node adds and reads. It needs SELECT and INSERT on these tables and EXECUTE on audit_prepare; UPDATE and DELETE on none.

CREATE TABLE audit_logs (
    id   bigint NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text   NOT NULL UNIQUE
);

-- Every batch of records that was added. The last one of a log says how far it is here. Of two that are added to a log at the
-- same moment one has a number that is taken.
CREATE TABLE audit_batches (
    log    bigint NOT NULL REFERENCES audit_logs (id),
    number bigint NOT NULL,
    first  bigint NOT NULL,
    next   bigint NOT NULL CHECK (next > first), -- the index of the first record that is not here yet
    leaf   bytea  NOT NULL CHECK (length(leaf) = 32), -- the leaf hash of the record before it
    PRIMARY KEY (log, number)
);

-- A partition a day, so that a day is dropped in one go.
CREATE TABLE audit_records (
    time     bigint NOT NULL,
    log      bigint NOT NULL,
    idx      bigint NOT NULL,
    kind     text   NOT NULL,
    outcome  text   NOT NULL,
    subject  text,
    provider text,
    client   text,
    service  text,
    payload  bytea  NOT NULL,
    PRIMARY KEY (time, log, idx)
) PARTITION BY RANGE (time);

CREATE INDEX audit_records_by_subject ON audit_records (subject, time, log, idx) WHERE subject IS NOT NULL;
CREATE INDEX audit_records_by_provider ON audit_records (provider, time, log, idx) WHERE provider IS NOT NULL;
CREATE INDEX audit_records_by_client ON audit_records (client, time, log, idx) WHERE client IS NOT NULL;

-- What has no day of its own yet is not refused.
CREATE TABLE audit_records_rest PARTITION OF audit_records DEFAULT;

-- Makes the partitions of these days (counted from 1970-01-01) that are not there, and moves in what the rest holds of them.
-- It has the rights of the owner of the tables, so that a node needs none to make tables.
CREATE FUNCTION audit_prepare(first_day bigint, last_day bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    name text;
    starts bigint;
    ends bigint;
    made bigint := 0;
BEGIN
    -- 2015 up to 2170, and a year and some at a time.
    IF first_day < 16436 OR last_day > 73049 OR last_day - first_day > 400 THEN
        RAISE EXCEPTION 'not a period of the audit log';
    END IF;
    -- One at a time: of two that make the same table one would fail.
    PERFORM pg_advisory_xact_lock('audit_records'::regclass::oid::bigint);
    FOR day IN first_day..last_day LOOP
        name := 'audit_records_' || to_char(date '1970-01-01' + day::integer, 'YYYYMMDD');
        CONTINUE WHEN to_regclass(quote_ident(name)) IS NOT NULL;
        starts := day * 86400000000;
        ends := starts + 86400000000;
        EXECUTE format('CREATE TABLE %I (LIKE audit_records INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
        EXECUTE format('WITH moved AS (DELETE FROM audit_records_rest WHERE time >= %s AND time < %s RETURNING *)
                        INSERT INTO %I SELECT * FROM moved', starts, ends, name);
        -- Attached and not made as a partition: that would lock out who reads.
        EXECUTE format('ALTER TABLE audit_records ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', name, starts, ends);
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;

-- Drops the oldest days that end before this one, a month at most, and says how many. For the owner of the tables.
CREATE FUNCTION audit_drop_before(keep_from bigint) RETURNS bigint
    LANGUAGE plpgsql AS $$
DECLARE
    name text;
    dropped bigint := 0;
    keep text := 'audit_records_' || to_char(date '1970-01-01' + keep_from::integer, 'YYYYMMDD');
BEGIN
    FOR name IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'audit_records'::regclass AND c.relname <> 'audit_records_rest' AND c.relname < keep
        ORDER BY c.relname LIMIT 30
    LOOP
        EXECUTE format('DROP TABLE %I', name);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;

REVOKE EXECUTE ON FUNCTION audit_prepare(bigint, bigint), audit_drop_before(bigint) FROM PUBLIC;

-- Whoever calls a function that has the rights of its owner does not choose what the names in it mean.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION audit_prepare(bigint, bigint) SET search_path = %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION audit_drop_before(bigint) SET search_path = %I, pg_temp', current_schema());
END
$$;
