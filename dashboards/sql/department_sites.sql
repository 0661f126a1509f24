-- The newest whole shift of each site, with its coverage.
select
    s.way_vi as name, r.window_start, r.oee, r.availability, r.effectiveness, r.quality_ratio,
    r.coverage, r.final
from place_shown s
left join lateral (
    select o.*
    from oee_result o
    where o.place_id = s.place_id and o.kind = 'shift' and o.window_end > $__timeFrom()
        and o.window_end <= $__timeTo() and o.as_of >= o.window_end
    order by o.window_start desc
    limit 1
) r on true
where s.level = 'site'
order by s.flow
limit 1000
