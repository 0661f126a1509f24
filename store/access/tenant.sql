-- name: enterprises
-- Their codes.
select path from place where level = 'enterprise' order by path

-- name: enterprise_names
-- By their codes.
select path, name_vi from place where level = 'enterprise' order by path

-- name: present_tenants
-- Logins that were made before.
select role_name, enterprise from access.tenant

-- name: add_tenant
-- What a login sees, and what it was made with.
insert into access.tenant (role_name, enterprise, word, settings)
values (%(role)s, %(enterprise)s, %(word)s, %(settings)s)
on conflict (role_name) do update set word = excluded.word, settings = excluded.settings

-- name: mend
-- Whether there is such a login: it is as it was made.
select access.mend_tenant(%(role)s::name)

-- name: unlisted
-- Tables and views of the schema that say nothing of who may see them.
select c.relname
from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
and not c.relname = any(%(listed)s)
and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
order by 1

-- name: is_superuser
-- Sees and ends everything anyway, and is granted nothing.
select rolsuper from pg_roles where rolname = current_user

-- name: end_long_statements
-- How many there were.
select access.end_long_statements(%(longest)s)
