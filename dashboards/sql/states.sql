-- Time elements of each machine; a stop that executes an order says of which kind it is. Neighbours
-- that are alike are one band. Where more than 5,000 bands would come, each step has the state
-- that took most of it. The last row of a machine has no state: it ends the last band.
with steps as (
    select
        case
            when $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '1 hour' then interval '1 minute'
            when $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '6 hours' then interval '5 minutes'
            when $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '1 day' then interval '15 minutes'
            when $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '4 days' then interval '1 hour'
            when $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '30 days' then interval '6 hours'
            else interval '1 day'
        end as step
),
known as (
    select
        s.path, s.shown_vi as name, s.flow, s.zone, i.start_time, i.end_time,
        case i.element when 'delay' then coalesce(i.stop_kind, i.element) else i.element end as state
    from state_interval i
    join place_shown s on s.place_id = i.work_unit_id
    where
        (s.path = ${place:sqlstring} or starts_with(s.path, ${place:sqlstring} || '/'))
        -- Rows are cut at hours, so none that began two hours before the range reaches into it.
        and i.start_time > $__timeFrom()::timestamptz - interval '2 hours'
        and i.start_time < $__timeTo() and i.end_time > $__timeFrom()
),
marked as (
    select
        known.*,
        state is distinct from lag(state) over machine
            or start_time is distinct from lag(end_time) over machine as begins
    from known
    window machine as (partition by path order by start_time)
),
numbered as (
    select marked.*, sum(begins::int) over (partition by path order by start_time) as band
    from marked
),
bands as (
    select
        path, name, flow, state, greatest(min(start_time), $__timeFrom()::timestamptz) as time,
        max(end_time) as until
    from numbered
    group by path, name, flow, state, band
),
ends as (
    select path, name, flow, max(until) as time
    from bands
    group by path, name, flow
),
split as (
    select
        known.path, known.name, known.flow, known.state, cut.time,
        sum(least(known.end_time, cut.time + step) - greatest(known.start_time, cut.time)) as lasted
    from known
    cross join steps
    cross join lateral generate_series(
        date_bin(step, known.start_time, timestamptz '2000-01-02 17:00:00+00'), known.end_time, step
    ) as cut (time)
    where cut.time < known.end_time and (select count(*) > 5000 from bands)
    group by known.path, known.name, known.flow, known.state, cut.time
),
most as (
    select distinct on (path, time) path, name, flow, state, time
    from split
    order by path, time, lasted desc, state
)
select time, path, name, state
from (
    select time, path, name, state, flow from bands where (select count(*) <= 5000 from bands)
    union all
    select time, path, name, state, flow from most
    union all
    select time, path, name, null, flow from ends
) shown
order by time, flow
