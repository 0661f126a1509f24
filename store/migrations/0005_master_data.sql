-- What an MES or ERP knows beside the plant description: calendars with rotations and days off,
-- maintenance, lots, routings, quality, meters; and the trail of every correction.

-- Every change of master data: who, from where, why, and what it was before. Never changed.
create table master_data_event (
    event_id bigint generated always as identity primary key,
    recorded_at timestamptz not null,
    who text not null,
    -- The way in: file, topic, address or poll.
    source text not null,
    reason text not null default '',
    kind text not null,
    -- Path of the enterprise or site.
    scope text not null,
    -- The key fields and their values.
    key jsonb not null,
    action text not null check (action in ('created', 'changed', 'withdrawn')),
    old jsonb,
    new jsonb,
    check ((action = 'created') = (old is null)),
    check ((action = 'withdrawn') = (new is null))
);

create index master_data_event_kind on master_data_event (kind, scope, event_id);

-- Until where a foreign table has been read.
create table foreign_poll (
    name text primary key,
    high_water text not null,
    polled_at timestamptz not null
);

-- Who a row belongs to: the plant file, which may be loaded again, or an MES, which outranks it.
alter table product
    add column origin text not null default 'plant' check (origin in ('plant', 'mes'));
alter table stop_reason
    add column origin text not null default 'plant' check (origin in ('plant', 'mes'));
alter table place
    add column time_zone_origin text not null default 'plant'
        check (time_zone_origin in ('plant', 'mes'));
alter table planned_run_time
    add column origin text not null default 'plant' check (origin in ('plant', 'mes'));
alter table shift_pattern
    add column origin text not null default 'plant' check (origin in ('plant', 'mes'));
alter table production_order
    add column origin text not null default 'plant' check (origin in ('plant', 'mes')),
    add column status text not null default 'released'
        check (status in ('planned', 'released', 'running', 'finished', 'cancelled'));

-- The way of a product through the machines of a line.
create table routing_step (
    product_id integer not null references product,
    work_unit_id integer not null references place,
    position integer not null check (position > 0),
    -- Parts that the machine makes for one finished item.
    parts_per_item double precision not null check (parts_per_item > 0),
    valid_from timestamptz not null,
    valid_to timestamptz check (valid_to > valid_from),
    primary key (product_id, work_unit_id, valid_from)
);

create table lot (
    lot_id bigint generated always as identity primary key,
    site_id integer not null references place,
    number text not null,
    product_id integer not null references product,
    order_number text,
    quantity double precision check (quantity >= 0),
    started_at timestamptz,
    ended_at timestamptz check (ended_at > started_at),
    unique (site_id, number)
);

-- Days in a cycle, each with the names of the shifts that begin on it; see plant.calendar.Rotation.
create table shift_rotation (
    site_id integer not null references place,
    name text not null,
    valid_from date not null,
    valid_to date not null check (valid_to > valid_from),
    cycle jsonb not null,
    primary key (site_id, name, valid_from)
);

-- Local dates on which shifts do not begin as usual; see plant.calendar.DayOff.
create table holiday (
    site_id integer not null references place,
    day date not null,
    name_vi text not null,
    name_en text not null,
    -- Monday is 0.
    works_as smallint check (works_as between 0 and 6),
    keeps text[] not null default '{}',
    primary key (site_id, day)
);

create table planned_maintenance (
    site_id integer not null references place,
    number text not null,
    -- A machine, or a place whose machines are all meant.
    place_id integer not null references place,
    start_time timestamptz not null,
    end_time timestamptz not null check (end_time > start_time),
    description text not null default '',
    primary key (site_id, number)
);

create index planned_maintenance_place on planned_maintenance (place_id, start_time);

-- Why a part is scrapped or worked on again.
create table quality_reason (
    enterprise_id integer not null references place,
    outcome text not null check (outcome in ('scrap', 'rework')),
    code text not null,
    parent_code text,
    name_vi text not null,
    name_en text not null,
    primary key (enterprise_id, outcome, code)
);

-- What an inspection found on one part (serial number) or on a sample of a lot.
create table inspection (
    site_id integer not null references place,
    number text not null,
    work_unit_id integer not null references place,
    product_id integer not null references product,
    serial_number text,
    lot_number text,
    order_number text,
    attempt integer not null check (attempt > 0),
    result text not null check (result in ('good', 'scrap', 'rework')),
    quantity double precision not null check (quantity > 0),
    reason_code text,
    inspected_at timestamptz not null,
    produced_at timestamptz,
    recorded_at timestamptz not null,
    source text not null,
    primary key (site_id, number)
);

create index inspection_unit on inspection (work_unit_id, inspected_at);

create index inspection_serial on inspection (site_id, serial_number)
    where serial_number is not null;

-- Parts that counted as good when they were made. Amends the window of production.
create table scrap_booking (
    site_id integer not null references place,
    number text not null,
    work_unit_id integer not null references place,
    product_id integer not null references product,
    lot_number text,
    order_number text,
    outcome text not null check (outcome in ('scrap', 'rework')),
    quantity double precision not null check (quantity > 0),
    reason_code text,
    produced_at timestamptz not null,
    booked_at timestamptz not null,
    recorded_at timestamptz not null,
    source text not null,
    primary key (site_id, number)
);

create index scrap_booking_unit on scrap_booking (work_unit_id, produced_at);

create table energy_meter (
    site_id integer not null references place,
    code text not null,
    place_id integer not null references place,
    name_vi text not null,
    name_en text not null,
    -- Name of the tag at the site; edges may declare it later.
    tag_name text not null,
    carrier text not null,
    kwh_per_unit double precision not null check (kwh_per_unit > 0),
    valid_from timestamptz not null,
    valid_to timestamptz check (valid_to > valid_from),
    primary key (site_id, code, valid_from)
);
