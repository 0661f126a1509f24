-- The department's pilot programme: enterprises, records with their way through the offices, evidence,
-- consents, what was released, and who pulled it.

-- Criteria sets that were imported or edited; those that come with the project are not rows.
create table criteria_framework (
    -- identity@version
    edition text primary key check (edition ~ '^[^@]+@[0-9]+\.[0-9]+\.[0-9]+$'),
    document text not null,
    sha256 text not null,
    added_by text not null,
    added_at timestamptz not null
);

create table pilot_programme (
    programme_id integer generated always as identity primary key,
    code text not null unique,
    name_vi text not null,
    year integer not null check (year between 2020 and 2100),
    -- The edition that new assessments are made under.
    framework text not null,
    made_by text not null,
    made_at timestamptz not null
);

create table pilot_enterprise (
    programme_id integer not null references pilot_programme,
    -- The code of accounts and places; a surveyed enterprise need not have a place yet.
    enterprise text not null,
    name_vi text not null,
    tax_code text not null check (tax_code ~ '^[0-9]{10}(-[0-9]{3})?$'),
    -- The appendix of the department's plan.
    sector integer not null check (sector between 1 and 7),
    size text not null check (size in ('micro', 'small', 'medium', 'large')),
    commune text not null check (commune ~ '^[0-9]{5}$'),
    joined_at timestamptz not null,
    primary key (programme_id, enterprise),
    unique (programme_id, tax_code)
);

-- A version of a record. Its content is canonical JSON, whose SHA-256 each step names.
create table pilot_record (
    record_id bigint generated always as identity primary key,
    programme_id integer not null references pilot_programme,
    -- Null: of the whole programme.
    enterprise text,
    kind text not null,
    period text not null,
    version integer not null check (version > 0),
    supersedes bigint references pilot_record,
    status text not null check (status in ('draft', 'confirmed', 'reviewed', 'closed', 'withdrawn')),
    content text not null,
    sha256 text not null,
    made_by text not null,
    made_at timestamptz not null,
    changed_at timestamptz not null,
    foreign key (programme_id, enterprise) references pilot_enterprise
);

create unique index pilot_record_version
on pilot_record (programme_id, coalesce(enterprise, ''), kind, period, version);

create index pilot_record_enterprise on pilot_record (enterprise, kind);

-- Append-only; each is chained to the record's step before it.
create table pilot_step (
    record_id bigint not null references pilot_record,
    position integer not null check (position > 0),
    enterprise text,
    from_status text not null,
    to_status text not null,
    who text not null,
    office text not null,
    at timestamptz not null,
    comment text not null,
    sha256 text not null,
    hash text not null,
    primary key (record_id, position)
);

-- Figures as a record keeps them, canonical JSON.
create table pilot_evidence (
    record_id bigint not null references pilot_record,
    enterprise text not null,
    metric_code text not null,
    content text not null,
    sha256 text not null,
    primary key (record_id, metric_code)
);

-- What figures were computed from. It holds what single machines did: the enterprise's alone.
create table pilot_evidence_input (
    record_id bigint not null references pilot_record,
    enterprise text not null,
    metric_code text not null,
    content text not null,
    primary key (record_id, metric_code)
);

-- Machines of an asset register. The enterprise's alone; its record has numbers by department.
create table pilot_machine (
    record_id bigint not null references pilot_record,
    enterprise text not null,
    code text not null,
    name_vi text not null,
    department text not null,
    maker text not null default '',
    model text not null default '',
    made_in integer check (made_in between 1900 and 2200),
    -- Path of the place whose signals are this machine's; null while it is not connected.
    work_unit text,
    primary key (record_id, code)
);

create table pilot_attachment (
    attachment_id bigint generated always as identity primary key,
    record_id bigint not null references pilot_record,
    enterprise text,
    name text not null,
    media_type text not null,
    content bytea not null check (length(content) <= 5000000),
    sha256 text not null,
    added_by text not null,
    added_at timestamptz not null
);

create index pilot_attachment_record on pilot_attachment (record_id);

