-- No login of an enterprise works for longer than it is allowed, whatever it sets for itself: the
-- service asks for this every so often. It works with the owner's rights, who is told what others do.
create function access.end_long_statements(longest interval) returns integer
language sql security definer
set search_path = access, pg_catalog, pg_temp
as $$
    select count(*) filter (where pg_cancel_backend(a.pid))::integer
    from pg_stat_activity a
    join access.tenant t on t.role_name = a.usename
    where
        a.datname = current_database() and a.state = 'active'
        and a.query_start < clock_timestamp() - longest
$$;

revoke all on function access.end_long_statements(interval) from public;
