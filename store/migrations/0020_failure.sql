-- Failures are found once, by analytics, and read by everybody; and quantities in finished items,
-- of which a machine may make parts. Older rows are computed again: their hours are marked.

-- Failures by the policy in force; see plant.kpi.reliability. Kept by analytics from
-- state_interval.
create table failure (
    work_unit_id integer not null references place,
    start_time timestamptz not null,
    -- Null while nothing shows that it is over.
    end_time timestamptz check (end_time > start_time),
    -- Those of many machines and a month are read from the index alone.
    primary key (work_unit_id, start_time) include (end_time)
);

alter table base_sum
    -- Quantities by the parts that make a finished item; null where the quantity is.
    add column produced_items double precision,
    add column good_items double precision,
    add column scrap_items double precision,
    add column rework_items double precision;

insert into dirty_window (work_unit_id, hour, marked_at, cause)
select distinct work_unit_id, hour, now(), 'formula'
from base_sum
on conflict (work_unit_id, hour) do update set
    revision = dirty_window.revision + 1, marked_at = excluded.marked_at, cause = excluded.cause;