-- What an enterprise allows, per dataset and receiver; taken back by its end, never deleted.
create table pilot_consent (
    consent_id bigint generated always as identity primary key,
    programme_id integer not null references pilot_programme,
    enterprise text not null,
    dataset text not null,
    receiver text not null,
    -- counts: as one of several; figures: its own figures; named: its own figures by its name.
    detail text not null check (detail in ('counts', 'figures', 'named')),
    valid_from date not null,
    valid_to date check (valid_to > valid_from),
    given_by text not null,
    given_at timestamptz not null,
    withdrawn_by text,
    withdrawn_at timestamptz,
    foreign key (programme_id, enterprise) references pilot_enterprise
);

create index pilot_consent_enterprise on pilot_consent (enterprise, dataset);

-- Aggregates that passed disclosure control. The number is the cursor of those who pull.
create table pilot_release (
    release_id bigint generated always as identity primary key,
    programme_id integer not null references pilot_programme,
    dataset text not null,
    row_key text not null,
    content text not null,
    sha256 text not null,
    -- The enterprises whose records went in: what differences with other releases are judged by.
    contributors text[] not null,
    released_by text not null,
    released_at timestamptz not null,
    -- A row that is taken back is followed by one that says so.
    withdrawn boolean not null default false
);

create index pilot_release_dataset on pilot_release (dataset, release_id);

-- Who was given what, when; `enterprises` are those whose records went into the rows.
create table pilot_pull (
    pull_id bigint generated always as identity primary key,
    at timestamptz not null,
    consumer text not null,
    dataset text not null,
    way text not null,
    rows_given integer not null,
    first_release bigint,
    last_release bigint,
    correlation text not null,
    enterprises text[] not null
);

create index pilot_pull_enterprises on pilot_pull using gin (enterprises);

-- What a record said when it was closed stays.

create function pilot_record_guard() returns trigger
language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        raise exception 'records of the pilot are never deleted' using errcode = '23514';
    end if;
    if (new.record_id, new.programme_id, new.kind, new.period, new.version, new.made_by, new.made_at)
        is distinct from
        (old.record_id, old.programme_id, old.kind, old.period, old.version, old.made_by, old.made_at)
        or new.enterprise is distinct from old.enterprise
        or new.supersedes is distinct from old.supersedes then
        raise exception 'what a record is about never changes' using errcode = '23514';
    end if;
    if old.status = 'withdrawn' or (old.status = 'closed' and new.status <> 'withdrawn') then
        raise exception 'a record that is closed can only be withdrawn' using errcode = '23514';
    end if;
    if old.status = 'closed' and (new.content <> old.content or new.sha256 <> old.sha256) then
        raise exception 'the content of a closed record never changes' using errcode = '23514';
    end if;
    return new;
end
$$;

create trigger pilot_record_guard before update or delete on pilot_record
for each row execute function pilot_record_guard();

create function pilot_part_guard() returns trigger
language plpgsql as $$
declare
    id bigint := case when tg_op = 'DELETE' then old.record_id else new.record_id end;
begin
    if (select status from pilot_record where record_id = id) <> 'draft' then
        raise exception 'parts of a record change only while it is a draft' using errcode = '23514';
    end if;
    if tg_op = 'DELETE' then
        return old;
    end if;
    return new;
end
$$;

create trigger pilot_evidence_guard before insert or update or delete on pilot_evidence
for each row execute function pilot_part_guard();
create trigger pilot_evidence_input_guard before insert or update or delete on pilot_evidence_input
for each row execute function pilot_part_guard();
create trigger pilot_machine_guard before insert or update or delete on pilot_machine
for each row execute function pilot_part_guard();

create function pilot_trail_guard() returns trigger
language plpgsql as $$
begin
    raise exception 'rows of % are added, never changed', tg_table_name using errcode = '23514';
end
$$;

create trigger pilot_step_guard before update or delete on pilot_step
for each row execute function pilot_trail_guard();
create trigger pilot_attachment_guard before update or delete on pilot_attachment
for each row execute function pilot_trail_guard();
create trigger pilot_release_guard before update or delete on pilot_release
for each row execute function pilot_trail_guard();
create trigger pilot_pull_guard before update or delete on pilot_pull
for each row execute function pilot_trail_guard();
create trigger criteria_framework_guard before update or delete on criteria_framework
for each row execute function pilot_trail_guard();
