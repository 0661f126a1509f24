-- Minutes of the stop that each machine is in; 0 for one that is in none. Planned maintenance is no stop.
select
    s.shown_vi as name, s.path,
    coalesce(extract(epoch from now() - stop.start_time) / 60, 0)::float8 as value
from place_shown s
left join stop on stop.work_unit_id = s.place_id and stop.end_time is null and stop.element = 'delay'
where
    s.level = 'work_unit'
    and exists (select from base_sum b where b.work_unit_id = s.place_id and b.hour > now() - interval '1 day')
order by s.flow
