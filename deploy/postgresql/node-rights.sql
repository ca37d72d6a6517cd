-- What the role of a node may do, and nothing else: run by the owner of the tables, as often as you like.
--   psql --dbname=postgres://inzage_owner@db.example/inzage --set=node=inzage_node --file=deploy/postgresql/node-rights.sql
\set ON_ERROR_STOP on
BEGIN;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM :"node";
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM :"node";
GRANT USAGE ON SCHEMA public TO :"node";
-- Which release the schema is of.
GRANT SELECT ON refinery_schema_history TO :"node";
-- What is spent, ended and swept.
GRANT SELECT, INSERT, UPDATE, DELETE ON grants, codes, tokens, refreshes, visits, used_ids TO :"node";
-- What operators stopped: it goes a year after it was lifted.
GRANT SELECT, INSERT, UPDATE, DELETE ON stops TO :"node";
-- How far operators brought practices: changes are added, none is changed or goes away. And who takes part.
GRANT SELECT, INSERT ON go_live TO :"node";
GRANT SELECT, INSERT, DELETE ON go_live_places TO :"node";
-- The register of the OPEN programme: versions are added, none is changed or goes away.
GRANT SELECT, INSERT ON register_versions TO :"node";
GRANT SELECT, UPDATE ON register_revision TO :"node";
-- Figures that are counted from the index of the audit log: marks go when their month is closed, and all of it to be counted anew.
GRANT SELECT, INSERT, UPDATE, DELETE ON fold_positions, usage_cells, usage_marks TO :"node";
GRANT SELECT, INSERT, DELETE ON usage_closed TO :"node";
GRANT SELECT, UPDATE ON usage_state TO :"node";
-- When the ZAL named which practices.
GRANT SELECT, INSERT, UPDATE ON zal_listings TO :"node";
-- The matrix of combinations, which is counted from the index.
GRANT SELECT, INSERT, UPDATE, DELETE ON matrix_logs, matrix_visits, matrix_months, matrix_standings TO :"node";
GRANT SELECT, UPDATE ON matrix_generation TO :"node";
-- The index of the audit log: added to and read. No right to change or delete a row.
GRANT SELECT, INSERT ON audit_logs, audit_batches, audit_records TO :"node";
-- Makes the table of a day, with the rights of the owner.
GRANT EXECUTE ON FUNCTION audit_prepare(bigint, bigint) TO :"node";
COMMIT;
