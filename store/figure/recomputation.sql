-- name: units_at
-- Work units at or below a place, with from when until when their figures reach.
select
    unit.place_id,
    (select min(hour) from base_sum where work_unit_id = unit.place_id),
    (select max(slice_end) from base_sum where work_unit_id = unit.place_id)
from place unit
where
    unit.level = 'work_unit'
    and (%(place)s::text is null or unit.path = %(place)s or starts_with(unit.path, %(place)s || '/'))
order by unit.place_id

-- name: mark
-- Every hour with figures in the window is to be computed again.
insert into dirty_window (work_unit_id, hour, marked_at, cause)
select distinct work_unit_id, hour, %(now)s::timestamptz, 'recomputation'
from base_sum
where
    work_unit_id = any(%(units)s) and hour >= %(start)s::timestamptz - interval '1 hour'
    and hour < %(end)s and slice_end > %(start)s
on conflict (work_unit_id, hour) do update set
    revision = dirty_window.revision + 1, marked_at = excluded.marked_at, cause = excluded.cause

-- name: keep_base_sums
create temporary table base_sum_before on commit preserve rows as
select * from base_sum
where
    work_unit_id = any(%(units)s) and slice_start >= %(start)s and slice_end <= %(end)s

-- name: keep_state_intervals
create temporary table state_interval_before on commit preserve rows as
select * from state_interval
where
    work_unit_id = any(%(units)s) and start_time >= %(start)s and end_time <= %(end)s

-- name: keep_stops
create temporary table stop_before on commit preserve rows as
select * from stop
where
    work_unit_id = any(%(units)s) and start_time >= %(start)s and end_time <= %(end)s

-- name: keep_failures
create temporary table failure_before on commit preserve rows as
select * from failure
where
    work_unit_id = any(%(units)s) and start_time >= %(start)s and end_time <= %(end)s

-- name: compare_base_sums
-- Rows before, and rows that are in one set and not in the other; when a row was computed does
-- not count.
with before as (
    select to_jsonb(base_sum_before) - 'as_of' as content from base_sum_before
),
present as (
    select to_jsonb(base_sum) - 'as_of' as content from base_sum
    where work_unit_id = any(%(units)s) and slice_start >= %(start)s and slice_end <= %(end)s
)
select
    (select count(*) from before),
    (select count(*) from (select * from before except all select * from present) gone)
        + (select count(*) from (select * from present except all select * from before) come)

-- name: compare_state_intervals
-- See compare_base_sums.
with before as (
    select to_jsonb(state_interval_before) as content from state_interval_before
),
present as (
    select to_jsonb(state_interval) as content from state_interval
    where work_unit_id = any(%(units)s) and start_time >= %(start)s and end_time <= %(end)s
)
select
    (select count(*) from before),
    (select count(*) from (select * from before except all select * from present) gone)
        + (select count(*) from (select * from present except all select * from before) come)

-- name: compare_stops
-- See compare_base_sums.
with before as (
    select to_jsonb(stop_before) as content from stop_before
),
present as (
    select to_jsonb(stop) as content from stop
    where work_unit_id = any(%(units)s) and start_time >= %(start)s and end_time <= %(end)s
)
select
    (select count(*) from before),
    (select count(*) from (select * from before except all select * from present) gone)
        + (select count(*) from (select * from present except all select * from before) come)

-- name: compare_failures
-- See compare_base_sums.
with before as (
    select to_jsonb(failure_before) as content from failure_before
),
present as (
    select to_jsonb(failure) as content from failure
    where work_unit_id = any(%(units)s) and start_time >= %(start)s and end_time <= %(end)s
)
select
    (select count(*) from before),
    (select count(*) from (select * from before except all select * from present) gone)
        + (select count(*) from (select * from present except all select * from before) come)

-- name: forget_base_sums
drop table if exists base_sum_before

-- name: forget_state_intervals
drop table if exists state_interval_before

-- name: forget_stops
drop table if exists stop_before

-- name: forget_failures
drop table if exists failure_before
