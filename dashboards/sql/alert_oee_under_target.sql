-- OEE of the last final shift of each line less its target; lines without a target are left out.
select distinct on (s.flow) s.shown_vi as name, s.path, (r.oee - target.planned_oee)::float8 as value
from oee_result r
join place_shown s on s.place_id = r.place_id
join lateral (
    select t.planned_oee
    from oee_target t
    join place_shown above on above.place_id = t.place_id
    where
        (s.path = above.path or starts_with(s.path, above.path || '/'))
        and t.valid_from <= r.window_start and coalesce(t.valid_to, 'infinity') > r.window_start
    order by length(above.path) desc, t.valid_from desc
    limit 1
) target on true
where
    s.level = 'work_center' and r.kind = 'shift' and r.final and r.oee is not null
    and r.window_end > now() - interval '2 days'
order by s.flow, r.window_start desc
