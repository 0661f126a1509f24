-- What a login of an enterprise was made with. Every login may change its own password and what its sessions
-- begin with, and would lock the service out: which lets it be as it was, and can do nothing else to it.
alter table access.tenant
add column word text,
add column settings text[] not null default '{}';

create function access.mend_tenant(login name) returns boolean
language plpgsql security definer
set search_path = access, pg_catalog, pg_temp
as $$
declare
    kept access.tenant;
    one text;
begin
    select t.* into kept from access.tenant t where t.role_name = login;
    if kept.word is null then
        return false;
    end if;
    -- A digest (SCRAM): nobody signs in with it.
    execute format('alter role %I password %L', login, kept.word);
    foreach one in array kept.settings loop
        execute format(
            'alter role %I set %I = %L', login, split_part(one, '=', 1), split_part(one, '=', 2)
        );
    end loop;
    return true;
end
$$;

revoke all on function access.mend_tenant(name) from public;
