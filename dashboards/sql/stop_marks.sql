-- Stops of a machine as annotations; one that lasts reaches to the end of the range.
select
    s.start_time as time, coalesce(s.end_time, $__timeTo()::timestamptz) as "timeEnd",
    coalesce(r.name_vi, s.stop_reason, 'Chưa rõ lý do · no reason yet') as text,
    coalesce(s.stop_kind, s.element) as tags
from stop s
join place_shown u on u.place_id = s.work_unit_id
left join place e on e.path = split_part(u.path, '/', 1)
left join stop_reason r on r.enterprise_id = e.place_id and r.code = s.stop_reason
where
    u.path = ${place:sqlstring} and s.start_time < $__timeTo()
    and coalesce(s.end_time, 'infinity') > $__timeFrom()
    and coalesce(s.end_time, $__timeTo()::timestamptz) - s.start_time >= interval '1 minute'
order by coalesce(s.end_time, $__timeTo()::timestamptz) - s.start_time desc
limit 500
