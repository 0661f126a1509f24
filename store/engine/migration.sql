-- name: lock
-- Held until the transaction ends; the number only has to be ours.
select pg_advisory_xact_lock(7461001)

-- name: lock_session
-- Held until the connection closes, for what cannot be done in a transaction.
select pg_advisory_lock(7461001)

-- name: has_history
-- Whether any migration has run here.
select to_regclass('schema_migration') is not null

-- name: create_history
-- What has run, and what it was.
create table if not exists schema_migration (
    number integer primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now()
)

-- name: history
-- By number, with what each was when it ran.
select number, checksum from schema_migration

-- name: record
-- Written in the transaction of the migration itself.
insert into schema_migration (number, name, checksum)
values (%(number)s, %(name)s, %(checksum)s)

-- name: has_role
-- Whether this server has a role.
select exists (select from pg_roles where rolname = %(role)s)

-- name: drop_views
-- What the logins of enterprises and of the department see.
drop schema if exists tenant, department cascade
