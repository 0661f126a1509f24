-- What is said of the figures of the range, of the place and of all below it: in how many hours, from
-- when to when, most hours first. A machine's mark is not said again of its line and its site.
with said as (
    select r.place_id, s.path, s.shown_vi, f.fault, r.window_start, r.window_end
    from oee_result r
    join place_shown s on s.place_id = r.place_id
    cross join lateral unnest(r.faults) f(fault)
    where
        (s.path = ${place:sqlstring} or starts_with(s.path, ${place:sqlstring} || '/'))
        and r.kind = 'hour' and r.window_end > $__timeFrom() and r.window_start < $__timeTo()
)
select
    a.shown_vi as name, a.path, a.fault as faults, count(*) as hours, min(a.window_start) as first,
    max(a.window_end) as last
from said a
where not exists (
    select 1
    from said b
    where b.window_start = a.window_start and b.fault = a.fault and starts_with(b.path, a.path || '/')
)
group by a.path, a.shown_vi, a.fault
order by count(*) desc, a.path, a.fault
limit 500
