-- One signal: means, lowest and highest per step of the range, about 1,000 steps; from readings up to
-- two days, from minutes beyond. Bad readings are no values.
with asked as (
    select
        t.tag_id,
        case
            when $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '15 minutes' then interval '1 second'
            when $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '6 hours' then interval '30 seconds'
            when $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '2 days' then interval '5 minutes'
            when $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '15 days' then interval '30 minutes'
            else interval '6 hours'
        end as step,
        $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '2 days' as fine
    from tag t
    join place_shown u on u.place_id = t.work_unit_id
    where t.tag_id::text = ${tag:sqlstring} and u.path = ${place:sqlstring}
),
points as (
    select m.source_time as at, m.value as low, m.value as high, m.value as total, 1::bigint as number, a.step
    from asked a
    join measurement m on m.tag_id = a.tag_id and m.quality < 2 and m.value is not null
    where a.fine and m.source_time >= $__timeFrom() and m.source_time < $__timeTo()
    union all
    select m.minute, m.low, m.high, m.mean * m.samples, m.samples, a.step
    from asked a
    join measurement_minute m on m.tag_id = a.tag_id
    where not a.fine and m.minute >= $__timeFrom() and m.minute < $__timeTo()
)
select
    date_bin(step, at, timestamptz '2000-01-02 17:00:00+00') as time, min(low) as low,
    sum(total) / nullif(sum(number), 0) as mean, max(high) as high
from points
group by 1
order by 1
