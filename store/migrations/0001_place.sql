-- Places by ISA-95 and what is known about them before any machine speaks.

create table place (
    place_id integer generated always as identity primary key,
    parent_id integer references place,
    level text not null check (level in ('enterprise', 'site', 'area', 'work_center', 'work_unit')),
    path text not null unique,
    name_vi text not null,
    name_en text not null,
    -- Order among the children of one parent; along a line, the order of the flow.
    position integer not null default 0,
    -- Sites only: IANA name.
    time_zone text check (time_zone is null or level = 'site'),
    -- Work centres only.
    line_kind text check (line_kind in ('serial', 'parallel')),
    bottleneck_id integer references place
);

create index place_parent on place (parent_id);

-- Vendor state names to PackML names, per work unit.
create table state_map (
    work_unit_id integer not null references place,
    vendor_state text not null,
    packml_state text not null,
    primary key (work_unit_id, vendor_state)
);

-- The choices an OEE figure depends on. Rows are never changed: a new choice is a new version.
create table oee_policy (
    site_id integer not null references place,
    version integer not null,
    minor_stop_threshold_s double precision not null check (minor_stop_threshold_s >= 0),
    minor_stops_in text not null check (minor_stops_in in ('availability', 'effectiveness')),
    primary key (site_id, version)
);

create table product (
    product_id integer generated always as identity primary key,
    enterprise_id integer not null references place,
    code text not null,
    name_vi text not null,
    name_en text not null,
    unique (enterprise_id, code)
);

-- Planned run time per item (PRI). The latest row whose valid_from is not after the moment of
-- production holds, until its valid_to if it has one.
create table planned_run_time (
    product_id integer not null references product,
    work_unit_id integer not null references place,
    valid_from timestamptz not null,
    valid_to timestamptz check (valid_to > valid_from),
    seconds double precision not null check (seconds > 0),
    source text not null default '',
    primary key (product_id, work_unit_id, valid_from)
);

create table production_order (
    order_id integer generated always as identity primary key,
    site_id integer not null references place,
    work_center_id integer not null references place,
    number text not null,
    product_id integer not null references product,
    planned_quantity double precision not null check (planned_quantity > 0),
    planned_start timestamptz,
    planned_end timestamptz,
    unique (site_id, number)
);

-- Recurring shifts in the site's local time; an end not after the start lies on the next day.
create table shift_pattern (
    shift_pattern_id integer generated always as identity primary key,
    site_id integer not null references place,
    name text not null,
    start_local time not null,
    end_local time not null,
    -- Monday is 0.
    weekdays smallint[] not null,
    valid_from date not null,
    valid_to date not null,
    unique (site_id, name, valid_from)
);

create table shift_break (
    shift_pattern_id integer not null references shift_pattern on delete cascade,
    name text not null,
    start_local time not null,
    end_local time not null,
    primary key (shift_pattern_id, name)
);

create table stop_reason (
    stop_reason_id integer generated always as identity primary key,
    enterprise_id integer not null references place,
    code text not null,
    parent_code text,
    name_vi text not null,
    name_en text not null,
    unique (enterprise_id, code)
);
