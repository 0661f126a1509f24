-- What differs once any tag of a site does: whoever keeps the tags of a site asks for this one value,
-- however many they are. Drawn and not counted: a database that was set back counts the same numbers
-- once more, for other tags.
create table tag_version (
    site_id integer primary key,
    version uuid not null
);

insert into tag_version (site_id, version)
select site_id, gen_random_uuid() from (select distinct site_id from tag) as site;

-- With the owner's rights: whoever changes a tag does not write here by himself.
create function note_tag_change() returns trigger
language plpgsql security definer
set search_path = public, pg_temp
as $$
begin
    -- In the order of sites, so that of two who change tags of the same ones neither waits in vain.
    insert into tag_version (site_id, version)
    select site_id, gen_random_uuid()
    from (select distinct site_id from changed order by site_id) as site
    on conflict (site_id) do update set version = excluded.version;
    return null;
end
$$;

create function note_all_tags_change() returns trigger
language plpgsql security definer
set search_path = public, pg_temp
as $$
begin
    update tag_version set version = gen_random_uuid();
    return null;
end
$$;

revoke all on function note_tag_change(), note_all_tags_change() from public;

create trigger tag_inserted after insert on tag
referencing new table as changed for each statement execute function note_tag_change();
create trigger tag_updated after update on tag
referencing new table as changed for each statement execute function note_tag_change();
create trigger tag_deleted after delete on tag
referencing old table as changed for each statement execute function note_tag_change();
create trigger tag_emptied after truncate on tag
for each statement execute function note_all_tags_change();

-- Whether a tag is a meter's is read with it, and so is the path of its machine.
create trigger tag_meter_inserted after insert on energy_meter
referencing new table as changed for each statement execute function note_tag_change();
create trigger tag_meter_updated after update on energy_meter
referencing new table as changed for each statement execute function note_tag_change();
create trigger tag_meter_deleted after delete on energy_meter
referencing old table as changed for each statement execute function note_tag_change();
create trigger tag_meter_emptied after truncate on energy_meter
for each statement execute function note_all_tags_change();
create trigger tag_place_moved after update of path on place
for each statement execute function note_all_tags_change();
