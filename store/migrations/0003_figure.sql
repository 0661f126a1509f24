-- What analytics derives from measurements. All of it can be deleted and computed again.

-- The time of a work unit without gaps or overlaps, cut at hours, shifts and orders.
-- A stop as people see it is a run of neighbouring rows.
create table state_interval (
    work_unit_id integer not null references place,
    start_time timestamptz not null,
    end_time timestamptz not null check (end_time > start_time),
    -- Time element of ISO 22400; see plant.state.TimeElement.
    element text not null,
    -- PackML name as the machine gave it; null while unknown.
    state text,
    -- See plant.state.StopKind; null unless stopped.
    stop_kind text,
    stop_reason text,
    order_number text,
    product_code text,
    primary key (work_unit_id, start_time)
);

-- Stops, whole: not cut at hours or shifts. Kept by analytics from state_interval.
create table stop (
    work_unit_id integer not null references place,
    start_time timestamptz not null,
    -- Null while the stop lasts.
    end_time timestamptz,
    element text not null,
    state text,
    stop_kind text,
    stop_reason text,
    primary key (work_unit_id, start_time)
);

-- Additive base sums per work unit and slice; slices are cut at hours, shifts and orders.
create table base_sum (
    work_unit_id integer not null references place,
    slice_start timestamptz not null,
    slice_end timestamptz not null check (slice_end > slice_start),
    hour timestamptz not null,
    business_date date,
    shift text,
    shift_start timestamptz,
    shift_end timestamptz,
    order_number text,
    product_code text,
    calendar_ms bigint not null,
    pot_ms bigint not null,
    pbt_ms bigint not null,
    apt_ms bigint not null,
    aust_ms bigint not null,
    adet_ms bigint not null,
    adot_ms bigint not null,
    unknown_ms bigint not null,
    unscheduled_production_ms bigint not null,
    -- Null when a planned run time per item is missing.
    pri_pq_ms double precision,
    pri_gq_ms double precision,
    -- Null when nothing counts it.
    produced_quantity double precision,
    good_quantity double precision,
    scrap_quantity double precision,
    rework_quantity double precision,
    failure_events integer not null,
    energy_kwh double precision,
    -- Counter resets, wraps, replays seen while counting; see plant.kpi.
    marks text[] not null default '{}',
    policy_version integer not null,
    formula_version text not null,
    as_of timestamptz not null,
    primary key (work_unit_id, slice_start),
    check (pbt_ms = apt_ms + aust_ms + adet_ms + adot_ms + unknown_ms)
);

create index base_sum_shift on base_sum (work_unit_id, shift_start);

-- OEE per place (work unit, line, site) and window (hour, shift), ready to read.
create table oee_result (
    place_id integer not null references place,
    kind text not null check (kind in ('hour', 'shift')),
    window_start timestamptz not null,
    window_end timestamptz not null,
    business_date date,
    shift text,
    availability double precision,
    effectiveness double precision,
    quality_ratio double precision,
    oee double precision,
    coverage double precision,
    availability_low double precision,
    availability_high double precision,
    -- Why a ratio is null: {"quality_ratio": "nothing_produced"}.
    missing jsonb not null default '{}',
    faults text[] not null default '{}',
    pbt_ms bigint,
    apt_ms bigint,
    aust_ms bigint,
    adet_ms bigint,
    adot_ms bigint,
    unknown_ms bigint,
    produced_quantity double precision,
    good_quantity double precision,
    scrap_quantity double precision,
    rework_quantity double precision,
    failure_events integer,
    energy_kwh double precision,
    policy_version integer not null,
    formula_version text not null,
    as_of timestamptz not null,
    -- The window is over and everything measured in it has arrived.
    final boolean not null,
    primary key (place_id, kind, window_start)
);

create index oee_result_window on oee_result (kind, window_start, window_end);

-- What may become final next.
create index oee_result_open on oee_result (place_id, window_end) where not final;

-- The trail of published final figures that changed afterwards.
create table oee_restatement (
    restatement_id bigint generated always as identity primary key,
    place_id integer not null references place,
    kind text not null,
    window_start timestamptz not null,
    figure text not null,
    old_value double precision,
    new_value double precision,
    cause text not null,
    restated_at timestamptz not null
);
