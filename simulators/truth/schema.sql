-- The record of one simulated plant. Times are microseconds since 1970-01-01T00:00Z, by the clock
-- of the machine concerned: what a perfect observer of that machine would report.

create table if not exists meta (key text primary key, value text not null) without rowid;

-- The tags that the server offers. `type`, `scale`, `offset`, `states` (JSON) and the registers
-- are for Modbus; `deadband` and `max_interval_s` are what the edge was told.
create table if not exists tag (
    tag_id integer primary key,
    path text not null unique,
    work_unit text not null,
    role text not null,
    is_text integer not null,
    type text not null,
    scale real not null,
    offset_value real not null,
    states text not null,
    first_register integer,
    register_count integer,
    deadband real,
    max_silence_s real not null
);

-- Each holds until the next of the work unit; the last one until `progress_us` in meta.
create table if not exists state_change (
    work_unit text not null,
    time_us integer not null,
    state text not null,
    mode text not null,
    order_number text not null,
    product text not null,
    stop_kind text,
    stop_reason text not null,
    primary key (work_unit, time_us)
) without rowid;

create table if not exists part (
    work_unit text not null,
    number integer not null,
    time_us integer not null,
    outcome text not null,
    product text not null,
    order_number text not null,
    primary key (work_unit, number)
) without rowid;

create table if not exists counter_event (
    work_unit text not null,
    role text not null,
    time_us integer not null,
    kind text not null check (kind in ('reset', 'wrap')),
    value_before integer not null,
    primary key (work_unit, role, time_us)
) without rowid;

create table if not exists order_event (
    work_unit text not null,
    number text not null,
    product text not null,
    planned_quantity integer not null,
    kind text not null check (kind in ('loaded', 'unloaded')),
    time_us integer not null,
    primary key (work_unit, number, kind)
) without rowid;

-- The calendar as the plant knows it; `shift_start_us` of a break is that of its shift.
create table if not exists planned_window (
    kind text not null check (kind in ('shift', 'break')),
    start_us integer not null,
    end_us integer not null,
    shift text not null,
    shift_start_us integer not null,
    primary key (kind, start_us)
) without rowid;

create table if not exists planned_run_time (
    work_unit text not null,
    product text not null,
    valid_from_us integer not null,
    valid_to_us integer,
    seconds real not null,
    primary key (work_unit, product, valid_from_us)
) without rowid;

-- OPC UA: every reading that was given out, once, whatever how often or how late.
create table if not exists issued (
    tag_id integer not null,
    source_us integer not null,
    value,
    quality integer not null,
    primary key (tag_id, source_us)
) without rowid;

-- Modbus: every snapshot of the registers that could be read, big-endian.
create table if not exists snapshot (
    source_us integer primary key,
    registers blob not null
);

-- Modbus: which registers of which snapshot each connection has read.
create table if not exists served (
    source_us integer not null,
    connection integer not null,
    first_register integer not null,
    register_count integer not null,
    wall_us integer not null,
    primary key (source_us, connection, first_register)
) without rowid;
