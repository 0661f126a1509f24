-- OEE of each site by shift, as the department may see it: no line, no machine.
select time, path, name, value, marked
from (
    select r.window_start as time, s.path, s.way_vi as name, r.oee as value, s.flow,
        case when cardinality(r.faults) > 0 then coalesce(r.oee, 0) end as marked
    from oee_result r
    join place_shown s on s.place_id = r.place_id
    where
        s.level = 'site' and r.kind = 'shift' and r.as_of >= r.window_end
        and r.window_end > $__timeFrom() and r.window_start < $__timeTo()
    order by r.window_start desc
    limit 5000
) newest
order by time, flow
