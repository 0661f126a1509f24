-- name: timescale_pre_restore
select timescaledb_pre_restore()

-- name: timescale_post_restore
select timescaledb_post_restore()

-- name: end_sessions
-- Of everybody but this session, in the database that is about to be renamed.
select pg_terminate_backend(pid, 10000) from pg_stat_activity
where datname = %(name)s and pid <> pg_backend_pid()

-- name: has_database
select exists (select from pg_database where datname = %(name)s)

-- name: newest_commit
-- What the backup is of; empty tables have none.
select max(last_commit_at) from delivery_ledger
