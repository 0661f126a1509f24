-- How often places have changed: who keeps the tree of places asks for this one number.
create table place_version (
    one boolean primary key default true check (one),
    version bigint not null
);

insert into place_version (version) values (1);

-- With the owner's rights: whoever changes a place does not write here by himself.
create function note_place_change() returns trigger
language plpgsql security definer
set search_path = public, pg_temp
as $$
begin
    update place_version set version = version + 1;
    return null;
end
$$;

revoke all on function note_place_change() from public;

create trigger place_changed
after insert or update or delete or truncate on place
for each statement execute function note_place_change();
