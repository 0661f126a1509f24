-- As much as can be known: parts without a planned run time, parts of unknown time, scrap by the pace
-- of the line; a planned run time and a life per machine.

alter table place
    -- Planned run time per item of a machine that does not tell its product.
    add column planned_run_time_s double precision check (planned_run_time_s > 0),
    -- From when until when a machine counts, however silent; null: since its line began, for good.
    add column in_service_from timestamptz,
    add column in_service_until timestamptz;

alter table base_sum
    -- Of PQ (of GQ where only good parts are counted) what has no planned run time, in items.
    add column unpriced_items double precision,
    -- Of pri_pq_ms what was made in unknown time, and what was counted while the machine stood.
    add column unseen_pri_pq_ms double precision,
    add column stopped_pri_pq_ms double precision,
    -- Scrap times the planned run time of its product at the line's bottleneck.
    add column line_pri_sq_ms double precision;

alter table oee_result
    -- Share of the parts whose product has a planned run time.
    add column run_time_coverage double precision;

-- Slices with marks are few; they are sought alone.
create index base_sum_marked on base_sum (work_unit_id, slice_start) where marks <> '{}';

insert into dirty_window (work_unit_id, hour, marked_at, cause)
select distinct work_unit_id, hour, now(), 'formula'
from base_sum
on conflict (work_unit_id, hour) do update set
    revision = dirty_window.revision + 1, marked_at = excluded.marked_at, cause = excluded.cause;
