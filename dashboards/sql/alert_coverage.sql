-- Coverage of the last whole shift of each line within two days.
select distinct on (s.flow) s.shown_vi as name, s.path, r.coverage::float8 as value
from oee_result r
join place_shown s on s.place_id = r.place_id
where
    s.level = 'work_center' and r.kind = 'shift' and r.as_of >= r.window_end
    and r.coverage is not null and r.window_end > now() - interval '2 days'
order by s.flow, r.window_start desc
