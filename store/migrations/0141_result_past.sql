-- What final results said before they changed, whole: an answer that was given can be given again.
-- Since when a result is final is known from now on; of older ones, since they were last computed.
alter table oee_result add column final_since timestamptz;

create table oee_result_past (
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
    missing jsonb not null,
    faults text[] not null,
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
    run_time_coverage double precision,
    policy_version integer not null,
    formula_version text not null,
    as_of timestamptz not null,
    final_since timestamptz not null,
    -- From then on the result said something else, or was none any more.
    shown_until timestamptz not null
);

create index oee_result_past_place on oee_result_past (place_id, kind, window_start);
