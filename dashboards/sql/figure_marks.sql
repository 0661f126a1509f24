-- What is said of the figures of the place and of all below it, as annotations: per hour up to four
-- days, per shift beyond. A machine's mark is not said again of its line and its site.
with said as (
    select r.window_start, r.window_end, s.path, s.shown_vi, s.flow, f.fault
    from oee_result r
    join place_shown s on s.place_id = r.place_id
    cross join lateral unnest(r.faults) f(fault)
    where
        (s.path = ${place:sqlstring} or starts_with(s.path, ${place:sqlstring} || '/'))
        and r.kind = case
            when $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '4 days' then 'hour'
            else 'shift'
        end
        and r.window_end > $__timeFrom() and r.window_start < $__timeTo()
),
own as (
    select a.window_start, a.window_end, a.flow, a.shown_vi, string_agg(a.fault, ', ') as faults
    from said a
    where not exists (
        select 1
        from said b
        where
            b.window_start = a.window_start and b.window_end = a.window_end and b.fault = a.fault
            and starts_with(b.path, a.path || '/')
    )
    group by a.window_start, a.window_end, a.flow, a.shown_vi, a.path
)
select
    window_start as time, window_end as "timeEnd",
    left(string_agg(shown_vi || ': ' || faults, E'\n' order by flow), 2000) as text,
    'mark' as tags
from own
group by window_start, window_end
order by window_start desc
limit 500
