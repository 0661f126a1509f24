-- What was counted minute by minute in slices that counted anything: a window that cuts one is exact.

create table minute_sum (
    work_unit_id integer not null references place,
    slice_start timestamptz not null,
    -- Over how long a counter tells more than one part at once (the median): counts are no finer.
    coarse_ms bigint not null,
    -- For each minute from that of the slice's start on, a float8
    -- (little-endian): what the column of the same name of `base_sum` is the sum of. Null where that
    -- is null or nothing was counted.
    produced_quantity bytea,
    good_quantity bytea,
    scrap_quantity bytea,
    rework_quantity bytea,
    energy_kwh bytea,
    idle_energy_kwh bytea,
    start_up_pri_ms bytea,
    unseen_pri_pq_ms bytea,
    stopped_pri_pq_ms bytea,
    inspected_parts bytea,
    good_at_first_parts bytea,
    rework_found_parts bytea,
    primary key (work_unit_id, slice_start)
);

insert into dirty_window (work_unit_id, hour, marked_at, cause)
select distinct work_unit_id, hour, now(), 'formula'
from base_sum
on conflict (work_unit_id, hour) do update set
    revision = dirty_window.revision + 1, marked_at = excluded.marked_at, cause = excluded.cause;
