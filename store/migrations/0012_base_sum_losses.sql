-- What losses, energy and the roll-up of serial lines need beside the sums that were there.
-- Older rows are computed again: their hours are marked.

alter table base_sum
    add column planned_break_ms bigint not null default 0,
    add column planned_maintenance_ms bigint not null default 0,
    add column planned_setup_ms bigint not null default 0,
    -- The part of adet_ms in breakdowns.
    add column breakdown_ms bigint not null default 0,
    -- Good quantity by the planned run time of its product at the line's bottleneck; null when
    -- that is missing.
    add column line_pri_gq_ms double precision,
    -- Rejects made while setting up, by planned run time.
    add column start_up_pri_ms double precision,
    add column idle_energy_kwh double precision;

insert into dirty_window (work_unit_id, hour, marked_at)
select distinct work_unit_id, hour, now()
from base_sum
on conflict (work_unit_id, hour) do update set
    revision = dirty_window.revision + 1, marked_at = excluded.marked_at;

create index base_sum_order on base_sum (work_unit_id, order_number);
