-- OEE of each line below the place, per window that was over; the newest 5,000 figures. Where
-- something is said of one, it is `marked`.
select time, path, name, value, marked
from (
    select r.window_start as time, s.path, s.shown_vi as name, r.oee as value, s.flow,
        case when cardinality(r.faults) > 0 then coalesce(r.oee, 0) end as marked
    from oee_result r
    join place_shown s on s.place_id = r.place_id
    where
        (s.path = ${place:sqlstring} or starts_with(s.path, ${place:sqlstring} || '/'))
        and s.level = 'work_center' and r.kind = ${kind:sqlstring}
        and r.window_end > $__timeFrom() and r.window_start < $__timeTo() and r.as_of >= r.window_end
    order by r.window_start desc
    limit 5000
) newest
order by time, flow
