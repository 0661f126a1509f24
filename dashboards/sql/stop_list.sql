-- The longest stops of the range, each with its reason.
select
    u.shown_vi as name, u.path, s.start_time as start, s.end_time as "end",
    extract(epoch from coalesce(s.end_time, $__timeTo()::timestamptz) - s.start_time)::float8 as lasted_s,
    coalesce(s.stop_kind, s.element) as state, coalesce(r.name_vi, s.stop_reason) as reason
from stop s
join place_shown u on u.place_id = s.work_unit_id
left join place e on e.path = split_part(u.path, '/', 1)
left join stop_reason r on r.enterprise_id = e.place_id and r.code = s.stop_reason
where
    (u.path = ${place:sqlstring} or starts_with(u.path, ${place:sqlstring} || '/'))
    and s.element in ('delay', 'down', 'setup')
    and s.start_time < $__timeTo() and coalesce(s.end_time, 'infinity') > $__timeFrom()
order by lasted_s desc
limit 100
