-- name: failures_around
-- From the first beginning to the last end of failures that lie less than `apart` from a span; one
-- that lasts ends beyond all times. Failures are apart, so of those that begin before all this only
-- the last one can reach into it.
select
    min(start_time),
    max(coalesce(end_time, timestamptz '9999-01-01 00:00:00+00'))
from failure
where
    work_unit_id = %(unit)s and start_time <= %(end)s::timestamptz + %(apart)s::interval
    and (end_time is null or end_time >= %(start)s::timestamptz - %(apart)s::interval)
    and start_time >= coalesce((
        select start_time from failure
        where
            work_unit_id = %(unit)s
            and start_time < %(start)s::timestamptz - %(apart)s::interval
        order by start_time desc
        limit 1
    ), '-infinity')

-- name: stop_before
-- The last stop of some kinds that begins before a moment; of each kind by the index.
select s.start_time, coalesce(s.end_time, timestamptz '9999-01-01 00:00:00+00')
from unnest(%(kinds)s::text[]) as asked (kind)
cross join lateral (
    select start_time, end_time
    from stop
    where work_unit_id = %(unit)s and stop_kind = asked.kind and start_time < %(moment)s
    order by start_time desc
    limit 1
) s
order by s.start_time desc
limit 1

-- name: stop_after
-- The first stop of some kinds that begins at a moment or later.
select s.start_time, coalesce(s.end_time, timestamptz '9999-01-01 00:00:00+00')
from unnest(%(kinds)s::text[]) as asked (kind)
cross join lateral (
    select start_time, end_time
    from stop
    where work_unit_id = %(unit)s and stop_kind = asked.kind and start_time >= %(moment)s
    order by start_time
    limit 1
) s
order by s.start_time
limit 1

-- name: told_otherwise
-- The end of the first tile within a span in which a machine said, or setup showed, that it did
-- not stand in one of some kinds.
select end_time
from state_interval
where
    work_unit_id = %(unit)s and start_time >= %(start)s and start_time < %(end)s
    and (state is not null or element = 'setup')
    and (stop_kind is null or stop_kind <> all(%(kinds)s))
order by start_time
limit 1

-- name: delete_failures
delete from failure
where work_unit_id = %(unit)s and start_time >= %(start)s and start_time < %(end)s

-- name: insert_failures
insert into failure (work_unit_id, start_time, end_time, worked_ms)
select %(unit)s, each.*
from unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[], %(worked)s::bigint[]) as each

-- name: count_failures
-- How many failures began in each slice; the hours of those in which that is another number.
update base_sum b
set failure_events = counted.events
from (
    select s.slice_start, count(f.start_time) as events
    from base_sum s
    left join failure f
        on f.work_unit_id = s.work_unit_id and f.start_time >= s.slice_start
        and f.start_time < s.slice_end
    where
        s.work_unit_id = %(unit)s and s.slice_end > %(start)s and s.slice_start < %(end)s
        and s.slice_start > %(start)s::timestamptz - interval '1 hour'
    group by s.slice_start
) counted
where
    b.work_unit_id = %(unit)s and b.slice_start = counted.slice_start
    and b.failure_events <> counted.events
returning b.hour
