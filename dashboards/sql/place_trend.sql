-- OEE, its factors and their coverage of one place, per window that was over; the newest 5,000.
-- Where something is said of them, OEE is `marked`.
select time, oee, availability, effectiveness, quality_ratio, coverage, marked
from (
    select
        r.window_start as time, r.oee, r.availability, r.effectiveness, r.quality_ratio, r.coverage,
        case when cardinality(r.faults) > 0 then coalesce(r.oee, 0) end as marked
    from oee_result r
    join place_shown s on s.place_id = r.place_id
    where
        s.path = ${place:sqlstring} and r.kind = ${kind:sqlstring}
        and r.window_end > $__timeFrom() and r.window_start < $__timeTo() and r.as_of >= r.window_end
    order by r.window_start desc
    limit 5000
) newest
order by time
