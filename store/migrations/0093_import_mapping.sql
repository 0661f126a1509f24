-- How tables and messages of one source become documents; a person confirmed it once.

create table import_mapping (
    enterprise_id integer not null references place,
    name text not null,
    -- Everything that plant.mes.kinds.mapping.ImportMapping says beside its key.
    mapping jsonb not null,
    primary key (enterprise_id, name)
);
